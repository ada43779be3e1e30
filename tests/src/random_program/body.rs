//! What a control declares, and what it does.

use super::values::literal;
use super::writer::{Action, Array, Function, KeyKind, Place, Table, Writer};

/// What the statements of a place may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// A function.
    Function,
    /// An action.
    Action,
    /// The body of a control.
    Apply,
}

/// Which control this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ingress,
    Egress,
}

/// What a control has declared and its body may use.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    side: Side,
    registers: Vec<Array>,
    counters: Vec<Array>,
    /// Actions that are called by name, with what is given to them: `in` widths, then `inout` ones.
    callable: Vec<(Action, Vec<u32>)>,
    /// Tables that are still to be applied.
    tables: Vec<Table>,
    /// Calls that stand once in the program, ready to be written: `x = action.execute(i)`.
    once: Vec<String>,
}

impl Writer {
    /// A function of the program.
    pub(super) fn function(&mut self) {
        let name = self.fresh("compute");
        let widths = [1, 5, 8, 16, 32, 33, 64, 70];
        let function = Function {
            name: name.clone(),
            result: self.pick(&widths),
            takes: self.pick(&widths),
            changes: self.pick(&[8, 16, 32]),
        };
        let (result, takes, changes) = (function.result, function.takes, function.changes);
        self.line(format!(
            "bit<{result}> {name}(in bit<{takes}> a, inout bit<{changes}> b) {{"
        ));
        let (around, headers) = (self.places.len(), std::mem::take(&mut self.headers));
        let stack = self.stack.take();
        let outer = self.places.split_off(0);
        self.bring("a", takes, false);
        self.bring("b", changes, true);
        let mut nothing = Declared::nothing(Side::Ingress);
        // There is nothing to ask for validity here.
        self.line("bit<8> n = (bit<8>)a + (bit<8>)b;");
        self.bring("n", 8, true);
        for _ in 0..self.between(0, 2) {
            self.assignment();
        }
        if self.chance(40) {
            let bound = literal(&mut self.random, 8);
            self.line(format!("if (n > {bound}) {{"));
            self.statement(&mut nothing, Within::Function, 0);
            let early = self.leaf(result);
            self.line(format!("return {early};"));
            self.line("}");
        }
        let value = self.leaf(result);
        self.line(format!("return {value};"));
        self.line("}");
        self.places = outer;
        self.places.truncate(around);
        (self.headers, self.stack) = (headers, stack);
        self.functions.push(function);
    }

    /// The declarations of a control.
    pub(super) fn declarations(&mut self, side: Side) -> Declared {
        let mut declared = Declared::nothing(side);
        for _ in 0..self.between(0, 2) {
            self.register(&mut declared);
        }
        if self.chance(40) {
            self.counter(&mut declared);
        }
        if self.is_v1model() {
            for _ in 0..self.between(0, 2) {
                let width = self.any_place(false).map_or(8, |place| place.width);
                let (name, value) = (self.fresh("v"), literal(&mut self.random, width));
                self.line(format!("bit<{width}> {name} = {value};"));
                self.bring(name, width, true);
            }
        } else if self.chance(40) {
            self.hash(&mut declared);
        }
        let mut actions = Vec::new();
        for _ in 0..self.between(1, 4) {
            actions.push(self.action(&mut declared));
        }
        if self.is_v1model() && self.chance(40) {
            let callable = self.directed_action(&mut declared);
            declared.callable.push(callable);
        }
        for action in &actions {
            declared.callable.push((action.clone(), Vec::new()));
        }
        for _ in 0..self.between(1, 3) {
            let table = self.table(&actions);
            declared.tables.push(table);
        }
        declared
    }

    fn register(&mut self, declared: &mut Declared) {
        let name = self.fresh("reg");
        let size = self.pick(&[1_u32, 4, 16, 100]);
        if self.is_v1model() {
            let width = self.pick(&[1_u32, 8, 13, 32, 64, 65, 100]);
            self.line(format!("register<bit<{width}>>({size}) {name};"));
            let array = Array { name, width, size };
            self.registers.push(array.clone());
            return declared.registers.push(array);
        }
        let width = self.pick(&[8_u32, 16, 32]);
        let (Some(into), Some(index)) = (self.place_of(width, true), self.place_of(8, false))
        else {
            return;
        };
        let (action, initial) = (self.fresh("step"), literal(&mut self.random, width));
        self.line(format!(
            "Register<bit<{width}>, bit<8>>({size}, {initial}) {name};"
        ));
        self.line(format!(
            "RegisterAction<bit<{width}>, bit<8>, bit<{width}>>({name}) {action} = {{"
        ));
        self.line(format!(
            "void apply(inout bit<{width}> value, out bit<{width}> result) {{"
        ));
        self.register_action(width);
        self.line("}");
        self.line("};");
        let call = format!("{} = {action}.execute({});", into.name, index.name);
        declared.once.push(call);
        self.registers.push(Array { name, width, size });
    }

