//! The parser: states, extraction, and what happens when it fails.

use std::borrow::Cow;

use p4rmt_engine::{
    Event, MAX_IDLE_STATES, ParseFailure, Ref, Verdict, are_in_key_sets, is_in_key_set,
};
use p4rmt_ir::{
    Bits, Case, Expr, FieldId, GressRole, HeaderId, KeySet, Place, State, StateId, Target,
    Transition,
};
use p4rmt_source::Span;

use crate::packet::Packet;
use crate::statement::Flow;

impl<'a> Packet<'a> {
    /// Parses the packet; returns whether it goes on to the match-action part.
    pub(crate) fn run_parser(&mut self) -> bool {
        let result = self.run_states();
        self.deposit_residuals();
        let Err(failure) = result else {
            return true;
        };
        self.tell(|| Event::ParserError {
            error: failure.error,
            span: failure.span,
        });
        let loaded = self.loaded;
        if loaded.on_error.drops {
            self.outcome.verdict = Verdict::Dropped(failure);
            return false;
        }
        self.outcome.verdict = Verdict::Failed(failure);
        if let Some((field, values)) = &loaded.on_error.report {
            let value = values.get(failure.error as usize).copied().unwrap_or(1);
            let width = self.gress.fields[*field].width;
            self.store(
                &Place::Field(*field),
                Bits::from_u64(width, value),
                failure.span,
            );
        }
        true
    }

    fn run_states(&mut self) -> Result<(), ParseFailure> {
        let parser = &self.gress.parser;
        let mut states_left = self.cursor.remaining_bits() + MAX_IDLE_STATES;
        let mut id = parser.start;
        loop {
            let state = &parser.states[id];
            let errors = self.loaded.errors;
            let failure = |error| ParseFailure {
                error,
                span: state.span,
            };
            states_left = states_left
                .checked_sub(1)
                .ok_or_else(|| failure(errors.parser_timeout))?;
            let cursor_bits = self.cursor.position_bits();
            self.tell(|| Event::ParserState {
                state: id,
                cursor_bits,
            });
            match self.run_block(&state.body) {
                Flow::Fail(failure) => return Err(failure),
                Flow::Stop => return Ok(()),
                Flow::Next | Flow::Leave(_) | Flow::Exit => {}
            }
            match self.transition(id, state)? {
                Target::State(next) => id = next,
                Target::Accept => return Ok(()),
                Target::Reject => return Err(failure(0)),
            }
        }
    }

    fn transition(&mut self, id: StateId, state: &'a State) -> Result<Target, ParseFailure> {
        let (keys, cases) = match &state.transition {
            Transition::Goto(target) => {
                self.tell(|| Event::Transition {
                    state: id,
                    key: Cow::Borrowed(&[]),
                    case: None,
                    target: *target,
                });
                return Ok(*target);
            }
            Transition::Select { keys, cases } => (keys, cases),
        };
        let values: Vec<Bits> = keys.iter().map(|key| self.eval(key).into_owned()).collect();
        if let Some(Flow::Fail(failure)) = self.too_short(state.span) {
            return Err(failure);
        }
        let position = cases.iter().position(|case| self.is_match(case, &values));
        let Some(position) = position else {
            return Err(ParseFailure {
                error: self.loaded.errors.no_match,
                span: state.span,
            });
        };
        let target = cases[position].target;
        if let Some(trace) = &mut self.trace {
            trace.event(Event::Transition {
                state: id,
                key: values.into(),
                case: Some(position),
                target,
            });
        }
        Ok(target)
    }

    fn is_match(&self, case: &Case, values: &[Bits]) -> bool {
        if let [KeySet::ValueSet(id)] = case.keysets[..] {
            let members = self.state.value_set(Ref {
                gress: self.loaded.id,
                id,
            });
            return members.iter().any(|member| are_in_key_sets(member, values));
        }
        case.keysets.iter().zip(values).all(|(keyset, value)| {
            if let KeySet::ValueSet(id) = keyset {
                let members = self.state.value_set(Ref {
                    gress: self.loaded.id,
                    id: *id,
                });
                let value = std::slice::from_ref(value);
                return members.iter().any(|member| are_in_key_sets(member, value));
            }
            is_in_key_set(keyset, value)
        })
    }

    /// Reads a header. Nothing is read if the packet ends before the header does.
    pub(crate) fn extract(&mut self, id: HeaderId, varbit_bits: Option<&Expr>, span: Span) -> Flow {
        let header = &self.gress.headers[id];
        let varbit_bits =
            varbit_bits.map_or(0, |bits| self.eval(bits).to_u64().unwrap_or(u64::MAX));
        if let Some(flow) = self.too_short(span) {
            return flow;
        }
        let fail = |error| Flow::Fail(ParseFailure { error, span });
        let errors = self.loaded.errors;
        let varbit = header.varbit.map(|(field, _)| field);
        let width = |field: FieldId| u64::from(self.gress.fields[field].width);
        if !self.is_supported_length(varbit_bits) {
            return fail(errors.parser_invalid_argument);
        }
        let fixed = header.fields.iter().filter(|field| Some(**field) != varbit);
        let fixed_bits: u64 = fixed.map(|field| width(*field)).sum();
        if fixed_bits.saturating_add(varbit_bits) > self.cursor.remaining_bits() {
            return fail(errors.packet_too_short);
        }
        if varbit.is_some_and(|field| varbit_bits > width(field)) {
            return fail(errors.header_too_short);
        }
        let cursor_bits = self.cursor.position_bits();
        self.tell(|| Event::Extract {
            header: id,
            cursor_bits,
        });
        for field in &header.fields {
            let is_varbit = Some(*field) == varbit;
            let bits = if is_varbit {
                varbit_bits
            } else {
                width(*field)
            };
            let value = self.cursor.read(bits as u32).expect("checked above");
            self.subtract_from_residuals(&value);
            self.store(&Place::Field(*field), value, span);
        }
        if let Some((_, varbit_width)) = header.varbit {
            let value = Bits::from_u64(32, varbit_bits);
            self.store(&Place::Field(varbit_width), value, span);
        }
        self.store(&Place::Field(header.valid), Bits::from_bool(true), span);
        Flow::Next
    }

    /// Moves the cursor.
    pub(crate) fn advance(&mut self, bits: &Expr, span: Span) -> Flow {
        let bits = self.eval(bits).to_u64().unwrap_or(u64::MAX);
        if let Some(flow) = self.too_short(span) {
            return flow;
        }
        let fail = |error| Flow::Fail(ParseFailure { error, span });
        if !self.is_supported_length(bits) {
            return fail(self.loaded.errors.parser_invalid_argument);
        }
        match self.cursor.advance(bits) {
            Some(()) => Flow::Next,
            None => fail(self.loaded.errors.packet_too_short),
        }
    }

    /// Whether the machine's parser can move by so many bits: bmv2 moves by whole bytes, as the
    /// specification allows it to (P4-16 1.2.5, extracting variable-width fields, advancing).
    fn is_supported_length(&self, bits: u64) -> bool {
        self.gress.role != GressRole::Whole || bits.is_multiple_of(8)
    }

    /// Raises the error where the condition does not hold.
    pub(crate) fn verify(&mut self, cond: &Expr, error: &Expr, span: Span) -> Flow {
        let holds = self.holds(cond);
        let error = self.eval(error).low_u64() as u32;
        if let Some(flow) = self.too_short(span) {
            return flow;
        }
        if holds {
            return Flow::Next;
        }
        Flow::Fail(ParseFailure { error, span })
    }
}
