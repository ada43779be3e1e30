//! `select`: what is looked at, and what each case matches.
//!
//! Key sets are constants of the IR. One that is known at run time only becomes a key of its own, a
//! comparison, which its case wants to hold.

use p4rmt_ir::{BinaryOp, Bits, Case, Expr, KeySet, Transition};
use p4rmt_syntax::ast::{self, ExprKind, KeysetKind};

use crate::fold;
use crate::lower::Lower;
use crate::parser::Machine;
use crate::scope::Object;
use crate::types::Type;
use crate::value::Value;

impl<'a> Lower<'a> {
    /// `select (…) { … }`
    pub(crate) fn select(
        &mut self,
        machine: &mut Machine<'a>,
        run: usize,
        subjects: &'a [ast::Expr],
        cases: &'a [ast::SelectCase],
    ) -> Option<Transition> {
        let mut values: Vec<Value> = Vec::new();
        for subject in subjects {
            let mark = self.block().len();
            let value = self.expr(subject, None);
            for earlier in &mut values {
                self.settle(earlier, mark, subject.span);
            }
            values.push(value);
        }
        let mut keys = Vec::new();
        let mut types = Vec::new();
        let mut is_good = true;
        for (subject, value) in subjects.iter().zip(values) {
            match self.read(&value, subject.span) {
                Some(read) => {
                    keys.push(read);
                    types.push(value.ty);
                }
                None => is_good = false,
            }
        }
        let mut lowered = Vec::new();
        // Comparisons with what is known at run time only: keys of their own.
        let mut compared = Vec::new();
        for case in cases {
            let target = self.target(machine, run, &case.state.text, case.state.span);
            let keysets = if is_good {
                self.select_keysets(&case.keyset, (&keys, &types), &mut compared)
            } else {
                None
            };
            match (target, keysets) {
                (Some(target), Some(keysets)) => lowered.push((
                    Case {
                        keysets,
                        target,
                        span: case.span,
                    },
                    compared.len(),
                )),
                _ => is_good = false,
            }
        }
        if !is_good {
            return None;
        }
        let n_compared = compared.len();
        if n_compared == 0 {
            let cases = lowered.into_iter().map(|(case, _)| case).collect();
            return Some(Transition::Select { keys, cases });
        }
        keys.extend(compared);
        let mut n_before = 0;
        let mut cases = Vec::new();
        for (mut case, n_after) in lowered {
            if matches!(case.keysets[..], [KeySet::ValueSet(_)]) && types.len() != 1 {
                self.unsupported(
                    case.span,
                    "a value set beside key sets that are not constant",
                    "select by the value set in a state of its own",
                );
                return None;
            }
            let own = |at| (n_before..n_after).contains(&at);
            case.keysets.extend((0..n_compared).map(|at| {
                if own(at) {
                    KeySet::Exact(Bits::from_bool(true))
                } else {
                    KeySet::Any
                }
            }));
            n_before = n_after;
            cases.push(case);
        }
        Some(Transition::Select { keys, cases })
    }

    /// Whether an expression is known when the program is compiled; silent if it is not.
    fn is_known(&mut self, expr: &'a ast::Expr, ty: &Type) -> bool {
        let diagnostics = std::mem::take(&mut self.diagnostics);
        let seen = self.seen.clone();
        let mut value = Value::poison();
        let block = self.block_of(|lower| value = lower.expr_as(expr, ty));
        self.diagnostics = diagnostics;
        self.seen = seen;
        value.is_poison() || block.is_empty() && crate::coerce::is_constant(&value)
    }

