//! Programs, pipes and gresses: what holds everything else.

use indexmap::IndexMap;
use p4rmt_source::Span;

use crate::{
    Action, ActionId, ActionProfile, Arena, Block, Checksum, ChecksumId, Counter, CounterId,
    Digest, DigestId, FieldId, Gateway, GatewayId, GressId, Hash, HashId, HeaderId, LabelId,
    MathUnits, Meter, MeterId, ParallelAction, Parser, PipeId, ProfileId, Random, RandomId,
    Register, RegisterAction, RegisterActionId, RegisterId, Seq, Table, TableId, ValueSet,
    ValueSetId,
};

/// A whole program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name of the file without its extension.
    pub name: String,
    /// The architecture that the program was written for.
    pub arch: Arch,
    /// All errors by position; the standard ones of `core.p4` come first.
    pub errors: Vec<String>,
    /// Its pipes, in the order of the arguments of `Switch(…)`.
    pub pipes: Arena<PipeId, Pipe>,
}

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// `tna.p4`.
    Tna,
    /// `t2na.p4`.
    T2na,
    /// `v1model.p4`.
    V1model,
}

/// A pipe: TNA and T2NA have an ingress and an egress, v1model has one gress for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipe {
    /// Its name: that of the package instance.
    pub name: String,
    /// Its gresses.
    pub gresses: Arena<GressId, Gress>,
    /// Its declaration.
    pub span: Span,
}

/// Which part of the way a gress is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GressRole {
    /// Before the traffic manager.
    Ingress,
    /// Behind it.
    Egress,
    /// Both, with the traffic manager inside (v1model).
    Whole,
}

/// Parser, match-action stages and deparser, with all that they own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gress {
    /// Which part of the way it is.
    pub role: GressRole,
    /// Every scalar.
    pub fields: Arena<FieldId, Field>,
    /// Every header instance, elements of stacks included.
    pub headers: Arena<HeaderId, Header>,
    /// Fields that the device writes or reads, by type and name, e.g.
    /// `ingress_intrinsic_metadata_for_tm_t.ucast_egress_port`.
    pub intrinsics: IndexMap<String, FieldId>,
    /// The parser.
    pub parser: Parser,
    /// The match-action part.
    pub body: Body,
    /// The deparser: `Emit`, `If`, `Assign`, and calls.
    pub deparser: Deparser,
    /// Tables of either form.
    pub tables: Arena<TableId, Table>,
    /// Registers.
    pub registers: Arena<RegisterId, Register>,
    /// Stateful ALU programs.
    pub register_actions: Arena<RegisterActionId, RegisterAction>,
    /// Math units.
    pub math_units: MathUnits,
    /// Counters.
    pub counters: Arena<CounterId, Counter>,
    /// Meters.
    pub meters: Arena<MeterId, Meter>,
    /// Hash functions.
    pub hashes: Arena<HashId, Hash>,
    /// Sources of random values.
    pub randoms: Arena<RandomId, Random>,
    /// Checksum units.
    pub checksums: Arena<ChecksumId, Checksum>,
    /// Messages to the control plane.
    pub digests: Arena<DigestId, Digest>,
    /// Implementations of tables.
    pub profiles: Arena<ProfileId, ActionProfile>,
    /// Value sets of the parser.
    pub value_sets: Arena<ValueSetId, ValueSet>,
    /// The dotted names of the actions that labelled blocks were before they were inlined.
    pub inlined: IndexMap<LabelId, String>,
}

/// The match-action part of a gress, in one of the two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// As the language has it.
    Structured(Structured),
    /// As the machine has it.
    Tables(Tables),
}

/// The structured form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Structured {
    /// The controls in the order in which they run. TNA has one; v1model verify, ingress, egress
    /// and compute.
    pub controls: Vec<Control>,
    /// The actions that tables name; directly called ones are inlined.
    pub actions: Arena<ActionId, Action>,
}

/// A control of the structured form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its name in the program.
    pub name: String,
    /// Which part of the body it is.
    pub role: ControlRole,
    /// What it does.
    pub body: Block,
    /// Its declaration.
    pub span: Span,
}

