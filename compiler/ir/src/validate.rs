//! The rules that engines and the placer rely on: validated IR never panics them.
//!
//! [`validate`] checks a whole program, in either form, and lists what is wrong. A program of a user
//! cannot break a rule, since the steps before refuse it with a diagnostic of their own; a violation is
//! a bug of a compiler step.
//!
//! * Every id names an element of its arena; every width is 1 to 2,048 bits; what is stored, compared
//!   or passed is as wide as where it goes (`expr`, `stmt`).
//! * A statement, call or operand stands only where it has a meaning; labels are unique and left from
//!   inside (`stmt`).
//! * Headers, registers, register actions and parsers hold together (`unit`).
//! * Tables, their entries and default actions fit their keys and actions (`table`).
//! * A body has the controls that its gress is for, in their order; what v1model alone has stands in a
//!   whole gress, and there in the control that it is for (`table`, `v1`).
//! * In the tables form, each table and gateway stands in the control flow once, keys are fields,
//!   actions write no bit twice and locals once, and no packet touches a register twice (`table`,
//!   `touch`).

mod expr;
mod stmt;
mod table;
mod touch;
mod unit;
mod v1;

use p4rmt_source::Span;

use crate::{Filter, Gress, GressId, Param, PipeId, Program};

pub use touch::{DoubleTouch, double_touches};

/// What a program breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pipe}, {gress}, {within}: {rule}")]
pub struct Violation {
    /// The pipe.
    pub pipe: PipeId,
    /// Its gress.
    pub gress: GressId,
    /// What is at fault, by its id: `action a3`.
    pub within: String,
    /// The rule.
    pub rule: Rule,
    /// The nearest place in the source.
    pub span: Span,
}

/// A rule, and how it is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// An id without an element.
    #[error("`{id}` does not exist")]
    UnknownId {
        /// The id in the text form.
        id: String,
    },
    /// A width that no value may have.
    #[error("a width of {width} bits is not between 1 and 2048")]
    BadWidth {
        /// The width.
        width: u32,
    },
    /// Two widths that must be equal.
    #[error("{what} is {found} bits wide where {expected} are needed")]
    WidthMismatch {
        /// What is too narrow or too wide.
        what: &'static str,
        /// The width that it has.
        found: u32,
        /// The width that it needs.
        expected: u32,
    },
    /// Two counts that must be equal.
    #[error("there are {found} {what} where {expected} are needed")]
    CountMismatch {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A slice that is not inside what it cuts.
    #[error("bits {hi} down to {lo} are not inside {width} bits")]
    BadSlice {
        /// Highest bit.
        hi: u32,
        /// Lowest bit.
        lo: u32,
        /// Width of what is cut.
        width: u32,
    },
    /// Something that has no meaning where it stands.
    #[error("{what} has no meaning in {part}")]
    Misplaced {
        /// What.
        what: &'static str,
        /// Where it stands.
        part: &'static str,
    },
    /// A `Leave` without its label around it.
    #[error("`{label}` is left from outside")]
    LostLabel {
        /// The label.
        label: String,
    },
    /// Something that must be unique.
    #[error("{what} `{name}` is there twice")]
    Duplicate {
        /// What.
        what: &'static str,
        /// Its name or id.
        name: String,
    },
    /// A total width that must be a multiple.
    #[error("{what} are {found} bits in all, not a multiple of {unit}")]
    NotMultiple {
        /// What is counted together.
        what: &'static str,
        /// The total.
        found: u32,
        /// The unit.
        unit: u32,
    },
    /// A field whose kind contradicts its use.
    #[error("field `{field}` is not of the kind that {what} needs")]
    WrongKind {
        /// The field's id.
        field: String,
        /// What uses it.
        what: &'static str,
    },
    /// A way to match that does not fit the kind of its key.
    #[error("an entry matches key {key} in a way that its kind does not have")]
    WrongMatch {
        /// Position of the key.
        key: usize,
    },
    /// A prefix longer than its key.
    #[error("a prefix of {len} bits is longer than its key of {width}")]
    LongPrefix {
        /// Its length.
        len: u32,
        /// Width of the key.
        width: u32,
    },
    /// An action that the table does not list for this use.
    #[error("`{action}` is not an action of the table for {what}")]
    UnlistedAction {
        /// The action's id.
        action: String,
        /// The use.
        what: &'static str,
    },
    /// A key that a crossbar does not deliver, in the tables form.
    #[error("key {key} is neither a field nor a slice of one nor either under a constant mask")]
    ComputedKey {
        /// Position of the key.
        key: usize,
    },
    /// Something that stands in the control flow twice.
    #[error("`{id}` stands in the control flow twice")]
    StandsTwice {
        /// Its id.
        id: String,
    },
    /// A bit that one action writes twice.
    #[error("bit {bit} of `{field}` is written twice")]
    WrittenTwice {
        /// The field's id.
        field: String,
        /// The lowest such bit.
        bit: u32,
    },
    /// A local of an action that two calls write.
    #[error("`{local}` is written twice")]
    LocalWrittenTwice {
        /// The local's id.
        local: String,
    },
    /// A local that is read by a call before one writes it.
    #[error("`{local}` is read before it is written")]
    ReadBeforeWritten {
        /// The local's id.
        local: String,
    },
    /// A unit with one cell an entry that the table does not list, or one that is not direct.
    #[error("`{unit}` is used as direct where it is not, or not as direct where it is")]
    NotDirect {
        /// The unit's id.
        unit: String,
    },
    /// A body whose controls are not those of its gress.
    #[error("the controls of a {gress} are not {found:?}")]
    WrongControls {
        /// The role of the gress.
        gress: &'static str,
        /// The roles of its controls.
        found: Vec<crate::ControlRole>,
    },
    /// A filter that shall mark packets, or a meter that shall filter.
    #[error("`{unit}` is not the kind of meter that is called")]
    WrongMeter {
        /// The meter's id.
        unit: String,
    },
    /// A filter whose values are wider than its ALU.
    #[error("a filter takes values of {width} bits: at most {}", Filter::WIDTH_MAX)]
    WideFilter {
        /// Their width in bits.
        width: u32,
    },
    /// A register that one packet can touch twice.
    #[error("a packet can touch register `{register}` twice")]
    TouchedTwice {
        /// The register's id.
        register: String,
    },
}

