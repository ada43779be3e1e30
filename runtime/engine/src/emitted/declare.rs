//! What an emitted pipe says of its program: all that the state, the control plane and the device ask for,
//! without what happens to packets.
//!
//! The declared program has the fields, headers, tables, actions (with empty bodies) and memory of the
//! one that was emitted, under the same ids, so that a [`crate::State`] of the one is one of the other.

use p4rmt_ir::build::GressBuilder;
use p4rmt_ir::{
    Action, ActionCall, ActionProfile, ActionRef, Arena, Bits, CountKind, Counter, Digest,
    ElementField, Entry, Expr, Field, FieldKind, Filter, GressRole, Header, Id, Key, Match,
    MatchKind, Meter, Param, Register, Selector, Table, ValueSet,
};
use p4rmt_source::Span;

/// A gress in the making.
pub struct DeclaredGress {
    builder: GressBuilder,
    actions: Arena<p4rmt_ir::ActionId, Action>,
}

/// An id by its number.
#[must_use]
pub fn id<I: Id>(number: usize) -> I {
    I::from_index(number)
}

/// A value by its words, the highest first.
#[must_use]
pub fn wide(width: u32, words: &[u64]) -> Bits {
    let words = words.iter();
    let value = words.fold(Bits::zero(0), |high, word| {
        high.concat(&Bits::from_u64(64, *word))
    });
    value.resize(width, false)
}

/// A call of an action.
#[must_use]
pub fn call(action: usize, args: Vec<Bits>) -> ActionCall {
    ActionCall {
        action: id(action),
        args,
    }
}

/// What is said of a table beside its keys, actions and entries.
#[derive(Clone, Debug)]
pub struct DeclaredTable {
    /// Its name towards the control plane.
    pub name: &'static str,
    /// Name, width and kind of each key.
    pub keys: &'static [(&'static str, u32, MatchKind)],
    /// Its actions: number, whether entries may name it, whether it may be the default.
    pub actions: &'static [(usize, bool, bool)],
    /// What it does without a match.
    pub default_action: ActionCall,
    /// Whether that is constant.
    pub is_default_const: bool,
    /// The entries of the program: matches, priority, action.
    pub entries: Vec<(Vec<Match>, u32, ActionCall)>,
    /// Whether those are constant.
    pub are_entries_const: bool,
    /// Capacity in entries.
    pub size: u64,
    /// Numbers of its direct counters.
    pub direct_counters: &'static [usize],
    /// Numbers of its direct meters.
    pub direct_meters: &'static [usize],
    /// Numbers of its direct registers.
    pub direct_registers: &'static [usize],
    /// The number of its action profile.
    pub implementation: Option<usize>,
    /// Whether the program wrote it.
    pub is_declared: bool,
}

fn ids<I: Id>(numbers: &[usize]) -> Vec<I> {
    numbers.iter().map(|number| id(*number)).collect()
}

impl DeclaredGress {
    /// A gress with nothing in it.
    #[must_use]
    pub fn new(role: GressRole) -> Self {
        Self {
            builder: GressBuilder::new(role),
            actions: Arena::new(),
        }
    }

    /// Declares the next field.
    pub fn field(&mut self, name: &str, width: u32, is_signed: bool, kind: FieldKind) {
        self.builder.gress.fields.push(Field {
            name: name.to_owned(),
            width,
            is_signed,
            kind,
            span: Span::NONE,
        });
    }

    /// Declares the next header, by the numbers of its fields and of the field that says whether it is
    /// valid; a varbit field and its width likewise.
    pub fn header(
        &mut self,
        name: &str,
        type_name: &str,
        fields: &[usize],
        valid: usize,
        varbit: Option<(usize, usize)>,
    ) {
        self.builder.gress.headers.push(Header {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            fields: ids(fields),
            flexible: Vec::new(),
            valid: id(valid),
            varbit: varbit.map(|(field, width)| (id(field), id(width))),
            span: Span::NONE,
        });
    }

    /// Names a field as the device knows it.
    pub fn intrinsic(&mut self, name: &str, field: usize) {
        self.builder
            .gress
            .intrinsics
            .insert(name.to_owned(), id(field));
    }

