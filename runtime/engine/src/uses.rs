//! Which fields a gress reads, and which it writes beside extracting them.

use p4rmt_ir::{
    Block, Body, Call, CallKind, Datum, Expr, FieldId, Gress, Id, Place, StmtKind, Transition,
    V1Call,
};

use crate::reads::{walk_block, walk_bodies};

/// What a gress does with its fields, beside extracting and emitting the headers that they are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldUses {
    /// At how many places of the program.
    n_reads: Vec<u32>,
    /// At how many of them as data of a hash.
    n_hashed: Vec<u32>,
    is_written: Vec<bool>,
}

impl FieldUses {
    /// Of a gress, all its parts together.
    #[must_use]
    pub fn new(gress: &Gress) -> Self {
        let mut uses = Self {
            n_reads: vec![0; gress.fields.len()],
            n_hashed: vec![0; gress.fields.len()],
            is_written: vec![false; gress.fields.len()],
        };
        walk_bodies(gress, &mut |expr| uses.read_all_of(expr));
        for state in gress.parser.states.values() {
            walk_block(&state.body, &mut |expr| uses.read_all_of(expr));
            if let Transition::Select { keys, .. } = &state.transition {
                keys.iter().for_each(|key| uses.read_all_of(key));
            }
            uses.block(&state.body);
        }
        uses.block(&gress.deparser.body);
        match &gress.body {
            Body::Structured(body) => {
                for control in &body.controls {
                    uses.block(&control.body);
                }
                for action in body.actions.values() {
                    uses.block(&action.body);
                }
            }
            Body::Tables(body) => {
                for action in body.actions.values() {
                    action.calls.iter().for_each(|(call, _)| uses.call(call));
                    for assign in &action.assigns {
                        uses.write_to(&assign.dst);
                    }
                }
            }
        }
        uses
    }

    /// Whether a value of the field counts for anything but for the header that it is of.
    #[must_use]
    pub fn is_read(&self, field: FieldId) -> bool {
        self.n_reads[field.index()] > 0
    }

    /// At how many places of the program it is read, but for those where it is data of a hash or a check sum.
    #[must_use]
    pub fn n_single_reads(&self, field: FieldId) -> u32 {
        let index = field.index();
        self.n_reads[index].saturating_sub(self.n_hashed[index])
    }

    /// Whether it may get a value that was not extracted.
    #[must_use]
    pub fn is_written(&self, field: FieldId) -> bool {
        self.is_written[field.index()]
    }

    /// Somebody else reads the field, too.
    pub fn read(&mut self, field: FieldId) {
        self.n_reads[field.index()] += 1;
    }

    /// Somebody else writes the field, too.
    pub fn write(&mut self, field: FieldId) {
        self.is_written[field.index()] = true;
    }

    fn read_all_of(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| {
            if let Expr::Field(field) = expr {
                self.read(*field);
            }
        });
    }

    fn write_to(&mut self, place: &Place) {
        match place {
            Place::Field(field) => self.write(*field),
            // What is beside the slice stays.
            Place::FieldSlice { field, .. } => {
                self.read(*field);
                self.write(*field);
            }
            Place::Local(_) | Place::LocalSlice { .. } => {}
        }
    }

    fn call(&mut self, call: &Call) {
        call.outs
            .iter()
            .flatten()
            .for_each(|place| self.write_to(place));
        if let CallKind::V1(call) = &call.kind {
            call.fields().into_iter().for_each(|field| self.read(field));
            if let V1Call::Hash { data, .. } = call {
                for value in data.iter().filter_map(Datum::value) {
                    if let Expr::Field(field) = value {
                        self.n_hashed[field.index()] += 1;
                    }
                }
            }
        }
    }

    fn block(&mut self, block: &Block) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign { dst, .. } => self.write_to(dst),
                StmtKind::Call(call) => self.call(call),
                StmtKind::If {
                    then, otherwise, ..
                } => {
                    self.block(then);
                    self.block(otherwise);
                }
                StmtKind::Apply { arms, .. } => arms.iter().for_each(|arm| self.block(&arm.body)),
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => self.block(body),
                StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::GressRole;
    use p4rmt_ir::build::{GressBuilder, assign, constant};

    use super::*;

    #[test]
    fn fields_are_read_and_written_by_statements() {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let (_, fields) = gress.header("h", &[("read", 8), ("written", 8), ("neither", 8)]);
        let gress = gress.structured(vec![
            assign(fields[1], Expr::Field(fields[0])),
            assign(fields[1], constant(8, 1)),
        ]);
        let uses = FieldUses::new(&gress);
        let found = fields
            .iter()
            .map(|f| (uses.is_read(*f), uses.is_written(*f)));
        let found: Vec<(bool, bool)> = found.collect();
        assert_eq!(found, [(true, false), (false, true), (false, false)]);
    }
}
