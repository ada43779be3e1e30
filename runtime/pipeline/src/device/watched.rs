//! Fields that a machine reads behind a gress.

use p4rmt_engine::{GressInterface, Outcome, WordLayout, Writer};
use p4rmt_ir::Gress;
use p4rmt_source::Span;

/// Fields that the device reads behind a gress, by their place in [`GressInterface::watched`].
#[derive(Clone, Debug)]
pub(super) struct Watched<const N: usize> {
    places: [WatchedPlace; N],
}

/// Where a field is found.
#[derive(Clone, Copy, Debug)]
struct WatchedPlace {
    /// Its position among the watched ones.
    position: usize,
    /// Its first word among their values.
    word: usize,
}

/// The place of a field that the program has not: nothing is found there.
const NOWHERE: WatchedPlace = WatchedPlace {
    position: usize::MAX,
    word: usize::MAX,
};

impl<const N: usize> Watched<N> {
    /// Finds the fields of the gress and puts them on the interface's list.
    pub(super) fn new(gress: &Gress, names: [&str; N], interface: &mut GressInterface) -> Self {
        let places = names.map(|name| {
            let Some(field) = gress.intrinsics.get(name) else {
                return NOWHERE;
            };
            let word = WordLayout::new(gress, &interface.watched).n_words();
            interface.watched.push(*field);
            let position = interface.watched.len() - 1;
            WatchedPlace { position, word }
        });
        Self { places }
    }

    /// The value of a field; zero where the program has no such field.
    #[inline]
    pub(super) fn get(&self, outcome: &Outcome, name: usize) -> u64 {
        let value = outcome.values.get(self.places[name].word);
        value.copied().unwrap_or_default()
    }

    /// Whether the hardware takes the field for valid: the program wrote it, or has no such field.
    #[inline]
    pub(super) fn is_valid(&self, outcome: &Outcome, name: usize) -> bool {
        self.places[name].position == NOWHERE.position || self.is_written(outcome, name)
    }

    /// Whether the program wrote a field.
    #[inline]
    pub(super) fn is_written(&self, outcome: &Outcome, name: usize) -> bool {
        let writer = outcome.written.get(self.places[name].position);
        writer.is_some_and(|writer| *writer != Writer::NONE)
    }

    /// The statement that wrote a field last.
    pub(super) fn written(&self, outcome: &Outcome, name: usize) -> Option<Span> {
        outcome.written.get(self.places[name].position)?.span()
    }
}
