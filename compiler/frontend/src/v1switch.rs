//! The package of v1model: one gress of six blocks, and the lists of metadata that copies keep.

use std::collections::HashMap;

use p4rmt_ir::{Arena, ControlRole, FieldId, GressRole, Pipe};
use p4rmt_syntax::ast::{self, AnnotationBody, DeclarationKind, ExprKind};

use crate::lower::Lower;
use crate::package::{Block, BlockRole};
use crate::storage::{Base, Storage};
use crate::types::{Record, Type};

/// What each argument of `V1Switch` is for.
const BLOCKS: [BlockRole; 6] = [
    BlockRole::Parser,
    BlockRole::Control(ControlRole::Verify),
    BlockRole::Control(ControlRole::Ingress),
    BlockRole::Control(ControlRole::Egress),
    BlockRole::Control(ControlRole::Compute),
    BlockRole::Deparser,
];

impl<'a> Lower<'a> {
    /// `V1Switch(…) main;`
    pub(crate) fn v1_pipe(&mut self, main: &'a ast::Instantiation) -> Option<Pipe> {
        const PACKAGE: &str = "V1Switch";
        let package = self.globals.get(PACKAGE)?.first()?;
        let DeclarationKind::Package(package) = &package.kind else {
            self.unknown_package(main);
            return None;
        };
        let matched = self.match_args(PACKAGE, &package.params, &main.args, main.span)?;
        let mut blocks: Vec<Block<'a>> = Vec::new();
        for (role, arg) in BLOCKS.iter().zip(&matched) {
            match self.block_arg((*arg)?, *role == BlockRole::Parser) {
                Some(block) => blocks.push(block),
                None => self.unknown_package(main),
            }
        }
        if blocks.len() != BLOCKS.len() {
            return None;
        }
        let declared = &package.params;
        let gress = self.gress_of(GressRole::Whole, &BLOCKS, &blocks, declared)?;
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
        &mut self,
        ty: &Type,
        storage: &Storage,
    ) -> HashMap<u64, Vec<FieldId>> {
        let mut lists = HashMap::new();
        self.collect_lists(ty, storage, &[], &mut lists);
        lists
    }

    fn collect_lists(
        &mut self,
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
        let declaration = self.globals.get(record.name.as_str());
        match declaration
            .and_then(|found| found.first())
            .map(|found| &found.kind)
        {
            Some(DeclarationKind::Struct(list) | DeclarationKind::Header(list)) => &list.fields,
            _ => &[],
        }
    }

    /// The numbers of `@field_list` of a field: literals, or names of constants.
    fn list_numbers(&mut self, field: &'a ast::StructField) -> Vec<u64> {
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
                        let number = self.const_number(expr);
                        numbers.extend(number.and_then(|number| u64::try_from(&number).ok()));
                    }
                }
                AnnotationBody::Empty | AnnotationBody::Fields(_) | AnnotationBody::Pragma(_) => {}
            }
        }
        numbers
    }

    /// A number as an annotation has it: a literal, an enumeration's member, or a constant.
    fn list_number(&mut self, text: &str) -> Option<u64> {
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
        let name = match text.split_once('.') {
            Some((enumeration, member)) => {
                return self.member_number(enumeration.trim(), member.trim());
            }
            None => text,
        };
        let DeclarationKind::Const(constant) = &self.globals.get(name)?.first()?.kind else {
            return None;
        };
        let value = self.constant_declaration(constant).as_number()?;
        u64::try_from(&value).ok()
    }

    /// The value of a member of an enumeration with an underlying type.
    fn member_number(&mut self, enumeration: &str, member: &str) -> Option<u64> {
        let declaration = *self.globals.get(enumeration)?.first()?;
        let DeclarationKind::SerializableEnum(decl) = &declaration.kind else {
            return None;
        };
        let found = decl
            .members
            .iter()
            .find(|known| known.name.text == member)?;
        if let ExprKind::Int(_) | ExprKind::Path(_) = &found.value.kind {
            let number = self.const_number(&found.value)?;
            return u64::try_from(&number).ok();
        }
        None
    }
}