    /// The body of a register action: what its ALU can do.
    fn register_action(&mut self, width: u32) {
        let operand = match self.place_of(width, false) {
            Some(place) if self.chance(60) => place.name,
            _ => self.small(width),
        };
        let (constant, bound) = (self.small(width), self.small(width));
        let update = |this: &mut Self| {
            let op = this.pick(&["+", "-", "|+|", "&", "|", "^"]);
            match this.random.below(5) {
                0 => operand.clone(),
                1 => constant.clone(),
                2 => format!("value {op} {constant}"),
                _ => format!("value {op} {operand}"),
            }
        };
        let says_first = self.chance(50);
        if says_first {
            self.line("result = value;");
        }
        let first = update(self);
        if self.chance(50) {
            let op = self.pick(&["==", "!=", "<", ">="]);
            let with = self.pick(&[bound, operand.clone()]);
            self.line(format!("if (value {op} {with}) {{"));
            self.line(format!("value = {first};"));
            if self.chance(50) {
                let other = update(self);
                self.line("} else {");
                self.line(format!("value = {other};"));
            }
            self.line("}");
        } else {
            self.line(format!("value = {first};"));
        }
        if !says_first {
            self.line("result = value;");
        }
    }

    /// A constant of a stateful ALU's instruction.
    fn small(&mut self, width: u32) -> String {
        format!("{width}w{}", self.random.below(8))
    }

    fn counter(&mut self, declared: &mut Declared) {
        let name = self.fresh("count");
        let size = self.pick(&[1_u32, 4, 16]);
        if self.is_v1model() {
            let kind = self.pick(&["packets", "bytes", "packets_and_bytes"]);
            self.line(format!("counter({size}, CounterType.{kind}) {name};"));
        } else {
            let kind = self.pick(&["PACKETS", "BYTES", "PACKETS_AND_BYTES"]);
            self.line(format!(
                "Counter<bit<64>, bit<8>>({size}, CounterType_t.{kind}) {name};"
            ));
        }
        let width = 0;
        declared.counters.push(Array { name, width, size });
    }

    fn hash(&mut self, declared: &mut Declared) {
        let width = self.pick(&[8_u32, 16, 32]);
        let Some(into) = self.place_of(width, true) else {
            return;
        };
        let algorithm = self.pick(&["CRC8", "CRC16", "CRC32", "IDENTITY", "XOR16"]);
        let name = self.fresh("hash");
        self.line(format!(
            "Hash<bit<{width}>>(HashAlgorithm_t.{algorithm}) {name};"
        ));
        let data: Vec<String> = (0..self.between(1, 3))
            .filter_map(|_| Some(self.any_place(false)?.name))
            .collect();
        let call = format!("{} = {name}.get({{ {} }});", into.name, data.join(", "));
        declared.once.push(call);
    }

    /// An action whose parameters are data.
    fn action(&mut self, declared: &mut Declared) -> Action {
        let name = self.fresh("act");
        let widths: &[u32] = if self.is_v1model() {
            &[1, 8, 9, 16, 32, 48, 65, 128]
        } else {
            &[8, 16, 32]
        };
        let data: Vec<u32> = (0..self.between(0, 2)).map(|_| self.pick(widths)).collect();
        let written: Vec<String> = (data.iter().enumerate())
            .map(|(index, width)| format!("bit<{width}> p{index}"))
            .collect();
        self.line(format!("action {name}({}) {{", written.join(", ")));
        let outer = self.places.len();
        for (index, width) in data.iter().enumerate() {
            self.bring(format!("p{index}"), *width, false);
        }
        for _ in 0..self.between(1, 3) {
            self.statement(declared, Within::Action, 1);
        }
        self.places.truncate(outer);
        self.line("}");
        Action { name, data }
    }

    /// An action that is called with places: one to read and one to change.
    fn directed_action(&mut self, declared: &mut Declared) -> (Action, Vec<u32>) {
        let name = self.fresh("act");
        let (takes, changes) = (self.pick(&[8_u32, 32]), self.pick(&[8_u32, 16, 32]));
        self.line(format!(
            "action {name}(in bit<{takes}> a, inout bit<{changes}> b) {{"
        ));
        let outer = self.places.len();
        self.bring("a", takes, false);
        self.bring("b", changes, true);
        for _ in 0..self.between(1, 3) {
            self.statement(declared, Within::Action, 1);
        }
        self.places.truncate(outer);
        self.line("}");
        let data = vec![takes];
        (Action { name, data }, vec![changes])
    }

