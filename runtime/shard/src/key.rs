//! The key: which core has which packets.
//!
//! 1. Each gress is explored ([`crate::explore`]): what a packet touches behind each way through its parser.
//! 2. Arrays that some packet touches by one and the same index make a *domain*: what belongs together is an index
//!    of a domain.
//! 3. Where one packet touches two domains, entries say which index of one comes with which of the other: those
//!    are one *class*. So all connections of a context are one where the connection's entry names the context.
//! 4. Classes are dealt to cores, the largest first.
//!
//! What an arriving packet will touch in the egress is foreseen by the headers that both gresses have, by name of
//! their type. That may be wrong, and whether it was is seen before memory is touched: [`Key::check`] looks at each packet
//! that enters a gress.

use std::collections::{BTreeMap, HashMap};

use p4rmt_engine::{Interface, Ref, State};
use p4rmt_ir::{FieldId, Gress, GressId, GressRole, Id};
use p4rmt_source::Span;

use crate::cache::Cache;
use crate::evaluate::{Evaluation, Means, Memo, Seen};
use crate::execute::{Access, Array};
use crate::explore::{End, Tree, explore};
use crate::graph::{Graph, ValueId};
use crate::link::{Classes, link};
use crate::tables::Summaries;
use crate::{Arrivals, Crossing, NoKey, observes_time};

/// A group of arrays with the same indices.
pub(crate) type Domain = usize;

/// What packets are dealt to cores by.
#[derive(Debug)]
pub struct Key {
    graph: Graph,
    means: Means,
    /// By gress, where packets touch memory or are foreseen to.
    gresses: BTreeMap<usize, Explored>,
    arrays: Vec<ArrayOf>,
    classes: Classes,
    entry: GressId,
    is_whole: bool,
    observes_time: bool,
    n_shards: u32,
    summary: String,
}

/// A gress whose packets are looked at.
#[derive(Debug)]
struct Explored {
    tree: Tree,
    /// By end.
    touches: Vec<Vec<Touch>>,
    /// By end: what arriving packets are foreseen to touch later.
    foreseen: Vec<Vec<(Domain, ValueId)>>,
    is_checked: bool,
}

/// That a packet touches an array, not merely to read what nobody writes.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    pub(crate) array: usize,
    pub(crate) index: ValueId,
    pub(crate) condition: ValueId,
    pub(crate) span: Span,
}

/// An array that packets touch.
#[derive(Clone, Debug)]
pub(crate) struct ArrayOf {
    pub(crate) name: String,
    /// Indices beyond it touch nothing.
    size: u64,
    pub(crate) domain: Domain,
}

/// What finds the core of a packet. It has room of its own for what it computes.
#[derive(Debug)]
pub struct Finder {
    memo: Memo,
    /// Cores of arriving packets, with the length of what stands in front of them.
    arrivals: Option<(usize, Cache)>,
    /// By gress: cores of packets that enter it.
    entries: BTreeMap<usize, Cache>,
}

impl Key {
    /// Derives the key of a pipe with the entries that it has, for so many cores.
    ///
    /// # Errors
    /// Why there is none.
    pub fn new(
        state: &State,
        interface: &Interface,
        arrivals: &Arrivals,
        n_shards: u32,
    ) -> Result<Self, NoKey> {
        let pipe = state.layout().pipe();
        let mut graph = Graph::default();
        let mut summaries = Summaries::new(state);
        let mut trees: Vec<(GressId, Tree)> = Vec::new();
        for id in pipe.gresses.ids() {
            let inputs = interface.gresses.get(id);
            let inputs = inputs.map_or(&[][..], |interface| &interface.inputs);
            let clock = if id == arrivals.gress {
                arrivals.clock_bits
            } else {
                crate::Bounds::default()
            };
            let tree = explore(&mut graph, &mut summaries, state, id, inputs, clock)?;
            trees.push((id, tree));
        }
        let (arrays, touches) = touches_of(&mut graph, state, &trees)?;
        let foreseen = foresee(&mut graph, state, &trees, &touches, arrivals.gress, &arrays)?;
        let classes = link(&mut graph, state, &arrays, &touches, &foreseen, n_shards)?;
        let mut roots = Vec::new();
        let mut gresses = BTreeMap::new();
        for ((id, tree), touches) in trees.into_iter().zip(touches) {
            let foreseen = if id == arrivals.gress {
                let ends = foreseen.iter();
                ends.map(|end| [&end.pairs[..], &end.wholes].concat())
                    .collect()
            } else {
                Vec::new()
            };
            let is_checked = touches.iter().any(|touches| !touches.is_empty());
            roots.extend(tree.nodes.iter().flat_map(keys_of));
            for touch in touches.iter().flatten() {
                roots.extend([touch.index, touch.condition]);
            }
            roots.extend(foreseen.iter().flatten().map(|(_, value)| *value));
            let explored = Explored {
                tree,
                touches,
                foreseen,
                is_checked,
            };
            gresses.insert(id.index(), explored);
        }
        let summary = summarize(&arrays, &classes);
        Ok(Self {
            means: Means::new(&graph, state, &roots),
            graph,
            gresses,
            arrays,
            classes,
            entry: arrivals.gress,
            is_whole: pipe.gresses[arrivals.gress].role == GressRole::Whole,
            observes_time: observes_time(state, interface),
            n_shards,
            summary,
        })
    }

