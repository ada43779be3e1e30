//! What the units of a stage ask of the exact crossbar and the hash matrix ([`crate::matrix`]).
//!
//! In: units with the layouts of the parts that are there. Out: their requests, in order: keys of exact
//! tables, what selectors hash, what feeds meters and stateful ALUs, what gateways compare, and what hash
//! distribution brings to actions and memories.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Arena, Call, CallKind, Expr, FieldId, GatewayId, Gress, GressId, Id, LocalId, MatchKind,
    ParallelAction, Pipe, Place, RegisterId, StmtKind, Table, TableId,
};

use crate::census::Occupant;
use crate::condition::{Slice, compared, masked_slices};
use crate::demand::{SharedMemory, cells_of, index_of, n_subsets, shared_memory};
use crate::matrix::{Byte, Request, Want};
use crate::phv::walk_block;
use crate::sharing::Sharing;
use crate::sizing::TableLayout;
use crate::target::Target;
use crate::unit::{UnitKind, actions_of, call_args, field_slices};

/// What several tables may have together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    /// What feeds the ALU of a memory.
    Input(usize, SharedMemory),
    /// An index, by the bytes that it comes from, its width, and how far it is shifted.
    Index(BTreeSet<Byte>, u32, u64, Destination),
    /// Values for actions, by what is in a unit of them, and which one it is.
    Value(usize, Vec<Part>, u32),
}

/// A part of a hash in a unit of hash distribution: which hash, of which bytes, from which bit on, and how
/// many bits.
type Part = (usize, BTreeSet<Byte>, u32, u32);

/// Where an index leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Destination {
    Counters,
    Meters,
    Colors,
}

/// By gress and gateway: the slices that it compares, and how many bits come hashed.
pub(crate) type Compared = Arena<GressId, Arena<GatewayId, (Vec<Slice>, u32)>>;

/// What the conditions of a pipe compare.
pub(crate) fn compared_in(pipe: &Pipe, target: &Target) -> Compared {
    let of_gress = |gress: &Gress| {
        let gateways = gress.as_tables().into_iter();
        let gateways = gateways.flat_map(|tables| tables.gateways.values());
        gateways
            .map(|gateway| compared(gateway, gress, target))
            .collect()
    };
    pipe.gresses.values().map(of_gress).collect()
}

/// Asks for the units of a stage, one after the other.
#[derive(Clone)]
pub(crate) struct Wiring<'a> {
    pipe: &'a Pipe,
    sharing: &'a Sharing,
    compared: &'a Compared,
    target: &'a Target,
    /// By gress and short field: the byte in which it stands with others.
    short: BTreeMap<(usize, FieldId), u32>,
    n_short_bits: BTreeMap<usize, u32>,
    seen: BTreeSet<Common>,
    /// Of the unit at hand.
    requests: Vec<Request>,
}

impl<'a> Wiring<'a> {
    pub(crate) fn new(
        pipe: &'a Pipe,
        sharing: &'a Sharing,
        compared: &'a Compared,
        target: &'a Target,
    ) -> Self {
        Self {
            pipe,
            sharing,
            compared,
            target,
            short: BTreeMap::new(),
            n_short_bits: BTreeMap::new(),
            seen: BTreeSet::new(),
            requests: Vec::new(),
        }
    }

    /// The requests of a unit, without what others in front of it asked for in common with it.
    pub(crate) fn requests(&mut self, occupant: &Occupant<'_>) -> Vec<Request> {
        match occupant.unit.kind {
            UnitKind::Table(table) => self.table(occupant, table),
            UnitKind::Gateway(gateway) => {
                let gress = occupant.unit.gress;
                if let Some((slices, hash_bits)) = self.compared[gress].get(gateway) {
                    let bytes = self.bytes(gress, slices);
                    let hash_bits = *hash_bits;
                    self.ask(bytes, Want::Compare { hash_bits });
                }
            }
        }
        std::mem::take(&mut self.requests)
    }

    fn ask(&mut self, bytes: BTreeSet<Byte>, want: Want) {
        if !bytes.is_empty() {
            self.requests.push(Request { bytes, want });
        }
    }

