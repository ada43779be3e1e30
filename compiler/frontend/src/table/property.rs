//! Properties of tables that the architecture defines, and the direct externs of a table's actions.

use p4rmt_ir::{
    Arena, Block, CallKind, CounterId, GressRole, MeterId, RegisterAction, RegisterActionId,
    RegisterId, StmtKind, Table,
};
use p4rmt_syntax::ast::{self, ExprKind};

use crate::error::ErrorKind;
use crate::externs::ExternKind;
use crate::inline::named;
use crate::lower::Lower;
use crate::scope::{Binding, Object};
use crate::types::Type;

impl<'a> Lower<'a> {
    /// The extern that a property names or makes. One that is made there is called as `@name` of the
    /// property says, or by table and property.
    fn property_object(
        &mut self,
        property: &'a ast::Property,
        name: &'a ast::Name,
        value: &'a ast::Expr,
        table: &Table,
    ) -> Binding<'a> {
        let ExprKind::Call { .. } = &value.kind else {
            return self.object(value);
        };
        let Some(call) = self.typed.call(value) else {
            return Binding::Poison;
        };
        let given = named(&property.annotations, "");
        let name = if given.is_empty() {
            format!("{}.{}", table.name, name.text)
        } else {
            self.control_plane_name(&property.annotations, &name.text)
        };
        self.construct(call, None, name, value.span)
    }

    /// A property that the language does not define. Returns whether it could be taken.
    pub(super) fn other_property(
        &mut self,
        property: &'a ast::Property,
        name: &'a ast::Name,
        value: &'a ast::Expr,
        table: &mut Table,
    ) -> bool {
        match name.text.as_str() {
            "counters" | "meters" | "registers" | "filters" => {
                let object = match self.property_object(property, name, value, table) {
                    Binding::Object(Object::Extern(object)) => object,
                    Binding::Poison => return false,
                    _ => {
                        self.mismatch(value.span, "a direct extern", &Type::Void);
                        return false;
                    }
                };
                match &object.kind {
                    ExternKind::Counter(counter) => add(&mut table.direct_counters, *counter),
                    ExternKind::Meter(meter) | ExternKind::Filter(meter, _)
                        if self.gress.meters[*meter].size == 0 =>
                    {
                        add(&mut table.direct_meters, *meter);
                    }
                    // Said for the reader: an index finds its cells.
                    ExternKind::Filter(..) => {}
                    ExternKind::Register(register, _) => {
                        add(&mut table.direct_registers, *register);
                    }
                    _ => {
                        self.mismatch(value.span, "a direct extern", &Type::Void);
                        return false;
                    }
                }
                true
            }
            "proxy_hash" => match self.property_object(property, name, value, table) {
                Binding::Object(Object::Extern(object)) => match object.kind {
                    ExternKind::Hash(hash, _) => {
                        table.proxy_hash = Some(hash);
                        self.warning(
                            "W5005",
                            name.span,
                            "entries match by the whole key, never by its hash alone",
                        );
                        true
                    }
                    _ => {
                        self.mismatch(value.span, "a `Hash`", &Type::Void);
                        false
                    }
                },
                Binding::Poison => false,
                _ => {
                    self.mismatch(value.span, "a `Hash`", &Type::Void);
                    false
                }
            },
            // How a table is laid out does not change what it does.
            "alpm"
            | "atcam"
            | "requires_versioning"
            | "largest_priority_wins"
            | "priority_delta" => true,
            "implementation" => {
                let object = self.property_object(property, name, value, table);
                match &object {
                    Binding::Object(Object::Extern(object))
                        if matches!(object.kind, ExternKind::Profile(_)) =>
                    {
                        if let ExternKind::Profile(profile) = object.kind {
                            table.implementation = Some(profile);
                        }
                        true
                    }
                    Binding::Object(Object::Extern(object))
                        if matches!(object.kind, ExternKind::Layout) =>
                    {
                        true
                    }
                    // What is not supported has been refused where it is declared.
                    Binding::Poison => false,
                    _ => self.refuse_property(name),
                }
            }
            "support_timeout" if self.role == GressRole::Whole => match self.const_bits(value) {
                Some(bits) => {
                    table.has_idle_timeout = bits.is_true();
                    true
                }
                None => false,
            },
            "idle_timeout" | "support_timeout" => {
                table.has_idle_timeout = true;
                self.warning(
                    "W5001",
                    name.span,
                    "entries do not age: idle times are not kept",
                );
                true
            }
            // A property that the architecture does not declare means nothing to it.
            other if self.role == GressRole::Whole => {
                let message = format!("v1model has no table property `{other}`: it does nothing");
                self.warning("W5002", name.span, &message);
                true
            }
            _ => self.refuse_property(name),
        }
    }

    fn refuse_property(&mut self, name: &ast::Name) -> bool {
        let kind = ErrorKind::TableProperty {
            name: name.text.clone(),
        };
        self.error(name.span, kind);
        false
    }
}

/// Adds an element that is not there yet.
fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Attaches the direct counters, meters and registers that an action uses.
pub(super) fn attach_direct(
    block: &Block,
    register_actions: &Arena<RegisterActionId, RegisterAction>,
    table: &mut Table,
) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Call(call) => match &call.kind {
                CallKind::Count {
                    counter,
                    index: None,
                } => add::<CounterId>(&mut table.direct_counters, *counter),
                CallKind::Meter {
                    meter, index: None, ..
                }
                | CallKind::Filter {
                    meter, index: None, ..
                } => add::<MeterId>(&mut table.direct_meters, *meter),
                CallKind::RegisterAction {
                    action,
                    index: None,
                } => {
                    let register = register_actions[*action].register;
                    add::<RegisterId>(&mut table.direct_registers, register);
                }
                _ => {}
            },
            StmtKind::If {
                then, otherwise, ..
            } => {
                attach_direct(then, register_actions, table);
                attach_direct(otherwise, register_actions, table);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                attach_direct(body, register_actions, table);
            }
            _ => {}
        }
    }
}
