//! What v1model alone has: its calls, its controls, implementations of tables.

use super::{Checker, Part, Rule, Scope};
use crate::{Cloned, Control, ControlRole, Datum, FieldKind, GressRole, Table, V1Call};

impl Checker<'_> {
    /// Checks that a body has the controls of its gress, in order.
    pub(super) fn control_roles(&mut self, controls: &[Control]) {
        let found: Vec<ControlRole> = controls.iter().map(|control| control.role).collect();
        let (gress, expected): (_, &[ControlRole]) = match self.gress.role {
            GressRole::Ingress | GressRole::Egress => ("gress", &[ControlRole::Sole]),
            GressRole::Whole => (
                "whole gress",
                &[
                    ControlRole::Verify,
                    ControlRole::Ingress,
                    ControlRole::Egress,
                    ControlRole::Compute,
                ],
            ),
        };
        if found != expected {
            self.fail(Rule::WrongControls { gress, found });
        }
    }

    /// Checks where a call stands.
    pub(super) fn v1_place(&mut self, call: &V1Call, part: Part) {
        let in_control = matches!(part, Part::Control | Part::Action);
        // An action stands for itself: any control may call it.
        let is_in = |role| match self.control {
            Some(found) => found == role,
            None => part == Part::Action,
        };
        let is_right = match call {
            V1Call::Clone { of, .. } => is_in(match of {
                Cloned::Received => ControlRole::Ingress,
                Cloned::Deparsed => ControlRole::Egress,
            }),
            V1Call::Resubmit { .. } => is_in(ControlRole::Ingress),
            V1Call::Recirculate { .. } => is_in(ControlRole::Egress),
            V1Call::Truncate { .. } => in_control,
            V1Call::Hash { with_payload, .. } => in_control || !with_payload,
            V1Call::Log { .. } | V1Call::Claim { .. } => true,
        };
        let has_parts = part != Part::RegisterAction && part != Part::Table;
        if !is_right || !has_parts || self.gress.role != GressRole::Whole {
            self.misplaced(call.name(), part);
        }
    }

    /// Checks what a call names; the widths of its results if they can be told.
    pub(super) fn v1_call(&mut self, call: &V1Call, scope: Scope<'_>) -> Option<Vec<u32>> {
        let gress = self.gress;
        for field in call.fields() {
            self.known(&gress.fields, field);
        }
        match call {
            V1Call::Clone { session: arg, .. } | V1Call::Truncate { length: arg } => {
                let n_before = self.violations.len();
                let width = self.expr(arg, scope);
                // They were reported when the arguments were checked.
                self.violations.truncate(n_before);
                self.same_width("a session or length", width, Some(32));
            }
            V1Call::Resubmit { .. } | V1Call::Recirculate { .. } | V1Call::Log { .. } => {}
            V1Call::Claim { cond, .. } => {
                let n_before = self.violations.len();
                let width = self.expr(cond, scope);
                self.violations.truncate(n_before);
                self.same_width("a condition", width, Some(1));
            }
            V1Call::Hash { hash, data, .. } => {
                for datum in data {
                    self.datum(datum);
                }
                return Some(vec![self.known(&gress.hashes, *hash)?.width]);
            }
        }
        Some(Vec::new())
    }

    fn datum(&mut self, datum: &Datum) {
        let Datum::Varbit { width, .. } = datum else {
            return;
        };
        if let Some(found) = self.gress.fields.get(*width)
            && (!matches!(found.kind, FieldKind::VarbitWidth(_)) && found.kind != FieldKind::Local
                || found.width != 32)
        {
            let field = width.to_string();
            let what = "a varbit width";
            self.fail(Rule::WrongKind { field, what });
        }
    }

    /// Checks the implementation of a table.
    pub(super) fn implementation(&mut self, table: &Table) {
        let gress = self.gress;
        if let Some(profile) = table.implementation {
            self.known(&gress.profiles, profile);
        }
    }
}
