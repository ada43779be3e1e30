//! From the records of a device to an explanation: ids become names, events become steps.

use p4rmt_engine::{Event, Job, Outcome, Part, Unit, Verdict};
use p4rmt_ir::{
    Bits, ControlRole, Expr, FieldId, Gress, GressRole, HeaderId, Id, KeySet, Pipe, Program,
    RegisterActionId, StateId, Target, Transition,
};
use p4rmt_pipeline::{DropReason, EntrantKind, Fate, FateEvent, PassRecord};
use p4rmt_source::{Sources, Span};

use super::explanation::{
    ActionText, BranchText, FateTrace, KeyValue, PassTrace, Section, Step, Value,
};
use super::names;

/// What explains records: the program and its text.
pub(crate) struct Explainer<'a> {
    pub(crate) program: &'a Program,
    pub(crate) pipe: &'a Pipe,
    pub(crate) sources: &'a Sources,
}

impl Explainer<'_> {
    /// A pass. `number` and `made_by` count the passes of its packet.
    pub(crate) fn pass(&self, record: &PassRecord, number: u64, made_by: Option<u64>) -> PassTrace {
        let gress = &self.pipe.gresses[record.gress];
        let mut walk = Walk {
            explainer: self,
            gress,
            fields: Vec::new(),
            sections: Vec::new(),
            extracting: None,
            register_action: None,
        };
        for event in &record.events {
            walk.event(event);
        }
        let sections = walk.finish(&record.outcome);
        let was_deparsed = sections.iter().any(|section| section.section == "deparser");
        let (entered_as, rid) = match record.entrant.kind {
            EntrantKind::Arrived => ("arrived", None),
            EntrantKind::Resubmitted => ("resubmitted", None),
            EntrantKind::Recirculated => ("recirculated", None),
            EntrantKind::Forwarded => ("forwarded", None),
            EntrantKind::Replicated { rid } => ("replicated", Some(rid)),
            EntrantKind::Mirrored => ("mirrored", None),
            EntrantKind::ParsedForClone => ("parsed for a clone", None),
        };
        PassTrace {
            pass: number,
            made_by,
            gress: match (gress.role, record.part) {
                (GressRole::Ingress, _) | (GressRole::Whole, Part::Whole | Part::Front) => {
                    "ingress"
                }
                (GressRole::Egress, _) | (GressRole::Whole, Part::Back { .. }) => "egress",
                (GressRole::Whole, Part::Parser) => "parser",
            },
            entered_as,
            rid,
            port: record.entrant.port,
            clock: record.clock,
            data: names::hex(&record.packet),
            sections,
            deparsed: was_deparsed.then(|| names::hex(&deparsed(record))),
            then: Vec::new(),
        }
    }

    /// What the device did.
    pub(crate) fn fate(&self, fate: &Fate) -> FateTrace {
        FateTrace {
            event: fate.event.describe(&self.program.errors),
            is_drop: matches!(fate.event, FateEvent::Dropped(reason) if reason != DropReason::MirrorLost),
            at: names::place(self.sources, fate.event.span()),
        }
    }
}

/// Headers as deparsed, then payload.
fn deparsed(record: &PassRecord) -> Vec<u8> {
    let bytes = [&record.prefix[..], &record.packet].concat();
    let job = Job {
        bytes: &bytes,
        prefix_len: record.prefix.len(),
        clock: record.clock,
        inputs: &[],
        part: record.part,
        phv: &[],
    };
    [&record.outcome.bytes, job.payload(&record.outcome)].concat()
}

/// A register action that runs.
struct RunningAction {
    action: RegisterActionId,
    conditions: Vec<BranchText>,
}

/// Goes through the events of a pass.
struct Walk<'a> {
    explainer: &'a Explainer<'a>,
    gress: &'a Gress,
    /// By field: its value so far.
    fields: Vec<Bits>,
    sections: Vec<Section>,
    /// The header whose fields are being written.
    extracting: Option<HeaderId>,
    register_action: Option<RunningAction>,
}