    /// A case that compares with what is known at run time only: one bit.
    fn compare(
        &mut self,
        set: &'a ast::Keyset,
        key: &Expr,
        ty: &Type,
        compared: &mut Vec<Expr>,
    ) -> Option<KeySet> {
        let signed = ty.is_signed();
        let at_most = if signed { BinaryOp::LeS } else { BinaryOp::LeU };
        let number = ty.as_number();
        let holds = match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => return Some(KeySet::Any),
            KeysetKind::Expr(value) => {
                fold::binary(BinaryOp::Eq, key.clone(), self.scalar(value, ty)?)
            }
            KeysetKind::Mask(value, mask) => {
                let value = self.scalar(value, number)?;
                let mask = self.scalar(mask, number)?;
                fold::binary(
                    BinaryOp::Eq,
                    fold::binary(BinaryOp::And, key.clone(), mask.clone()),
                    fold::binary(BinaryOp::And, value, mask),
                )
            }
            KeysetKind::Range(lo, hi) => {
                let lo = self.scalar(lo, number)?;
                let hi = self.scalar(hi, number)?;
                fold::and(
                    fold::binary(at_most, lo, key.clone()),
                    fold::binary(at_most, key.clone(), hi),
                )
            }
        };
        compared.push(holds);
        Some(KeySet::Any)
    }

    /// What a case matches.
    fn select_keysets(
        &mut self,
        keyset: &'a ast::KeysetTuple,
        (keys, types): (&[Expr], &[Type]),
        compared: &mut Vec<Expr>,
    ) -> Option<Vec<KeySet>> {
        if let [set] = keyset.elements.as_slice() {
            match &set.kind {
                KeysetKind::Default | KeysetKind::DontCare => {
                    return Some(vec![KeySet::Any; types.len()]);
                }
                KeysetKind::Expr(ast::Expr {
                    kind: ExprKind::Path(path),
                    ..
                }) => {
                    if let Some(Object::ValueSet(id, ty)) = self.path_object(path) {
                        let wanted: Option<Vec<u32>> =
                            types.iter().map(Type::scalar_width).collect();
                        if wanted != self.scalar_widths(&ty) {
                            self.mismatch_text(set.span, "a value set of these keys", &ty);
                            return None;
                        }
                        return Some(vec![KeySet::ValueSet(id)]);
                    }
                }
                _ => {}
            }
        }
        if keyset.elements.len() != types.len() {
            return None;
        }
        keyset
            .elements
            .iter()
            .zip(keys.iter().zip(types))
            .map(|(set, (key, ty))| {
                let is_known = match &set.kind {
                    KeysetKind::Default | KeysetKind::DontCare => true,
                    KeysetKind::Expr(ast::Expr {
                        kind: ExprKind::Path(path),
                        ..
                    }) if matches!(self.path_object(path), Some(Object::ValueSet(..))) => true,
                    KeysetKind::Expr(value) => self.is_known(value, ty),
                    // Key sets have no sign.
                    KeysetKind::Range(..) if ty.is_signed() => false,
                    KeysetKind::Mask(first, second) | KeysetKind::Range(first, second) => {
                        self.is_known(first, ty.as_number())
                            && self.is_known(second, ty.as_number())
                    }
                };
                if !is_known && self.is_structured {
                    return self.compare(set, key, ty, compared);
                }
                Some(match &set.kind {
                    KeysetKind::Default | KeysetKind::DontCare => KeySet::Any,
                    KeysetKind::Expr(expr) => {
                        if let ExprKind::Path(path) = &expr.kind
                            && let Some(Object::ValueSet(id, found)) = self.path_object(path)
                        {
                            if self.scalar_widths(&found)
                                != ty.scalar_width().map(|width| vec![width])
                            {
                                self.mismatch_text(set.span, "a value set of this key", &found);
                                return None;
                            }
                            return Some(KeySet::ValueSet(id));
                        }
                        KeySet::Exact(self.const_of_type(expr, ty)?)
                    }
                    KeysetKind::Mask(value, mask) => KeySet::Mask {
                        value: self.const_of_type(value, ty.as_number())?,
                        mask: self.const_of_type(mask, ty.as_number())?,
                    },
                    KeysetKind::Range(lo, hi) => KeySet::Range {
                        lo: self.const_of_type(lo, ty.as_number())?,
                        hi: self.const_of_type(hi, ty.as_number())?,
                    },
                })
            })
            .collect()
    }

    /// The widths of all scalars of a type in order.
    pub(crate) fn scalar_widths(&self, ty: &Type) -> Option<Vec<u32>> {
        let Some(types) = self.element_types(ty) else {
            return Some(vec![ty.scalar_width()?]);
        };
        let parts: Option<Vec<Vec<u32>>> = types.iter().map(|ty| self.scalar_widths(ty)).collect();
        Some(parts?.concat())
    }
}