/// Checks every rule.
///
/// # Errors
///
/// All violations, in the order of the program.
pub fn validate(program: &Program) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    for (pipe_id, pipe) in program.pipes.iter() {
        for (gress_id, gress) in pipe.gresses.iter() {
            let mut checker = Checker {
                gress,
                pipe_id,
                gress_id,
                within: String::new(),
                control: None,
                span: pipe.span,
                violations: &mut violations,
            };
            checker.units();
            checker.tables();
            checker.body();
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}

/// Collects the violations of one gress.
struct Checker<'a> {
    gress: &'a Gress,
    pipe_id: PipeId,
    gress_id: GressId,
    /// What is checked now.
    within: String,
    /// The control that is checked now, if it is one.
    control: Option<crate::ControlRole>,
    span: Span,
    violations: &'a mut Vec<Violation>,
}

/// Where an expression or statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Parser,
    Deparser,
    Control,
    Action,
    RegisterAction,
    Table,
}

impl Part {
    fn text(self) -> &'static str {
        match self {
            Self::Parser => "a parser",
            Self::Deparser => "a deparser",
            Self::Control => "a control",
            Self::Action => "an action",
            Self::RegisterAction => "a register action",
            Self::Table => "a table or gateway",
        }
    }
}

/// What an expression can name besides fields.
#[derive(Clone, Copy)]
struct Scope<'a> {
    part: Part,
    /// The parameters; none where a register action is checked, whose callers have them.
    params: Option<&'a [Param]>,
    /// Widths of the variables.
    locals: &'a [u32],
}

impl Scope<'_> {
    fn of(part: Part) -> Self {
        Self {
            part,
            params: Some(&[]),
            locals: &[],
        }
    }
}

impl Checker<'_> {
    fn enter(&mut self, within: String, span: Span) {
        self.within = within;
        self.span = span;
    }

    fn fail(&mut self, rule: Rule) {
        self.violations.push(Violation {
            pipe: self.pipe_id,
            gress: self.gress_id,
            within: self.within.clone(),
            rule,
            span: self.span,
        });
    }

    /// Nothing, and a violation, where there is no such element.
    fn known<'t, I: crate::Id + std::fmt::Display, T>(
        &mut self,
        arena: &'t crate::Arena<I, T>,
        id: I,
    ) -> Option<&'t T> {
        let element = arena.get(id);
        if element.is_none() {
            self.fail(Rule::UnknownId { id: id.to_string() });
        }
        element
    }

    fn width(&mut self, width: u32) {
        if width == 0 || width > crate::Bits::MAX_WIDTH {
            self.fail(Rule::BadWidth { width });
        }
    }

    fn same_width(&mut self, what: &'static str, found: Option<u32>, expected: Option<u32>) {
        if let (Some(found), Some(expected)) = (found, expected)
            && found != expected
        {
            self.fail(Rule::WidthMismatch {
                what,
                found,
                expected,
            });
        }
    }

    fn same_count(&mut self, what: &'static str, found: usize, expected: usize) {
        if found != expected {
            self.fail(Rule::CountMismatch {
                what,
                found,
                expected,
            });
        }
    }

    fn misplaced(&mut self, what: &'static str, part: Part) {
        let part = part.text();
        self.fail(Rule::Misplaced { what, part });
    }
}
