//! Actions of tables: arguments that the list binds, and action data.

use p4rmt_ir::{Action, ActionId, Block, Expr, Param};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Direction};
use p4rmt_typing::{ArgSource, Callee, DeclId};

use crate::args::Arg;
use crate::convert::assembled;
use crate::lower::{Lower, Unit};
use crate::scope::{ActionObject, Binding, Object};
use crate::types::{RecordKind, Type};
use crate::value::Value;

/// An action in a table's list.
pub(crate) struct Listed {
    /// Its declaration.
    pub(crate) decl: DeclId,
    /// Which in the IR.
    pub(crate) id: ActionId,
}

impl<'a> Lower<'a> {
    /// An action in the list of a table.
    pub(super) fn listed_action(&mut self, action: &'a ast::ActionRef) -> Option<Listed> {
        let call = self.typed.action_call(action)?;
        let Callee::Action(decl) = call.callee else {
            return None;
        };
        let Binding::Object(Object::Action(object)) = self.binding(decl) else {
            return None;
        };
        let id = self.table_action(&object, &call.args, action.span)?;
        Some(Listed { decl, id })
    }

    /// The action of the structured form: one for all tables, unless arguments are bound to it.
    fn table_action(
        &mut self,
        object: &ActionObject<'a>,
        bound: &[ArgSource<'a>],
        span: Span,
    ) -> Option<ActionId> {
        let is_shared = !bound
            .iter()
            .any(|source| matches!(source, ArgSource::Given(_)));
        let key = (std::ptr::from_ref(object.decl), object.scope);
        if is_shared && let Some(known) = self.lowered_actions.get(&key) {
            return *known;
        }
        let made = self.make_action(object, bound, span);
        if is_shared {
            self.lowered_actions.insert(key, made);
        }
        made
    }

    fn make_action(
        &mut self,
        object: &ActionObject<'a>,
        bound: &[ArgSource<'a>],
        span: Span,
    ) -> Option<ActionId> {
        let mut args = Vec::new();
        let mut params = Vec::new();
        let mut is_good = true;
        let mut before = Block::new();
        for (position, param) in object.head.params.iter().enumerate() {
            let outer = std::mem::replace(&mut self.scope, object.scope);
            let ty = self.concrete(param.ty, param.span);
            self.scope = outer;
            if ty.is_poison() {
                is_good = false;
                continue;
            }
            if param.direction == Direction::None {
                match self.action_data(param.name, &ty, &mut params) {
                    Some(value) => args.push(Arg::Value(value)),
                    None => {
                        let expected = "action data: numbers, or structs of them";
                        self.mismatch(param.span, expected, &ty);
                        is_good = false;
                    }
                }
                continue;
            }
            let mut arg = Arg::Omitted;
            let outer = std::mem::replace(&mut self.unit, Unit::Action);
            let statements = self.block_of(|lower| {
                if let Some(ArgSource::Given(given)) = bound.get(position) {
                    arg = lower.argument(param.direction, given, &ty);
                }
            });
            self.unit = outer;
            let mark = before.len();
            before.extend(statements);
            self.blocks.push(std::mem::take(&mut before));
            for earlier in &mut args {
                if let Arg::Value(value) = earlier {
                    self.settle(value, mark, span);
                }
            }
            before = self.blocks.pop().unwrap_or_default();
            is_good &= !arg.is_poison();
            args.push(arg);
        }
        if !is_good {
            return None;
        }
        let inlined = self.inline_action(object, (&args, &[]), span)?;
        let mut body = before;
        body.extend(inlined);
        Some(self.gress.actions.push(Action {
            name: object.path.clone(),
            params,
            body,
            span: object.decl.span,
        }))
    }

    /// What stands for action data in the body: a parameter for each scalar of it.
    fn action_data(&mut self, name: &str, ty: &Type, params: &mut Vec<Param>) -> Option<Value> {
        if let Some(width) = ty.scalar_width() {
            let index = u32::try_from(params.len()).ok()?;
            params.push(Param {
                name: name.to_owned(),
                width,
            });
            return Some(Value::scalar(ty.clone(), Expr::Param { index, width }));
        }
        let names: Vec<String> = match ty.without_newtypes() {
            Type::Record(record) if record.kind == RecordKind::Struct => record
                .fields
                .iter()
                .map(|field| format!("{name}.{}", field.name))
                .collect(),
            Type::Tuple(types) => (0..types.len()).map(|at| format!("{name}[{at}]")).collect(),
            _ => return None,
        };
        let types = ty.elements()?;
        let mut fields = Vec::new();
        for (name, ty) in names.iter().zip(&types) {
            fields.push(self.action_data(name, ty, params)?);
        }
        Some(assembled(ty, fields))
    }

    /// `NoAction`, and the action that it is declared as, if it is.
    pub(super) fn no_action(&mut self) -> (Option<DeclId>, ActionId) {
        let declared = self.typed.top_level("NoAction");
        if let Some(id) = self.no_action {
            return (declared, id);
        }
        if let Some(declared) = declared
            && let Binding::Object(Object::Action(object)) = self.binding(declared)
            && let Some(id) = self.table_action(&object, &[], object.decl.span)
        {
            return (Some(declared), id);
        }
        let id = self.gress.actions.push(Action {
            name: "NoAction".to_owned(),
            params: Vec::new(),
            body: Block::new(),
            span: Span::NONE,
        });
        self.no_action = Some(id);
        (declared, id)
    }
}
