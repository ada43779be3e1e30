//! Fields, headers, parsers, deparsers, registers and their actions, and the smaller units.

use std::collections::HashSet;

use super::{Checker, Part, Rule, Scope};
use crate::{
    FieldKind, Filter, FilterKind, Header, HeaderId, KeySet, Parser, Register, RegisterAction,
    State, Target, Transition,
};

impl Checker<'_> {
    pub(super) fn units(&mut self) {
        let gress = self.gress;
        for (id, field) in gress.fields.iter() {
            self.enter(format!("field {id}"), field.span);
            self.width(field.width);
        }
        for (id, header) in gress.headers.iter() {
            self.enter(format!("header {id}"), header.span);
            self.header(id, header);
        }
        for (name, field) in &gress.intrinsics {
            self.enter(format!("intrinsic `{name}`"), self.span);
            self.known(&gress.fields, *field);
        }
        for (id, register) in gress.registers.iter() {
            self.enter(format!("register {id}"), register.span);
            self.register(register);
        }
        self.unique_names("register", gress.registers.values().map(|unit| &unit.name));
        for (id, action) in gress.register_actions.iter() {
            self.enter(format!("register action {id}"), action.span);
            self.register_action(action);
        }
        for (id, counter) in gress.counters.iter() {
            self.enter(format!("counter {id}"), counter.span);
            self.width(counter.width);
        }
        for (id, meter) in gress.meters.iter() {
            self.enter(format!("meter {id}"), meter.span);
            let [green, yellow, red] = meter.colors.each_ref().map(|color| color.width());
            self.width(green);
            self.same_width("a colour", Some(yellow), Some(green));
            self.same_width("a colour", Some(red), Some(green));
            let Some(filter) = &meter.filter else {
                continue;
            };
            self.width(filter.width);
            if filter.width > Filter::WIDTH_MAX {
                let width = filter.width;
                self.fail(Rule::WideFilter { width });
            }
            if let FilterKind::EarlyDrop { drop, no_drop } = &filter.kind {
                self.width(drop.width());
                self.same_width("no drop", Some(no_drop.width()), Some(drop.width()));
            }
        }
        for (id, hash) in gress.hashes.iter() {
            self.enter(format!("hash {id}"), hash.span);
            self.width(hash.width);
        }
        for (id, random) in gress.randoms.iter() {
            self.enter(format!("random {id}"), random.span);
            self.width(random.width);
        }
        for (id, digest) in gress.digests.iter() {
            self.enter(format!("digest {id}"), digest.span);
            digest
                .fields
                .iter()
                .for_each(|(_, width)| self.width(*width));
        }
        for (id, profile) in gress.profiles.iter() {
            self.enter(format!("profile {id}"), profile.span);
            if let Some(selector) = profile.selector {
                self.known(&gress.hashes, selector.hash);
            }
        }
        for (id, set) in gress.value_sets.iter() {
            self.enter(format!("value set {id}"), set.span);
            set.widths.iter().for_each(|width| self.width(*width));
        }
        self.parser(&gress.parser);
        self.enter("deparser".to_owned(), gress.deparser.span);
        self.block(&gress.deparser.body, Scope::of(Part::Deparser));
    }

    pub(super) fn unique_names<'n>(
        &mut self,
        what: &'static str,
        names: impl Iterator<Item = &'n String>,
    ) {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name) {
                let name = name.clone();
                self.fail(Rule::Duplicate { what, name });
            }
        }
    }

    fn header(&mut self, id: HeaderId, header: &Header) {
        let gress = self.gress;
        let mut is_kind = |field, kind, what| {
            let found = self.known(&gress.fields, field).map(|field| field.kind);
            if found.is_some_and(|found| found != kind) {
                let field = field.to_string();
                self.fail(Rule::WrongKind { field, what });
            }
        };
        for field in &header.fields {
            is_kind(*field, FieldKind::Header(id), "a header");
        }
        is_kind(header.valid, FieldKind::Validity(id), "a validity");
        if let Some((varbit, width)) = header.varbit {
            is_kind(varbit, FieldKind::Header(id), "a varbit field");
            is_kind(width, FieldKind::VarbitWidth(id), "a varbit width");
            let width = gress.fields.get(width).map(|field| field.width);
            self.same_width("a varbit width", width, Some(32));
        }
        let valid = gress.fields.get(header.valid).map(|field| field.width);
        self.same_width("a validity", valid, Some(1));
    }

    fn register(&mut self, register: &Register) {
        self.same_count(
            "initial values",
            register.initial.len(),
            register.element.len(),
        );
        for (value, initial) in register.element.iter().zip(&register.initial) {
            self.width(value.width);
            let found = Some(initial.width());
            self.same_width("an initial value", found, Some(value.width));
        }
    }

    fn register_action(&mut self, action: &RegisterAction) {
        let gress = self.gress;
        for local in action.locals.values() {
            self.width(local.width);
        }
        if let Some(register) = self.known(&gress.registers, action.register) {
            let n_values = register.element.len();
            let n_elements = action.n_elements(register).max(1);
            let wanted = n_elements.saturating_mul(n_values as u64);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            self.same_count("memory locals", action.memory.len(), wanted);
            for (local, value) in action.memory.iter().zip(register.element.iter().cycle()) {
                let local = self.known(&action.locals, *local);
                let width = local.map(|local| local.width);
                self.same_width("a memory local", width, Some(value.width));
            }
        }
        let mut seen = HashSet::new();
        for local in &action.memory {
            if !seen.insert(*local) {
                let (what, name) = ("memory local", local.to_string());
                self.fail(Rule::Duplicate { what, name });
            }
        }
        for output in &action.outputs {
            self.known(&action.locals, *output);
        }
        let locals: Vec<u32> = action.locals.values().map(|local| local.width).collect();
        let scope = Scope {
            part: Part::RegisterAction,
            params: None,
            locals: &locals,
        };
        self.block(&action.body, scope);
    }

    fn parser(&mut self, parser: &Parser) {
        self.enter("parser".to_owned(), parser.span);
        self.known(&parser.states, parser.start);
        for (id, state) in parser.states.iter() {
            self.enter(format!("state {id}"), state.span);
            self.block(&state.body, Scope::of(Part::Parser));
            self.transition(parser, state);
        }
    }

    fn transition(&mut self, parser: &Parser, state: &State) {
        match &state.transition {
            Transition::Goto(target) => self.target(parser, *target),
            Transition::Select { keys, cases } => {
                let scope = Scope::of(Part::Parser);
                let widths: Vec<_> = keys.iter().map(|key| self.expr(key, scope)).collect();
                for case in cases {
                    self.target(parser, case.target);
                    self.keysets(&case.keysets, &widths);
                }
            }
        }
    }

    fn target(&mut self, parser: &Parser, target: Target) {
        if let Target::State(state) = target {
            self.known(&parser.states, state);
        }
    }

    fn keysets(&mut self, keysets: &[KeySet], widths: &[Option<u32>]) {
        let gress = self.gress;
        if let [KeySet::ValueSet(set)] = keysets {
            let Some(set) = self.known(&gress.value_sets, *set) else {
                return;
            };
            self.same_count("values of a set", set.widths.len(), widths.len());
            for (found, expected) in set.widths.iter().zip(widths) {
                self.same_width("a value of a set", Some(*found), *expected);
            }
            return;
        }
        self.same_count("key sets", keysets.len(), widths.len());
        for (keyset, expected) in keysets.iter().zip(widths) {
            let mut check = |found: u32| self.same_width("a key set", Some(found), *expected);
            match keyset {
                KeySet::Any => {}
                KeySet::Exact(value) => check(value.width()),
                KeySet::Mask { value, mask } => {
                    check(value.width());
                    check(mask.width());
                }
                KeySet::Range { lo, hi } => {
                    check(lo.width());
                    check(hi.width());
                }
                KeySet::ValueSet(set) => {
                    let set = self.known(&gress.value_sets, *set);
                    if let Some(set) = set {
                        self.same_count("values of a set", set.widths.len(), 1);
                        for found in &set.widths {
                            self.same_width("a value of a set", Some(*found), *expected);
                        }
                    }
                }
            }
        }
    }
}
