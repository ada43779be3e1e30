//! What no pipe reaches is checked all the same, and dropped: tables that are never applied, actions
//! that nothing calls, parsers and controls without an instance.

use p4rmt_syntax::ast::{self, ControlLocal};

use crate::args::Arg;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Object};
use crate::types::Type;
use crate::value::Value;

impl<'a> Lower<'a> {
    /// Lowers something for its mistakes alone.
    pub(crate) fn check_only(&mut self, check: impl FnOnce(&mut Self)) {
        let gress = self.gress.clone();
        let tables = self.lowered_tables.clone();
        let actions = self.lowered_actions.clone();
        let applied = self.applied.clone();
        let n_statements = self.n_statements;
        self.block_of(check);
        self.gress = gress;
        self.lowered_tables = tables;
        self.lowered_actions = actions;
        self.applied = applied;
        self.n_statements = n_statements;
    }

    /// Checks the tables and actions of the current scope's control that nothing used.
    pub(crate) fn check_unused(&mut self, decl: &'a ast::Control) {
        if self.is_exhausted() {
            return;
        }
        let unused: Vec<&'a ast::Name> = decl
            .locals
            .iter()
            .filter_map(|local| match local {
                ControlLocal::Table(table) => Some(&table.name),
                ControlLocal::Action(action) => Some(&action.name),
                ControlLocal::Const(_)
                | ControlLocal::Variable(_)
                | ControlLocal::Instantiation(_) => None,
            })
            .collect();
        let scope = self.scope;
        let objects: Vec<Object<'a>> = unused
            .into_iter()
            .filter_map(|name| match self.scopes.lookup_here(scope, &name.text) {
                Some(Binding::Object(object)) => Some(object.clone()),
                _ => None,
            })
            .collect();
        self.check_only(|lower| {
            for object in objects {
                match object {
                    Object::Table(table) if lower.unit == Unit::Control => {
                        lower.lower_table(&table);
                    }
                    Object::Action(action) => {
                        let args: Option<Vec<Arg<'a>>> = action
                            .decl
                            .params
                            .iter()
                            .map(|param| lower.stand_in(param, action.scope))
                            .collect();
                        if let Some(args) = args {
                            lower.inline_action(&action, &args, action.decl.span);
                        }
                    }
                    _ => {}
                }
            }
        });
    }

    /// An argument that is good enough to check with.
    fn stand_in(
        &mut self,
        param: &'a ast::Parameter,
        scope: crate::scope::ScopeId,
    ) -> Option<Arg<'a>> {
        let ty = self.type_in(scope, &param.ty);
        if ty.is_poison() || matches!(ty, Type::Object { .. }) {
            return None;
        }
        let storage = self.variable(&param.name.text, &ty, param.span)?;
        Some(if crate::call::is_written(param) {
            Arg::Place(ty, storage)
        } else {
            Arg::Value(Value::place(ty, storage))
        })
    }
}