    fn table(&mut self, actions: &[Action]) -> Table {
        let name = self.fresh("tab");
        let direct = self.is_v1model() && self.chance(25);
        let counter = direct.then(|| self.fresh("direct"));
        if let Some(counter) = &counter {
            self.line(format!(
                "direct_counter(CounterType.packets_and_bytes) {counter};"
            ));
        }
        let mut table = Table {
            name,
            keys: Vec::new(),
            actions: Vec::new(),
            is_default_const: self.chance(30),
        };
        self.line(format!("table {} {{", table.name));
        self.keys(&mut table);
        for _ in 0..self.between(1, 3) {
            let action = self.pick(actions);
            if !table
                .actions
                .iter()
                .any(|listed| listed.name == action.name)
            {
                table.actions.push(action);
            }
        }
        self.line("actions = {");
        for action in &table.actions {
            self.line(format!("{};", action.name));
        }
        self.line("NoAction;");
        self.line("}");
        let default = if self.chance(50) {
            "NoAction()".to_owned()
        } else {
            let action = self.pick(&table.actions);
            self.called_with_literals(&action)
        };
        let is_const = if table.is_default_const { "const " } else { "" };
        self.line(format!("{is_const}default_action = {default};"));
        if let Some(counter) = counter {
            self.line(format!("counters = {counter};"));
        }
        self.line("size = 64;");
        self.line("}");
        self.tables.push(table.clone());
        table
    }

    fn keys(&mut self, table: &mut Table) {
        let kinds: &[KeyKind] = if self.is_v1model() {
            &[
                KeyKind::Exact,
                KeyKind::Exact,
                KeyKind::Ternary,
                KeyKind::Range,
                KeyKind::Optional,
            ]
        } else {
            &[KeyKind::Exact, KeyKind::Exact, KeyKind::Ternary]
        };
        self.line("key = {");
        let is_prefix_table = self.chance(25);
        for index in 0..self.between(1, 3) {
            let place = self.any_place(false).expect("there are fields");
            let (mut key, mut width) = (place.name.clone(), place.width);
            if self.is_v1model() && self.chance(25) {
                width = self.pick(&[1, 8, 16, 33]);
                key = self.expr(width, 2);
            }
            let kind = match (is_prefix_table, index) {
                (true, 0) => KeyKind::Lpm,
                (true, _) => KeyKind::Exact,
                (false, _) => self.pick(kinds),
            };
            let written = match kind {
                KeyKind::Exact => "exact",
                KeyKind::Ternary => "ternary",
                KeyKind::Lpm => "lpm",
                KeyKind::Range => "range",
                KeyKind::Optional => "optional",
            };
            self.line(format!("{key}: {written} @name(\"k{index}\");"));
            table.keys.push((kind, width));
        }
        self.line("}");
    }

    /// A call whose arguments are constants.
    pub(super) fn called_with_literals(&mut self, action: &Action) -> String {
        let args: Vec<String> = (action.data.iter())
            .map(|width| literal(&mut self.random, *width))
            .collect();
        format!("{}({})", action.name, args.join(", "))
    }

    /// Some statements in braces that have been opened, to their end.
    pub(super) fn block(&mut self, declared: &mut Declared, within: Within, depth: u32) {
        let outer = self.places.len();
        for _ in 0..self.between(1, 3) {
            self.statement(declared, within, depth);
        }
        self.places.truncate(outer);
    }

    /// The body of a control: every table is applied.
    pub(super) fn apply_body(&mut self, declared: &mut Declared) {
        for _ in 0..self.between(2, 5) {
            self.statement(declared, Within::Apply, 2);
        }
        while !declared.tables.is_empty() {
            self.apply_table(declared, 1);
        }
        for call in std::mem::take(&mut declared.once) {
            self.line(call);
        }
    }

    pub(super) fn assignment(&mut self) {
        let Some(into) = self.any_place(true) else {
            return;
        };
        if into.width > 2 && self.chance(20) {
            let low = self.random.below(into.width as usize - 1) as u32;
            let high = low + self.random.below((into.width - low) as usize) as u32;
            let value = self.expr(high - low + 1, 2);
            return self.line(format!("{}[{high}:{low}] = {value};", into.name));
        }
        let value = self.expr(into.width, 3);
        self.line(format!("{} = {value};", into.name));
    }

