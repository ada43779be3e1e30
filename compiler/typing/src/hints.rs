//! Remarks beside a complaint: what is declared only later, why a block does not fit.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{Declaration, DeclarationKind, Direction, Name, Program};

use crate::check::Checker;
use crate::types::Type;

/// The name that a declaration of the top level declares.
fn declared_name(declaration: &Declaration) -> Option<&Name> {
    match &declaration.kind {
        DeclarationKind::Const(constant) => Some(&constant.name),
        DeclarationKind::Extern(object) => Some(&object.name),
        DeclarationKind::ExternForward(name) => Some(name),
        DeclarationKind::ExternFunction(prototype) => Some(&prototype.name),
        DeclarationKind::Function(function) => Some(&function.prototype.name),
        DeclarationKind::Action(action) => Some(&action.name),
        DeclarationKind::Parser(parser) => Some(&parser.head.name),
        DeclarationKind::ParserType(head) => Some(&head.name),
        DeclarationKind::Control(control) => Some(&control.head.name),
        DeclarationKind::ControlType(head) => Some(&head.name),
        DeclarationKind::Package(package) => Some(&package.name),
        DeclarationKind::Header(record)
        | DeclarationKind::HeaderUnion(record)
        | DeclarationKind::Struct(record) => Some(&record.name),
        DeclarationKind::Enum(enumeration) => Some(&enumeration.name),
        DeclarationKind::SerializableEnum(enumeration) => Some(&enumeration.name),
        DeclarationKind::Typedef(typedef) | DeclarationKind::NewType(typedef) => {
            Some(&typedef.name)
        }
        DeclarationKind::Instantiation(instance) => Some(&instance.name),
        DeclarationKind::Error(_) | DeclarationKind::MatchKind(_) => None,
    }
}

impl<'a> Checker<'a> {
    /// Notes where the names of the top level are declared.
    pub(crate) fn note_names(&mut self, program: &'a Program) {
        for name in program.declarations.iter().filter_map(declared_name) {
            self.top_names.entry(&name.text).or_insert(name.span);
        }
    }

    /// Where a name is declared, if that is after its use.
    pub(crate) fn declared_later(&self, name: &str, used: Span) -> Option<Span> {
        let at = self.top_names.get(name).copied()?;
        (at.lo > used.lo).then_some(at)
    }

    /// Why a parser or control does not fit where another type of its kind is expected.
    pub(crate) fn block_difference(&mut self, expected: Type, found: Type) -> Option<String> {
        let wanted = self.block_params(expected)?;
        let given = self.block_params(found)?;
        for (position, (wanted, given)) in wanted.iter().zip(&given).enumerate() {
            let place = position + 1;
            if wanted.0 != given.0 {
                return Some(format!(
                    "parameter {place} has {} where {} is expected",
                    direction(given.0),
                    direction(wanted.0)
                ));
            }
            if !self.agrees(wanted.1, given.1) && !self.types.has_params(wanted.1) {
                let (wanted, given) = (self.show(wanted.1), self.show(given.1));
                return Some(format!(
                    "parameter {place} is of type `{given}` where `{wanted}` is expected"
                ));
            }
        }
        let needed = wanted
            .iter()
            .filter(|(_, _, is_optional)| !is_optional)
            .count();
        let fits = (needed..=wanted.len()).contains(&given.len());
        (!fits).then(|| {
            format!(
                "it has {} parameters where {} are expected",
                given.len(),
                wanted.len()
            )
        })
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::None => "no direction",
        Direction::In => "direction `in`",
        Direction::Out => "direction `out`",
        Direction::InOut => "direction `inout`",
    }
}
