//! Which indices belong together: what entries say, and how the classes that they make are dealt to cores.

use std::collections::{BTreeSet, HashMap};

use p4rmt_engine::{EntryTarget, InstalledEntry, State};
use p4rmt_ir::{ActionCall, Bits, Match};

use crate::NoKey;
use crate::graph::{Graph, LookupId, Value, ValueId};
use crate::key::{ArrayOf, Domain, Foreseen, Touch, Touches};

/// The core of each index.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// By domain and index, where entries say something.
    shards: Vec<Vec<u32>>,
    n_classes: usize,
}

/// An index of which nothing is said.
const NONE: u32 = u32::MAX;

/// No index of which entries say something is larger: the arrays of a machine are smaller.
const MAX_INDEX: u64 = 1 << 24;

impl Classes {
    /// The core of an index of a domain.
    #[inline]
    pub(crate) fn shard(&self, domain: Domain, index: u64, n_shards: u32) -> u32 {
        let known = self
            .shards
            .get(domain)
            .and_then(|of| of.get(index as usize));
        match known {
            Some(shard) if *shard != NONE => *shard,
            _ => (index % u64::from(n_shards.max(1))) as u32,
        }
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }
}

/// Sets that grow together.
#[derive(Default)]
struct Union {
    numbers: HashMap<(Domain, u64), usize>,
    nodes: Vec<(Domain, u64)>,
    parents: Vec<usize>,
}

impl Union {
    fn number(&mut self, node: (Domain, u64)) -> usize {
        let next = self.nodes.len();
        let number = *self.numbers.entry(node).or_insert(next);
        if number == next {
            self.nodes.push(node);
            self.parents.push(next);
        }
        number
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }

    fn join(&mut self, a: (Domain, u64), b: (Domain, u64)) {
        let (a, b) = (self.number(a), self.number(b));
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

/// Two touches of one packet of which no entry says what belongs together; and, where one is always at one
/// element, which.
type Missing = (Touch, Touch, Option<(Touch, u64)>);

/// Finds the classes, and deals them to cores.
///
/// # Errors
/// Indices of one packet of which no entry says that they belong together; one class alone.
pub(crate) fn link(
    graph: &mut Graph,
    state: &State,
    arrays: &[ArrayOf],
    touches: &Touches,
    foreseen: &[Foreseen],
    n_shards: u32,
) -> Result<Classes, NoKey> {
    let mut union = Union::default();
    let domain = |touch: &Touch| arrays[touch.array].domain;
    // What packets of either gress touch together, as far as the gress itself shows; else as it is foreseen.
    let mut known: BTreeSet<(Domain, Domain)> = BTreeSet::new();
    let mut wanted: Vec<Missing> = Vec::new();
    let own = touches.iter().flatten().map(|touches| {
        let pairs = touches.iter().map(|touch| (touch.clone(), touch.index));
        pairs.collect::<Vec<_>>()
    });
    let own: Vec<Vec<(Touch, ValueId)>> = own.collect();
    let later = foreseen
        .iter()
        .flat_map(|foreseen| foreseen.sets.iter().cloned());
    let mut is_seen: BTreeSet<(Domain, ValueId, Domain, ValueId)> = BTreeSet::new();
    for set in own.into_iter().chain(later) {
        let Some(((first, value), others)) = set.split_first() else {
            continue;
        };
        for (other, other_value) in others {
            let (a, b) = ((domain(first), *value), (domain(other), *other_value));
            if a == b || !is_seen.insert((a.0, a.1, b.0, b.1)) {
                continue;
            }
            let are_const = [a.1, b.1].map(|value| graph.constant(value).is_some());
            if are_const == [true; 2] {
                continue;
            }
            if join_by_entries(graph, state, a, b, &mut union) {
                known.insert((a.0, b.0));
            } else {
                let constant = graph.constant(b.1).or_else(|| graph.constant(a.1));
                let shared = constant.map(|index| {
                    let touch = if are_const[1] { other } else { first };
                    (touch.clone(), index.low_u64())
                });
                wanted.push((first.clone(), other.clone(), shared));
            }
        }
    }
    wanted.retain(|(first, other, _)| !known.contains(&(domain(first), domain(other))));
    // What all packets have in common says more than that an entry is missing.
    wanted.sort_by_key(|(_, _, shared)| shared.is_none());
    if let Some((first, other, shared)) = wanted.into_iter().next() {
        let name = |touch: &Touch| arrays[touch.array].name.clone();
        return Err(match shared {
            Some((touch, index)) => NoKey::Shared {
                array: name(&touch),
                index,
                span: touch.span,
            },
            None => NoKey::Unlinked {
                array: name(&other),
                span: other.span,
                other: name(&first),
            },
        });
    }
    deal(union, n_shards)
}

/// Joins what one table says of two indices; whether there is such a table.
fn join_by_entries(
    graph: &mut Graph,
    state: &State,
    a: (Domain, ValueId),
    b: (Domain, ValueId),
    union: &mut Union,
) -> bool {
    let reach = graph.reach([a.1, b.1]);
    let mut lookups: Vec<LookupId> = reach.iter().filter_map(|id| graph.lookup_of(*id)).collect();
    lookups.sort();
    lookups.dedup();
    for lookup in lookups {
        let keys = graph.lookup(lookup).keys.clone();
        let keys: Vec<ValueId> = keys.into_iter().map(|key| graph.strip(key)).collect();
        let view = EntryView {
            graph,
            lookup,
            keys: &keys,
        };
        if !view.says(a.1) || !view.says(b.1) {
            continue;
        }
        let table = graph.lookup(lookup).table;
        let Ok(entries) = state.table(table) else {
            continue;
        };
        for (slot, entry) in entries.iter().filter(|(_, entry)| view.may_find(entry)) {
            let index = |value| view.value(value, slot, entry)?.to_u64();
            if let (Some(x), Some(y)) = (index(a.1), index(b.1)) {
                union.join((a.0, x), (b.0, y));
            }
        }
        return true;
    }
    false
}

/// Values as far as one entry of a table decides them.
struct EntryView<'a> {
    graph: &'a Graph,
    lookup: LookupId,
    keys: &'a [ValueId],
}

impl EntryView<'_> {
    /// Whether the entry that is found decides a value.
    fn says(&self, id: ValueId) -> bool {
        if self.keys.contains(&id) || self.graph.lookup_of(id) == Some(self.lookup) {
            return true;
        }
        match self.graph.get(id) {
            Value::Const(_) => true,
            Value::Unary { .. }
            | Value::Binary { .. }
            | Value::Slice { .. }
            | Value::Resize { .. }
            | Value::Mux { .. } => {
                let children = self.graph.children(id);
                children.into_iter().all(|child| self.says(child))
            }
            Value::Input { .. }
            | Value::Port { .. }
            | Value::Hash { .. }
            | Value::Hit(_)
            | Value::Ran { .. }
            | Value::Param { .. }
            | Value::Slot(_)
            | Value::Unknown { .. } => false,
        }
    }

