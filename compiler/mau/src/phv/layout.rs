//! What has to be in one container together: the fields of a gress as [`Chunk`]s.
//!
//! 1. Fields that actions combine or move between form a class: their containers have one size, since
//!    an action ALU sees containers of its own group only.
//! 2. Each class takes the size that divides its headers best ([`crate::phv::tile`]).
//! 3. Headers that are extracted or emitted become tiles of neighbouring bytes; everything else is cut
//!    as its partners on the wire are, or by the size.

use std::collections::HashMap;

use p4rmt_ir::{Expr, FieldId, FieldKind, HeaderId, Id, StmtKind};

use crate::phv::clot::{state_depths, statement_bits};
use crate::phv::container::ContainerSize;
use crate::phv::job::GressJob;
use crate::phv::life::{is_read_by_device, walk_block};
use crate::phv::operation::{Effect, FieldSlice, Reach, Source};
use crate::phv::tile::{FAULT, Piece, Tile, TileFault, Tiler};
use crate::target::Target;

/// What goes into one container together.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) size: ContainerSize,
    pub(crate) pieces: Vec<Piece>,
    /// Positions at which its lowest bit may be, but for the first byte: `0..=shift_max`.
    pub(crate) shift_max: u32,
    /// The parser extracts a whole container.
    pub(crate) is_extracted: bool,
    /// The deparser emits a whole container.
    pub(crate) is_emitted: bool,
    /// The header whose bytes these are.
    pub(crate) header: Option<HeaderId>,
    /// Whether another chunk may live beside it.
    pub(crate) sharing: Sharing,
    /// Whether it may go into larger containers.
    pub(crate) is_growable: bool,
    /// Whether it may go into several smaller containers.
    pub(crate) is_divisible: bool,
    /// The next part of a value that is computed over two containers.
    pub(crate) has_upper: bool,
    /// Whether actions only move what is in it, so that it could be cut otherwise.
    pub(crate) is_movable: bool,
}

/// Whether chunks live side by side in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Never.
    Alone,
    /// Validity bits share from the start.
    Validity,
    /// Where room is scarce.
    Scarce,
}

/// The chunks of a gress, and what stands against them.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) faults: Vec<TileFault>,
    /// Values that are computed over more than two containers.
    pub(crate) too_wide: Vec<(usize, FieldId)>,
}

/// Lays out a gress. What `is_absent` says of a field is that it is in no container.
///
/// `avoided` has sizes that the class of a field should not take.
pub(crate) fn lay_out(
    job: &GressJob<'_>,
    target: &Target,
    is_absent: Vec<bool>,
    avoided: &[(FieldId, ContainerSize)],
) -> Layout {
    let mut layouter = Layouter {
        job,
        classes: Classes::new(job),
        phases: parser_phases(job, target.parser.port_metadata_bytes),
        tiles: HashMap::new(),
        is_wire: Vec::new(),
        tiler: Tiler::new(job, &target.phv, is_absent),
    };
    layouter.find_wire_headers();
    layouter.choose_sizes(avoided);
    layouter.build()
}

struct Layouter<'a> {
    job: &'a GressJob<'a>,
    tiler: Tiler<'a>,
    classes: Classes,
    /// By field: the position in a byte, from the highest bit, at which the parser finds it.
    phases: Vec<Option<u32>>,
    tiles: HashMap<HeaderId, Vec<Tile>>,
    /// By header: whether its bytes are on the wire as they are.
    is_wire: Vec<bool>,
}

