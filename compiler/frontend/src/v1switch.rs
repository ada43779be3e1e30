//! The package of v1model: one gress of six blocks, and the lists of metadata that copies keep.

use std::collections::HashMap;

use p4rmt_ir::{Arena, ControlRole, FieldId, GressRole, Pipe};
use p4rmt_syntax::ast::{self, AnnotationBody};
use p4rmt_typing::{Call, Detail, Node, Value};

use crate::lower::Lower;
use crate::package::BlockRole;
use crate::storage::{Base, Storage};
use crate::types::{Record, Type};

/// What the arguments of `V1Switch` are for.
const PARTS: [BlockRole; 6] = [
    BlockRole::Parser,
    BlockRole::Control(ControlRole::Verify),
    BlockRole::Control(ControlRole::Ingress),
    BlockRole::Control(ControlRole::Egress),
    BlockRole::Control(ControlRole::Compute),
    BlockRole::Deparser,
];

impl<'a> Lower<'a> {
    /// `V1Switch(…) main;`
    pub(crate) fn v1_pipe(
        &mut self,
        main: &'a ast::Instantiation,
        call: &'a Call<'a>,
    ) -> Option<Pipe> {
        let blocks = self.blocks(call, &PARTS, main)?;
        let gress = self.gress_of(GressRole::Whole, &PARTS, &blocks)?;
        let mut gresses = Arena::new();
        gresses.push(gress);
        Some(Pipe {
            name: main.name.text.clone(),
            gresses,
            span: main.span,
        })
    }

    /// The fields that `@field_list(n, …)` of the user metadata names, by number, in the order of
    /// their declaration. A struct with the annotation stands for all its fields.
    pub(crate) fn field_lists_of(
        &self,
        ty: &Type,
        storage: &Storage,
    ) -> HashMap<u64, Vec<FieldId>> {
        let mut lists = HashMap::new();
        self.collect_lists(ty, storage, &[], &mut lists);
        lists
    }

    fn collect_lists(
        &self,
        ty: &Type,
        storage: &Storage,
        outer: &[u64],
        lists: &mut HashMap<u64, Vec<FieldId>>,
    ) {
        let (Type::Record(record), Storage::Record(parts)) = (ty.without_newtypes(), storage)
        else {
            storage.visit_leaves(&mut |slot| {
                if let Base::Field(field) = slot.base {
                    for list in outer {
                        lists.entry(*list).or_default().push(field);
                    }
                }
            });
            return;
        };
        if let Some((_, valid)) = parts.header
            && let Base::Field(valid) = valid.base
        {
            for list in outer {
                lists.entry(*list).or_default().push(valid);
            }
        }
        let declared = self.declared_fields(record);
        for (field, part) in record.fields.iter().zip(&parts.fields) {
            let annotated = declared
                .iter()
                .find(|declared| declared.name.text == field.name);
            let mut numbers = outer.to_vec();
            for number in annotated.map_or_else(Vec::new, |field| self.list_numbers(field)) {
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            self.collect_lists(&field.ty, part, &numbers, lists);
        }
    }

    /// The declaration of the fields of a record.
    fn declared_fields(&self, record: &Record) -> &'a [ast::StructField] {
        match record.decl.map(|decl| self.typed.decl(decl).node) {
            Some(Node::Record(list)) => &list.fields,
            _ => &[],
        }
    }

    /// The numbers of `@field_list` of a field: literals, or names of constants.
    fn list_numbers(&self, field: &'a ast::StructField) -> Vec<u64> {
        let mut numbers = Vec::new();
        for annotation in &field.annotations {
            if annotation.name.text != "field_list" {
                continue;
            }
            match &annotation.body {
                AnnotationBody::Unstructured(text) => {
                    for item in text.split(',') {
                        if let Some(number) = self.list_number(item.trim()) {
                            numbers.push(number);
                        }
                    }
                }
                AnnotationBody::Expressions(exprs) => {
                    for expr in exprs {
                        let value = self.typed.value_of(expr).and_then(Value::as_int);
                        numbers.extend(value.and_then(|number| u64::try_from(number).ok()));
                    }
                }
                AnnotationBody::Empty | AnnotationBody::Fields(_) | AnnotationBody::Pragma(_) => {}
            }
        }
        numbers
    }

    /// A number as an annotation has it: a literal, an enumeration's member, or a constant.
    fn list_number(&self, text: &str) -> Option<u64> {
        let digits = text
            .rsplit_once(['w', 's'])
            .map_or(text, |(_, value)| value);
        let parsed = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        if parsed.is_some() {
            return parsed;
        }
        let value = match text.split_once('.') {
            Some((enumeration, member)) => {
                let decl = self.typed.top_level(enumeration.trim())?;
                let Detail::SerializableEnum { members, .. } = &self.typed.decl(decl).detail else {
                    return None;
                };
                let mut members = members.iter();
                let member = members.find(|known| known.name == member.trim())?;
                member.value.as_ref()
            }
            None => {
                let decl = self.typed.top_level(text)?;
                self.typed.decl(decl).value.as_ref()
            }
        };
        u64::try_from(value?.as_int()?).ok()
    }
}
