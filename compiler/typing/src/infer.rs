//! Inference of type arguments: unification within one call.
//!
//! A call's type parameters become unknowns ([`TypeKind::Infer`]); each argument's type is unified
//! with its parameter's, which finds them. Here a disagreement is only noticed, not reported: once
//! the unknowns are found, each argument is converted to its parameter's type, and *that* reports.

use std::rc::Rc;

use p4rmt_syntax::ast::Direction;

use crate::check::Checker;
use crate::decl::{Detail, Signature};
use crate::types::{Sort, Substitution, Type, TypeKind};

impl<'a> Checker<'a> {
    /// A new unknown.
    pub(crate) fn fresh(&mut self) -> Type {
        let number = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.found.push(None);
        self.types.make(TypeKind::Infer(number))
    }

    /// A type with an unknown in the place of each `_`.
    pub(crate) fn open(&mut self, ty: Type) -> Type {
        if ty == Type::ANY {
            return self.fresh();
        }
        if !self.has_any(ty) {
            return ty;
        }
        let parts = self.parts(ty);
        let opened: Vec<Type> = parts.into_iter().map(|part| self.open(part)).collect();
        let mut opened = opened.into_iter();
        self.types
            .map_parts(ty, |_, _| opened.next().unwrap_or(Type::POISON))
    }

    /// A type with `_` in the place of each type parameter.
    pub(crate) fn without_params(&mut self, ty: Type) -> Type {
        if !self.types.has_params(ty) {
            return ty;
        }
        if matches!(self.types.kind(ty), TypeKind::Param(_)) {
            return Type::ANY;
        }
        let parts = self.parts(ty);
        let mapped: Vec<Type> = parts
            .into_iter()
            .map(|part| self.without_params(part))
            .collect();
        let mut mapped = mapped.into_iter();
        self.types
            .map_parts(ty, |_, _| mapped.next().unwrap_or(Type::POISON))
    }

    fn has_any(&self, ty: Type) -> bool {
        ty == Type::ANY || self.parts(ty).into_iter().any(|part| self.has_any(part))
    }

    /// The types that a type is made of.
    fn parts(&self, ty: Type) -> Vec<Type> {
        match self.types.kind(ty) {
            TypeKind::Tuple(parts) => parts.to_vec(),
            TypeKind::List(element) | TypeKind::Stack(element, _) | TypeKind::ValueSet(element) => {
                vec![*element]
            }
            TypeKind::Named { args, .. } => args.to_vec(),
            _ => Vec::new(),
        }
    }

    /// What an unknown has been found to be, if the type is one.
    pub(crate) fn shallow(&self, mut ty: Type) -> Type {
        while let TypeKind::Infer(number) = self.types.kind(ty) {
            match self.found.get(*number as usize) {
                Some(Some(found)) => ty = *found,
                _ => break,
            }
        }
        ty
    }

    /// A type with what was found in the place of each unknown; `_` where nothing was.
    pub(crate) fn settle(&mut self, ty: Type) -> Type {
        if !self.types.has_infer(ty) {
            return ty;
        }
        let ty = self.shallow(ty);
        if matches!(self.types.kind(ty), TypeKind::Infer(_)) {
            return Type::ANY;
        }
        if !self.types.has_infer(ty) {
            return ty;
        }
        let parts = self.all_parts(ty);
        let settled: Vec<Type> = parts.into_iter().map(|part| self.settle(part)).collect();
        let mut settled = settled.into_iter();
        self.types
            .map_parts(ty, |_, _| settled.next().unwrap_or(Type::POISON))
    }

    fn all_parts(&self, ty: Type) -> Vec<Type> {
        match self.types.kind(ty) {
            TypeKind::Fields(fields) => fields.iter().map(|(_, ty)| *ty).collect(),
            _ => self.parts(ty),
        }
    }

