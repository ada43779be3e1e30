//! Fields that a machine reads behind a gress.

use p4rmt_engine::{GressInterface, Outcome, WordLayout};
use p4rmt_ir::Gress;
use p4rmt_source::Span;

/// Fields that the device reads behind a gress, by their place in [`GressInterface::watched`].
#[derive(Clone, Debug)]
pub(super) struct Watched<const N: usize> {
    places: [Option<WatchedPlace>; N],
}

/// Where a field is found.
#[derive(Clone, Copy, Debug)]
struct WatchedPlace {
    /// Its position among the watched ones.
    position: usize,
    /// Its first word among their values.
    word: usize,
}

impl<const N: usize> Watched<N> {
    /// Finds the fields of the gress and puts them on the interface's list.
    pub(super) fn new(gress: &Gress, names: [&str; N], interface: &mut GressInterface) -> Self {
        let places = names.map(|name| {
            let field = *gress.intrinsics.get(name)?;
            let word = WordLayout::new(gress, &interface.watched).n_words();
            interface.watched.push(field);
            let position = interface.watched.len() - 1;
            Some(WatchedPlace { position, word })
        });
        Self { places }
    }

    /// The value of a field; zero where the program has no such field.
    pub(super) fn get(&self, outcome: &Outcome, name: usize) -> u64 {
        let value = self.places[name].and_then(|place| outcome.values.get(place.word));
        value.copied().unwrap_or_default()
    }

    /// Whether the hardware takes the field for valid: the program wrote it, or has no such field.
    pub(super) fn is_valid(&self, outcome: &Outcome, name: usize) -> bool {
        self.places[name].is_none() || self.written(outcome, name).is_some()
    }

    /// The statement that wrote a field last.
    pub(super) fn written(&self, outcome: &Outcome, name: usize) -> Option<Span> {
        outcome.written.get(self.places[name]?.position)?.span()
    }
}
