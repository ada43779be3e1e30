//! How long the headers of a packet are.

use p4rmt_ir::{Block, FieldId, Gress, HeaderId, StmtKind};

/// The headers of a gress that its deparser emits: those that make up a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacketHeaders {
    headers: Vec<HeaderLength>,
}

/// What the length of a header comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeaderLength {
    valid: FieldId,
    /// Without its varbit field.
    fixed_bits: u64,
    /// The field that says how wide its varbit field is.
    varbit_width: Option<FieldId>,
}

impl PacketHeaders {
    /// Those of a gress.
    #[must_use]
    pub fn new(gress: &Gress) -> Self {
        let mut ids = emitted_headers(gress);
        ids.sort_unstable();
        ids.dedup();
        let headers = ids.into_iter().filter_map(|id| {
            let header = gress.headers.get(id)?;
            let varbit = header.varbit.map(|(field, _)| field);
            let fixed = header.fields.iter().filter(|field| Some(**field) != varbit);
            Some(HeaderLength {
                valid: header.valid,
                fixed_bits: fixed.map(|id| u64::from(gress.fields[*id].width)).sum(),
                varbit_width: header.varbit.map(|(_, width)| width),
            })
        });
        Self {
            headers: headers.collect(),
        }
    }

    /// Of each header the field that says whether it is valid, its bits without its varbit field, and
    /// the field that says how wide that is.
    pub fn lengths(&self) -> impl Iterator<Item = (FieldId, u64, Option<FieldId>)> {
        let lengths = self.headers.iter();
        lengths.map(|header| (header.valid, header.fixed_bits, header.varbit_width))
    }

    /// How many bits the valid ones have together, where fields have these values.
    #[must_use]
    pub fn n_bits(&self, value: impl Fn(FieldId) -> u64) -> u64 {
        let valid = self
            .headers
            .iter()
            .filter(|header| value(header.valid) == 1);
        valid
            .map(|header| header.fixed_bits + header.varbit_width.map_or(0, &value))
            .sum()
    }
}

/// The headers that the deparser of a gress emits: one for each statement.
#[must_use]
pub fn emitted_headers(gress: &Gress) -> Vec<HeaderId> {
    let mut headers = Vec::new();
    emitted(&gress.deparser.body, &mut headers);
    headers
}

fn emitted(block: &Block, headers: &mut Vec<HeaderId>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Emit { header } => headers.push(*header),
            StmtKind::If {
                then, otherwise, ..
            } => {
                emitted(then, headers);
                emitted(otherwise, headers);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => emitted(body, headers),
            StmtKind::Apply { arms, .. } => {
                arms.iter().for_each(|arm| emitted(&arm.body, headers));
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. } => {}
        }
    }
}
