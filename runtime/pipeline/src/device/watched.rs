//! Fields that a machine reads behind a gress.

use p4rmt_engine::{GressInterface, Outcome, WordLayout};
use p4rmt_ir::Gress;
use p4rmt_source::Span;

/// Fields that the device reads behind a gress, by their place in [`GressInterface::watched`].
#[derive(Clone, Debug)]
pub(super) struct Watched<const N: usize> {
    places: [Option<usize>; N],
    words: WordLayout,
}

impl<const N: usize> Watched<N> {
    /// Finds the fields of the gress and puts them on the interface's list.
    pub(super) fn new(gress: &Gress, names: [&str; N], interface: &mut GressInterface) -> Self {
        let places = names.map(|name| {
            let field = *gress.intrinsics.get(name)?;
            interface.watched.push(field);
            Some(interface.watched.len() - 1)
        });
        Self {
            places,
            words: WordLayout::new(gress, &interface.watched),
        }
    }

    /// The value of a field; zero where the program has no such field.
    pub(super) fn get(&self, outcome: &Outcome, name: usize) -> u64 {
        self.places[name].map_or(0, |place| {
            let first = self.words.first_word(place);
            outcome.values.get(first).copied().unwrap_or_default()
        })
    }

    /// Whether the hardware takes the field for valid: the program wrote it, or has no such field.
    pub(super) fn is_valid(&self, outcome: &Outcome, name: usize) -> bool {
        self.places[name].is_none() || self.written(outcome, name).is_some()
    }

    /// The statement that wrote a field last.
    pub(super) fn written(&self, outcome: &Outcome, name: usize) -> Option<Span> {
        outcome.written.get(self.places[name]?)?.span()
    }
}