    /// The bytes of slices. Fields of less than a byte share bytes as they come.
    fn bytes(&mut self, gress_id: GressId, slices: &[Slice]) -> BTreeSet<Byte> {
        let gress = &self.pipe.gresses[gress_id];
        let mut bytes = BTreeSet::new();
        for &(field, hi, lo) in slices {
            let width = gress.fields[field].width;
            if let Some(shared) = self.sharing.shared_bytes(gress_id, (field, hi, lo)) {
                bytes.extend(shared);
            } else if width >= 8 {
                let own = lo / 8..=hi / 8;
                bytes.extend(own.map(|byte| Byte::Of(gress_id.index(), field, byte)));
            } else {
                let n_bits = self.n_short_bits.entry(gress_id.index()).or_default();
                let byte = self
                    .short
                    .entry((gress_id.index(), field))
                    .or_insert_with(|| {
                        if *n_bits % 8 + width > 8 {
                            *n_bits = n_bits.next_multiple_of(8);
                        }
                        let byte = *n_bits / 8;
                        *n_bits += width;
                        byte
                    });
                bytes.insert(Byte::Short(gress_id.index(), *byte));
            }
        }
        bytes
    }

    fn table(&mut self, occupant: &Occupant<'_>, id: TableId) {
        let gress_id = occupant.unit.gress;
        let gress = &self.pipe.gresses[gress_id];
        let table = &gress.tables[id];
        if occupant.is_classifier(gress) {
            return;
        }
        if let Some(layout) = &occupant.layout {
            self.key(gress_id, (id, table), layout);
        }
        self.selector(gress_id, table);
        let Some(tables) = gress.as_tables() else {
            return;
        };
        let actions: Vec<&ParallelAction> = actions_of(table)
            .into_iter()
            .map(|action| &tables.actions[action])
            .collect();
        for action in &actions {
            for (call, _) in &action.calls {
                self.input(gress_id, call);
            }
        }
        for action in &actions {
            for (call, _) in &action.calls {
                self.index(gress_id, call, action);
            }
        }
        self.values(gress_id, &actions);
    }

    /// What finds the entry.
    fn key(&mut self, gress_id: GressId, (id, table): (TableId, &Table), layout: &TableLayout) {
        let gress = &self.pipe.gresses[gress_id];
        let slices = |position: Option<usize>| -> Vec<Slice> {
            let keys = table.keys.iter().enumerate();
            let wanted = keys.filter(|(at, key)| {
                key.kind != MatchKind::Selector && position.is_none_or(|wanted| wanted == *at)
            });
            wanted
                .flat_map(|(_, key)| masked_slices(&key.expr, gress))
                .collect()
        };
        if layout.memory.tcam > 0 {
            return;
        }
        if layout.pack == 0 && layout.hash_bits == 0 {
            // A gateway has its entries.
            let bytes = self.bytes(gress_id, &slices(None));
            let n_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let over = n_bytes.saturating_sub(self.target.gateway.phv_bytes);
            let hash_bits = over.saturating_mul(8);
            return self.ask(bytes, Want::Compare { hash_bits });
        }
        let index_bits = self.target.exact.hash_index_bits;
        let all = self.bytes(gress_id, &slices(None));
        if let Some(partitions) = table.partitions.as_ref().filter(|_| layout.pack > 0) {
            let stored = self.stored_bytes(gress_id, table).unwrap_or(all.len());
            self.ask(all.into_iter().rev().take(stored).collect(), Want::Store);
            let index = match partitions.index {
                Some(position) => self.bytes(gress_id, &slices(Some(position))),
                None => (0..layout.hash_bits.div_ceil(8))
                    .map(|byte| Byte::Partition(gress_id.index(), id.index(), byte))
                    .collect(),
            };
            let select_bits = vec![layout.hash_bits.saturating_sub(index_bits)];
            self.ask(index, Want::Find { select_bits });
        } else if layout.pack > 0 {
            for select_bits in functions_of(layout, self.target) {
                self.ask(all.clone(), Want::Find { select_bits });
            }
        } else if layout.hash_bits > 0 {
            // The key itself is the index of all that has a cell an entry.
            let has_data = usize::from(layout.action_data_bytes > 0);
            let n_colors = table.direct_meters.iter();
            let n_colors = n_colors
                .filter(|meter| gress.meters[**meter].filter.is_none())
                .count();
            let n_direct = table.direct_counters.len()
                + table.direct_meters.len()
                + table.direct_registers.len();
            for _ in 0..has_data + n_direct + n_colors {
                let bits = layout.hash_bits;
                self.ask(all.clone(), Want::Distribute { bits });
            }
        }
    }