    /// Whether a lookup may find an entry: keys that are constants are those of the entry.
    fn may_find(&self, entry: &InstalledEntry) -> bool {
        let pairs = self.keys.iter().zip(&entry.matches);
        pairs.into_iter().all(|(key, wanted)| {
            let constant = self.graph.constant(*key);
            let wanted = exact(wanted);
            constant.is_none_or(|constant| wanted.is_none_or(|wanted| wanted == *constant))
        })
    }

    fn value(&self, id: ValueId, slot: usize, entry: &InstalledEntry) -> Option<Bits> {
        if let Some(position) = self.keys.iter().position(|key| *key == id)
            && self.graph.constant(id).is_none()
        {
            return exact(entry.matches.get(position)?);
        }
        let call = || match &entry.target {
            EntryTarget::Action(call) => Some(call),
            EntryTarget::Member(_) | EntryTarget::Group(_) => None,
        };
        let of = |id: ValueId| self.value(id, slot, entry);
        Some(match self.graph.get(id) {
            Value::Const(bits) => bits.clone(),
            Value::Unary { op, arg } => Bits::unary(*op, &of(*arg)?),
            Value::Binary { op, lhs, rhs } => Bits::binary(*op, &of(*lhs)?, &of(*rhs)?),
            Value::Slice { arg, hi, lo } => of(*arg)?.slice(*hi, *lo),
            Value::Resize {
                arg,
                width,
                is_signed,
            } => of(*arg)?.resize(*width, *is_signed),
            Value::Mux {
                cond,
                then,
                otherwise,
            } => {
                let is_then = of(*cond)?.is_true();
                of(if is_then { *then } else { *otherwise })?
            }
            Value::Hit(lookup) if *lookup == self.lookup => Bits::from_bool(true),
            Value::Slot(lookup) if *lookup == self.lookup => Bits::from_u64(64, slot as u64),
            Value::Ran { lookup, action } if *lookup == self.lookup => {
                Bits::from_bool(call()?.action == *action)
            }
            Value::Param {
                lookup,
                action,
                index,
            } if *lookup == self.lookup => {
                let ActionCall { action: ran, args } = call()?;
                let arg = args.get(*index as usize);
                arg.filter(|_| ran == action)?.clone()
            }
            Value::Input { .. }
            | Value::Port { .. }
            | Value::Hash { .. }
            | Value::Hit(_)
            | Value::Ran { .. }
            | Value::Param { .. }
            | Value::Slot(_)
            | Value::Unknown { .. } => return None,
        })
    }
}

/// The only value that matches.
fn exact(wanted: &Match) -> Option<Bits> {
    match wanted {
        Match::Exact(value) => Some(value.clone()),
        Match::Ternary { value, mask } => {
            (*mask == Bits::ones(mask.width())).then(|| value.clone())
        }
        Match::Lpm { value, prefix_len } => (*prefix_len == value.width()).then(|| value.clone()),
        Match::Range { lo, hi } => (lo == hi).then(|| lo.clone()),
        Match::Any => None,
    }
}

/// Deals classes to cores, the largest first, each to the one that has least.
fn deal(mut union: Union, n_shards: u32) -> Result<Classes, NoKey> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); union.nodes.len()];
    for number in 0..union.nodes.len() {
        let root = union.root(number);
        members[root].push(number);
    }
    members.retain(|members| !members.is_empty());
    let n_classes = members.len();
    if n_classes == 1 {
        return Err(NoKey::OneKey);
    }
    members.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let mut loads = vec![0; n_shards.max(1) as usize];
    let mut classes = Classes {
        shards: Vec::new(),
        n_classes,
    };
    for class in members {
        let least = loads.iter().enumerate().min_by_key(|(_, load)| **load);
        let shard = least.map_or(0, |(shard, _)| shard);
        loads[shard] += class.len();
        for number in class {
            let (domain, index) = union.nodes[number];
            if index >= MAX_INDEX {
                continue;
            }
            let index = index as usize;
            if classes.shards.len() <= domain {
                classes.shards.resize(domain + 1, Vec::new());
            }
            let of = &mut classes.shards[domain];
            if of.len() <= index {
                of.resize(index + 1, NONE);
            }
            of[index] = shard as u32;
        }
    }
    Ok(classes)
}
