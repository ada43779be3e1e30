//! The typed match-action IR: the contract between the compiler, the placer and every engine.
//!
//! # What it holds
//!
//! A [`Program`] has pipes, a [`Pipe`] has gresses, a [`Gress`] has a parser, a match-action part, a
//! deparser, and everything that they own, in arenas indexed by typed ids. Names, types,
//! instantiation, functions and sub-controls are gone: what is left are scalars ([`Field`]s) in one
//! flat packet header vector, and what happens to them. Widths are all that is left of types.
//!
//! The match-action part has two forms. [`Structured`] has statements in order, as the language has
//! them. [`Tables`] is what the machine has: control flow of tables and gateways, actions that do
//! everything at once. v1model programs run structured; TNA programs run as tables.
//!
//! # v1model
//!
//! A v1model program is one gress with the role [`GressRole::Whole`]: a parser, a structured body with
//! four controls in the order in which they run (verify, ingress, egress, compute; see
//! [`ControlRole`]), a deparser. All of them share their fields: headers, metadata, standard metadata.
//! The traffic manager stands between the ingress and the egress, so an engine runs the gress in two
//! parts: parser to ingress, and, for each packet that the traffic manager makes of it, egress to
//! deparser. [`Gress::intrinsics`] has each field of `standard_metadata_t` under
//! `standard_metadata_t.egress_spec` and the like. What v1model alone has is in [`v1`].
//!
//! What differs from Tofino:
//!
//! * An `exit` ends its control only; a parser that goes to `Reject` ends parsing, the error is in
//!   `parser_error` if it is one of a statement, and the ingress runs all the same.
//! * A direct counter or meter works with each packet that hits its table, before the action runs,
//!   whether the action has a call or not. A direct [`CallKind::Count`] is therefore not there; a
//!   direct [`CallKind::Meter`] reads the colour that the hit gave, green where there was none.
//! * A packet may touch a register any number of times.
//!
//! # What it means
//!
//! * A packet starts with every field zero and every header invalid; the device then writes the
//!   intrinsic fields that it provides.
//! * A field is storage. Validity is a field of its own: making a header invalid does not change its
//!   fields, reading a field of an invalid header gives what was last written (zero if nothing was),
//!   and writing one does not make it valid. Extracting writes all fields and makes it valid.
//! * In the structured form every statement sees what all before it wrote.
//! * In the tables form, every table and gateway sees what those before it in the control flow wrote.
//!   Inside one table, keys and actions read the fields as they were before it; all of an action's
//!   assignments happen at once ([`ParallelAction`]).
//! * Placed, "before it" becomes "in stages before": all units of a stage read the fields as they
//!   entered the stage, and writes are seen by the next stage ([`Placement`]). A legal placement
//!   cannot be told from the unplaced form.
//! * A register action is atomic: no other access to the element falls between its read and its
//!   write. It sees its element and the fields as they entered the stage; its outputs start at zero.
//!   An index beyond the register's size touches nothing: memory reads as zeros, the write is lost.
//! * A packet touches a register at most once.
//! * A parser error ends parsing. On `Reject`, TNA drops the packet in ingress unless the program
//!   reads `parser_err`; headers extracted so far stay valid.
//! * The deparser emits valid headers; the rest of the packet that the parser has not consumed
//!   follows.
//!
//! # What holds it
//!
//! The validator ([`validate`](mod@validate)) checks every rule that an engine relies on: validated IR
//! never panics an engine. [`text`] shows a program, [`build`] makes small ones by hand.

pub mod alu;
pub mod bits;
pub mod build;
pub mod expr;
pub mod id;
pub mod lane;
pub mod parser;
pub mod placement;
pub mod program;
pub mod salu;
pub mod stateful;
pub mod stmt;
pub mod table;
pub mod text;
pub mod v1;
pub mod validate;

pub use bits::Bits;
pub use expr::{BinaryOp, Expr, Place, UnaryOp};
pub use id::*;
pub use lane::{LaneExpr, LaneOp, LanePart};
pub use parser::{Case, KeySet, Parser, State, Target, Transition, ValueSet};
pub use placement::{GressPlacement, MemoryUse, Placement, Slot, TablePart};
pub use program::{
    Arch, Body, Control, ControlRole, Deparser, FILLER, Field, FieldKind, Gress, GressRole, Header,
    Pipe, Program, Structured, Tables,
};
pub use stateful::{
    Checksum, CountKind, Counter, CrcPolynomial, Digest, ElementField, Filter, FilterKind, Hash,
    HashAlgorithm, Local, MathUnit, MathUnits, Meter, Random, Register, RegisterAction,
};
pub use stmt::{Arm, Block, Call, CallKind, ChecksumOp, Outcome, Stmt, StmtKind};
pub use table::{
    Action, ActionCall, ActionRef, Classifier, Entry, Gateway, Key, Match, MatchKind, Node,
    ParallelAction, ParallelAssign, Param, Partitions, Seq, Table,
};
pub use v1::{ActionProfile, ClaimKind, Cloned, Datum, GroupLimits, Selector, V1Call};
pub use validate::{Rule, Violation, validate};
