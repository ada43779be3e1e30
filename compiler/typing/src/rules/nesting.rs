//! Which types may stand in which (clause 7.2.9), after type arguments have taken their places too.
//!
//! * Fields of a header, header union or struct are looked at where they are declared.
//! * What a type written anywhere is made of is looked at where it is written: `tuple<…>`, `list<…>`,
//!   `T[n]`, and the fields of a generic type that got its arguments there.
//! * Types that a call infers or is given are looked at where the call is, in its parameters.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Expr};

use crate::check::Checker;
use crate::decl::{DeclId, Detail};
use crate::hash::FastMap;
use crate::rules::violation::Violation;
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Site, Visitor};

/// What holds a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A header, or a struct within one.
    Header,
    /// A header union.
    Union,
    /// A struct.
    Struct,
    /// A tuple.
    Tuple,
    /// A list.
    List,
    /// An array.
    Array,
}

impl Container {
    fn article(self) -> &'static str {
        match self {
            Self::Header => "a header",
            Self::Union => "a header union",
            Self::Struct => "a struct",
            Self::Tuple => "a tuple",
            Self::List => "a list",
            Self::Array => "an array",
        }
    }
}

/// A type within one that cannot hold it.
#[derive(Clone, Copy, Debug)]
struct Fault {
    container: Container,
    inner: Type,
}

/// Looks at all types of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        check_record(check, declaration);
    }
    let mut types = Types {
        check,
        faults: FastMap::default(),
    };
    walk::program(&mut types, program);
}

/// The fields of a declared header, header union or struct.
fn check_record<'a>(check: &mut Checker<'a>, declaration: &'a ast::Declaration) {
    let (record, container) = match &declaration.kind {
        ast::DeclarationKind::Header(record) => (record, Container::Header),
        ast::DeclarationKind::HeaderUnion(record) => (record, Container::Union),
        ast::DeclarationKind::Struct(record) => (record, Container::Struct),
        ast::DeclarationKind::Typedef(typedef) => {
            if let ast::TypeKind::Derived(inner) = &typedef.ty.kind {
                check_record(check, inner);
            }
            return;
        }
        _ => return,
    };
    for field in &record.fields {
        let ty = check.written(&field.ty);
        if !allows(check, container, ty) {
            let ty = check.show(ty);
            let violation = Violation::Nesting {
                container: container.article(),
                ty,
            };
            check.violate_with(
                field.ty.span,
                violation,
                record.name.span,
                format!("in `{}`", record.name),
            );
        }
    }
}

/// Whether a container can hold values of a type. Type parameters are looked at once they stand for
/// something.
pub(crate) fn allows<'a>(check: &mut Checker<'a>, container: Container, ty: Type) -> bool {
    let kind = check.types.kind(ty).clone();
    match container {
        Container::Header => allows_in_header(check, &kind, ty, true),
        Container::Union => matches!(
            kind,
            TypeKind::Poison
                | TypeKind::Param(_)
                | TypeKind::Named {
                    sort: Sort::Header,
                    ..
                }
        ),
        // Tuples of constants are how tables of constants are written.
        Container::Tuple if matches!(kind, TypeKind::Int | TypeKind::MatchKind) => true,
        Container::Struct | Container::Tuple => match kind {
            TypeKind::Void
            | TypeKind::Int
            | TypeKind::String
            | TypeKind::MatchKind
            | TypeKind::List(_)
            | TypeKind::Any => false,
            TypeKind::Named { sort, .. } => !is_object(sort),
            _ => true,
        },
        Container::List => match kind {
            TypeKind::Void | TypeKind::Any => false,
            TypeKind::Named { sort, .. } => !is_object(sort),
            _ => true,
        },
        Container::Array => match kind {
            TypeKind::Void
            | TypeKind::Int
            | TypeKind::String
            | TypeKind::Error
            | TypeKind::MatchKind
            | TypeKind::List(_)
            | TypeKind::Tuple(_)
            | TypeKind::Any => false,
            TypeKind::Stack(element, _) => !is_header_like(check, element),
            TypeKind::Named { sort, .. } => {
                !matches!(sort, Sort::Parser | Sort::Control | Sort::Package)
            }
            _ => true,
        },
    }
}

