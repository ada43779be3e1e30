//! Bits of fields whose containers must have one size: those that action ALUs combine or move between,
//! since an ALU sees containers of its own group only.
//!
//! 1. Fields are cut where operations begin and end, and where the bits that they are moved from or to
//!    are cut: into atoms.
//! 2. Atoms that an operation brings together form a class; of a sum, all bits do.

use std::collections::BTreeSet;

use p4rmt_ir::{FieldId, Id};

use crate::phv::container::ContainerSize;
use crate::phv::job::GressJob;
use crate::phv::operation::{Effect, FieldSlice, Reach};

/// A class, by number.
pub(crate) type ClassId = usize;

/// The atoms of a gress in classes.
pub(crate) struct Classes {
    /// By field: the lowest bits of its atoms, then its width.
    cuts: Vec<Vec<u32>>,
    /// By field: the number of its first atom.
    first_atom: Vec<usize>,
    /// By atom.
    classes: Vec<ClassId>,
    /// By class: whether an operation brings atoms together.
    is_bound: Vec<bool>,
    /// By class: bits of the widest computation that is not bit by bit.
    computed: Vec<u32>,
    /// By class: the size, where one was chosen.
    pub(crate) sizes: Vec<Option<ContainerSize>>,
}

impl Classes {
    /// The classes of a gress. Bits of a field that `is_rigid` are all in one.
    pub(crate) fn new(job: &GressJob<'_>, is_rigid: &dyn Fn(FieldId) -> bool) -> Self {
        let cuts = cuts(job);
        let mut first_atom = Vec::with_capacity(cuts.len());
        let mut n_atoms = 0;
        for cuts in &cuts {
            first_atom.push(n_atoms);
            n_atoms += cuts.len() - 1;
        }
        let mut classes = Self {
            cuts,
            first_atom,
            classes: (0..n_atoms).collect(),
            is_bound: vec![false; n_atoms],
            computed: vec![0; n_atoms],
            sizes: vec![None; n_atoms],
        };
        for field in job.gress.fields.ids().filter(|field| is_rigid(*field)) {
            classes.join_all(FieldSlice::whole(field, job.gress));
        }
        for operation in job.actions.iter().flat_map(|action| &action.operations) {
            let dst = operation.dst;
            let width = match &operation.effect {
                Effect::Move(_) => 0,
                Effect::Compute { reach, .. } => match reach {
                    Reach::Bitwise(_) => 0,
                    Reach::Carry | Reach::Whole => dst.width(),
                },
            };
            if width > 0 {
                classes.join_all(dst);
                classes.note_computed(dst, width);
            }
            for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                if job.life(source.field).is_none() {
                    continue;
                }
                if width > 0 {
                    classes.join_all(source);
                    classes.join(dst, source);
                    classes.note_computed(source, width);
                } else {
                    classes.join_bit_by_bit(dst, source);
                }
            }
        }
        classes.flatten();
        classes
    }

    /// The atoms of which a slice has bits.
    fn atoms(&self, slice: FieldSlice) -> std::ops::Range<usize> {
        let field = slice.field.index();
        let cuts = &self.cuts[field];
        let at = |bit: u32| cuts.partition_point(|cut| *cut <= bit).saturating_sub(1);
        let first = self.first_atom[field];
        first + at(slice.lo)..first + at(slice.hi) + 1
    }

    /// The classes that bits of a slice are in.
    pub(crate) fn of(&self, slice: FieldSlice) -> impl Iterator<Item = ClassId> {
        self.atoms(slice).map(|atom| self.classes[atom])
    }

    /// The slices of a field, each with its class.
    pub(crate) fn slices(&self, field: FieldId) -> impl Iterator<Item = (FieldSlice, ClassId)> {
        let first = self.first_atom[field.index()];
        let pairs = self.cuts[field.index()].windows(2).enumerate();
        pairs.map(move |(position, pair)| {
            let (lo, hi) = (pair[0], pair[1] - 1);
            (FieldSlice { field, hi, lo }, self.classes[first + position])
        })
    }

    /// The size that bits must have a container of, where that is decided.
    pub(crate) fn size_of(&self, slice: FieldSlice) -> Option<ContainerSize> {
        self.of(slice).find_map(|class| self.sizes[class])
    }

    /// Bits of the widest computation on a class.
    pub(crate) fn computed(&self, class: ClassId) -> u32 {
        self.computed[class]
    }

    /// Whether a class has to have a size.
    pub(crate) fn needs_size(&self, class: ClassId) -> bool {
        self.is_bound[class] || self.computed[class] > 0
    }

    fn find(&self, mut atom: usize) -> usize {
        while self.classes[atom] != atom {
            atom = self.classes[atom];
        }
        atom
    }

    fn unite(&mut self, first: usize, second: usize) {
        let (first, second) = (self.find(first), self.find(second));
        let (low, high) = (first.min(second), first.max(second));
        self.classes[high] = low;
        self.is_bound[low] |= self.is_bound[high];
        self.computed[low] = self.computed[low].max(self.computed[high]);
    }

    fn join_all(&mut self, slice: FieldSlice) {
        let atoms = self.atoms(slice);
        for atom in atoms.clone().skip(1) {
            self.unite(atoms.start, atom);
        }
    }

    fn join(&mut self, dst: FieldSlice, source: FieldSlice) {
        let (first, second) = (self.atoms(dst).start, self.atoms(source).start);
        self.unite(first, second);
        let class = self.find(first);
        self.is_bound[class] |= first != second;
    }

    fn join_bit_by_bit(&mut self, dst: FieldSlice, source: FieldSlice) {
        let width = dst.width().min(source.width());
        let mut bit = 0;
        while bit < width {
            let part = |of: FieldSlice| FieldSlice {
                lo: of.lo + bit,
                hi: of.lo + bit,
                ..of
            };
            self.join(part(dst), part(source));
            let rest = |of: FieldSlice| self.end_of_atom(part(of)) - (of.lo + bit);
            bit += rest(dst).min(rest(source)).max(1);
        }
    }

    /// The bit behind the atom that a slice begins in.
    fn end_of_atom(&self, slice: FieldSlice) -> u32 {
        let cuts = &self.cuts[slice.field.index()];
        cuts[cuts
            .partition_point(|cut| *cut <= slice.lo)
            .min(cuts.len() - 1)]
    }

    fn note_computed(&mut self, slice: FieldSlice, width: u32) {
        let class = self.find(self.atoms(slice).start);
        self.computed[class] = self.computed[class].max(width);
    }

    fn flatten(&mut self) {
        for atom in 0..self.classes.len() {
            self.classes[atom] = self.find(atom);
        }
    }
}

