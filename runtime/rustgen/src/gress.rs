//! One gress in the making: what everything in it is called, and what is known before the first line.

use std::collections::HashMap;

use p4rmt_engine::{GressInterface, GressLayout, OnParserError, StandardErrors};
use p4rmt_ir::{
    ActionId, Arena, Body, FieldId, FieldKind, Gress, GressId, GressRole, HeaderId, Id, Local,
    Param, Program, StateId, TableId,
};
use p4rmt_source::Span;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::flow::Flows;
use crate::names::Names;

/// A gress in the making.
pub(crate) struct GressWriter<'a> {
    pub(crate) gress: &'a Gress,
    pub(crate) id: GressId,
    pub(crate) layout: &'a GressLayout,
    pub(crate) interface: &'a GressInterface,
    pub(crate) on_error: OnParserError,
    pub(crate) errors: StandardErrors,
    /// Which actions, tables and blocks end their control.
    pub(crate) flows: Flows,
    /// By field: where it lies.
    pub(crate) fields: Arena<FieldId, TokenStream>,
    /// By header: where it lies.
    pub(crate) headers: Arena<HeaderId, TokenStream>,
    /// By header: the position of its type in `header_types`.
    pub(crate) header_type_of: Vec<usize>,
    pub(crate) header_types: Vec<HeaderType>,
    /// By group of fields that belong to no header: name, type, and name and id of each field.
    pub(crate) groups: Vec<Group>,
    /// By header: its name among all headers.
    pub(crate) header_names: Vec<Ident>,
    pub(crate) actions: Arena<ActionId, Ident>,
    pub(crate) tables: Arena<TableId, Ident>,
    pub(crate) registers: Vec<Ident>,
    pub(crate) register_actions: Vec<Ident>,
    pub(crate) counters: Vec<Ident>,
    pub(crate) meters: Vec<Ident>,
    pub(crate) hashes: Vec<Ident>,
    pub(crate) math_units: Vec<Ident>,
    pub(crate) states: Arena<StateId, Ident>,
    /// Which watched field, by field.
    pub(crate) watched_at: Vec<Option<usize>>,
    /// By checksum unit: whether its residual is deposited by the parser.
    pub(crate) deposits: Vec<Option<Deposit>>,
    /// Where a place of the program is, for people.
    pub(crate) locate: &'a dyn Fn(Span) -> Option<String>,
    /// Whether the deparser writes bit by bit.
    pub(crate) has_bitwise_deparser: bool,
}

/// A type of header: its name, and name and width of each of its fields.
pub(crate) struct HeaderType {
    pub(crate) name: Ident,
    /// As the program has it.
    pub(crate) type_name: String,
    pub(crate) fields: Vec<(Ident, u32)>,
    /// Names of the field that says whether it is valid, and of the one that says how wide its varbit
    /// field is.
    pub(crate) valid: Ident,
    pub(crate) varbit: Option<(usize, Ident)>,
    pub(crate) span: Span,
}

/// Fields that belong to no header.
pub(crate) struct Group {
    pub(crate) name: Ident,
    pub(crate) ty: Ident,
    pub(crate) docs: &'static str,
    pub(crate) fields: Vec<(Ident, FieldId)>,
}

/// A residual that the parser deposits.
pub(crate) struct Deposit {
    pub(crate) place: p4rmt_ir::Place,
    pub(crate) span: Span,
}

/// What names mean where a statement stands.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) part: Part,
    /// The data of the action.
    pub(crate) params: Vec<(Ident, u32)>,
    /// The variables of the action or register action.
    pub(crate) locals: Vec<(Ident, u32)>,
    /// The statement at hand.
    pub(crate) span: Span,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Parser,
    Control,
    RegisterAction,
    Deparser,
}

impl Scope {
    pub(crate) fn new(part: Part) -> Self {
        Self {
            part,
            params: Vec::new(),
            locals: Vec::new(),
            span: Span::NONE,
        }
    }

    /// Of an action with these parameters and variables.
    pub(crate) fn of_action<'l>(
        part: Part,
        params: &[Param],
        locals: impl Iterator<Item = &'l Local>,
    ) -> Self {
        let mut names = Names::new(&["g", "cx", "p", "index", "cell", "data", "rt", "engine"]);
        let params = params
            .iter()
            .map(|param| (names.snake(&param.name), param.width));
        let params = params.collect();
        let locals = locals.map(|local| (names.snake(&local.name), local.width));
        Self {
            params,
            locals: locals.collect(),
            ..Self::new(part)
        }
    }

    pub(crate) fn at(&self, span: Span) -> Self {
        Self {
            span,
            ..self.clone()
        }
    }
}

