//! Properties of tables that the architecture defines, and the direct externs of a table's actions.

use std::rc::Rc;

use p4rmt_ir::{
    Arena, Block, CallKind, Classifier, CounterId, Field, FieldId, GressRole, Key, MatchKind,
    MeterId, Partitions, RegisterAction, RegisterActionId, RegisterId, StmtKind, Table,
};
use p4rmt_syntax::ast;

use crate::error::ErrorKind;
use crate::externs::{ALPM_PARTITIONS, ALPM_SUBTREES, ExternKind, ExternObject};
use crate::inline::named;
use crate::lower::Lower;
use crate::scope::{Binding, Object};
use crate::table::{expr_text, pragma_number, pragma_text};

impl<'a> Lower<'a> {
    /// The extern that a property names or makes. One that is made there is called as `@name` of the
    /// property says, or by table and property. Nothing, with a complaint, if it is no extern.
    fn property_object(
        &mut self,
        property: &'a ast::Property,
        name: &'a ast::Name,
        value: &'a ast::Expr,
        table: &Table,
    ) -> Option<Rc<ExternObject<'a>>> {
        let binding = match self.typed.call(value) {
            Some(call) => {
                let given = named(&property.annotations, "");
                let name = if given.is_empty() {
                    format!("{}.{}", table.name, name.text)
                } else {
                    self.control_plane_name(&property.annotations, &name.text)
                };
                self.construct(call, None, name, value.span)
            }
            None => self.object(value),
        };
        match binding {
            Binding::Object(Object::Extern(object)) => Some(object),
            // What is not supported has been refused where it is declared.
            Binding::Poison => {
                self.lost(value.span);
                None
            }
            _ => {
                self.wrong_object(value, "an extern");
                None
            }
        }
    }

    /// Says that a property names something else than is needed. Returns that it could not be taken.
    fn wrong_object(&mut self, value: &'a ast::Expr, expected: &'static str) -> bool {
        let name = expr_text(value);
        let kind = p4rmt_typing::ErrorKind::WrongKind { name, expected };
        self.error(value.span, kind);
        false
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
                let Some(object) = self.property_object(property, name, value, table) else {
                    return false;
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
                    _ => return self.wrong_object(value, "a direct extern"),
                }
                true
            }
            "proxy_hash" => {
                let Some(object) = self.property_object(property, name, value, table) else {
                    return false;
                };
                let ExternKind::Hash(hash, _) = object.kind else {
                    return self.wrong_object(value, "a `Hash`");
                };
                table.proxy_hash = Some(hash);
                let message = "entries match by the whole key, never by its hash alone";
                self.warning("W5005", name.span, message);
                true
            }
            // How a table is laid out does not change what it does.
            "alpm" | "atcam" => {
                let Some(object) = self.property_object(property, name, value, table) else {
                    return false;
                };
                let ExternKind::Layout(partitions) = &object.kind else {
                    return self.wrong_object(value, "an `Alpm` or `Atcam`");
                };
                set_partitions(table, partitions.as_ref());
                true
            }
            "requires_versioning" | "largest_priority_wins" | "priority_delta" => true,
            "implementation" => {
                let Some(object) = self.property_object(property, name, value, table) else {
                    return false;
                };
                match &object.kind {
                    ExternKind::Profile(profile) => {
                        table.implementation = Some(*profile);
                        true
                    }
                    ExternKind::Layout(partitions) => {
                        set_partitions(table, partitions.as_ref());
                        true
                    }
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

/// Notes the partitions of a table; those of an `Alpm` say more than those of an `Atcam`.
fn set_partitions(table: &mut Table, partitions: Option<&Partitions>) {
    let known = table.partitions.as_ref().and_then(|known| known.classifier);
    if known.is_none() {
        table.partitions = partitions.cloned().or(table.partitions.take());
    }
}

/// Completes the partitions of a table once its keys are known: what names the partition, what pragmas
/// say. Without either way to a partition there are none.
pub(super) fn complete_partitions(
    decl: &ast::Table,
    annotations: &[ast::Annotation],
    fields: &Arena<FieldId, Field>,
    table: &mut Table,
) {
    if pragma_number(annotations, "alpm") == Some(1) && table.partitions.is_none() {
        let number = |name| pragma_number(annotations, name).map(u64::from);
        table.partitions = Some(Partitions {
            count: number("alpm_partitions").unwrap_or(ALPM_PARTITIONS),
            index: None,
            classifier: Some(Classifier {
                subtrees: number("alpm_subtrees_per_partition").unwrap_or(ALPM_SUBTREES),
                subset_bits: None,
                step_bits: None,
                excluded_bits: 0,
            }),
        });
    }
    let elements = decl
        .properties
        .iter()
        .find_map(|property| match &property.kind {
            ast::PropertyKind::Key(elements) => Some(elements),
            _ => None,
        });
    let index = elements.and_then(|elements| {
        let named = |element: &ast::KeyElement| element.match_kind.text == "atcam_partition_index";
        elements.iter().position(named)
    });
    let width = |key: &Key| key.expr.width_in(fields);
    let index_bits = index.and_then(|index| table.keys.get(index)).map(width);
    let excluded: u32 = annotations
        .iter()
        .filter(|annotation| annotation.name.text == "alpm_atcam_exclude_field_msbs")
        .filter_map(|annotation| excluded_bits(annotation, table, fields))
        .sum();
    let n_prefixes = table.keys.iter().filter(|key| key.kind == MatchKind::Lpm);
    let n_prefixes = n_prefixes.count();
    let mut partitions = table.partitions.take().unwrap_or(Partitions {
        count: 0,
        index: None,
        classifier: None,
    });
    partitions.index = index;
    match (&mut partitions.classifier, index_bits) {
        (None, Some(bits)) => {
            if partitions.count == 0 {
                partitions.count = 1 << bits.min(40);
            }
        }
        (Some(classifier), _) if n_prefixes == 1 => classifier.excluded_bits = excluded,
        (Some(_), _) | (None, None) => return,
    }
    table.partitions = Some(partitions);
}

/// Bits that `@alpm_atcam_exclude_field_msbs(FIELD[, BITS])` excludes from a table's entries.
fn excluded_bits(
    annotation: &ast::Annotation,
    table: &Table,
    fields: &Arena<FieldId, Field>,
) -> Option<u32> {
    let text = pragma_text(annotation)?;
    let (field, bits) = text.split_once(',').unwrap_or((text, ""));
    let field = field.trim().trim_matches('"');
    let key = table.keys.iter().find(|key| key.name == field)?;
    let width = key.expr.width_in(fields);
    Some(bits.trim().parse().unwrap_or(width).min(width))
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