    /// Whether something that the program does may hang on when a packet comes.
    #[must_use]
    pub fn observes_time(&self) -> bool {
        self.observes_time
    }

    /// In words: which memory goes by which key.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// What looks packets up.
    #[must_use]
    pub fn finder(&self) -> Finder {
        Finder {
            memo: Memo::new(&self.graph),
            arrivals: None,
            entries: BTreeMap::new(),
        }
    }

    /// The core of a packet that arrives on a port, with what the machine puts in front of it; none if any will do.
    ///
    /// # Errors
    /// A packet that no single core has all memory for.
    pub fn shard(
        &self,
        finder: &mut Finder,
        port: u16,
        prefix: &[u8],
        packet: &[u8],
    ) -> Result<Option<u32>, Crossing> {
        let Some(explored) = self.gresses.get(&self.entry.index()) else {
            return Ok(None);
        };
        let n_before = prefix.len();
        if !matches!(&finder.arrivals, Some((known, _)) if *known == n_before) {
            let foreseen = explored.foreseen.iter().flatten().map(|(_, value)| *value);
            let values = explored.values().chain(foreseen);
            let cache = Cache::new(&self.graph, &explored.tree, values, n_before);
            finder.arrivals = Some((n_before, cache));
        }
        let cache = finder.arrivals.as_mut().map(|(_, cache)| cache);
        let known = cache.and_then(|cache| cache.get(port, packet));
        if let Some(answer) = known {
            return Ok(shard_of(answer));
        }
        let found = self.evaluate_shard(explored, finder, port, prefix, packet)?;
        if let Some((_, cache)) = &mut finder.arrivals {
            cache.put(answer_of(found));
        }
        Ok(found)
    }

    /// The same, found out.
    fn evaluate_shard(
        &self,
        explored: &Explored,
        finder: &mut Finder,
        port: u16,
        prefix: &[u8],
        packet: &[u8],
    ) -> Result<Option<u32>, Crossing> {
        let seen = Seen {
            prefix,
            packet,
            port,
        };
        let mut evaluation = Evaluation::new(&self.graph, &self.means, seen, &mut finder.memo);
        let mut found = None;
        let mut crossing = None;
        evaluation.ends(
            &explored.tree,
            explored.tree.root,
            &mut |evaluation, end| {
                for touch in &explored.touches[end] {
                    if let Err(error) = self.touch(evaluation, touch, &mut found) {
                        crossing.get_or_insert(error);
                    }
                }
                if found.is_none()
                    && let Some(foreseen) = explored.foreseen.get(end)
                {
                    let first = foreseen.iter().find_map(|(domain, value)| {
                        let index = evaluation.value(*value)?.to_u64()?;
                        Some(self.classes.shard(*domain, index, self.n_shards))
                    });
                    found = first;
                }
            },
        );
        match crossing {
            Some(crossing) => Err(crossing),
            None => Ok(found),
        }
    }

