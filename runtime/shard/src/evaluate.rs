//! What values are for one packet.

use std::borrow::Cow;
use std::collections::HashMap;

use p4rmt_engine::{BitWriter, Hasher, Ref, State, are_in_key_sets};
use p4rmt_ir::{Bits, HashId, TableId};

use crate::explore::{Node, NodeId, Tree};
use crate::graph::{Graph, LookupId, Value, ValueId};
use crate::tables::Arranged;

/// A packet as its parser sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// What stands in front of it.
    pub(crate) prefix: &'a [u8],
    pub(crate) packet: &'a [u8],
    pub(crate) port: u16,
}

/// What values are looked up in and hashed by.
#[derive(Debug)]
pub(crate) struct Means {
    tables: HashMap<Ref<TableId>, Arranged>,
    hashers: HashMap<Ref<HashId>, Hasher>,
}

/// What has been found out about the packet in work. It is used again for the next.
#[derive(Debug)]
pub(crate) struct Memo {
    round: u32,
    values: Vec<(u32, Option<Bits>)>,
    lookups: Vec<(u32, Option<Option<usize>>)>,
    key: Vec<u64>,
}

/// The values of one packet.
pub(crate) struct Evaluation<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) means: &'a Means,
    pub(crate) seen: Seen<'a>,
    memo: &'a mut Memo,
}

impl Means {
    /// All that some values need.
    pub(crate) fn new(graph: &Graph, state: &State, values: &[ValueId]) -> Self {
        let (mut tables, mut hashers) = (HashMap::new(), HashMap::new());
        let gresses = &state.layout().pipe().gresses;
        for id in graph.reach(values.iter().copied()) {
            if let Some(lookup) = graph.lookup_of(id) {
                let table = graph.lookup(lookup).table;
                tables
                    .entry(table)
                    .or_insert_with(|| Arranged::new(state, table));
            }
            if let Value::Hash { hash, .. } = graph.get(id) {
                let hasher = || Hasher::new(&gresses[hash.gress].hashes[hash.id]);
                hashers.entry(*hash).or_insert_with(hasher);
            }
        }
        Self { tables, hashers }
    }
}

impl Memo {
    pub(crate) fn new(graph: &Graph) -> Self {
        Self {
            round: 0,
            values: vec![(0, None); graph.n_values()],
            lookups: vec![(0, None); graph.n_lookups()],
            key: Vec::new(),
        }
    }
}

impl Seen<'_> {
    fn n_bits(&self) -> u64 {
        8 * (self.prefix.len() as u64 + self.packet.len() as u64)
    }

    /// Bits from a place on; none beyond the end.
    fn bits(&self, offset: u32, width: u32) -> Option<Bits> {
        let n_before = 8 * self.prefix.len();
        let (offset, width) = (offset as usize, width as usize);
        if offset >= n_before {
            return bits_of(self.packet, offset - n_before, width);
        }
        if offset + width <= n_before {
            return bits_of(self.prefix, offset, width);
        }
        let front = n_before - offset;
        let high = bits_of(self.prefix, offset, front)?;
        Some(high.concat(&bits_of(self.packet, 0, width - front)?))
    }
}

