//! What has to be in one container together: the fields of a gress as [`Chunk`]s.
//!
//! 1. Bits that actions combine or move between form a class ([`crate::phv::class`]).
//! 2. Each class takes a size ([`crate::phv::size`]).
//! 3. Headers that are extracted or emitted become tiles of neighbouring bytes; everything else is cut
//!    as its partners on the wire are, or by the size.

use std::collections::{BTreeSet, HashMap};

use p4rmt_ir::{FieldId, FieldKind, HeaderId, Id};

use crate::phv::class::Classes;
use crate::phv::container::ContainerSize;
use crate::phv::job::GressJob;
use crate::phv::life::is_read_by_device;
use crate::phv::operation::{Effect, FieldSlice, Reach};
use crate::phv::phase::parser_phases;
use crate::phv::size::{Load, choose_sizes};
use crate::phv::tile::{Piece, Tile, TileFault, Tiler};
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

/// Lays out a gress. What `is_absent` says of a field is that it is in no container; `load` is what the
/// gresses before ask for, `avoided` has sizes that bits should not have.
pub(crate) fn lay_out(
    job: &GressJob<'_>,
    target: &Target,
    is_absent: Vec<bool>,
    avoided: &[(FieldSlice, ContainerSize)],
    load: &mut Load,
) -> Layout {
    let computed = computed_fields(job);
    let is_rigid = |field: FieldId| is_rigid(field, job, &computed);
    let mut layouter = Layouter {
        job,
        classes: Classes::new(job, &is_rigid),
        computed: &computed,
        phases: parser_phases(job, target.parser.port_metadata_bytes),
        tiles: HashMap::new(),
        is_wire: Vec::new(),
        tiler: Tiler::new(job, &target.phv, is_absent),
    };
    layouter.find_wire_headers();
    let is_wire = &layouter.is_wire;
    let is_on_wire = |field: FieldId| {
        job.header_of(field)
            .is_some_and(|header| is_wire[header.index()])
    };
    choose_sizes(
        job,
        &mut layouter.classes,
        &layouter.tiler,
        &is_on_wire,
        &is_rigid,
        avoided,
        load,
    );
    layouter.build()
}

/// By field: the action with the widest computation on it that is not bit by bit, and the width.
fn computed_fields(job: &GressJob<'_>) -> Vec<Option<(usize, u32)>> {
    let mut computed: Vec<Option<(usize, u32)>> = vec![None; job.gress.fields.len()];
    for (index, action) in job.actions.iter().enumerate() {
        for operation in &action.operations {
            let Effect::Compute { reach, sources } = &operation.effect else {
                continue;
            };
            match reach {
                Reach::Bitwise(_) => continue,
                Reach::Carry | Reach::Whole => {}
            }
            let width = operation.dst.width();
            let sources = sources.iter().filter_map(|source| source.slice());
            for slice in sources.chain([operation.dst]) {
                let known = &mut computed[slice.field.index()];
                let is_wider = known.is_none_or(|(_, known)| width > known);
                if is_wider && job.life(slice.field).is_some() {
                    *known = Some((index, width));
                }
            }
        }
    }
    computed
}

/// Whether a value is computed as a whole, or leaves through one container.
fn is_rigid(field: FieldId, job: &GressJob<'_>, computed: &[Option<(usize, u32)>]) -> bool {
    computed[field.index()].is_some() || is_read_by_device(field, job.gress)
}

struct Layouter<'a> {
    job: &'a GressJob<'a>,
    tiler: Tiler<'a>,
    classes: Classes,
    /// By field: an action that computes it, and how wide.
    computed: &'a [Option<(usize, u32)>],
    /// By field: the position in a byte, from the highest bit, at which the parser finds it.
    phases: Vec<Option<u32>>,
    tiles: HashMap<HeaderId, Vec<Tile>>,
    /// By header: whether its bytes are on the wire as they are.
    is_wire: Vec<bool>,
}

