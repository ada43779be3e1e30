//! Values as expressions over what a packet brings: a graph in which equal values have one number.
//!
//! A value is exact, or it is [`Value::Unknown`] with the reason: what a register returned, a random draw, the
//! clock. Whatever is computed of something unknown is unknown, unless the result does not hang on it. Children have lower numbers than
//! what is made of them.

use std::collections::HashMap;

use p4rmt_engine::Ref;
use p4rmt_ir::{ActionId, BinaryOp, Bits, HashId, TableId, UnaryOp};
use p4rmt_source::Span;

use crate::Cause;

/// The number of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ValueId(u32);

/// The number of a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LookupId(u32);

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    /// Always the same.
    Const(Bits),
    /// Bits of what the parser sees, from its first bit.
    Input {
        offset: u32,
        width: u32,
    },
    /// The port at which the packet arrived, where the parser does not see it.
    Port {
        width: u32,
    },
    Unary {
        op: UnaryOp,
        arg: ValueId,
    },
    Binary {
        op: BinaryOp,
        lhs: ValueId,
        rhs: ValueId,
    },
    Slice {
        arg: ValueId,
        hi: u32,
        lo: u32,
    },
    Resize {
        arg: ValueId,
        width: u32,
        is_signed: bool,
    },
    Mux {
        cond: ValueId,
        then: ValueId,
        otherwise: ValueId,
    },
    /// A hash of values, one behind the other; as bytes where bmv2 hashes.
    Hash {
        hash: Ref<HashId>,
        data: Vec<ValueId>,
        as_bytes: bool,
    },
    /// One bit: whether a lookup finds an entry.
    Hit(LookupId),
    /// One bit: whether a lookup leads to an action.
    Ran {
        lookup: LookupId,
        action: ActionId,
    },
    /// A piece of action data, where the lookup leads to the action.
    Param {
        lookup: LookupId,
        action: ActionId,
        index: u32,
    },
    /// The slot of the entry that is hit; behind the last where none is.
    Slot(LookupId),
    /// Nothing that could be told from the packet: why, and where it comes from.
    Unknown {
        cause: Cause,
        span: Span,
    },
}

/// A table that is looked up with certain keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lookup {
    pub(crate) table: Ref<TableId>,
    pub(crate) keys: Vec<ValueId>,
}

/// All values.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    values: Vec<Value>,
    numbers: HashMap<Value, ValueId>,
    lookups: Vec<Lookup>,
    lookup_numbers: HashMap<Lookup, LookupId>,
}