    /// Declares the next action, with the names and widths of its parameters.
    pub fn action(&mut self, name: &str, params: &[(&str, u32)]) {
        let params = params.iter().map(|(name, width)| Param {
            name: (*name).to_owned(),
            width: *width,
        });
        self.actions.push(Action {
            name: name.to_owned(),
            params: params.collect(),
            body: Vec::new(),
            span: Span::NONE,
        });
    }

    /// Declares the next table.
    pub fn table(&mut self, table: DeclaredTable) {
        let keys = table.keys.iter().map(|(name, width, kind)| Key {
            name: (*name).to_owned(),
            expr: Expr::Const(Bits::zero(*width)),
            kind: *kind,
            span: Span::NONE,
        });
        let actions = table.actions.iter();
        let actions = actions.map(|(action, in_entries, as_default)| ActionRef {
            action: id(*action),
            in_entries: *in_entries,
            as_default: *as_default,
        });
        let entries = table.entries.into_iter();
        let entries = entries.map(|(matches, priority, action)| Entry {
            matches,
            priority,
            action,
            span: Span::NONE,
        });
        self.builder.gress.tables.push(Table {
            name: table.name.to_owned(),
            keys: keys.collect(),
            actions: actions.collect(),
            default_action: table.default_action,
            is_default_const: table.is_default_const,
            entries: entries.collect(),
            are_entries_const: table.are_entries_const,
            size: table.size,
            is_size_given: true,
            direct_counters: ids(table.direct_counters),
            direct_meters: ids(table.direct_meters),
            direct_registers: ids(table.direct_registers),
            implementation: table.implementation.map(id),
            has_idle_timeout: false,
            proxy_hash: None,
            partitions: None,
            stage_pragma: None,
            ways_pragma: None,
            pack_pragma: None,
            is_declared: table.is_declared,
            span: Span::NONE,
        });
    }

    /// Declares the next register, by names and widths of the values of an element, and what they start
    /// with.
    pub fn register(
        &mut self,
        name: &str,
        size: u64,
        element: &[(&str, u32, bool)],
        initial: Vec<Bits>,
    ) {
        let element = element.iter().map(|(name, width, is_signed)| ElementField {
            name: (*name).to_owned(),
            width: *width,
            is_signed: *is_signed,
        });
        self.builder.gress.registers.push(Register {
            name: name.to_owned(),
            size,
            element: element.collect(),
            initial,
            span: Span::NONE,
        });
    }

    /// Declares the next counter.
    pub fn counter(
        &mut self,
        name: &str,
        kind: CountKind,
        width: u32,
        size: u64,
        adjust_bytes: i32,
    ) {
        self.builder.gress.counters.push(Counter {
            name: name.to_owned(),
            kind,
            width,
            size,
            adjust_bytes,
            span: Span::NONE,
        });
    }

    /// Declares the next meter or filter.
    pub fn meter(
        &mut self,
        name: &str,
        kind: CountKind,
        size: u64,
        colors: [Bits; 3],
        adjust_bytes: i32,
        filter: Option<Filter>,
    ) {
        self.builder.gress.meters.push(Meter {
            name: name.to_owned(),
            kind,
            size,
            colors,
            adjust_bytes,
            filter,
            span: Span::NONE,
        });
    }

    /// Declares the next digest, by names and widths of its fields.
    pub fn digest(&mut self, name: &str, fields: &[(&str, u32)]) {
        let fields = fields
            .iter()
            .map(|(name, width)| ((*name).to_owned(), *width));
        self.builder.gress.digests.push(Digest {
            name: name.to_owned(),
            fields: fields.collect(),
            span: Span::NONE,
        });
    }

    /// Declares the next action profile; `selector` where it has groups.
    pub fn profile(&mut self, name: &str, size: u64, selector: Option<Selector>) {
        self.builder.gress.profiles.push(ActionProfile {
            name: name.to_owned(),
            size,
            selector,
            span: Span::NONE,
        });
    }

    /// Declares the next value set.
    pub fn value_set(&mut self, name: &str, widths: &[u32], size: u64) {
        self.builder.gress.value_sets.push(ValueSet {
            name: name.to_owned(),
            widths: widths.to_vec(),
            size,
            span: Span::NONE,
        });
    }

    /// The gress.
    #[must_use]
    pub fn finish(self) -> p4rmt_ir::Gress {
        let mut gress = self.builder.gress;
        gress.body = p4rmt_ir::Body::Structured(p4rmt_ir::Structured {
            controls: Vec::new(),
            actions: self.actions,
        });
        gress
    }
}