    pub(super) fn statement(&mut self, declared: &mut Declared, within: Within, depth: u32) {
        if within == Within::Function {
            return self.assignment();
        }
        let is_apply = within == Within::Apply;
        match self.random.below(20) {
            0..=2 if depth > 0 && (is_apply || self.is_v1model()) => {
                self.choice(declared, within, depth - 1);
            }
            3 | 4 if is_apply && !declared.tables.is_empty() => self.apply_table(declared, depth),
            5 if is_apply => self.call_action(declared),
            6 if !declared.once.is_empty() && self.chance(60) => {
                let call = declared.once.remove(0);
                self.line(call);
            }
            7 => self.validity(),
            8 if !declared.counters.is_empty() => self.count(declared),
            9 | 10 if !declared.registers.is_empty() => self.use_register(declared),
            11 if self.is_v1model() && depth > 0 => self.repeat(declared, within, depth - 1),
            12 if self.is_v1model() && is_apply && depth > 0 => {
                self.switch(declared, depth - 1);
            }
            13 if self.is_v1model() => self.request(declared.side),
            14 if self.is_v1model() => self.computation(),
            15 if self.is_v1model() => {
                let width = self.pick(&[1, 8, 17, 32, 64, 100]);
                let (name, value) = (self.fresh("local"), self.expr(width, 2));
                self.line(format!("bit<{width}> {name} = {value};"));
                self.bring(name, width, true);
            }
            _ => self.assignment(),
        }
    }

    fn choice(&mut self, declared: &mut Declared, within: Within, depth: u32) {
        let condition = self.condition(2);
        self.line(format!("if ({condition}) {{"));
        self.block(declared, within, depth);
        if self.is_v1model() && self.chance(5) {
            let end = self.pick(&["exit;", "return;"]);
            self.line(end);
        }
        if self.chance(40) {
            self.line("} else {");
            self.block(declared, within, depth);
        }
        self.line("}");
    }

    fn apply_table(&mut self, declared: &mut Declared, depth: u32) {
        let at = self.random.below(declared.tables.len());
        let table = declared.tables.remove(at);
        let depth = depth.saturating_sub(1);
        match self.random.below(5) {
            0 | 1 => {
                let outcome = self.pick(&["hit", "miss"]);
                self.line(format!("if ({}.apply().{outcome}) {{", table.name));
                self.block(declared, Within::Apply, depth);
                if self.chance(40) {
                    self.line("} else {");
                    self.block(declared, Within::Apply, depth);
                }
                self.line("}");
            }
            2 => {
                self.line(format!("switch ({}.apply().action_run) {{", table.name));
                for action in &table.actions {
                    if self.chance(60) {
                        self.line(format!("{}: {{", action.name));
                        self.block(declared, Within::Apply, depth);
                        self.line("}");
                    }
                }
                self.line("default: {");
                self.block(declared, Within::Apply, depth);
                self.line("}");
                self.line("}");
            }
            _ => self.line(format!("{}.apply();", table.name)),
        }
    }

    fn call_action(&mut self, declared: &Declared) {
        let (action, changed) = self.pick(&declared.callable);
        let mut args: Vec<String> = Vec::new();
        for width in &action.data {
            args.push(if self.is_v1model() {
                self.expr(*width, 2)
            } else {
                self.leaf(*width)
            });
        }
        for width in &changed {
            match self.place_of(*width, true) {
                Some(Place { name, .. }) => args.push(name),
                None => return self.assignment(),
            }
        }
        self.line(format!("{}({});", action.name, args.join(", ")));
    }

    fn validity(&mut self) {
        let headers = self.headers.clone();
        let header = self.pick(&headers);
        if self.stack.is_some() && self.chance(40) {
            let operation = self.pick(&["push_front", "pop_front"]);
            let by = self.between(1, 2);
            return self.line(format!("hdr.s.{operation}({by});"));
        }
        let operation = self.pick(&["setValid", "setInvalid"]);
        self.line(format!("{}.{operation}();", header.name));
        if operation == "setValid" {
            // What was there before is not defined.
            for (field, width) in &header.fields {
                let value = literal(&mut self.random, *width);
                self.line(format!("{}.{field} = {value};", header.name));
            }
        }
    }

    fn count(&mut self, declared: &Declared) {
        let counter = self.pick(&declared.counters);
        if self.is_v1model() {
            let index = self.expr(32, 1);
            let index = format!("{index} & {}", counter.mask());
            self.line(format!("{}.count({index});", counter.name));
        } else if let Some(index) = self.place_of(8, false) {
            self.line(format!("{}.count({});", counter.name, index.name));
        }
    }