/// What a field's name says beside what it is part of.
fn leaf<'n>(name: &'n str, owner: &str) -> &'n str {
    let rest = name.strip_prefix(owner);
    rest.map_or(name, |rest| rest.trim_start_matches('.'))
}

impl<'a> GressWriter<'a> {
    pub(crate) fn new(
        program: &Program,
        (id, gress): (GressId, &'a Gress),
        layout: &'a GressLayout,
        interface: &'a GressInterface,
        locate: &'a dyn Fn(Span) -> Option<String>,
    ) -> Self {
        let mut writer = Self {
            gress,
            id,
            layout,
            interface,
            on_error: OnParserError::new(program, gress),
            errors: StandardErrors::new(program),
            flows: Flows::new(gress),
            fields: gress.fields.ids().map(|_| TokenStream::new()).collect(),
            headers: Arena::new(),
            header_type_of: Vec::new(),
            header_types: Vec::new(),
            groups: Vec::new(),
            header_names: Vec::new(),
            actions: Arena::new(),
            tables: Arena::new(),
            registers: Vec::new(),
            register_actions: Vec::new(),
            counters: Vec::new(),
            meters: Vec::new(),
            hashes: Vec::new(),
            math_units: Vec::new(),
            states: Arena::new(),
            watched_at: vec![None; gress.fields.len()],
            deposits: gress.checksums.values().map(|_| None).collect(),
            locate,
            has_bitwise_deparser: false,
        };
        for (position, field) in interface.watched.iter().enumerate() {
            writer.watched_at[field.index()] = Some(position);
        }
        writer.name_headers();
        writer.name_fields();
        writer.name_units();
        writer
    }

    fn name_headers(&mut self) {
        let mut types: HashMap<(String, Vec<(String, u32)>), usize> = HashMap::new();
        let mut type_names = Names::new(&["Headers", "Packet", "Self"]);
        let mut names = Names::default();
        let shown = self.gress.headers.values().map(|header| {
            let (first, rest) = header.name.split_once('.').unwrap_or(("", &header.name));
            // What the program calls its headers goes without saying.
            if first.starts_with(char::is_lowercase) {
                rest
            } else {
                &header.name
            }
        });
        self.header_names = shown.map(|name| names.snake(name)).collect();
        for (id, header) in self.gress.headers.iter() {
            let fields: Vec<(String, u32)> = header
                .fields
                .iter()
                .map(|field| {
                    let field = &self.gress.fields[*field];
                    (leaf(&field.name, &header.name).to_owned(), field.width)
                })
                .collect();
            let varbit = header.varbit.map(|(varbit, _)| {
                let position = header.fields.iter().position(|field| *field == varbit);
                position.expect("the validator wants it among the fields")
            });
            let key = (format!("{} {varbit:?}", header.type_name), fields.clone());
            let position = *types.entry(key).or_insert_with(|| {
                let mut names = Names::default();
                let valid = names.snake("is_valid");
                let fields = fields
                    .iter()
                    .map(|(name, width)| (names.snake(name), *width));
                let fields: Vec<_> = fields.collect();
                let bare = header
                    .type_name
                    .strip_suffix("_t")
                    .or(header.type_name.strip_suffix("_h"));
                self.header_types.push(HeaderType {
                    name: type_names.camel(bare.unwrap_or(&header.type_name)),
                    type_name: header.type_name.clone(),
                    varbit: varbit.map(|position| {
                        let name = format!("{}_width", fields[position].0);
                        (position, names.snake(&name))
                    }),
                    fields,
                    valid,
                    span: header.span,
                });
                self.header_types.len() - 1
            });
            self.header_type_of.push(position);
            let name = &self.header_names[id.index()];
            self.headers.push(quote!(p.hdr.#name));
            let ty = &self.header_types[position];
            for ((name_of_field, _), field) in ty.fields.iter().zip(&header.fields) {
                self.fields[*field] = quote!(p.hdr.#name.#name_of_field);
            }
            let valid = &ty.valid;
            self.fields[header.valid] = quote!(p.hdr.#name.#valid);
            if let (Some((_, width)), Some((_, width_name))) = (header.varbit, &ty.varbit) {
                self.fields[width] = quote!(p.hdr.#name.#width_name);
            }
        }
    }

    fn name_fields(&mut self) {
        let kinds = [
            ("meta", "Metadata", "What the program keeps with a packet."),
            (
                "intrinsic",
                "Intrinsic",
                "What the device and the program tell each other.",
            ),
            ("local", "Locals", "Variables of controls and parsers."),
        ];
        for (position, (name, ty, docs)) in kinds.into_iter().enumerate() {
            let of_kind = |kind: FieldKind| match kind {
                FieldKind::Metadata => position == 0,
                FieldKind::Intrinsic => position == 1,
                FieldKind::Local => position == 2,
                FieldKind::Header(_) | FieldKind::Validity(_) | FieldKind::VarbitWidth(_) => false,
            };
            let ids = self.gress.fields.iter();
            let of_group = ids.filter(|(_, field)| of_kind(field.kind));
            let of_group: Vec<_> = of_group.collect();
            let first = |name: &'a str| name.split_once('.').map(|(first, _)| first);
            let common = of_group.first().and_then(|(_, field)| first(&field.name));
            let is_common = of_group
                .iter()
                .all(|(_, field)| first(&field.name) == common);
            let mut names = Names::default();
            let group = format_ident!("{name}");
            let mut fields = Vec::new();
            for (id, field) in of_group {
                let text = match common {
                    Some(common) if is_common => leaf(&field.name, common),
                    Some(_) | None => &field.name,
                };
                let name = names.snake(text);
                self.fields[id] = quote!(p.#group.#name);
                fields.push((name, id));
            }
            self.groups.push(Group {
                name: group,
                ty: format_ident!("{ty}"),
                docs,
                fields,
            });
        }
    }

    fn name_units(&mut self) {
        let gress = self.gress;
        let name_of = |names: &mut dyn Iterator<Item = &'a str>| Names::default().of_dotted(names);
        self.tables = name_of(&mut gress.tables.values().map(|table| &*table.name))
            .into_iter()
            .collect();
        let actions: Vec<&str> = match &gress.body {
            Body::Structured(body) => body.actions.values().map(|action| &*action.name).collect(),
            Body::Tables(body) => body.actions.values().map(|action| &*action.name).collect(),
        };
        self.actions = name_of(&mut actions.into_iter()).into_iter().collect();
        self.registers = name_of(&mut gress.registers.values().map(|one| &*one.name));
        self.register_actions = name_of(&mut gress.register_actions.values().map(|one| &*one.name));
        self.counters = name_of(&mut gress.counters.values().map(|one| &*one.name));
        self.meters = name_of(&mut gress.meters.values().map(|one| &*one.name));
        self.hashes = name_of(&mut gress.hashes.values().map(|one| &*one.name));
        self.math_units = name_of(&mut gress.math_units.values().map(|one| &*one.name));
        let mut names = Names::new(&["parse"]);
        let states = gress.parser.states.values();
        self.states = states.map(|state| names.snake(&state.name)).collect();
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.gress.role == GressRole::Whole
    }

    /// The parameters of an action.
    pub(crate) fn params(&self, action: ActionId) -> &'a [Param] {
        match &self.gress.body {
            Body::Structured(body) => &body.actions[action].params,
            Body::Tables(body) => &body.actions[action].params,
        }
    }

    /// The dotted name of an action.
    pub(crate) fn action_name(&self, action: ActionId) -> &'a str {
        match &self.gress.body {
            Body::Structured(body) => &body.actions[action].name,
            Body::Tables(body) => &body.actions[action].name,
        }
    }

    /// What a function is told of its place in the program.
    pub(crate) fn docs(&self, name: &str, span: Span) -> String {
        match (self.locate)(span) {
            Some(place) => format!(" `{name}` ({place})."),
            None => format!(" `{name}`."),
        }
    }
}

/// A place of the program as text.
pub(crate) fn span_code(span: Span) -> TokenStream {
    if span.is_none() {
        return quote!(engine::Span::NONE);
    }
    let (lo, hi) = (
        Literal::u32_unsuffixed(span.lo),
        Literal::u32_unsuffixed(span.hi),
    );
    quote!(rt::at(#lo, #hi))
}

/// A number as text.
pub(crate) fn count(number: usize) -> Literal {
    Literal::usize_unsuffixed(number)
}