/// How often cuts are handed on. What is not cut by then is in one class with more than it must be.
const ROUNDS: usize = 8;

/// By field: where operations cut it, from 0 to its width.
fn cuts(job: &GressJob<'_>) -> Vec<Vec<u32>> {
    let fields = job.gress.fields.values();
    let mut cuts: Vec<BTreeSet<u32>> = fields
        .map(|field| BTreeSet::from([0, field.width.max(1)]))
        .collect();
    let mut links: BTreeSet<(FieldSlice, FieldSlice)> = BTreeSet::new();
    for operation in job.actions.iter().flat_map(|action| &action.operations) {
        let is_cut_alike = match &operation.effect {
            Effect::Move(_) => true,
            Effect::Compute { reach, .. } => matches!(reach, Reach::Bitwise(_)),
        };
        let dst = operation.dst;
        for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
            cuts[source.field.index()].extend([source.lo, source.hi + 1]);
            if is_cut_alike && job.life(source.field).is_some() {
                links.insert((dst, source));
            }
        }
        cuts[dst.field.index()].extend([dst.lo, dst.hi + 1]);
    }
    for _ in 0..ROUNDS {
        let mut has_changed = false;
        for &(dst, source) in &links {
            let width = dst.width().min(source.width());
            for (from, to) in [(dst, source), (source, dst)] {
                let own = cuts[from.field.index()].range(from.lo + 1..from.lo + width);
                let moved: Vec<u32> = own.map(|cut| cut - from.lo + to.lo).collect();
                for cut in moved {
                    has_changed |= cuts[to.field.index()].insert(cut);
                }
            }
        }
        if !has_changed {
            break;
        }
    }
    cuts.into_iter()
        .map(|cuts| cuts.into_iter().collect())
        .collect()
}
