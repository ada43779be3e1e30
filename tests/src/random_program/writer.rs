//! The text, and the names of what is in scope.

use std::fmt::Write as _;

use p4rmt_ir::Arch;

use crate::mutation::Random;

/// A field, variable or parameter.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// How it is written.
    pub(super) name: String,
    /// Bits.
    pub(super) width: u32,
    /// Whether it may be assigned to.
    pub(super) is_writable: bool,
}

/// A header type, of which the program has one instance, or a stack.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The instance: `hdr.h1`, and the element of a stack: `hdr.s[0]`.
    pub(super) name: String,
    /// The names and widths of its fields.
    pub(super) fields: Vec<(String, u32)>,
}

/// How a key is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Exact,
    Ternary,
    Lpm,
    Range,
    Optional,
}

/// A table that the control plane may write to.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// By key: how it is matched, and its width.
    pub(super) keys: Vec<(KeyKind, u32)>,
    pub(super) actions: Vec<Action>,
    /// Whether the program sets the default action for good.
    pub(super) is_default_const: bool,
}

/// An action, with the widths of its data.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) data: Vec<u32>,
}

/// A register, counter or function that a control may use.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) name: String,
    pub(super) width: u32,
    pub(super) size: u32,
}

impl Array {
    /// What indices are masked with: about half of them are out of range.
    pub(super) fn mask(&self) -> u32 {
        2 * self.size.next_power_of_two() - 1
    }
}

/// A global function: `bit<result> name(in bit<takes> a, inout bit<changes> b)`.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) result: u32,
    pub(super) takes: u32,
    pub(super) changes: u32,
}

/// What has been written, and what can be named from here.
pub(super) struct Writer {
    pub(super) arch: Arch,
    pub(super) random: Random,
    text: String,
    depth: usize,
    n_names: usize,
    /// What is in scope, the innermost last.
    pub(super) places: Vec<Place>,
    /// Headers that are not in a stack, in the order in which they are parsed.
    pub(super) headers: Vec<Header>,
    /// The header type of a stack, if there is one: `hdr.s`.
    pub(super) stack: Option<Header>,
    pub(super) functions: Vec<Function>,
    /// Tables of both gresses.
    pub(super) tables: Vec<Table>,
    /// Registers of both gresses.
    pub(super) registers: Vec<Array>,
}

impl Writer {
    pub(super) fn new(arch: Arch, random: Random) -> Self {
        Self {
            arch,
            random,
            text: String::new(),
            depth: 0,
            n_names: 0,
            places: Vec::new(),
            headers: Vec::new(),
            stack: None,
            functions: Vec::new(),
            tables: Vec::new(),
            registers: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn is_v1model(&self) -> bool {
        self.arch == Arch::V1model
    }

    /// Writes a line; one that ends with `{` begins a block, one that begins with `}` ends one.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        if line.starts_with('}') {
            self.depth -= 1;
        }
        let indent = self.depth * 4;
        writeln!(self.text, "{:indent$}{line}", "").expect("a string takes all");
        if line.ends_with('{') {
            self.depth += 1;
        }
    }

    /// A name that nothing has yet.
    pub(super) fn fresh(&mut self, stem: &str) -> String {
        self.n_names += 1;
        format!("{stem}{}", self.n_names)
    }

    /// Brings a name into scope.
    pub(super) fn bring(&mut self, name: impl Into<String>, width: u32, is_writable: bool) {
        self.places.push(Place {
            name: name.into(),
            width,
            is_writable,
        });
    }

    /// Whether something happens that does in `per_cent` of all cases.
    pub(super) fn chance(&mut self, per_cent: usize) -> bool {
        self.random.below(100) < per_cent
    }

    /// A number from `first` to `last`.
    pub(super) fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.random.below(last - first + 1)
    }

    /// One of these.
    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.below(of.len())].clone()
    }

    /// A place of a width, if there is one.
    pub(super) fn place_of(&mut self, width: u32, must_be_writable: bool) -> Option<Place> {
        let fitting: Vec<usize> = (0..self.places.len())
            .filter(|index| {
                let place = &self.places[*index];
                place.width == width && (place.is_writable || !must_be_writable)
            })
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let index = fitting[self.random.below(fitting.len())];
        Some(self.places[index].clone())
    }

    /// Any place.
    pub(super) fn any_place(&mut self, must_be_writable: bool) -> Option<Place> {
        let fitting: Vec<usize> = (0..self.places.len())
            .filter(|index| self.places[*index].is_writable || !must_be_writable)
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let index = fitting[self.random.below(fitting.len())];
        Some(self.places[index].clone())
    }
}
