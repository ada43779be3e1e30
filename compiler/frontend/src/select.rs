//! `select`: what is looked at, and what each case matches.
//!
//! Key sets are constants of the IR. One that is known at run time only becomes a key of its own, a
//! comparison, which its case wants to hold.

use p4rmt_ir::{BinaryOp, Bits, Case, Expr, KeySet, Transition, ValueSetId};
use p4rmt_syntax::ast::{self, ExprKind, KeysetKind};

use crate::fold;
use crate::lower::Lower;
use crate::parser::Machine;
use crate::scope::{Binding, Object};
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
            let value = self.expr(subject);
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
            let target = self.target(machine, run, &case.state);
            let keysets = if is_good {
                self.select_keysets(&case.keyset, (&keys, &types), &mut compared)
            } else {
                None
            };
            match keysets {
                Some(keysets) => lowered.push((
                    Case {
                        keysets,
                        target,
                        span: case.span,
                    },
                    compared.len(),
                )),
                None => is_good = false,
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

    /// Whether an expression is known when the program is compiled.
    fn is_known(&mut self, expr: &'a ast::Expr) -> bool {
        self.quiet(|lower| Some(lower.expr(expr))).is_some()
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
        let holds = match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => return Some(KeySet::Any),
            KeysetKind::Expr(value) => fold::binary(BinaryOp::Eq, key.clone(), self.scalar(value)?),
            KeysetKind::Mask(value, mask) => {
                let value = self.scalar(value)?;
                let mask = self.scalar(mask)?;
                fold::binary(
                    BinaryOp::Eq,
                    fold::binary(BinaryOp::And, key.clone(), mask.clone()),
                    fold::binary(BinaryOp::And, value, mask),
                )
            }
            KeysetKind::Range(lo, hi) => {
                let lo = self.scalar(lo)?;
                let hi = self.scalar(hi)?;
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
                KeysetKind::Expr(expr) => {
                    if let Some(id) = self.set_of(expr) {
                        return Some(vec![KeySet::ValueSet(id)]);
                    }
                    if types.len() != 1 {
                        // One list stands for all.
                        let values = self.const_scalars(expr)?;
                        return Some(values.into_iter().map(KeySet::Exact).collect());
                    }
                }
                KeysetKind::Mask(..) | KeysetKind::Range(..) => {}
            }
        }
        keyset
            .elements
            .iter()
            .zip(keys.iter().zip(types))
            .map(|(set, (key, ty))| self.select_keyset(set, (key, ty), compared))
            .collect()
    }

    /// What a case wants of one key.
    fn select_keyset(
        &mut self,
        set: &'a ast::Keyset,
        (key, ty): (&Expr, &Type),
        compared: &mut Vec<Expr>,
    ) -> Option<KeySet> {
        if let KeysetKind::Expr(expr) = &set.kind
            && let Some(id) = self.set_of(expr)
        {
            return Some(KeySet::ValueSet(id));
        }
        let is_known = match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => true,
            KeysetKind::Expr(value) => self.is_known(value),
            // Key sets have no sign.
            KeysetKind::Range(..) if ty.is_signed() => false,
            KeysetKind::Mask(first, second) | KeysetKind::Range(first, second) => {
                self.is_known(first) && self.is_known(second)
            }
        };
        if !is_known && self.is_structured {
            return self.compare(set, key, ty, compared);
        }
        Some(match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => KeySet::Any,
            KeysetKind::Expr(expr) => KeySet::Exact(self.const_bits(expr)?),
            KeysetKind::Mask(value, mask) => KeySet::Mask {
                value: self.const_bits(value)?,
                mask: self.const_bits(mask)?,
            },
            KeysetKind::Range(lo, hi) => KeySet::Range {
                lo: self.const_bits(lo)?,
                hi: self.const_bits(hi)?,
            },
        })
    }

    /// The value set that an expression names, if it is one.
    fn set_of(&mut self, expr: &'a ast::Expr) -> Option<ValueSetId> {
        let ExprKind::Path(path) = &expr.kind else {
            return None;
        };
        match self.lookup(path) {
            Binding::Object(Object::ValueSet(id)) => Some(id),
            _ => None,
        }
    }
}