impl Layouter<'_> {
    fn is_live(&self, field: FieldId) -> bool {
        self.tiler.is_live(field)
    }

    /// A header is on the wire if the parser extracts or the deparser emits it. One that the parser
    /// only fills from elsewhere in the packet, at other positions in a byte, carries metadata to the
    /// other gress: it has no order of its own, and neither has one that is `@flexible` or
    /// short of whole bytes.
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
            let has_no_order = self.job.gress.headers[header].has_no_order(&self.job.gress.fields);
            self.is_wire[header.index()] = is_wire && !is_elsewhere && !has_no_order;
        }
    }

    fn is_on_wire(&self, field: FieldId) -> bool {
        let header = self.job.header_of(field);
        header.is_some_and(|header| self.is_wire[header.index()])
    }

    fn is_rigid(&self, field: FieldId) -> bool {
        is_rigid(field, self.job, self.computed)
    }

    fn build(mut self) -> Layout {
        let mut chunks = Vec::new();
        let mut faults = Vec::new();
        let mut too_wide = Vec::new();
        for header in self.job.gress.headers.ids() {
            if !self.is_wire[header.index()] {
                continue;
            }
            let wrong_for = |slice: FieldSlice, size: ContainerSize| {
                let mut classes = self.classes.of(slice);
                classes.find(|class| self.classes.sizes[*class].is_some_and(|of| of != size))
            };
            let (tiles, _) = self.tiler.tile(header, &wrong_for);
            for tile in &tiles {
                let pieces = self.tiler.pieces(header, *tile);
                faults.extend(self.tiler.faults(&pieces, tile.size));
                let any = |has: fn(&crate::phv::life::FieldUse) -> bool| {
                    let mut pieces = pieces.iter();
                    pieces.any(|piece| has(&self.job.uses.fields[piece.slice.field]))
                };
                let is_free = |piece: &Piece| self.classes.size_of(piece.slice).is_none();
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
        let cuts = self.cuts(field, width, pad);
        match self.computed[field.index()] {
            Some((action, computed)) if computed > 64 => too_wide.push((action, field)),
            _ if of_device && width > 32 => too_wide.push((0, field)),
            _ => {}
        }
        let is_validity = matches!(self.job.gress.fields[field].kind, FieldKind::Validity(_));
        for (position, window) in cuts.windows(2).enumerate() {
            let (lo, hi) = (window[0], window[1] - 1);
            let at = if position == 0 { pad } else { 0 };
            let slice = FieldSlice { field, hi, lo };
            let chosen = self.classes.size_of(slice);
            let size = chosen
                .or(ContainerSize::holding(at + slice.width()))
                .unwrap_or(ContainerSize::B32);
            let room = size.bits().saturating_sub(at + slice.width());
            let is_computed = self.computed[field.index()].is_some();
            chunks.push(Chunk {
                size,
                pieces: vec![Piece { slice, at, life }],
                shift_max: match (fixed, is_computed, of_device) {
                    (Some(_), _, _) | (_, true, _) => 0,
                    (None, false, true) => room.min(7),
                    (None, false, false) => room,
                },
                is_extracted: fixed.is_some() || self.job.uses.fields[field].is_extracted,
                is_emitted: false,
                header: None,
                sharing: if is_validity {
                    Sharing::Validity
                } else if of_device || fixed.is_some() || self.tiler.is_widened(slice) {
                    Sharing::Alone
                } else {
                    Sharing::Scarce
                },
                is_growable: chosen.is_none(),
                is_divisible: chosen.is_none() && !is_rigid,
                has_upper: is_computed && position + 2 < cuts.len(),
            });
        }
    }

    /// Where a field is cut: from 0 to its width, so that each part fits a container of its size.
    fn cuts(&self, field: FieldId, width: u32, pad: u32) -> Vec<u32> {
        let whole = FieldSlice::whole(field, self.job.gress);
        let bits_of = |slice: FieldSlice| {
            let size = self.classes.size_of(slice);
            size.map_or(32, ContainerSize::bits)
        };
        let is_rigid = self.is_rigid(field);
        if is_rigid && pad + width <= bits_of(whole) {
            return vec![0, width];
        }
        let mut cuts = BTreeSet::from([0, width]);
        let mut previous: Option<Option<ContainerSize>> = None;
        for (slice, class) in self.classes.slices(field) {
            let size = self.classes.sizes[class];
            if previous.is_some_and(|previous| previous != size) {
                cuts.insert(slice.lo);
            }
            previous = Some(size);
        }
        if !is_rigid {
            cuts.extend(self.partner_cuts(whole));
        }
        // What is still too wide for its size is cut from below.
        let mut all = vec![0];
        for hi in cuts.into_iter().filter(|cut| *cut > 0) {
            let mut lo = *all.last().unwrap_or(&0);
            while lo < hi {
                let bits = bits_of(FieldSlice { field, hi: lo, lo });
                let free = if lo == 0 {
                    bits - pad.min(bits - 1)
                } else {
                    bits
                };
                lo = hi.min(lo + free);
                all.push(lo);
            }
        }
        all
    }

    /// Where fields on the wire are cut that bits of this one are moved from or to: the first for each
    /// bit.
    fn partner_cuts(&self, whole: FieldSlice) -> Vec<u32> {
        let mut cuts = Vec::new();
        let mut known: Vec<FieldSlice> = Vec::new();
        let of = whole.field.index();
        let actions = self.job.writers[of].iter().chain(&self.job.readers[of]);
        for &action in actions {
            for operation in &self.job.actions[action].operations {
                for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                    let (own, partner) = match (operation.dst.field, source.field) {
                        (dst, _) if dst == whole.field => (operation.dst, source),
                        (_, source_field) if source_field == whole.field => (source, operation.dst),
                        _ => continue,
                    };
                    let is_new = known.iter().all(|known| known.common(own).is_none());
                    if is_new && self.wire_cuts(own, partner, &mut cuts) {
                        known.push(own);
                    }
                }
            }
        }
        cuts
    }

    /// Adds the cuts of a slice on the wire, as they are in the bits that go there or come from there.
    /// Whether it is on the wire.
    fn wire_cuts(&self, own: FieldSlice, partner: FieldSlice, cuts: &mut Vec<u32>) -> bool {
        let header = self.job.header_of(partner.field);
        let Some((header, tiles)) = header.and_then(|of| Some((of, self.tiles.get(&of)?))) else {
            return false;
        };
        for tile in tiles {
            for piece in self.tiler.pieces(header, *tile) {
                let is_within = piece.slice.field == partner.field
                    && piece.slice.lo > partner.lo
                    && piece.slice.lo <= partner.hi;
                let cut = own.lo + piece.slice.lo.saturating_sub(partner.lo);
                if is_within && cut <= own.hi {
                    cuts.push(cut);
                }
            }
        }
        true
    }
}