impl Layouter<'_> {
    fn is_live(&self, field: FieldId) -> bool {
        self.job.life(field).is_some() && !self.tiler.is_absent[field.index()]
    }

    /// A header is on the wire if the parser extracts or the deparser emits it. One that the parser
    /// only fills from elsewhere in the packet, at other positions in a byte, carries metadata to the
    /// other gress: it has no order of its own.
    fn find_wire_headers(&mut self) {
        self.is_wire = vec![false; self.job.gress.headers.len()];
        for header in self.job.gress.headers.ids() {
            let mut is_wire = false;
            let mut is_elsewhere = false;
            for (field, offset) in self.tiler.offsets(header) {
                let of = &self.job.uses.fields[field];
                is_wire |= of.is_extracted || of.is_emitted;
                let found = self.phases[field.index()];
                is_elsewhere |=
                    found.is_some_and(|phase| phase != offset % 8) && self.is_live(field);
            }
            self.is_wire[header.index()] = is_wire && !is_elsewhere;
        }
    }

    fn is_on_wire(&self, field: FieldId) -> bool {
        let header = self.job.header_of(field);
        header.is_some_and(|header| self.is_wire[header.index()])
    }

    /// Whether a value is computed as a whole, or leaves through one container.
    fn is_rigid(&self, field: FieldId) -> bool {
        self.classes.computed[field.index()] > 0 || is_read_by_device(field, self.job.gress)
    }

    fn choose_sizes(&mut self, avoided: &[(FieldId, ContainerSize)]) {
        let mut headers_of: HashMap<usize, Vec<HeaderId>> = HashMap::new();
        let mut members: HashMap<usize, Vec<FieldId>> = HashMap::new();
        for field in self.job.gress.fields.ids() {
            if !self.is_live(field) {
                continue;
            }
            let class = self.classes.find(field.index());
            members.entry(class).or_default().push(field);
            if let Some(header) = self.job.header_of(field).filter(|_| self.is_on_wire(field)) {
                let headers = headers_of.entry(class).or_default();
                if !headers.contains(&header) {
                    headers.push(header);
                }
            }
        }
        let needs_size = |class: &usize| {
            members[class].len() > 1 || self.classes.computed[members[class][0].index()] > 0
        };
        let mut classes: Vec<usize> = members.keys().copied().filter(needs_size).collect();
        let min_bits = |class: &usize| {
            let bits = members[class]
                .iter()
                .map(|field| self.classes.computed[field.index()]);
            bits.max().unwrap_or(0)
        };
        classes.sort_by_key(|class| (std::cmp::Reverse(min_bits(class).min(32)), *class));
        // A class that comes late may be what an early one should have made room for.
        for class in classes.iter().chain(&classes).copied() {
            let least = min_bits(&class).min(32);
            let natural = members[&class]
                .iter()
                .map(|field| self.job.gress.fields[*field].width.min(32))
                .max()
                .unwrap_or(8);
            let mut cheapest: Option<(u64, ContainerSize)> = None;
            for size in ContainerSize::ALL {
                if size.bits() < least {
                    continue;
                }
                let is_avoided = avoided
                    .iter()
                    .any(|(field, of)| *of == size && self.classes.find(field.index()) == class);
                let mut cost = if is_avoided { u64::from(FAULT) / 2 } else { 0 };
                let mut tiles: Vec<(HeaderId, Tile)> = Vec::new();
                for header in headers_of.get(&class).into_iter().flatten() {
                    let size_of = |field: FieldId| {
                        let of = self.classes.find(field.index());
                        if of == class {
                            Some(size)
                        } else {
                            self.classes.sizes.get(&of).copied()
                        }
                    };
                    let (of_header, of_tiles) = self.tiler.tile(*header, &size_of);
                    tiles.extend(of_header.into_iter().map(|tile| (*header, tile)));
                    cost += u64::from(of_tiles);
                }
                cost += self.tiler.cost_between(&tiles);
                for field in &members[&class] {
                    if !self.is_on_wire(*field) {
                        let width = self.job.gress.fields[*field].width;
                        let of_size = self.tiler.costs_of_sizes[size.index()];
                        cost += u64::from(width.div_ceil(size.bits()).saturating_mul(of_size));
                        // A value that leaves in one piece.
                        if self.is_rigid(*field) && width > size.bits() && width <= 32 {
                            cost += u64::from(FAULT);
                        }
                    }
                }
                let is_natural = Some(size) == ContainerSize::holding(natural);
                let cost = cost * 2 + u64::from(!is_natural);
                if cheapest.is_none_or(|(known, _)| cost < known) {
                    cheapest = Some((cost, size));
                }
            }
            let size = cheapest.map_or(ContainerSize::B32, |(_, size)| size);
            self.classes.sizes.insert(class, size);
        }
    }

    /// Whether actions do no more than move the fields of a field's class, so that it can be cut
    /// otherwise.
    fn is_only_moved(&self, field: FieldId) -> bool {
        let class = self.classes.find(field.index());
        let computed = self.classes.computed.iter().enumerate();
        !computed
            .filter(|(_, bits)| **bits > 0)
            .any(|(of, _)| self.classes.find(of) == class)
    }

    fn size_of(&self, field: FieldId) -> Option<ContainerSize> {
        let class = self.classes.find(field.index());
        self.classes.sizes.get(&class).copied()
    }

    fn build(mut self) -> Layout {
        let mut chunks = Vec::new();
        let mut faults = Vec::new();
        let mut too_wide = Vec::new();
        for header in self.job.gress.headers.ids() {
            if !self.is_wire[header.index()] {
                continue;
            }
            let (tiles, _) = self.tiler.tile(header, &|field| self.size_of(field));
            for tile in &tiles {
                let pieces = self.tiler.pieces(header, *tile);
                faults.extend(self.tiler.faults(&pieces, tile.size));
                let any = |has: fn(&crate::phv::life::FieldUse) -> bool| {
                    let mut pieces = pieces.iter();
                    pieces.any(|piece| has(&self.job.uses.fields[piece.slice.field]))
                };
                let is_free = |piece: &Piece| self.size_of(piece.slice.field).is_none();
                let is_divisible = pieces.iter().all(is_free);
                chunks.push(Chunk {
                    size: tile.size,
                    is_extracted: any(|of| of.is_extracted),
                    is_emitted: any(|of| of.is_emitted),
                    header: Some(header),
                    shift_max: 0,
                    sharing: Sharing::Alone,
                    is_growable: false,
                    is_divisible,
                    has_upper: false,
                    is_movable: pieces
                        .iter()
                        .all(|piece| self.is_only_moved(piece.slice.field)),
                    pieces,
                });
            }
            self.tiles.insert(header, tiles);
        }
        let joined = self.add_joined(&mut chunks);
        for field in self.job.gress.fields.ids() {
            if self.is_live(field) && !self.is_on_wire(field) && !joined[field.index()] {
                self.add_floating(field, &mut chunks, &mut too_wide);
            }
        }
        Layout {
            chunks,
            faults,
            too_wide,
        }
    }

    /// Fields off the wire that must share a container, because an action moves them into one: they
    /// stand in it as they will there. Returns which fields that are.
    fn add_joined(&self, chunks: &mut Vec<Chunk>) -> Vec<bool> {
        let mut is_joined = vec![false; self.job.gress.fields.len()];
        let is_loose = |field: FieldId| {
            self.is_live(field)
                && !self.is_on_wire(field)
                && !self.is_rigid(field)
                && self.phases[field.index()].is_none()
        };
        let mut joints = Vec::new();
        for chunk in chunks.iter() {
            let found = self
                .tiler
                .joined_sources(&chunk.pieces, chunk.size, &is_loose);
            joints.extend(found.into_iter().map(|fields| (chunk.size, fields)));
        }
        for (size, fields) in joints {
            let is_taken = |(field, _): &(FieldId, u32)| is_joined[field.index()];
            let conflict = |(a, _): &(FieldId, u32)| {
                let mut others = fields.iter();
                others.any(|(b, _)| a != b && self.job.conflict(*a, *b).is_some())
            };
            if fields
                .iter()
                .any(|field| is_taken(field) || conflict(field))
            {
                continue;
            }
            let pieces = fields.iter().filter_map(|(field, at)| {
                let life = self.job.life(*field)?;
                let slice = FieldSlice::whole(*field, self.job.gress);
                let at = *at;
                Some(Piece { slice, at, life })
            });
            chunks.push(Chunk {
                size,
                pieces: pieces.collect(),
                shift_max: 0,
                is_extracted: false,
                is_emitted: false,
                header: None,
                sharing: Sharing::Scarce,
                is_growable: false,
                is_divisible: false,
                has_upper: false,
                is_movable: false,
            });
            for (field, _) in &fields {
                is_joined[field.index()] = true;
            }
        }
        is_joined
    }

    /// A field that is not in the order of a wire.
    fn add_floating(
        &self,
        field: FieldId,
        chunks: &mut Vec<Chunk>,
        too_wide: &mut Vec<(usize, FieldId)>,
    ) {
        let Some(life) = self.job.life(field) else {
            return;
        };
        let width = self.job.gress.fields[field].width;
        let is_rigid = self.is_rigid(field);
        let of_device = is_read_by_device(field, self.job.gress);
        let fixed = self.phases[field.index()];
        // The bits behind it in its last byte on the wire.
        let pad = fixed.map_or(0, |phase| (8 - (phase + width) % 8) % 8);
        let cuts = self.cuts(field, width, pad, is_rigid);
        if self.classes.computed[field.index()] > 64 || (of_device && width > 32) {
            too_wide.push((self.classes.computer[field.index()], field));
        }
        let is_validity = matches!(self.job.gress.fields[field].kind, FieldKind::Validity(_));
        for (position, window) in cuts.windows(2).enumerate() {
            let (lo, hi) = (window[0], window[1] - 1);
            let at = if position == 0 { pad } else { 0 };
            let slice = FieldSlice { field, hi, lo };
            let size = self
                .size_of(field)
                .or(ContainerSize::holding(at + slice.width()))
                .unwrap_or(ContainerSize::B32);
            let room = size.bits().saturating_sub(at + slice.width());
            let is_computed = self.classes.computed[field.index()] > 0;
            chunks.push(Chunk {
                size,
                pieces: vec![Piece { slice, at, life }],
                shift_max: match (fixed, is_computed, of_device) {
                    (Some(_), _, _) | (_, true, _) => 0,
                    (None, false, true) => room.min(7),
                    (None, false, false) => room,
                },
                is_extracted: fixed.is_some(),
                is_emitted: false,
                header: None,
                sharing: if is_validity {
                    Sharing::Validity
                } else if of_device || fixed.is_some() {
                    Sharing::Alone
                } else {
                    Sharing::Scarce
                },
                is_growable: self.size_of(field).is_none(),
                is_divisible: self.size_of(field).is_none() && !is_rigid,
                has_upper: is_computed && position + 2 < cuts.len(),
                is_movable: !is_rigid && self.is_only_moved(field),
            });
        }
    }

    /// Where a field is cut: from 0 to its width.
    fn cuts(&self, field: FieldId, width: u32, pad: u32, is_rigid: bool) -> Vec<u32> {
        let size = self.size_of(field);
        let bits = size.map_or(32, ContainerSize::bits);
        if is_rigid && pad + width <= bits {
            return vec![0, width];
        }
        if let Some(cuts) = self.partner_cuts(field, bits).filter(|_| !is_rigid) {
            return cuts;
        }
        let mut cuts = vec![0];
        let mut at = bits - pad.min(bits - 1);
        while at < width {
            cuts.push(at);
            at += bits;
        }
        cuts.push(width);
        cuts
    }

    /// The cuts of a field on the wire that is moved whole from or to this one.
    fn partner_cuts(&self, field: FieldId, bits: u32) -> Option<Vec<u32>> {
        let whole = FieldSlice::whole(field, self.job.gress);
        let of = field.index();
        let actions = self.job.writers[of].iter().chain(&self.job.readers[of]);
        for &action in actions {
            for operation in &self.job.actions[action].operations {
                let Effect::Move(Source::Field(source)) = operation.effect else {
                    continue;
                };
                let partner = match (operation.dst == whole, source == whole) {
                    (true, _) => source,
                    (_, true) => operation.dst,
                    (false, false) => continue,
                };
                if partner != FieldSlice::whole(partner.field, self.job.gress) {
                    continue;
                }
                let Some(header) = self.job.header_of(partner.field) else {
                    continue;
                };
                let Some(tiles) = self.tiles.get(&header) else {
                    continue;
                };
                let mut cuts = vec![0];
                for tile in tiles.iter().rev() {
                    for piece in self.tiler.pieces(header, *tile) {
                        if piece.slice.field == partner.field && piece.slice.lo > 0 {
                            cuts.push(piece.slice.lo);
                        }
                    }
                }
                cuts.push(whole.width());
                cuts.sort_unstable();
                cuts.dedup();
                if cuts.windows(2).all(|pair| pair[1] - pair[0] <= bits) {
                    return Some(cuts);
                }
            }
        }
        None
    }
}