    /// Of the key of a table in partitions: bytes that it compares, where a table in front looks at the rest.
    fn stored_bytes(&self, gress_id: GressId, table: &Table) -> Option<usize> {
        let gress = &self.pipe.gresses[gress_id];
        let classifier = table.partitions.as_ref()?.classifier?;
        let keys = table.keys.iter();
        let keys = keys.filter(|key| key.kind != MatchKind::Selector);
        let bits: u32 = keys.map(|key| key.expr.width(gress)).sum();
        let bits = if n_subsets(table, gress) > 1 {
            classifier.subset_bits.unwrap_or(bits)
        } else {
            bits.saturating_sub(classifier.excluded_bits)
        };
        Some(bits.div_ceil(8) as usize)
    }

    fn selector(&mut self, gress_id: GressId, table: &Table) {
        let gress = &self.pipe.gresses[gress_id];
        let profile = table.implementation.map(|profile| &gress.profiles[profile]);
        let (Some(id), Some(selector)) = (table.implementation, profile.and_then(|of| of.selector))
        else {
            return;
        };
        if !self
            .seen
            .insert(Common::Input(gress_id.index(), SharedMemory::Profile(id)))
        {
            return;
        }
        let keys = table
            .keys
            .iter()
            .filter(|key| key.kind == MatchKind::Selector);
        let slices: Vec<Slice> = keys
            .flat_map(|key| field_slices(&key.expr, gress))
            .collect();
        let bytes = self.bytes(gress_id, &slices);
        let rules = &self.target.selector;
        let bits = rules.select_bits;
        self.ask(bytes.clone(), Want::Whole { bits });
        let group_size = selector.groups.map_or(1, |groups| groups.max_size);
        if group_size > rules.members_per_word {
            // Another hash picks the word of a group that takes several.
            let bits = rules.word_bits;
            self.ask(bytes, Want::Distribute { bits });
        }
    }

    /// What feeds the ALU of a memory.
    fn input(&mut self, gress_id: GressId, call: &Call) {
        let gress = &self.pipe.gresses[gress_id];
        let memory = match &call.kind {
            CallKind::RegisterAction { action, .. } => {
                SharedMemory::Register(gress.register_actions[*action].register)
            }
            CallKind::RegisterWrite { register, .. } => SharedMemory::Register(*register),
            CallKind::Filter { meter, .. } | CallKind::Meter { meter, .. } => {
                SharedMemory::Meter(*meter)
            }
            CallKind::RegisterRead { .. }
            | CallKind::Count { .. }
            | CallKind::Hash { .. }
            | CallKind::Random { .. }
            | CallKind::Checksum { .. }
            | CallKind::Mirror { .. }
            | CallKind::Resubmit { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. }
            | CallKind::V1(_) => return,
        };
        if let CallKind::Meter { color, .. } = &call.kind {
            let slices: Vec<Slice> = color
                .iter()
                .flat_map(|of| field_slices(of, gress))
                .collect();
            let bytes = self.bytes(gress_id, &slices);
            return self.ask(bytes, Want::Distribute { bits: 2 });
        }
        if !self.seen.insert(Common::Input(gress_id.index(), memory)) {
            return;
        }
        let mut slices: Vec<Slice> = Vec::new();
        if let CallKind::Filter { value, .. } = &call.kind {
            slices.extend(field_slices(value, gress));
        }
        if let CallKind::RegisterWrite { values, .. } = &call.kind {
            slices.extend(values.iter().flat_map(|value| field_slices(value, gress)));
        }
        if let (CallKind::RegisterAction { .. }, SharedMemory::Register(register)) =
            (&call.kind, memory)
        {
            slices.extend(operands(register, gress));
        }
        slices.sort_unstable();
        slices.dedup();
        let bytes = self.bytes(gress_id, &slices);
        let bits = slices.iter().map(|(_, hi, lo)| hi - lo + 1).sum();
        let group_bytes = 2 * self.target.hash.section_bytes;
        let room = group_bytes.saturating_sub(self.target.hash.meter_alu_first_byte) as usize;
        let is_whole = |slice: &Slice| {
            let (field, hi, lo) = *slice;
            let width = gress.fields[field].width;
            let is_alone = self.sharing.shared_bytes(gress_id, *slice).is_none() && width >= 8;
            is_alone && lo % 8 == 0 && (hi + 1 == width || (hi + 1) % 8 == 0)
        };
        let want = if bytes.len() <= room && slices.iter().all(is_whole) {
            Want::Feed
        } else {
            Want::Whole { bits }
        };
        self.ask(bytes, want);
    }