    fn use_register(&mut self, declared: &Declared) {
        let register = self.pick(&declared.registers);
        let index = self.expr(32, 1);
        let index = format!("{index} & {}", register.mask());
        if self.chance(50)
            && let Some(into) = self.place_of(register.width, true)
        {
            return self.line(format!("{}.read({}, {index});", register.name, into.name));
        }
        let value = self.expr(register.width, 2);
        self.line(format!("{}.write({index}, {value});", register.name));
    }

    fn repeat(&mut self, declared: &mut Declared, within: Within, depth: u32) {
        let (name, last) = (self.fresh("i"), self.between(0, 4));
        let outer = self.places.len();
        if self.chance(50) {
            self.line(format!("for (bit<8> {name} in 0 .. {last}) {{"));
        } else {
            self.line(format!(
                "for (bit<8> {name} = 0; {name} < {last}; {name} = {name} + 1) {{"
            ));
        }
        self.bring(name, 8, false);
        // A table is applied at one place, as often as that is passed.
        self.block(declared, within, depth.min(1));
        if self.chance(30) {
            let (condition, end) = (self.condition(1), self.pick(&["break", "continue"]));
            self.line(format!("if ({condition}) {{"));
            self.line(format!("{end};"));
            self.line("}");
        }
        self.line("}");
        self.places.truncate(outer);
    }

    fn switch(&mut self, declared: &mut Declared, depth: u32) {
        let on = self.any_place(false).expect("there are fields");
        self.line(format!("switch ({}) {{", on.name));
        let mut seen = Vec::new();
        for _ in 0..self.between(1, 3) {
            let value = literal(&mut self.random, on.width);
            if seen.contains(&value) {
                continue;
            }
            self.line(format!("{value}: {{"));
            self.block(declared, Within::Apply, depth);
            self.line("}");
            seen.push(value);
        }
        self.line("default: {");
        self.block(declared, Within::Apply, depth);
        self.line("}");
        self.line("}");
    }

    /// What the switch is asked for.
    fn request(&mut self, side: Side) {
        let statement = match (side, self.random.below(7)) {
            (Side::Ingress, 0) => "clone_preserving_field_list(CloneType.I2E, 5, 1);".to_owned(),
            (Side::Egress, 0) => "clone_preserving_field_list(CloneType.E2E, 5, 1);".to_owned(),
            (Side::Ingress, 1) => "resubmit_preserving_field_list(1);".to_owned(),
            (Side::Egress, 1) => "recirculate_preserving_field_list(1);".to_owned(),
            (Side::Ingress, 2) => "standard_metadata.mcast_grp = 1;".to_owned(),
            (Side::Ingress, 3) => "mark_to_drop(standard_metadata);".to_owned(),
            (_, 4) => format!("truncate(32w{});", self.between(8, 40)),
            (_, 5) => {
                let data: Vec<String> = (0..2).map(|_| self.expr(16, 1)).collect();
                format!("digest<fact_t>(1, {{ {} }});", data.join(", "))
            }
            _ => format!("standard_metadata.egress_spec = {};", self.between(1, 3)),
        };
        // Once for a packet and all that becomes of it, or some would go round for ever.
        self.line("if (meta.turn == 0) {");
        self.line("meta.turn = 1;");
        self.line(statement);
        self.line("}");
    }

    /// Hashes and random values.
    fn computation(&mut self) {
        let Some(into) = self.any_place(true) else {
            return;
        };
        if self.chance(20) {
            let width = into.width;
            let (low, high) = (self.expr(width, 1), self.expr(width, 1));
            return self.line(format!("random({}, {low}, {high});", into.name));
        }
        let algorithm = self.pick(&["crc32", "crc16", "csum16", "xor16", "identity"]);
        let data: Vec<String> = (0..self.between(1, 3))
            .map(|_| {
                let width = self.pick(&[1, 8, 16, 33, 72]);
                self.expr(width, 1)
            })
            .collect();
        let (base, most) = (self.expr(16, 1), self.expr(32, 1));
        self.line(format!(
            "hash({}, HashAlgorithm.{algorithm}, {base}, {{ {} }}, {most});",
            into.name,
            data.join(", ")
        ));
    }
}

impl Declared {
    fn nothing(side: Side) -> Self {
        Self {
            side,
            registers: Vec::new(),
            counters: Vec::new(),
            callable: Vec::new(),
            tables: Vec::new(),
            once: Vec::new(),
        }
    }
}