impl ValueId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl LookupId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Graph {
    pub(crate) fn get(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    pub(crate) fn lookup(&self, id: LookupId) -> &Lookup {
        &self.lookups[id.index()]
    }

    pub(crate) fn n_values(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn n_lookups(&self) -> usize {
        self.lookups.len()
    }

    /// Why a value is unknown, if it is.
    pub(crate) fn unknown(&self, id: ValueId) -> Option<(Cause, Span)> {
        match self.get(id) {
            Value::Unknown { cause, span } => Some((cause.clone(), *span)),
            _ => None,
        }
    }

    pub(crate) fn constant(&self, id: ValueId) -> Option<&Bits> {
        match self.get(id) {
            Value::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// The number of a value as it is.
    pub(crate) fn add(&mut self, value: Value) -> ValueId {
        if let Some(id) = self.numbers.get(&value) {
            return *id;
        }
        let id = ValueId(u32::try_from(self.values.len()).expect("paths are bounded"));
        self.values.push(value.clone());
        self.numbers.insert(value, id);
        id
    }

    pub(crate) fn add_lookup(&mut self, lookup: Lookup) -> LookupId {
        if let Some(id) = self.lookup_numbers.get(&lookup) {
            return *id;
        }
        let id = LookupId(u32::try_from(self.lookups.len()).expect("paths are bounded"));
        self.lookups.push(lookup.clone());
        self.lookup_numbers.insert(lookup, id);
        id
    }

    pub(crate) fn bits(&mut self, bits: Bits) -> ValueId {
        self.add(Value::Const(bits))
    }

    pub(crate) fn truth(&mut self, value: bool) -> ValueId {
        self.bits(Bits::from_bool(value))
    }

    pub(crate) fn unknown_of(&mut self, cause: Cause, span: Span) -> ValueId {
        self.add(Value::Unknown { cause, span })
    }

    pub(crate) fn is_true(&self, id: ValueId) -> bool {
        self.constant(id).is_some_and(Bits::is_true)
    }

    pub(crate) fn is_false(&self, id: ValueId) -> bool {
        self.constant(id).is_some_and(|bits| !bits.is_true())
    }

    pub(crate) fn unary(&mut self, op: UnaryOp, arg: ValueId) -> ValueId {
        match (op, self.get(arg)) {
            (_, Value::Const(bits)) => {
                let bits = Bits::unary(op, bits);
                self.bits(bits)
            }
            (_, Value::Unknown { .. }) => arg,
            (
                UnaryOp::Not,
                Value::Unary {
                    op: UnaryOp::Not,
                    arg,
                },
            ) => *arg,
            _ => self.add(Value::Unary { op, arg }),
        }
    }

    pub(crate) fn not(&mut self, arg: ValueId) -> ValueId {
        self.unary(UnaryOp::Not, arg)
    }

    pub(crate) fn and(&mut self, lhs: ValueId, rhs: ValueId) -> ValueId {
        self.binary(BinaryOp::And, lhs, rhs)
    }

    pub(crate) fn or(&mut self, lhs: ValueId, rhs: ValueId) -> ValueId {
        self.binary(BinaryOp::Or, lhs, rhs)
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, lhs: ValueId, rhs: ValueId) -> ValueId {
        if let (Value::Const(a), Value::Const(b)) = (self.get(lhs), self.get(rhs)) {
            let bits = Bits::binary(op, a, b);
            return self.bits(bits);
        }
        // What is the same whatever the other side is.
        for (side, other) in [(lhs, rhs), (rhs, lhs)] {
            let Value::Const(bits) = self.get(side) else {
                continue;
            };
            let is_zero = bits.is_zero();
            let is_ones = *bits == Bits::ones(bits.width());
            if is_zero && matches!(op, BinaryOp::Or | BinaryOp::Xor)
                || is_ones && op == BinaryOp::And
            {
                return other;
            }
            if is_zero && op == BinaryOp::And || is_ones && op == BinaryOp::Or {
                return side;
            }
        }
        if lhs == rhs && matches!(op, BinaryOp::And | BinaryOp::Or) {
            return lhs;
        }
        for side in [lhs, rhs] {
            if self.unknown(side).is_some() {
                return side;
            }
        }
        self.add(Value::Binary { op, lhs, rhs })
    }

    pub(crate) fn slice(&mut self, arg: ValueId, hi: u32, lo: u32) -> ValueId {
        match self.get(arg) {
            Value::Const(bits) => {
                let bits = bits.slice(hi, lo);
                self.bits(bits)
            }
            Value::Unknown { .. } => arg,
            Value::Input { offset, width } if hi < *width && lo <= hi => {
                let (offset, width) = (offset + width - 1 - hi, hi - lo + 1);
                self.add(Value::Input { offset, width })
            }
            _ => self.add(Value::Slice { arg, hi, lo }),
        }
    }

    pub(crate) fn resize(&mut self, arg: ValueId, width: u32, is_signed: bool) -> ValueId {
        match self.get(arg) {
            Value::Const(bits) => {
                let bits = bits.resize(width, is_signed);
                self.bits(bits)
            }
            Value::Unknown { .. } => arg,
            Value::Input { width: same, .. } if *same == width => arg,
            _ => self.add(Value::Resize {
                arg,
                width,
                is_signed,
            }),
        }
    }

    /// `then` where the condition holds.
    pub(crate) fn mux(&mut self, cond: ValueId, then: ValueId, otherwise: ValueId) -> ValueId {
        if then == otherwise || self.is_true(cond) {
            return then;
        }
        if self.is_false(cond) {
            return otherwise;
        }
        match *self.get(cond) {
            Value::Unknown { .. } => return cond,
            Value::Unary {
                op: UnaryOp::Not,
                arg,
            } => return self.mux(arg, otherwise, then),
            _ => {}
        }
        // What the same condition has decided already.
        let then = match *self.get(then) {
            Value::Mux {
                cond: same, then, ..
            } if same == cond => then,
            _ => then,
        };
        let otherwise = match *self.get(otherwise) {
            Value::Mux {
                cond: same,
                otherwise,
                ..
            } if same == cond => otherwise,
            _ => otherwise,
        };
        if then == otherwise {
            return then;
        }
        self.add(Value::Mux {
            cond,
            then,
            otherwise,
        })
    }

    pub(crate) fn hash(
        &mut self,
        hash: Ref<HashId>,
        data: Vec<ValueId>,
        as_bytes: bool,
    ) -> ValueId {
        let unknown = data.iter().find(|data| self.unknown(**data).is_some());
        match unknown {
            Some(unknown) => *unknown,
            None => self.add(Value::Hash {
                hash,
                data,
                as_bytes,
            }),
        }
    }

    /// What a value is made of directly.
    pub(crate) fn children(&self, id: ValueId) -> Vec<ValueId> {
        match self.get(id) {
            Value::Const(_) | Value::Input { .. } | Value::Port { .. } | Value::Unknown { .. } => {
                Vec::new()
            }
            Value::Unary { arg, .. } | Value::Slice { arg, .. } | Value::Resize { arg, .. } => {
                vec![*arg]
            }
            Value::Binary { lhs, rhs, .. } => vec![*lhs, *rhs],
            Value::Mux {
                cond,
                then,
                otherwise,
            } => vec![*cond, *then, *otherwise],
            Value::Hash { data, .. } => data.clone(),
            Value::Hit(lookup)
            | Value::Ran { lookup, .. }
            | Value::Param { lookup, .. }
            | Value::Slot(lookup) => self.lookup(*lookup).keys.clone(),
        }
    }

    /// The lookup that a value asks directly.
    pub(crate) fn lookup_of(&self, id: ValueId) -> Option<LookupId> {
        match self.get(id) {
            Value::Hit(lookup)
            | Value::Ran { lookup, .. }
            | Value::Param { lookup, .. }
            | Value::Slot(lookup) => Some(*lookup),
            _ => None,
        }
    }

    /// All values that some are made of, they too.
    pub(crate) fn reach(&self, roots: impl IntoIterator<Item = ValueId>) -> Vec<ValueId> {
        let mut is_found = vec![false; self.values.len()];
        let mut open: Vec<ValueId> = roots.into_iter().collect();
        let mut found = Vec::new();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut is_found[id.index()], true) {
                found.push(id);
                open.extend(self.children(id));
            }
        }
        found
    }

    /// A value with other values in the place of bits of what the parser sees; none where one has none.
    pub(crate) fn translate(
        &mut self,
        id: ValueId,
        input: &mut impl FnMut(&mut Self, u32, u32) -> Option<ValueId>,
    ) -> Option<ValueId> {
        let mut again = |graph: &mut Self, id: ValueId| graph.translate(id, input);
        Some(match self.get(id).clone() {
            Value::Input { offset, width } => return input(self, offset, width),
            Value::Const(_) => id,
            Value::Port { .. } | Value::Unknown { .. } => return None,
            Value::Unary { op, arg } => {
                let arg = again(self, arg)?;
                self.unary(op, arg)
            }
            Value::Binary { op, lhs, rhs } => {
                let (lhs, rhs) = (again(self, lhs)?, again(self, rhs)?);
                self.binary(op, lhs, rhs)
            }
            Value::Slice { arg, hi, lo } => {
                let arg = again(self, arg)?;
                self.slice(arg, hi, lo)
            }
            Value::Resize {
                arg,
                width,
                is_signed,
            } => {
                let arg = again(self, arg)?;
                self.resize(arg, width, is_signed)
            }
            Value::Mux {
                cond,
                then,
                otherwise,
            } => {
                let cond = again(self, cond)?;
                let (then, otherwise) = (again(self, then)?, again(self, otherwise)?);
                self.mux(cond, then, otherwise)
            }
            Value::Hash {
                hash,
                data,
                as_bytes,
            } => {
                let data = data.into_iter().map(|data| again(self, data));
                let data = data.collect::<Option<_>>()?;
                self.hash(hash, data, as_bytes)
            }
            Value::Hit(_) | Value::Ran { .. } | Value::Param { .. } | Value::Slot(_) => {
                let lookup = self.lookup_of(id)?;
                let Lookup { table, keys } = self.lookup(lookup).clone();
                let keys = keys.into_iter().map(|key| again(self, key));
                let keys: Vec<_> = keys.collect::<Option<_>>()?;
                if let Some(unknown) = keys.iter().find(|key| self.unknown(**key).is_some()) {
                    return Some(*unknown);
                }
                let lookup = self.add_lookup(Lookup { table, keys });
                let value = match *self.get(id) {
                    Value::Hit(_) => Value::Hit(lookup),
                    Value::Ran { action, .. } => Value::Ran { lookup, action },
                    Value::Param { action, index, .. } => Value::Param {
                        lookup,
                        action,
                        index,
                    },
                    _ => Value::Slot(lookup),
                };
                self.add(value)
            }
        })
    }

    /// A value without the conditions under which it is a constant instead: what it is where it says anything.
    pub(crate) fn strip(&mut self, id: ValueId) -> ValueId {
        let Value::Mux {
            cond,
            then,
            otherwise,
        } = *self.get(id)
        else {
            return id;
        };
        let (then, otherwise) = (self.strip(then), self.strip(otherwise));
        if self.constant(otherwise).is_some() {
            return then;
        }
        if self.constant(then).is_some() {
            return otherwise;
        }
        self.mux(cond, then, otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_hang_on_the_unknown_is_known() {
        let mut graph = Graph::default();
        let unknown = graph.unknown_of(Cause::Random, Span::NONE);
        let zero = graph.bits(Bits::zero(8));
        let input = graph.add(Value::Input {
            offset: 8,
            width: 8,
        });
        assert_eq!(graph.binary(BinaryOp::And, unknown, zero), zero);
        assert_eq!(graph.mux(unknown, input, input), input);
        assert_eq!(graph.mux(unknown, input, zero), unknown);
        assert_eq!(graph.binary(BinaryOp::Add, input, unknown), unknown);
    }

    #[test]
    fn equal_values_have_one_number_and_conditions_are_asked_once() {
        let mut graph = Graph::default();
        let cond = graph.add(Value::Input {
            offset: 0,
            width: 1,
        });
        let [a, b, c] = [1, 2, 3].map(|value| graph.bits(Bits::from_u64(8, value)));
        let not = graph.not(cond);
        // if (cond) { x = b } else { x = c }, one branch after the other.
        let first = graph.mux(cond, b, a);
        let both = graph.mux(not, c, first);
        assert_eq!(both, graph.mux(cond, b, c));
        assert_eq!(graph.strip(first), b);
    }

    #[test]
    fn a_slice_of_the_packet_is_a_piece_of_it() {
        let mut graph = Graph::default();
        let word = graph.add(Value::Input {
            offset: 16,
            width: 32,
        });
        let low = graph.slice(word, 7, 0);
        let expected = Value::Input {
            offset: 40,
            width: 8,
        };
        assert_eq!(*graph.get(low), expected);
    }
}