/// Fields that share a size.
struct Classes {
    parents: Vec<usize>,
    sizes: HashMap<usize, ContainerSize>,
    /// By field: bits of the widest computation that it is whole in.
    computed: Vec<u32>,
    /// By field: an action with that computation.
    computer: Vec<usize>,
}

impl Classes {
    fn new(job: &GressJob<'_>) -> Self {
        let n_fields = job.gress.fields.len();
        let mut classes = Self {
            parents: (0..n_fields).collect(),
            sizes: HashMap::new(),
            computed: vec![0; n_fields],
            computer: vec![0; n_fields],
        };
        for (index, action) in job.actions.iter().enumerate() {
            for operation in &action.operations {
                let dst = operation.dst.field;
                let width = match &operation.effect {
                    Effect::Move(_) => 0,
                    Effect::Compute { reach, .. } => match reach {
                        Reach::Bitwise => 0,
                        Reach::Carry | Reach::Whole => operation.dst.width(),
                    },
                };
                classes.note(dst, width, index);
                for slice in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                    if job.life(slice.field).is_some() {
                        classes.join(dst.index(), slice.field.index());
                        classes.note(slice.field, width, index);
                    }
                }
            }
        }
        classes
    }

    fn note(&mut self, field: FieldId, width: u32, action: usize) {
        if width > self.computed[field.index()] {
            self.computed[field.index()] = width;
            self.computer[field.index()] = action;
        }
    }

    fn find(&self, mut field: usize) -> usize {
        while self.parents[field] != field {
            field = self.parents[field];
        }
        field
    }

    fn join(&mut self, first: usize, second: usize) {
        let (first, second) = (self.find(first), self.find(second));
        let (low, high) = (first.min(second), first.max(second));
        self.parents[high] = low;
    }
}