/// Which part of a body a control is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlRole {
    /// All of it (Tofino).
    Sole,
    /// Before the ingress, over what was parsed (v1model).
    Verify,
    /// Up to the traffic manager (v1model).
    Ingress,
    /// Behind the traffic manager (v1model).
    Egress,
    /// Behind the egress, before the packet is put together (v1model).
    Compute,
}

/// The tables form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tables {
    /// The control flow.
    pub seq: Seq,
    /// Its conditions.
    pub gateways: Arena<GatewayId, Gateway>,
    /// The actions; those of the structured form keep their ids.
    pub actions: Arena<ActionId, ParallelAction>,
}

/// A deparser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deparser {
    /// Its name in the program.
    pub name: String,
    /// Its statements.
    pub body: Block,
    /// Its declaration.
    pub span: Span,
}

/// A scalar of the packet header vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Dotted, as a person would write it in the control: `hdr.ipv4.ttl`, `ig_md.port`.
    pub name: String,
    /// Width in bits, 1 to 2,048; for a varbit field its maximum.
    pub width: u32,
    /// Whether it is shown as a signed number.
    pub is_signed: bool,
    /// What it is part of.
    pub kind: FieldKind,
    /// Its declaration.
    pub span: Span,
}

/// What a field is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A field of a header.
    Header(HeaderId),
    /// The validity bit of a header.
    Validity(HeaderId),
    /// The width in bits of a header's varbit field in this packet; 32 bits.
    VarbitWidth(HeaderId),
    /// Metadata that the program declares: the user metadata of the gress.
    Metadata,
    /// Metadata that the architecture declares.
    Intrinsic,
    /// A variable of a control, or a temporary that the compiler made.
    Local,
}

/// A header instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Dotted: `hdr.ipv4`, `hdr.vlan[1]`.
    pub name: String,
    /// The name of its type.
    pub type_name: String,
    /// Its fields in order on the wire.
    pub fields: Vec<FieldId>,
    /// The field that says whether it is valid, one bit.
    pub valid: FieldId,
    /// `@flexible`: those of the fields that the compiler may move, since only it reads them again.
    pub flexible: Vec<FieldId>,
    /// Where one field is a varbit: that field and the field with its width in this packet.
    pub varbit: Option<(FieldId, FieldId)>,
    /// Its declaration.
    pub span: Span,
}

/// How the name of the field ends that fills a header up to whole bytes.
pub const FILLER: &str = ".$filler";

impl Header {
    /// Whether nobody else knows its order on the wire: it only goes from one gress to the other. Its
    /// fields are `@flexible`, or the last one was not written by the program, but fills it up to whole
    /// bytes.
    #[must_use]
    pub fn has_no_order(&self, fields: &Arena<FieldId, Field>) -> bool {
        let last = self.fields.last().map(|field| &fields[*field]);
        last.is_some_and(|field| field.name.ends_with(FILLER))
            || self
                .fields
                .iter()
                .all(|field| self.flexible.contains(field))
    }
}

impl Gress {
    /// The tables form.
    #[must_use]
    pub fn as_tables(&self) -> Option<&Tables> {
        match &self.body {
            Body::Tables(tables) => Some(tables),
            Body::Structured(_) => None,
        }
    }

    /// The structured form.
    #[must_use]
    pub fn as_structured(&self) -> Option<&Structured> {
        match &self.body {
            Body::Structured(structured) => Some(structured),
            Body::Tables(_) => None,
        }
    }
}

impl Structured {
    /// The control with this role.
    #[must_use]
    pub fn control(&self, role: ControlRole) -> Option<&Control> {
        self.controls.iter().find(|control| control.role == role)
    }
}

impl Pipe {
    /// The gress with this role.
    #[must_use]
    pub fn gress(&self, role: GressRole) -> Option<(GressId, &Gress)> {
        self.gresses.iter().find(|(_, gress)| gress.role == role)
    }
}
