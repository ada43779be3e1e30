//! What is known at a point of a program: which values have been set, which headers are valid.
//!
//! Only places are known of that are named without an index: variables, parameters, and fields of
//! them. What is absent is not known, and nothing is said about it.

use std::collections::BTreeMap;

use crate::decl::DeclId;

/// A variable or parameter, or a field within it, by positions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The variable or parameter.
    pub(crate) root: DeclId,
    /// The positions of the fields on the way to it.
    pub(crate) path: Vec<usize>,
}

impl Place {
    /// Whether this place is the other one, or within it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.root == other.root && self.path.starts_with(&other.path)
    }

    /// A field of this place.
    pub(crate) fn field(&self, position: usize) -> Self {
        let mut path = self.path.clone();
        path.push(position);
        Self {
            root: self.root,
            path,
        }
    }
}

/// What paths to a point say about a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// On some path it is set, or valid.
    pub(crate) can_be_good: bool,
    /// On some path it is not.
    pub(crate) can_be_bad: bool,
}

impl Fact {
    /// Set, or valid, on every path.
    pub(crate) const GOOD: Self = Self {
        can_be_good: true,
        can_be_bad: false,
    };
    /// Not set, or invalid, on every path.
    pub(crate) const BAD: Self = Self {
        can_be_good: false,
        can_be_bad: true,
    };

    fn or(self, other: Self) -> Self {
        Self {
            can_be_good: self.can_be_good || other.can_be_good,
            can_be_bad: self.can_be_bad || other.can_be_bad,
        }
    }
}

/// What is known at a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    values: BTreeMap<Place, Fact>,
    headers: BTreeMap<Place, Fact>,
}

impl State {
    /// What is known of a value.
    pub(crate) fn set_value(&mut self, place: Place, fact: Fact) {
        self.values.insert(place, fact);
    }

    /// What is known of a header.
    pub(crate) fn set_header(&mut self, place: Place, fact: Fact) {
        self.headers.insert(place, fact);
    }

    /// What is known of a header.
    pub(crate) fn header(&self, place: &Place) -> Option<Fact> {
        self.headers.get(place).copied()
    }

    /// Takes all values within a place as set.
    pub(crate) fn set_all(&mut self, within: &Place) {
        for (place, fact) in &mut self.values {
            if place.is_within(within) {
                *fact = Fact::GOOD;
            }
        }
    }

    /// Knows no more of the headers within a place.
    pub(crate) fn forget_headers(&mut self, within: &Place) {
        self.headers.retain(|place, _| !place.is_within(within));
    }

    /// Gives the headers within one place what is known of those within another.
    pub(crate) fn copy_headers(&mut self, to: &Place, from: &Place) {
        let copied: Vec<(Place, Fact)> = self
            .headers
            .iter()
            .filter(|(place, _)| place.is_within(from))
            .map(|(place, fact)| {
                let mut path = to.path.clone();
                path.extend(&place.path[from.path.len()..]);
                let root = to.root;
                (Place { root, path }, *fact)
            })
            .collect();
        self.forget_headers(to);
        self.headers.extend(copied);
    }

    /// Knows of headers that were only asked for, and may be one or the other, no more than before.
    pub(crate) fn forget_tests(&mut self, before: &Self) {
        self.headers.retain(|place, fact| {
            before.headers.contains_key(place) || !(fact.can_be_good && fact.can_be_bad)
        });
    }

    /// What paths say of the values within a place together, if anything is known of one.
    pub(crate) fn values_within(&self, within: &Place) -> Option<Fact> {
        let facts = self
            .values
            .iter()
            .filter(|(place, _)| place.is_within(within))
            .map(|(_, fact)| *fact);
        facts.reduce(Fact::or)
    }

    /// What is known if one of two states holds.
    pub(crate) fn join(self, other: &Self) -> Self {
        Self {
            values: join(self.values, &other.values),
            headers: join(self.headers, &other.headers),
        }
    }
}

/// What both know, together.
fn join(mut left: BTreeMap<Place, Fact>, right: &BTreeMap<Place, Fact>) -> BTreeMap<Place, Fact> {
    left.retain(|place, fact| match right.get(place) {
        Some(other) => {
            *fact = fact.or(*other);
            true
        }
        None => false,
    });
    left
}

/// The state after two paths, each of which may end before.
pub(crate) fn merge(left: Option<State>, right: Option<State>) -> Option<State> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.join(&right)),
        (Some(state), None) | (None, Some(state)) => Some(state),
        (None, None) => None,
    }
}