/// Bits of bytes, the first bit highest.
fn bits_of(bytes: &[u8], offset: usize, width: usize) -> Option<Bits> {
    let end = offset + width;
    let whole = bytes.get(offset / 8..end.div_ceil(8))?;
    let behind = (8 - end % 8) % 8;
    if whole.len() <= 16 {
        let value = whole
            .iter()
            .fold(0, |value: u128, byte| value << 8 | u128::from(*byte));
        return Some(Bits::from_u128(width as u32, value >> behind));
    }
    let all = Bits::from_bytes_be(whole.len() as u32 * 8, whole);
    Some(all.slice((behind + width) as u32 - 1, behind as u32))
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        means: &'a Means,
        seen: Seen<'a>,
        memo: &'a mut Memo,
    ) -> Self {
        memo.round = memo.round.wrapping_add(1);
        if memo.round == 0 {
            // What was found out so many packets ago must not count.
            memo.values.fill((0, None));
            memo.lookups.fill((0, None));
            memo.round = 1;
        }
        Self {
            graph,
            means,
            seen,
            memo,
        }
    }

    /// Visits the ends that the packet can come to: one, unless something is unknown.
    pub(crate) fn ends(
        &mut self,
        tree: &Tree,
        node: NodeId,
        visit: &mut impl FnMut(&mut Self, usize),
    ) {
        match &tree.nodes[node] {
            Node::End(end) => visit(self, *end),
            Node::Length {
                bits,
                enough,
                short,
            } => {
                let is_enough = self.seen.n_bits() >= u64::from(*bits);
                self.ends(tree, if is_enough { *enough } else { *short }, visit);
            }
            Node::Select {
                keys,
                cases,
                otherwise,
            } => {
                let values = keys.iter().map(|key| self.value(*key));
                let Some(values) = values.collect::<Option<Vec<_>>>() else {
                    for (_, node) in cases {
                        self.ends(tree, *node, visit);
                    }
                    return self.ends(tree, *otherwise, visit);
                };
                let is_match =
                    |sets: &Vec<Vec<_>>| sets.iter().any(|set| are_in_key_sets(set, &values));
                let found = cases.iter().find(|(sets, _)| is_match(sets));
                let node = found.map_or(*otherwise, |(_, node)| *node);
                self.ends(tree, node, visit);
            }
            Node::Any(nodes) => nodes.iter().for_each(|node| self.ends(tree, *node, visit)),
        }
    }

    /// What a value is; none if that cannot be told.
    pub(crate) fn value(&mut self, id: ValueId) -> Option<Bits> {
        // What is read or known at once is not kept.
        match self.graph.get(id) {
            Value::Const(bits) => return Some(bits.clone()),
            Value::Input { offset, width } => return self.seen.bits(*offset, *width),
            Value::Port { width } => return Some(Bits::from_u64(*width, self.seen.port.into())),
            Value::Unknown { .. } => return None,
            _ => {}
        }
        let (round, known) = &self.memo.values[id.index()];
        if *round == self.memo.round {
            return known.clone();
        }
        let value = self.compute(id);
        self.memo.values[id.index()] = (self.memo.round, value.clone());
        value
    }

    fn compute(&mut self, id: ValueId) -> Option<Bits> {
        let graph = self.graph;
        Some(match graph.get(id) {
            Value::Const(_) | Value::Input { .. } | Value::Port { .. } | Value::Unknown { .. } => {
                return self.value(id);
            }
            Value::Unary { op, arg } => Bits::unary(*op, &self.value(*arg)?),
            Value::Binary { op, lhs, rhs } => {
                let (lhs, rhs) = (self.value(*lhs)?, self.value(*rhs)?);
                Bits::binary(*op, &lhs, &rhs)
            }
            Value::Slice { arg, hi, lo } => self.value(*arg)?.slice(*hi, *lo),
            Value::Resize {
                arg,
                width,
                is_signed,
            } => self.value(*arg)?.resize(*width, *is_signed),
            Value::Mux {
                cond,
                then,
                otherwise,
            } => {
                let is_then = self.value(*cond)?.is_true();
                self.value(if is_then { *then } else { *otherwise })?
            }
            Value::Hash {
                hash,
                data,
                as_bytes,
            } => {
                let values = data.iter().map(|data| self.value(*data));
                let values = values.collect::<Option<Vec<_>>>()?;
                let hasher = self.means.hashers.get(hash)?;
                if *as_bytes {
                    let mut bytes = Vec::new();
                    let mut writer = BitWriter::new(&mut bytes);
                    values.iter().for_each(|value| writer.write(value));
                    hasher.hash_bytes(&bytes)
                } else {
                    let empty = Bits::zero(0);
                    hasher.hash(&values.iter().fold(empty, |all, value| all.concat(value)))
                }
            }
            Value::Hit(lookup) => Bits::from_bool(self.slot(*lookup)?.is_some()),
            Value::Slot(lookup) => {
                let table = self.means.tables.get(&graph.lookup(*lookup).table)?;
                let slot = self.slot(*lookup)?;
                Bits::from_u64(64, slot.map_or(table.behind, |slot| slot as u64))
            }
            Value::Ran { lookup, action } => {
                let slot = self.slot(*lookup)?;
                let table = self.means.tables.get(&graph.lookup(*lookup).table)?;
                Bits::from_bool(table.call(slot)?.action == *action)
            }
            Value::Param {
                lookup,
                action,
                index,
            } => {
                let slot = self.slot(*lookup)?;
                let table = self.means.tables.get(&graph.lookup(*lookup).table)?;
                let call = table.call(slot)?;
                let arg = call.args.get(*index as usize);
                arg.filter(|_| call.action == *action)?.clone()
            }
        })
    }

    /// The slot that a lookup hits; none if its key cannot be told.
    fn slot(&mut self, id: LookupId) -> Option<Option<usize>> {
        let (round, known) = self.memo.lookups[id.index()];
        if round == self.memo.round {
            return known;
        }
        let slot = self.look_up(id);
        self.memo.lookups[id.index()] = (self.memo.round, slot);
        slot
    }

    fn look_up(&mut self, id: LookupId) -> Option<Option<usize>> {
        let lookup = self.graph.lookup(id);
        let means = self.means;
        let table = means.tables.get(&lookup.table)?;
        let parts = lookup.keys.iter().map(|key| self.value(*key));
        let parts = parts.collect::<Option<Vec<_>>>()?;
        let mut key = std::mem::take(&mut self.memo.key);
        let layout = table.lookup.layout();
        layout.key(&mut key, |part| Cow::Borrowed(&parts[part]));
        let slot = table.lookup.lookup(&key);
        self.memo.key = key;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_lie_anywhere_in_prefix_and_packet() {
        let seen = Seen {
            prefix: &[0x12, 0x34],
            packet: &[0x56; 20],
            port: 0,
        };
        assert_eq!(seen.bits(4, 8), Some(Bits::from_u64(8, 0x23)));
        assert_eq!(seen.bits(12, 8), Some(Bits::from_u64(8, 0x45)));
        assert_eq!(seen.bits(20, 4), Some(Bits::from_u64(4, 6)));
        let wide = seen.bits(20, 140).expect("it is there");
        assert_eq!(wide.width(), 140);
        assert_eq!(wide.low_u64(), 0x5656_5656_5656_5656);
        assert_eq!(seen.bits(16 + 19 * 8, 9), None);
    }
}