    /// Looks whether a packet that enters a gress touches memory of this core only.
    ///
    /// # Errors
    /// What it touches of another.
    #[inline]
    pub fn check(
        &self,
        finder: &mut Finder,
        shard: u32,
        gress: GressId,
        bytes: &[u8],
    ) -> Result<(), Crossing> {
        match self.gresses.get(&gress.index()) {
            // What v1model's packets touch was found when they arrived.
            Some(explored) if explored.is_checked && !self.is_whole => {
                let cache = finder.entries.entry(gress.index()).or_insert_with(|| {
                    Cache::new(&self.graph, &explored.tree, explored.values(), 0)
                });
                match cache.get(0, bytes).map(shard_of) {
                    Some(None) => return Ok(()),
                    Some(Some(known)) if known == shard => return Ok(()),
                    Some(Some(_)) | None => {}
                }
                let found = self.check_touches(explored, finder, shard, bytes)?;
                if let Some(cache) = finder.entries.get_mut(&gress.index()) {
                    cache.put(answer_of(found));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_touches(
        &self,
        explored: &Explored,
        finder: &mut Finder,
        shard: u32,
        bytes: &[u8],
    ) -> Result<Option<u32>, Crossing> {
        let seen = Seen {
            prefix: &[],
            packet: bytes,
            port: 0,
        };
        let mut evaluation = Evaluation::new(&self.graph, &self.means, seen, &mut finder.memo);
        let mut result = Ok(());
        evaluation.ends(
            &explored.tree,
            explored.tree.root,
            &mut |evaluation, end| {
                for touch in &explored.touches[end] {
                    if result.is_ok() {
                        result = self.touch(evaluation, touch, &mut Some(shard));
                    }
                }
            },
        );
        // Who touches nothing is taken to touch this core's: no other asks here.
        result.map(|()| Some(shard))
    }

    /// The core of what is touched must be the one that was found, if one was.
    fn touch(
        &self,
        evaluation: &mut Evaluation<'_>,
        touch: &Touch,
        found: &mut Option<u32>,
    ) -> Result<(), Crossing> {
        let holds = evaluation.value(touch.condition);
        if holds.is_some_and(|holds| !holds.is_true()) {
            return Ok(());
        }
        let array = &self.arrays[touch.array];
        let crossing = |index| Crossing {
            array: array.name.clone(),
            index,
        };
        let index = evaluation.value(touch.index);
        let index = index.ok_or_else(|| crossing(0))?;
        let Some(index) = index.to_u64().filter(|index| *index < array.size) else {
            return Ok(());
        };
        let shard = self.classes.shard(array.domain, index, self.n_shards);
        if *found.get_or_insert(shard) == shard {
            return Ok(());
        }
        Err(crossing(index))
    }
}

impl Explored {
    /// All that touches hang on.
    fn values(&self) -> impl Iterator<Item = ValueId> {
        let touches = self.touches.iter().flatten();
        touches.flat_map(|touch| [touch.index, touch.condition])
    }
}

/// A core, or that any will do, as a number.
fn answer_of(shard: Option<u32>) -> u64 {
    shard.map_or(0, |shard| u64::from(shard) + 1)
}

fn shard_of(answer: u64) -> Option<u32> {
    let shard = answer.checked_sub(1)?;
    u32::try_from(shard).ok()
}

fn keys_of(node: &crate::explore::Node) -> Vec<ValueId> {
    match node {
        crate::explore::Node::Select { keys, .. } => keys.clone(),
        crate::explore::Node::End(_)
        | crate::explore::Node::Length { .. }
        | crate::explore::Node::Any(_) => Vec::new(),
    }
}

/// By gress and end.
pub(crate) type Touches = Vec<Vec<Vec<Touch>>>;

/// The arrays that packets write, in domains, and what touches them.
fn touches_of(
    graph: &mut Graph,
    state: &State,
    trees: &[(GressId, Tree)],
) -> Result<(Vec<ArrayOf>, Touches), NoKey> {
    let accesses = || {
        let ends = trees.iter().flat_map(|(_, tree)| &tree.ends);
        ends.flat_map(|end| &end.accesses)
    };
    let mut numbers: HashMap<Array, usize> = HashMap::new();
    let mut arrays: Vec<ArrayOf> = Vec::new();
    let mut n_elements: Vec<u64> = Vec::new();
    for access in accesses().filter(|access| access.writes) {
        numbers.entry(access.array).or_insert_with(|| {
            let (name, size) = declared(state, access.array);
            n_elements.push(access.n_elements);
            let domain = arrays.len();
            arrays.push(ArrayOf { name, size, domain });
            domain
        });
    }
    // Of each array: whether nothing but constants is its index.
    let mut shared: Vec<Option<(u64, Span)>> = vec![None; arrays.len()];
    let mut is_keyed = vec![false; arrays.len()];
    for access in accesses() {
        let Some(array) = numbers.get(&access.array).copied() else {
            continue;
        };
        let name = arrays[array].name.clone();
        let span = access.span;
        if n_elements[array] != access.n_elements {
            return Err(NoKey::WordSizes { array: name, span });
        }
        if let Some((cause, origin)) = graph.unknown(access.index) {
            return Err(NoKey::Index {
                array: name,
                span,
                cause,
                origin,
            });
        }
        match graph.constant(access.index) {
            Some(index) => {
                shared[array].get_or_insert((index.low_u64(), span));
            }
            None => is_keyed[array] = true,
        }
    }
    for (array, shared) in shared.into_iter().enumerate() {
        if let (false, Some((index, span))) = (is_keyed[array], shared) {
            let array = arrays[array].name.clone();
            return Err(NoKey::Shared { array, index, span });
        }
    }
    let mut touches: Touches = trees
        .iter()
        .map(|(_, tree)| vec![Vec::new(); tree.ends.len()])
        .collect();
    for ((_, tree), touches) in trees.iter().zip(&mut touches) {
        for (end, touches) in tree.ends.iter().zip(touches) {
            for access in &end.accesses {
                if let Some(array) = numbers.get(&access.array) {
                    add_touch(graph, touches, *array, access);
                }
            }
        }
    }
    join_domains(graph, &mut arrays, &touches);
    for touches in touches.iter_mut().flatten() {
        one_a_domain(graph, &arrays, touches);
    }
    Ok((arrays, touches))
}

/// Adds what touches an array; by the same index, under either condition.
fn add_touch(graph: &mut Graph, touches: &mut Vec<Touch>, array: usize, access: &Access) {
    let same = |touch: &&mut Touch| touch.array == array && touch.index == access.index;
    match touches.iter_mut().find(same) {
        Some(touch) => touch.condition = graph.or(touch.condition, access.condition),
        None => touches.push(Touch {
            array,
            index: access.index,
            condition: access.condition,
            span: access.span,
        }),
    }
}

/// Arrays that a packet touches by the same index have one domain.
fn join_domains(graph: &Graph, arrays: &mut [ArrayOf], touches: &Touches) {
    for touches in touches.iter().flatten() {
        let mut first: HashMap<ValueId, Domain> = HashMap::new();
        // That two are at one and the same element says nothing of the others.
        let keyed = touches.iter();
        for touch in keyed.filter(|touch| graph.constant(touch.index).is_none()) {
            let domain = arrays[touch.array].domain;
            let with = *first.entry(touch.index).or_insert(domain);
            let (from, to) = (domain.max(with), domain.min(with));
            for array in arrays.iter_mut().filter(|array| array.domain == from) {
                array.domain = to;
            }
            first
                .values_mut()
                .filter(|known| **known == from)
                .for_each(|known| *known = to);
        }
    }
}

/// Of the arrays of a domain that a packet touches by one index, the largest stands for all.
fn one_a_domain(graph: &mut Graph, arrays: &[ArrayOf], touches: &mut Vec<Touch>) {
    let mut kept: Vec<Touch> = Vec::new();
    for touch in touches.drain(..) {
        let array = &arrays[touch.array];
        let same = |kept: &&mut Touch| {
            kept.index == touch.index && arrays[kept.array].domain == array.domain
        };
        let Some(known) = kept.iter_mut().find(same) else {
            kept.push(touch);
            continue;
        };
        known.condition = graph.or(known.condition, touch.condition);
        if arrays[known.array].size < array.size {
            known.array = touch.array;
        }
    }
    *touches = kept;
}

/// Name and number of elements.
fn declared(state: &State, array: Array) -> (String, u64) {
    let layout = state.layout();
    let pipe = layout.pipe();
    match array {
        Array::Register(Ref { gress, id }) => {
            let cells = layout.gress(gress).map(|arrays| arrays.registers[id].cells);
            let name = pipe.gresses[gress].registers[id].name.clone();
            (name, cells.unwrap_or_default())
        }
        Array::Meter(Ref { gress, id }) => {
            let cells = layout.gress(gress).map(|arrays| arrays.meters[id].cells);
            let name = pipe.gresses[gress].meters[id].name.clone();
            (name, cells.unwrap_or_default())
        }
    }
}

/// What an arriving packet will touch later, as its end in the first gress shows it.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    /// All that it may be, each once.
    pub(crate) pairs: Vec<(Domain, ValueId)>,
    /// The same with the constants that they are where they say nothing.
    pub(crate) wholes: Vec<(Domain, ValueId)>,
    /// What one packet touches together.
    pub(crate) sets: Vec<Vec<(Touch, ValueId)>>,
}

/// By end of the gress in which packets arrive: what their headers say of the indices in the other one.
fn foresee(
    graph: &mut Graph,
    state: &State,
    trees: &[(GressId, Tree)],
    touches: &Touches,
    entry: GressId,
    arrays: &[ArrayOf],
) -> Result<Vec<Foreseen>, NoKey> {
    let gresses = &state.layout().pipe().gresses;
    let Some((_, arriving)) = trees.iter().find(|(id, _)| *id == entry) else {
        return Ok(Vec::new());
    };
    let mut foreseen: Vec<Foreseen> = Vec::new();
    foreseen.resize_with(arriving.ends.len(), Foreseen::default);
    for ((id, tree), touches) in trees.iter().zip(touches) {
        if *id == entry {
            continue;
        }
        for (end, touches) in tree.ends.iter().zip(touches) {
            let mut is_shown = vec![false; touches.len()];
            for (arrived, foreseen) in arriving.ends.iter().zip(&mut foreseen) {
                if arrived.fields.is_empty() {
                    continue;
                }
                let mut set = Vec::new();
                for (touch, is_shown) in touches.iter().zip(&mut is_shown) {
                    let value = graph.translate(touch.index, &mut |graph, offset, width| {
                        let (field, hi, lo) =
                            field_shown(&gresses[*id], end, &gresses[entry], offset, width)?;
                        let value = arrived.fields[field.index()];
                        let is_whole = lo == 0 && hi + 1 == gresses[entry].fields[field].width;
                        Some(if is_whole {
                            value
                        } else {
                            graph.slice(value, hi, lo)
                        })
                    });
                    let Some(value) = value else { continue };
                    *is_shown = true;
                    let whole = (arrays[touch.array].domain, value);
                    let value = graph.strip(value);
                    set.push((touch.clone(), value));
                    let pair = (arrays[touch.array].domain, value);
                    let says_something =
                        graph.constant(value).is_none() && graph.unknown(value).is_none();
                    if says_something && !foreseen.pairs.contains(&pair) {
                        foreseen.pairs.push(pair);
                    }
                    // Where it says nothing else, the constant.
                    if !foreseen.wholes.contains(&whole) {
                        foreseen.wholes.push(whole);
                    }
                }
                foreseen.sets.push(set);
            }
            for (touch, is_shown) in touches.iter().zip(is_shown) {
                let is_keyed = graph.constant(touch.index).is_none();
                if is_keyed && !is_shown && !arriving.ends.is_empty() {
                    return Err(NoKey::OnlyInEgress {
                        array: arrays[touch.array].name.clone(),
                        span: touch.span,
                    });
                }
            }
        }
    }
    Ok(foreseen)
}

/// The field of the first gress that the second one finds at a place of its packet, and which bits of it: that of
/// a header of the same type, of the same name if there are several.
fn field_shown(
    gress: &Gress,
    end: &End,
    entry: &Gress,
    offset: u32,
    width: u32,
) -> Option<(FieldId, u32, u32)> {
    let mut origins = end.origins.iter();
    let (place, (header, position)) =
        origins.find(|((start, of), _)| *start <= offset && offset + width <= start + of)?;
    let header = &gress.headers[*header];
    let alike = || {
        let headers = entry.headers.values();
        headers.filter(|found| found.type_name == header.type_name)
    };
    let found = match alike().find(|found| found.name == header.name) {
        Some(found) => found,
        None => alike().next().filter(|_| alike().count() == 1)?,
    };
    let hi = place.1 - 1 - (offset - place.0);
    let lo = hi + 1 - width;
    Some((*found.fields.get(*position)?, hi, lo))
}

/// Which memory goes by which key.
fn summarize(arrays: &[ArrayOf], classes: &Classes) -> String {
    let mut domains: BTreeMap<Domain, Vec<&str>> = BTreeMap::new();
    for array in arrays {
        domains.entry(array.domain).or_default().push(&array.name);
    }
    if domains.is_empty() {
        return "packets share no memory".to_owned();
    }
    let named = domains.values().map(|names| match &names[..] {
        [] => String::new(),
        [name] => format!("`{name}`"),
        [name, rest @ ..] => format!("`{name}` and {} more", rest.len()),
    });
    let named: Vec<String> = named.collect();
    let by = format!("by the index of {}", named.join(", and by that of "));
    match classes.n_classes() {
        0 => by,
        n => format!("{by}: entries make {n} keys of them"),
    }
}