    /// Makes an expected type and a found one agree, as far as unknowns allow. Whether they do, up to
    /// what implicit conversions can still mend.
    ///
    /// Numbers without a width are left for a second round (`with_numbers`), when other arguments may
    /// have said which width is meant.
    pub(crate) fn unify(&mut self, expected: Type, found: Type, with_numbers: bool) -> bool {
        let (expected, found) = (self.shallow(expected), self.shallow(found));
        if expected == found {
            return true;
        }
        let (left, right) = (
            self.types.kind(expected).clone(),
            self.types.kind(found).clone(),
        );
        match (left, right) {
            (TypeKind::Poison | TypeKind::Any, _) | (_, TypeKind::Poison | TypeKind::Any) => true,
            (_, TypeKind::Default | TypeKind::Invalid) => true,
            (TypeKind::Infer(number), right) => match right {
                TypeKind::Int if !with_numbers => true,
                TypeKind::Fields(_) => true,
                _ if !with_numbers && self.has_numbers(found) => true,
                _ => self.learn(number, found),
            },
            (_, TypeKind::Infer(number)) => self.learn(number, expected),
            (TypeKind::Bits { .. }, TypeKind::Int) | (TypeKind::Int, TypeKind::Bits { .. }) => true,
            (TypeKind::Tuple(expected), TypeKind::Tuple(found)) => {
                expected.len() == found.len() && self.unify_all(&expected, &found, with_numbers)
            }
            (TypeKind::List(expected), TypeKind::Tuple(found))
            | (TypeKind::Stack(expected, _), TypeKind::Tuple(found)) => {
                let mut fits = true;
                for found in found.iter() {
                    fits &= self.unify(expected, *found, with_numbers);
                }
                fits
            }
            (TypeKind::List(expected), TypeKind::List(found))
            | (TypeKind::ValueSet(expected), TypeKind::ValueSet(found)) => {
                self.unify(expected, found, with_numbers)
            }
            (TypeKind::Stack(expected, size), TypeKind::Stack(found, other)) => {
                size == other && self.unify(expected, found, with_numbers)
            }
            (
                TypeKind::Named {
                    sort,
                    decl,
                    args: expected_args,
                },
                TypeKind::Named {
                    decl: other,
                    args: found_args,
                    sort: other_sort,
                },
            ) => {
                if decl == other {
                    return self.unify_all(&expected_args, &found_args, with_numbers);
                }
                let is_block = matches!(sort, Sort::Parser | Sort::Control | Sort::Package);
                is_block && sort == other_sort && self.unify_blocks(expected, found, with_numbers)
            }
            (
                TypeKind::Named {
                    sort: Sort::Struct | Sort::Header,
                    ..
                },
                TypeKind::Tuple(found),
            ) => {
                let Some(fields) = self.fields_of(expected) else {
                    return false;
                };
                let expected: Vec<Type> = fields.iter().map(|field| field.ty).collect();
                self.unify_all(&expected, &found, with_numbers)
            }
            (
                TypeKind::Named {
                    sort: Sort::Struct | Sort::Header,
                    ..
                },
                TypeKind::Fields(found),
            ) => {
                let Some(fields) = self.fields_of(expected) else {
                    return false;
                };
                let mut fits = true;
                for (name, ty) in found.iter() {
                    if let Some(field) = fields.iter().find(|field| *field.name == **name) {
                        fits &= self.unify(field.ty, *ty, with_numbers);
                    }
                }
                fits
            }
            _ => false,
        }
    }

    /// Whether a number without a width is in a type, so that it may still become another.
    pub(crate) fn has_numbers(&self, ty: Type) -> bool {
        match self.types.kind(ty) {
            TypeKind::Int => true,
            TypeKind::Tuple(parts) => parts.iter().any(|part| self.has_numbers(*part)),
            _ => false,
        }
    }

    fn unify_all(&mut self, expected: &[Type], found: &[Type], with_numbers: bool) -> bool {
        let pairs = expected.iter().zip(found);
        pairs.fold(true, |fits, (expected, found)| {
            self.unify(*expected, *found, with_numbers) && fits
        })
    }

    /// An unknown is found.
    fn learn(&mut self, number: u32, ty: Type) -> bool {
        if self.mentions(ty, number) {
            return false;
        }
        if let Some(slot) = self.found.get_mut(number as usize) {
            *slot = Some(ty);
        }
        true
    }

    fn mentions(&self, ty: Type, number: u32) -> bool {
        if !self.types.has_infer(ty) {
            return false;
        }
        let ty = self.shallow(ty);
        if let TypeKind::Infer(other) = self.types.kind(ty) {
            return *other == number;
        }
        self.all_parts(ty)
            .into_iter()
            .any(|part| self.mentions(part, number))
    }

    /// Whether a parser, control or package fits where another type of its kind is expected: the same
    /// parameters with the same directions.
    fn unify_blocks(&mut self, expected: Type, found: Type, with_numbers: bool) -> bool {
        let (Some(expected), Some(found)) = (self.block_params(expected), self.block_params(found))
        else {
            return false;
        };
        if expected.len() < found.len() {
            return false;
        }
        let mut fits = true;
        for (position, (direction, ty, is_optional)) in expected.iter().enumerate() {
            match found.get(position) {
                Some((other, other_ty, _)) => {
                    fits &= direction == other;
                    fits &= self.unify(*ty, *other_ty, with_numbers);
                }
                None => fits &= is_optional,
            }
        }
        fits
    }

    /// The parameters of the `apply` of a parser's or control's type.
    pub(crate) fn block_params(&mut self, ty: Type) -> Option<Vec<(Direction, Type, bool)>> {
        let (apply, subst) = self.block_apply(ty)?;
        let params = apply.params.iter();
        let params = params.map(|param| {
            let ty = self.types.substitute(param.ty, &subst);
            (
                param.direction,
                ty,
                param.is_optional || param.default.is_some(),
            )
        });
        Some(params.collect())
    }

    /// The `apply` of a parser's or control's type, and what its type parameters stand for.
    pub(crate) fn block_apply(&self, ty: Type) -> Option<(Rc<Signature<'a>>, Substitution)> {
        let TypeKind::Named { decl, args, .. } = self.types.kind(ty) else {
            return None;
        };
        let Detail::Block { apply, .. } = &self.decl(*decl).detail else {
            return None;
        };
        Some((Rc::clone(apply), self.substitution(*decl, args)))
    }
}