    /// An index that comes from fields or from a hash.
    fn index(&mut self, gress_id: GressId, call: &Call, action: &ParallelAction) {
        let gress = &self.pipe.gresses[gress_id];
        let (Some(index), Some(memory)) = (index_of(&call.kind), shared_memory(&call.kind, gress))
        else {
            return;
        };
        let mut slices = field_slices(index, gress);
        index.walk(&mut |part| {
            if let Expr::Local { local, .. } = part {
                let hashed = action.calls.iter().filter(|(of, _)| gives(of, *local));
                let args = hashed.flat_map(|(of, _)| call_args(&of.kind));
                slices.extend(args.flat_map(|arg| field_slices(arg, gress)));
            }
        });
        if slices.is_empty() {
            return;
        }
        let bytes = self.bytes(gress_id, &slices);
        let bits = index.width(gress).min(self.target.hash.index_bits_max);
        let cells = cells_of(memory, gress);
        let (destination, has_colors) = match memory {
            SharedMemory::Counter(_) => (Destination::Counters, false),
            SharedMemory::Meter(id) => (Destination::Meters, gress.meters[id].filter.is_none()),
            SharedMemory::Register(_) | SharedMemory::Profile(_) => (Destination::Meters, false),
        };
        let colors = has_colors.then_some(Destination::Colors);
        for destination in std::iter::once(destination).chain(colors) {
            let common = Common::Index(bytes.clone(), bits, cells, destination);
            if self.seen.insert(common) {
                self.ask(bytes.clone(), Want::Distribute { bits });
            }
        }
    }

    /// Hashes that actions take as values, side by side in the units that they share.
    fn values(&mut self, gress_id: GressId, actions: &[&ParallelAction]) {
        let gress = &self.pipe.gresses[gress_id];
        let unit_bits = self.target.hash.dist_unit_bits;
        let mut known: Vec<(usize, Vec<&Expr>)> = Vec::new();
        let mut units: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
        let mut first: u32 = 0;
        for action in actions {
            for (call, _) in &action.calls {
                let CallKind::Hash { hash, .. } = &call.kind else {
                    continue;
                };
                let args = call_args(&call.kind);
                let width = used_bits(call, action, gress);
                if width == 0 || known.contains(&(hash.index(), args.clone())) {
                    continue;
                }
                known.push((hash.index(), args.clone()));
                let slices: Vec<Slice> = args
                    .iter()
                    .flat_map(|arg| field_slices(arg, gress))
                    .collect();
                let bytes = self.bytes(gress_id, &slices);
                let container = match width {
                    ..=8 => 8,
                    9..=16 => 16,
                    _ => 32,
                };
                first = first.next_multiple_of(container);
                let mut rest = width;
                while rest > 0 {
                    let part = rest.min(unit_bits - first % unit_bits);
                    let unit = units.entry(first / unit_bits).or_default();
                    unit.push((hash.index(), bytes.clone(), width - rest, part));
                    rest -= part;
                    first += part;
                }
            }
        }
        for (unit, parts) in units {
            let bytes = parts
                .iter()
                .flat_map(|(_, bytes, ..)| bytes.clone())
                .collect();
            let bits = parts.iter().map(|(.., bits)| bits).sum();
            if self
                .seen
                .insert(Common::Value(gress_id.index(), parts, unit))
            {
                self.ask(bytes, Want::Distribute { bits });
            }
        }
    }
}

