//! Where variables live: a type flattened to scalars of the gress.
//!
//! A [`Storage`] has the shape of its type; its leaves are whole fields or slices of them, or
//! variables of a register action. An element of a stack that is chosen at run time is a
//! [`Storage::Choice`] of all elements, which member access goes through.

use std::rc::Rc;

use p4rmt_ir::{Expr, FieldId, HeaderId, LocalId, Place};

/// Storage in the shape of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// A scalar.
    Leaf(Slot),
    /// A bit string of varying width.
    Varbit {
        /// Its bits, the last of them lowest; as wide as it can be.
        value: Slot,
        /// How many of them there are, in bits.
        width: Slot,
    },
    /// A struct, a tuple, a header or a header union.
    Record(Rc<RecordStorage>),
    /// A header stack.
    Stack(Rc<StackStorage>),
    /// The option that the index says, at run time.
    Choice {
        /// An expression without effects that stays the same between evaluation and use.
        index: Expr,
        /// All of one shape.
        options: Vec<Storage>,
    },
}

/// Storage of a struct, a tuple, a header or a header union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordStorage {
    /// The fields in order.
    pub(crate) fields: Vec<Storage>,
    /// Where it is a header: which, and its validity.
    pub(crate) header: Option<(HeaderId, Slot)>,
}

/// Storage of a header stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StackStorage {
    /// Tells stacks of a gress apart.
    pub(crate) id: usize,
    /// Its dotted name.
    pub(crate) name: String,
    /// Its elements in order.
    pub(crate) elements: Vec<Storage>,
}

/// A scalar or a slice of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// What it is part of.
    pub(crate) base: Base,
    /// Width of the whole in bits.
    pub(crate) base_width: u32,
    /// Highest bit.
    pub(crate) hi: u32,
    /// Lowest bit.
    pub(crate) lo: u32,
}

/// What holds a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Base {
    /// A field of the gress.
    Field(FieldId),
    /// A variable of a register action.
    Local(LocalId),
}

impl Slot {
    /// The whole of a field or variable.
    pub(crate) fn whole(base: Base, width: u32) -> Self {
        Self {
            base,
            base_width: width,
            hi: width.saturating_sub(1),
            lo: 0,
        }
    }

    /// Its width in bits.
    pub(crate) fn width(self) -> u32 {
        self.hi - self.lo + 1
    }

    /// Whether it is all of its base.
    pub(crate) fn is_whole(self) -> bool {
        self.width() == self.base_width
    }

    /// Bits `hi` down to `lo` of this slot.
    pub(crate) fn slice(self, hi: u32, lo: u32) -> Self {
        Self {
            hi: self.lo + hi,
            lo: self.lo + lo,
            ..self
        }
    }

    /// Its value.
    pub(crate) fn read(self) -> Expr {
        let whole = match self.base {
            Base::Field(field) => Expr::Field(field),
            Base::Local(local) => Expr::Local {
                local,
                width: self.base_width,
            },
        };
        if self.is_whole() {
            whole
        } else {
            Expr::Slice {
                arg: Box::new(whole),
                hi: self.hi,
                lo: self.lo,
            }
        }
    }

    /// As the target of a statement.
    pub(crate) fn place(self) -> Place {
        match (self.base, self.is_whole()) {
            (Base::Field(field), true) => Place::Field(field),
            (Base::Field(field), false) => Place::FieldSlice {
                field,
                hi: self.hi,
                lo: self.lo,
            },
            (Base::Local(local), true) => Place::Local(local),
            (Base::Local(local), false) => Place::LocalSlice {
                local,
                hi: self.hi,
                lo: self.lo,
            },
        }
    }
}

impl Storage {
    /// Calls `visit` on every leaf, validity bits before the fields of their header.
    pub(crate) fn visit_leaves(&self, visit: &mut impl FnMut(Slot)) {
        match self {
            Self::Leaf(slot) => visit(*slot),
            Self::Varbit { value, width } => {
                visit(*value);
                visit(*width);
            }
            Self::Record(record) => {
                if let Some((_, valid)) = record.header {
                    visit(valid);
                }
                for field in &record.fields {
                    field.visit_leaves(visit);
                }
            }
            Self::Stack(stack) => {
                for element in &stack.elements {
                    element.visit_leaves(visit);
                }
            }
            Self::Choice { options, .. } => {
                for option in options {
                    option.visit_leaves(visit);
                }
            }
        }
    }