/// By field: where in a byte the parser finds what it assigns to it, counted from the highest bit.
/// Fields of extracted headers are where their header has them.
fn parser_phases(job: &GressJob<'_>, port_metadata_bytes: u32) -> Vec<Option<u32>> {
    let gress = job.gress;
    let depths = state_depths(gress);
    let mut known: Vec<Option<u32>> = vec![None; gress.fields.len()];
    for header in gress.headers.values() {
        let mut offset = 0_u32;
        for field in &header.fields {
            if job.uses.fields[*field].is_extracted {
                known[field.index()] = Some(offset % 8);
            }
            offset = offset.saturating_add(gress.fields[*field].width);
        }
    }
    let mut phases: Vec<Option<u32>> = vec![None; gress.fields.len()];
    // A value may pass through one variable on its way.
    for _ in 0..2 {
        for (id, state) in gress.parser.states.iter() {
            let mut cursor = depths[id.index()];
            walk_block(&state.body, &mut |stmt| {
                if let StmtKind::Assign { dst, value } = &stmt.kind {
                    let Some(field) = dst.field() else {
                        return;
                    };
                    if is_port_metadata(value, cursor, job, port_metadata_bytes) {
                        return;
                    }
                    let width = gress.fields[field].width;
                    if let Some(phase) = phase_of(value, width, &known, job) {
                        phases[field.index()] = Some(phase);
                        if known[field.index()].is_none() {
                            known[field.index()] = Some(phase);
                        }
                    }
                }
                let bits = statement_bits(gress, &stmt.kind);
                cursor = cursor.map(|cursor| cursor.saturating_add(bits));
            });
        }
    }
    phases
}