/// Bits that pick the blocks of the independent ways, by hash function.
pub(crate) fn functions_of(layout: &TableLayout, target: &Target) -> Vec<Vec<u32>> {
    let exact = &target.exact;
    let n_ways = layout.independent_ways.max(1);
    let index_bits = n_ways.saturating_mul(exact.hash_index_bits);
    let select = layout.hash_bits.saturating_sub(index_bits);
    let most = target.function_bits();
    let most = most.saturating_sub(exact.hash_index_bits.saturating_mul(exact.ways_min));
    let mut functions: Vec<Vec<u32>> = Vec::new();
    for way in 0..n_ways {
        let bits = (select / n_ways + u32::from(way < select % n_ways)).min(most);
        match functions.last_mut() {
            Some(last)
                if last.len() < exact.ways_min as usize
                    && last.iter().sum::<u32>() + bits <= most =>
            {
                last.push(bits);
            }
            Some(_) | None => functions.push(vec![bits]),
        }
    }
    functions
}

/// What the actions of a register read of fields.
fn operands(register: RegisterId, gress: &Gress) -> Vec<Slice> {
    let mut slices = Vec::new();
    for action in gress.register_actions.values() {
        if action.register != register {
            continue;
        }
        walk_block(&action.body, &mut |stmt| {
            if let StmtKind::Assign { value, .. } | StmtKind::If { cond: value, .. } = &stmt.kind {
                slices.extend(field_slices(value, gress));
            }
        });
    }
    slices
}

/// Whether a call hashes into this variable.
fn gives(call: &Call, local: LocalId) -> bool {
    let is_it = |place: &Place| match place {
        Place::Local(of) | Place::LocalSlice { local: of, .. } => *of == local,
        Place::Field(_) | Place::FieldSlice { .. } => false,
    };
    matches!(call.kind, CallKind::Hash { .. }) && call.outs.iter().flatten().any(is_it)
}

/// Bits of a hash that an action writes into fields.
fn used_bits(call: &Call, action: &ParallelAction, gress: &Gress) -> u32 {
    let of_place = |place: &Place| match place {
        Place::Field(field) => gress.fields[*field].width,
        Place::FieldSlice { hi, lo, .. } => hi - lo + 1,
        Place::Local(local) | Place::LocalSlice { local, .. } => {
            let values = action.assigns.iter().map(|assign| &assign.value);
            values
                .map(|value| used_of(value, *local))
                .max()
                .unwrap_or(0)
        }
    };
    call.outs.iter().flatten().map(of_place).sum()
}

/// Bits of a variable that an expression takes.
fn used_of(expr: &Expr, wanted: LocalId) -> u32 {
    let is_it = |expr: &Expr| matches!(expr, Expr::Local { local, .. } if *local == wanted);
    match expr {
        Expr::Local { local, width } if *local == wanted => *width,
        Expr::Slice { arg, hi, lo } if is_it(arg) => hi - lo + 1,
        Expr::Resize { arg, width, .. } if is_it(arg) => used_of(arg, wanted).min(*width),
        Expr::Slice { arg, .. }
        | Expr::Unary { arg, .. }
        | Expr::Resize { arg, .. }
        | Expr::MathUnit { arg, .. } => used_of(arg, wanted),
        Expr::Lane(lane) => {
            let args = lane.args().map(|arg| used_of(arg, wanted));
            args.into_iter().max().unwrap_or(0)
        }
        Expr::Binary { lhs, rhs, .. } => used_of(lhs, wanted).max(used_of(rhs, wanted)),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => [cond, then, otherwise]
            .map(|of| used_of(of, wanted))
            .into_iter()
            .max()
            .unwrap_or(0),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. } => 0,
    }
}