/// Whether a header, or a struct in one, can hold a type.
fn allows_in_header(check: &mut Checker<'_>, kind: &TypeKind, ty: Type, is_direct: bool) -> bool {
    match kind {
        TypeKind::Poison | TypeKind::Param(_) | TypeKind::Bool | TypeKind::Bits { .. } => true,
        TypeKind::Varbit(_) => is_direct,
        TypeKind::Stack(element, _) => {
            let element = *element;
            let kind = check.types.kind(element).clone();
            allows_in_header(check, &kind, element, false)
        }
        TypeKind::Named { sort, decl, .. } => match sort {
            Sort::SerializableEnum => true,
            Sort::NewType => {
                let Detail::Underlying(inner) = check.decl(*decl).detail else {
                    return true;
                };
                let kind = check.types.kind(inner).clone();
                allows_in_header(check, &kind, inner, is_direct)
            }
            Sort::Struct => {
                let Some(fields) = check.fields_of(ty) else {
                    return true;
                };
                fields.iter().all(|field| {
                    let kind = check.types.kind(field.ty).clone();
                    allows_in_header(check, &kind, field.ty, false)
                })
            }
            Sort::Header
            | Sort::Union
            | Sort::Enum
            | Sort::Extern
            | Sort::Parser
            | Sort::Control
            | Sort::Package => false,
        },
        _ => false,
    }
}

fn is_object(sort: Sort) -> bool {
    matches!(
        sort,
        Sort::Extern | Sort::Parser | Sort::Control | Sort::Package
    )
}

fn is_header_like(check: &Checker<'_>, ty: Type) -> bool {
    matches!(
        check.types.kind(ty),
        TypeKind::Named {
            sort: Sort::Header | Sort::Union,
            ..
        }
    )
}

/// The walk over all types that are written or inferred.
struct Types<'c, 'a> {
    check: &'c mut Checker<'a>,
    /// What was found out about each type.
    faults: FastMap<Type, Option<Fault>>,
}

impl<'a> Types<'_, 'a> {
    /// What is wrong within a type, if something is.
    fn fault(&mut self, ty: Type) -> Option<Fault> {
        if let Some(found) = self.faults.get(&ty) {
            return *found;
        }
        // A type cannot be a part of itself, and one that nests deep was refused.
        let found = self.find_fault(ty);
        self.faults.insert(ty, found);
        found
    }

    fn find_fault(&mut self, ty: Type) -> Option<Fault> {
        match self.check.types.kind(ty).clone() {
            TypeKind::Tuple(parts) => parts
                .iter()
                .find_map(|part| self.within(Container::Tuple, *part)),
            TypeKind::List(element) => self.within(Container::List, element),
            TypeKind::Stack(element, _) => self.within(Container::Array, element),
            TypeKind::ValueSet(element) => self.fault(element),
            TypeKind::Named { sort, decl, args } => {
                let in_args = args.iter().find_map(|arg| self.fault(*arg));
                in_args.or_else(|| self.fault_of_fields(ty, sort, decl, args.is_empty()))
            }
            _ => None,
        }
    }

    fn within(&mut self, container: Container, inner: Type) -> Option<Fault> {
        if !allows(self.check, container, inner) {
            return Some(Fault { container, inner });
        }
        self.fault(inner)
    }

    /// What is wrong with a generic type's fields since it has its arguments.
    fn fault_of_fields(
        &mut self,
        ty: Type,
        sort: Sort,
        decl: DeclId,
        is_plain: bool,
    ) -> Option<Fault> {
        let container = match sort {
            Sort::Header => Container::Header,
            Sort::Union => Container::Union,
            Sort::Struct => Container::Struct,
            _ => return None,
        };
        if is_plain {
            return None;
        }
        let Detail::Fields(declared) = &self.check.decl(decl).detail else {
            return None;
        };
        let declared = std::rc::Rc::clone(declared);
        let fields = self.check.fields_of(ty)?;
        for (field, declared) in fields.iter().zip(declared.iter()) {
            if field.ty != declared.ty
                && let Some(fault) = self.within(container, field.ty)
            {
                return Some(fault);
            }
        }
        None
    }

    /// Complains about a type that is written or used here.
    fn look_at(&mut self, ty: Type, span: Span) {
        let Some(fault) = self.fault(ty) else {
            return;
        };
        let (outer, inner) = (self.check.show(ty), self.check.show(fault.inner));
        let violation = Violation::Nesting {
            container: fault.container.article(),
            ty: inner,
        };
        self.check
            .violate_note(span, violation, format!("within `{outer}`"));
    }
}

impl<'a> Visitor<'a> for Types<'_, 'a> {
    fn ty(&mut self, _at: Site<'a>, ty: &'a ast::Type) {
        let found = self.check.written(ty);
        self.look_at(found, ty.span);
    }

    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        let Some(call) = self.check.call_of(expr) else {
            return;
        };
        // Types that the call's own type arguments make of its parameters.
        if call.type_args.is_empty() {
            return;
        }
        let types: Vec<Type> = call
            .param_types
            .iter()
            .copied()
            .chain([call.result])
            .collect();
        for ty in types {
            self.look_at(ty, expr.span);
        }
    }

    fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
        let Some(call) = self.check.instance_call(instance) else {
            return;
        };
        if call.type_args.is_empty() {
            return;
        }
        for ty in call.param_types.clone() {
            self.look_at(ty, instance.ty.span);
        }
    }
}