    /// The widths of its scalars in order.
    pub(crate) fn leaf_widths(&self) -> Vec<u32> {
        let mut widths = Vec::new();
        self.visit_leaves(&mut |slot| widths.push(slot.width()));
        widths
    }

    /// Every field or variable that it is made of.
    pub(crate) fn bases(&self) -> Vec<Base> {
        let mut bases = Vec::new();
        self.visit_leaves(&mut |slot| bases.push(slot.base));
        bases
    }

    /// Calls `visit` on every stack in order.
    pub(crate) fn visit_stacks(&self, visit: &mut impl FnMut(&StackStorage)) {
        match self {
            Self::Leaf(_) | Self::Varbit { .. } => {}
            Self::Record(record) => {
                for field in &record.fields {
                    field.visit_stacks(visit);
                }
            }
            Self::Stack(stack) => {
                visit(stack);
                for element in &stack.elements {
                    element.visit_stacks(visit);
                }
            }
            Self::Choice { options, .. } => {
                for option in options {
                    option.visit_stacks(visit);
                }
            }
        }
    }

    /// Calls `visit` on every header in order.
    pub(crate) fn visit_headers(&self, visit: &mut impl FnMut(HeaderId, Slot)) {
        match self {
            Self::Leaf(_) | Self::Varbit { .. } => {}
            Self::Record(record) => match record.header {
                Some((header, valid)) => visit(header, valid),
                None => {
                    for field in &record.fields {
                        field.visit_headers(visit);
                    }
                }
            },
            Self::Stack(stack) => {
                for element in &stack.elements {
                    element.visit_headers(visit);
                }
            }
            Self::Choice { options, .. } => {
                for option in options {
                    option.visit_headers(visit);
                }
            }
        }
    }

    /// The member at this position of a record, or the element of a stack.
    pub(crate) fn part(&self, position: usize) -> Option<Storage> {
        self.pick(&mut |storage| match storage {
            Self::Record(record) => record.fields.get(position).cloned(),
            Self::Stack(stack) => stack.elements.get(position).cloned(),
            Self::Leaf(_) | Self::Varbit { .. } | Self::Choice { .. } => None,
        })
    }

    /// The element of a stack that an index says at run time.
    pub(crate) fn element(&self, index: &Expr) -> Option<Storage> {
        self.pick(&mut |storage| match storage {
            Self::Stack(stack) => Some(Self::Choice {
                index: index.clone(),
                options: stack.elements.clone(),
            }),
            Self::Leaf(_) | Self::Varbit { .. } | Self::Record(_) | Self::Choice { .. } => None,
        })
    }

    /// The validity bit of a header.
    pub(crate) fn validity(&self) -> Option<Storage> {
        self.pick(&mut |storage| match storage {
            Self::Record(record) => record.header.map(|(_, valid)| Self::Leaf(valid)),
            Self::Leaf(_) | Self::Varbit { .. } | Self::Stack(_) | Self::Choice { .. } => None,
        })
    }

    /// The bits and the width of a bit string of varying width.
    pub(crate) fn varbit(&self) -> Option<(Storage, Storage)> {
        let part = |wants_width: bool| {
            self.pick(&mut |storage| match storage {
                Self::Varbit { value, width } => {
                    Some(Self::Leaf(if wants_width { *width } else { *value }))
                }
                Self::Leaf(_) | Self::Record(_) | Self::Stack(_) | Self::Choice { .. } => None,
            })
        };
        Some((part(false)?, part(true)?))
    }

    /// A part of this storage: of each option, where it is chosen at run time.
    fn pick(&self, part: &mut impl FnMut(&Storage) -> Option<Storage>) -> Option<Storage> {
        match self {
            Self::Choice { index, options } => Some(Self::Choice {
                index: index.clone(),
                options: options
                    .iter()
                    .map(|option| option.pick(part))
                    .collect::<Option<_>>()?,
            }),
            Self::Leaf(_) | Self::Varbit { .. } | Self::Record(_) | Self::Stack(_) => part(self),
        }
    }
}
