//! Fields of headers that share bytes, as far as they limit what one action does.
//!
//! Parser and deparser move whole bytes, so such fields share a container, and an action ALU fills a
//! container from two sources: other containers, the container itself where some of it stays, and
//! data. Statements that could happen at once but for this become two tables. This decides where a
//! table is divided, never what it means.

use std::collections::HashSet;

use p4rmt_ir::{Expr, FieldId, FieldKind, Gress, Id};

use crate::simplify::Fields;
use crate::symbolic::Values;

/// Sources that an action ALU combines.
const SOURCES_MAX: usize = 2;

/// Fields that share bytes, those that hang together in one list.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedBytes {
    groups: Vec<Vec<FieldId>>,
}

impl SharedBytes {
    /// Those of all headers of a gress.
    pub(crate) fn of(gress: &Gress) -> Self {
        let mut groups = Vec::new();
        for header in gress.headers.values() {
            let mut group = Vec::new();
            let mut offset = 0_u32;
            for field in &header.fields {
                group.push(*field);
                offset = offset.saturating_add(gress.fields[*field].width);
                if offset.is_multiple_of(8) {
                    let fields = std::mem::take(&mut group);
                    if fields.len() > 1 {
                        groups.push(fields);
                    }
                }
            }
        }
        Self { groups }
    }

    /// Whether an action can give these values to fields that share bytes.
    pub(crate) fn can_hold(&self, values: &Values, fields: &Fields) -> bool {
        // Fields of one header may lie in one container.
        let container = |field: FieldId| match fields[field].kind {
            FieldKind::Header(header) => (true, header.index()),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => (false, field.index()),
        };
        self.groups.iter().all(|group| {
            let mut sources: HashSet<(bool, usize)> = HashSet::new();
            let (mut has_data, mut keeps, mut writes) = (false, false, false);
            for field in group {
                let mut is_written = false;
                for value in values.of_field(*field) {
                    is_written = true;
                    let mut reads_field = false;
                    value.walk(&mut |part| {
                        if let Expr::Field(source) = part {
                            reads_field = true;
                            if group.contains(source) {
                                keeps = true;
                            } else {
                                sources.insert(container(*source));
                            }
                        }
                    });
                    has_data |= !reads_field;
                }
                writes |= is_written;
                keeps |= !is_written;
            }
            let n_sources = sources.len() + usize::from(has_data) + usize::from(keeps);
            !writes || n_sources <= SOURCES_MAX
        })
    }
}