/// Whether a value is of the metadata of the port, which stand between the metadata of the packet and
/// the packet. The compiler that fills their table also chooses their layout.
fn is_port_metadata(
    value: &Expr,
    cursor: Option<u32>,
    job: &GressJob<'_>,
    port_metadata_bytes: u32,
) -> bool {
    let mut offset = None;
    value.walk(&mut |part| {
        if let Expr::Lookahead { offset: at, .. } = part {
            offset = Some(*at);
        }
    });
    let is_intrinsic = |header: &&p4rmt_ir::Header| {
        header.fields.iter().any(|field| {
            let mut known = job.gress.intrinsics.iter();
            known.any(|(name, of)| of == field && name.starts_with(PACKET_METADATA))
        })
    };
    let header = job.gress.headers.values().find(is_intrinsic);
    let start: u32 = header.map_or(0, |header| {
        let widths = header
            .fields
            .iter()
            .map(|field| job.gress.fields[*field].width);
        widths.sum()
    });
    let at = offset.and_then(|offset| Some(cursor?.saturating_add(offset)));
    start > 0 && at.is_some_and(|at| at >= start && at < start + 8 * port_metadata_bytes)
}

/// The header in front of the metadata of the port.
const PACKET_METADATA: &str = "ingress_intrinsic_metadata_t.";

/// The position in a byte at which a field as wide as `width` would begin, if it held this value.
fn phase_of(value: &Expr, width: u32, known: &[Option<u32>], job: &GressJob<'_>) -> Option<u32> {
    let of_bits = |start: u32, bits: u32| (start + bits + 8 * width - width) % 8;
    match value {
        Expr::Lookahead {
            offset,
            width: bits,
        } => Some(of_bits(offset % 8, bits % 8)),
        Expr::Field(field) => {
            let bits = job.gress.fields[*field].width;
            Some(of_bits(known[field.index()]?, bits % 8))
        }
        Expr::Slice { arg, lo, .. } => match &**arg {
            Expr::Field(field) => {
                let bits = job.gress.fields[*field].width - lo;
                Some(of_bits(known[field.index()]?, bits % 8))
            }
            Expr::Lookahead {
                offset,
                width: bits,
            } => Some(of_bits(offset % 8, (bits - lo) % 8)),
            _ => None,
        },
        Expr::Resize { arg, .. } => phase_of(arg, width, known, job),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::MathUnit { .. } => None,
    }
}
