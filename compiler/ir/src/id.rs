//! Typed ids and the arenas that they index.
//!
//! An id is a newtype over `u32`; its `Display` is its name in the IR's text form (`f12`, `t3`).
//! An [`Arena`] never forgets an element, so an id stays good for the life of its gress.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// What an [`Arena`] can be indexed by.
pub trait Id: Copy + Eq + Debug {
    /// The id of the element at position `index`.
    fn from_index(index: usize) -> Self;
    /// The position of the element.
    fn index(self) -> usize;
}

/// Defines id newtypes: name, prefix in the text form, documentation.
macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("an arena holds fewer than 2^32 elements"))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

define_ids! {
    /// A pipe of the program.
    PipeId = "pipe";
    /// A gress of a pipe.
    GressId = "gress";
    /// A scalar of the packet header vector: header field, validity bit, metadata, or local.
    FieldId = "f";
    /// A header instance.
    HeaderId = "h";
    /// A parser state.
    StateId = "s";
    /// A parser value set.
    ValueSetId = "vs";
    /// A match-action table.
    TableId = "t";
    /// An action.
    ActionId = "a";
    /// A condition that steers the control flow of the tables form.
    GatewayId = "g";
    /// A register: memory of a stateful ALU.
    RegisterId = "r";
    /// One program of a stateful ALU.
    RegisterActionId = "ra";
    /// A math unit of a stateful ALU.
    MathUnitId = "mu";
    /// A counter array.
    CounterId = "c";
    /// A meter array.
    MeterId = "m";
    /// A hash function.
    HashId = "hash";
    /// A source of random values.
    RandomId = "rnd";
    /// A checksum unit of a parser or deparser.
    ChecksumId = "ck";
    /// A digest of a deparser.
    DigestId = "dg";
    /// An action profile or action selector.
    ProfileId = "ap";
    /// A variable that lives only inside one action or register action.
    LocalId = "l";
    /// The target of a [`crate::StmtKind::Leave`].
    LabelId = "b";
}

/// A vector indexed by a typed id.
#[derive(Clone, PartialEq, Eq)]
pub struct Arena<I, T> {
    items: Vec<T>,
    id: PhantomData<I>,
}

impl<I: Id, T> Arena<I, T> {
    /// An arena without elements.
    #[must_use]
    pub fn new() -> Self {
        Self {
            items: Vec::new(),
            id: PhantomData,
        }
    }

    /// Adds an element and returns its id.
    pub fn push(&mut self, item: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push(item);
        id
    }

    /// Takes the last items away, so that so many are left.
    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The element, or nothing if the id belongs to another arena.
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The element, to change in place, or nothing if the id belongs to another arena.
    #[must_use]
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.index())
    }

    /// The elements in order of their ids.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The elements in order of their ids, to change in place.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// All ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }

    /// Ids and elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items
            .iter()
            .enumerate()
            .map(|(index, item)| (I::from_index(index), item))
    }
}

impl<I: Id, T> Default for Arena<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Id, T> Index<I> for Arena<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Arena<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

/// The elements in order of their ids.
impl<I, T> IntoIterator for Arena<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<I: Id, T> FromIterator<T> for Arena<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(iter: It) -> Self {
        Self {
            items: iter.into_iter().collect(),
            id: PhantomData,
        }
    }
}

impl<I: Id, T: Debug> Debug for Arena<I, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