impl Walk<'_> {
    fn at(&self, span: Span) -> Option<String> {
        names::place(self.explainer.sources, span)
    }

    fn begin(&mut self, section: &'static str, name: impl Into<String>) {
        self.sections.push(Section {
            section,
            name: name.into(),
            steps: Vec::new(),
        });
    }

    fn step(&mut self, step: Step) {
        if let Some(section) = self.sections.last_mut() {
            section.steps.push(step);
        }
    }

    /// The fields that an expression reads, with their values.
    fn values(&self, expr: &Expr) -> Vec<Value> {
        let mut fields: Vec<FieldId> = Vec::new();
        expr.walk(&mut |expr| {
            if let Expr::Field(field) = expr
                && !fields.contains(field)
            {
                fields.push(*field);
            }
        });
        let values = fields.iter().filter_map(|field| {
            Some(Value {
                name: names::field(self.gress, *field),
                value: names::field_value(self.gress, *field, self.fields.get(field.index())?),
            })
        });
        values.collect()
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Packet { fields, .. } => self.fields = fields.to_vec(),
            Event::ParserState { state, .. } => self.enter_state(*state),
            Event::Extract {
                header,
                cursor_bits,
            } => {
                self.extracting = Some(*header);
                let header = self.gress.headers[*header].name.clone();
                self.step(Step::Extract {
                    header,
                    offset_bits: *cursor_bits,
                    fields: Vec::new(),
                });
            }
            Event::Transition {
                state,
                key,
                case,
                target,
            } => self.transition(*state, key, *case, *target),
            Event::ParserError { error, span } => {
                let errors = &self.explainer.program.errors;
                let error = errors.get(*error as usize).cloned().unwrap_or_default();
                let at = self.at(*span);
                self.step(Step::ParserError { error, at });
            }
            Event::Control { role } => {
                let body = self.gress.as_structured();
                let control = body.and_then(|body| body.control(*role));
                let name = control.map_or(control_role(*role), |control| &control.name);
                self.begin("control", name);
            }
            Event::Stage { stage } => self.begin("stage", stage.to_string()),
            Event::Gateway { gateway, holds } => {
                let Some(body) = self.gress.as_tables() else {
                    return;
                };
                let gateway = &body.gateways[*gateway];
                let text = names::condition(self.explainer.sources, gateway.span);
                self.condition(text, &gateway.cond, *holds, gateway.span);
            }
            Event::Condition { span, holds } => {
                let text = names::condition(self.explainer.sources, *span);
                let at = self.at(*span);
                let holds = *holds;
                if let Some(running) = &mut self.register_action {
                    running.conditions.push(BranchText { text, holds, at });
                    return;
                }
                self.begin_control();
                match names::find_condition(self.gress, *span) {
                    Some(cond) => self.condition(text, cond, holds, *span),
                    None => self.step(Step::Condition {
                        text,
                        holds,
                        values: Vec::new(),
                        at,
                    }),
                }
            }
            Event::Table { .. } => self.table(event),
            Event::Write {
                field,
                before,
                after,
                span,
            } => self.write(*field, before, after, *span),
            Event::RegisterAction { action, .. } => {
                self.register_action = Some(RunningAction {
                    action: *action,
                    conditions: Vec::new(),
                });
            }
            Event::Register { .. } => self.register(event),
            Event::Counted {
                counter,
                index,
                span,
            } => {
                let (name, at) = (self.gress.counters[*counter].name.clone(), self.at(*span));
                self.step(Step::Counter {
                    name,
                    index: *index,
                    at,
                });
            }
            Event::Computed { unit, value, span } => {
                let gress = self.gress;
                let (unit, name) = match unit {
                    Unit::Hash(id) => ("hash", &gress.hashes[*id].name),
                    Unit::Random(id) => ("random", &gress.randoms[*id].name),
                    Unit::Meter(id) => ("meter", &gress.meters[*id].name),
                    Unit::Checksum(id) => ("checksum", &gress.checksums[*id].name),
                };
                let (name, at) = (name.clone(), self.at(*span));
                let value = names::value(value);
                self.begin_control();
                self.step(Step::Computed {
                    unit,
                    name,
                    value,
                    at,
                });
            }
            Event::Deparser => {
                let name = self.gress.deparser.name.clone();
                self.begin("deparser", name);
            }
            Event::Emit { header } => {
                let header = self.gress.headers[*header].name.clone();
                self.step(Step::Emit { header });
            }
        }
    }

    /// Where neither stages nor controls are told (a Tofino program without stages): what comes after
    /// the last transition of the parser is the control's.
    fn begin_control(&mut self) {
        let is_parsed = self.sections.last().is_some_and(|section| {
            section.section == "parser"
                && matches!(
                    section.steps.last(),
                    Some(Step::Transition { to, .. }) if to == ACCEPT || to == REJECT
                )
        });
        if is_parsed {
            let name = match self.gress.role {
                GressRole::Ingress => "ingress",
                GressRole::Egress => "egress",
                GressRole::Whole => "control",
            };
            self.begin("control", name);
        }
    }

    fn enter_state(&mut self, state: StateId) {
        if self.sections.is_empty() {
            self.begin("parser", self.gress.parser.name.clone());
        }
        let state = &self.gress.parser.states[state];
        let (name, at) = (state.name.clone(), self.at(state.span));
        self.step(Step::State { name, at });
    }

    fn transition(&mut self, state: StateId, key: &[Bits], case: Option<usize>, target: Target) {
        self.extracting = None;
        let state = &self.gress.parser.states[state];
        let to = target_name(self.gress, target);
        let (select, span) = match (&state.transition, case) {
            (Transition::Select { keys, cases }, Some(case)) => {
                let values = keys.iter().zip(key).map(|(expr, value)| Value {
                    name: names::expression(self.gress, expr),
                    value: names::value(value),
                });
                (values.collect(), cases[case].span)
            }
            (Transition::Select { .. }, None) | (Transition::Goto(_), _) => {
                (Vec::new(), Span::NONE)
            }
        };
        let at = self.at(span);
        self.step(Step::Transition { select, to, at });
    }

    fn condition(&mut self, text: String, cond: &Expr, holds: bool, span: Span) {
        let (values, at) = (self.values(cond), self.at(span));
        self.step(Step::Condition {
            text,
            holds,
            values,
            at,
        });
    }

    fn table(&mut self, event: &Event<'_>) {
        let Event::Table {
            table: id,
            key,
            entry,
            action,
            args,
        } = event
        else {
            return;
        };
        self.begin_control();
        let table = &self.gress.tables[*id];
        let keys = table.keys.iter().zip(&**key);
        let sources = self.explainer.sources;
        let step = Step::Table {
            name: table.name.clone(),
            is_declared: table.is_declared,
            key: keys
                .map(|(part, value)| KeyValue {
                    name: part.name.clone(),
                    value: names::value(value),
                    kind: names::match_kind(part.kind),
                })
                .collect(),
            result: match entry {
                Some(_) => "hit",
                None if table.keys.is_empty() => "always",
                None => "miss",
            },
            entry: entry
                .as_ref()
                .map(|hit| names::entry(sources, self.gress, *id, hit.slot, &hit.entry)),
            action: action.map(|action| {
                let (name, params, span) = names::action(self.gress, action);
                ActionText {
                    name: name.to_owned(),
                    data: names::data(params, args),
                    at: names::place(sources, span),
                }
            }),
            at: self.at(table.span),
        };
        self.step(step);
    }

    fn write(&mut self, field: FieldId, before: &Bits, after: &Bits, span: Span) {
        if let Some(value) = self.fields.get_mut(field.index()) {
            *value = after.clone();
        }
        let name = names::field(self.gress, field);
        if let Some(header) = self.extracting {
            let header = &self.gress.headers[header];
            let is_last = field == header.valid;
            if is_last {
                self.extracting = None;
            }
            if (is_last || header.fields.contains(&field))
                && let Some(Step::Extract { fields, .. }) = self
                    .sections
                    .last_mut()
                    .and_then(|section| section.steps.last_mut())
            {
                if !is_last {
                    let short = name.strip_prefix(&format!("{}.", header.name));
                    fields.push(Value {
                        name: short.unwrap_or(&name).to_owned(),
                        value: names::value(after),
                    });
                }
                return;
            }
        }
        self.begin_control();
        let at = self.at(span);
        self.step(Step::Write {
            field: name,
            before: names::field_value(self.gress, field, before),
            after: names::field_value(self.gress, field, after),
            at,
        });
    }

    fn register(&mut self, event: &Event<'_>) {
        let Event::Register {
            register: id,
            index,
            before,
            after,
            span,
        } = event
        else {
            return;
        };
        self.begin_control();
        let register = &self.gress.registers[*id];
        let element = |values: &[Bits]| -> Vec<Value> {
            let values = register.element.iter().zip(values);
            values
                .map(|(field, value)| Value {
                    name: field.name.clone(),
                    value: names::value(value),
                })
                .collect()
        };
        let running = self.register_action.take();
        let action = running
            .as_ref()
            .map(|running| self.gress.register_actions[running.action].name.clone());
        let step = Step::Register {
            name: register.name.clone(),
            index: *index,
            action,
            conditions: running.map_or_else(Vec::new, |running| running.conditions),
            before: element(before),
            after: element(after),
            at: self.at(*span),
        };
        self.step(step);
    }

    /// The sections, with what the outcome says beside the events.
    fn finish(mut self, outcome: &Outcome) -> Vec<Section> {
        if let Verdict::Dropped(_) = outcome.verdict {
            return self.sections;
        }
        let extra = |range: &std::ops::Range<usize>| {
            names::hex(outcome.extra.get(range.clone()).unwrap_or_default())
        };
        for mirror in &outcome.mirrors {
            let header = extra(&mirror.header);
            let detail = format!("session {}, header {header}", mirror.session);
            let at = self.at(mirror.span);
            self.step(Step::Request {
                what: "mirror",
                detail,
                at,
            });
        }
        if let Some(resubmit) = &outcome.resubmit {
            let detail = format!("header {}", extra(&resubmit.header));
            let at = self.at(resubmit.span);
            self.step(Step::Request {
                what: "resubmit",
                detail,
                at,
            });
        }
        for digest in &outcome.digests {
            let declared = &self.gress.digests[digest.digest];
            let fields = declared.fields.iter().zip(&digest.fields);
            let fields: Vec<Value> = fields
                .map(|((name, _), value)| Value {
                    name: name.clone(),
                    value: names::value(value),
                })
                .collect();
            let detail = names::call_text(&declared.name, &fields);
            let at = self.at(digest.span);
            self.step(Step::Request {
                what: "digest",
                detail,
                at,
            });
        }
        self.sections
    }
}

/// Where a parser ends.
pub(crate) const ACCEPT: &str = "accept";
pub(crate) const REJECT: &str = "reject";

/// Where a transition leads, by name.
pub(crate) fn target_name(gress: &Gress, target: Target) -> String {
    match target {
        Target::State(state) => gress.parser.states[state].name.clone(),
        Target::Accept => ACCEPT.to_owned(),
        Target::Reject => REJECT.to_owned(),
    }
}

/// What the cases of a `select` want, in words.
pub(crate) fn case_text(gress: &Gress, keysets: &[KeySet]) -> String {
    let keysets: Vec<String> = keysets
        .iter()
        .map(|keyset| names::keyset(gress, keyset))
        .collect();
    keysets.join(", ")
}

fn control_role(role: ControlRole) -> &'static str {
    match role {
        ControlRole::Sole => "control",
        ControlRole::Verify => "verify",
        ControlRole::Ingress => "ingress",
        ControlRole::Egress => "egress",
        ControlRole::Compute => "compute",
    }
}
