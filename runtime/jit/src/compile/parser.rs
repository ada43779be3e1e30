//! The parser: states, and what happens when it fails.

use std::mem::offset_of;

use cranelift_codegen::ir::{Block, InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::Switch;
use p4rmt_engine::{EngineError, MAX_IDLE_STATES};
use p4rmt_ir::{Case, FieldId, Id, KeySet, Parser, State, StateId, Target, Transition};
use p4rmt_source::Span;

use super::number::Number;
use super::{Compiler, Exits, Word};
use crate::callbacks::Name;
use crate::frame::Frame;

impl Compiler<'_> {
    /// The parser; leads to `dropped` where the packet does not go on.
    pub(super) fn parse(&mut self, dropped: Block) -> Result<(), EngineError> {
        let parser = &self.gress.parser;
        let done = self.b.create_block();
        let (order, is_cyclic) = order_of(parser);
        if is_cyclic {
            let idle = self.word(MAX_IDLE_STATES);
            let left = self.b.ins().iadd(self.n_bits, idle);
            let states_left = self.b.declare_var(types::I64);
            self.b.def_var(states_left, left);
            self.states_left = Some(states_left);
        }
        let blocks: Vec<Block> = parser
            .states
            .values()
            .map(|_| self.b.create_block())
            .collect();
        self.jump(blocks[parser.start.index()]);
        for id in order {
            self.b.switch_to_block(blocks[id.index()]);
            if !is_cyclic {
                self.b.seal_block(blocks[id.index()]);
            }
            self.state(&parser.states[id], &blocks, done)?;
        }
        if is_cyclic {
            blocks.iter().for_each(|block| self.b.seal_block(*block));
        }
        self.enter(done);
        self.end_of_parsing(dropped);
        Ok(())
    }

    fn state(&mut self, state: &State, blocks: &[Block], done: Block) -> Result<(), EngineError> {
        if let Some(states_left) = self.states_left {
            let left = self.b.use_var(states_left);
            let none = self.is(IntCC::Equal, left, 0);
            self.exits = Some(Exits {
                exit: done,
                fail: done,
                stop: done,
            });
            self.fail_if(none, self.loaded.errors.parser_timeout, state.span);
            let one = self.word(1);
            let left = self.b.ins().isub(left, one);
            self.b.def_var(states_left, left);
        }
        let behind = self.b.create_block();
        self.exits = Some(Exits {
            exit: behind,
            fail: done,
            stop: done,
        });
        if self.block(&state.body)? {
            self.jump(behind);
        }
        self.enter(behind);
        self.transition(state, blocks, done);
        Ok(())
    }

    fn transition(&mut self, state: &State, blocks: &[Block], done: Block) {
        let (keys, cases) = match &state.transition {
            Transition::Goto(target) => return self.lead_to(*target, state.span, blocks, done),
            Transition::Select { keys, cases } => (keys, cases),
        };
        let values: Vec<Number> = keys.iter().map(|key| self.expr(key)).collect();
        self.check_too_short(state.span);
        if self.switch(state, cases, &values, blocks, done) {
            return;
        }
        for case in cases {
            let Some(matches) = self.matches(case, &values) else {
                return self.lead_to(case.target, state.span, blocks, done);
            };
            let (here, next) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(matches, here, &[], next, &[]);
            self.enter(here);
            self.lead_to(case.target, state.span, blocks, done);
            self.enter(next);
        }
        self.fail(self.loaded.errors.no_match, state.span);
    }

    /// A choice by the values of one key; returns whether it is one.
    fn switch(
        &mut self,
        state: &State,
        cases: &[Case],
        values: &[Number],
        blocks: &[Block],
        done: Block,
    ) -> bool {
        let [value] = values else { return false };
        let [word] = value.words[..] else {
            return false;
        };
        let mut exact: Vec<(u64, Target)> = Vec::new();
        let mut rest = None;
        for case in cases {
            match &case.keysets[..] {
                [KeySet::Exact(wanted)] if wanted.to_u64().is_some() => {
                    let wanted = wanted.low_u64();
                    if !exact.iter().any(|(known, _)| *known == wanted) {
                        exact.push((wanted, case.target));
                    }
                }
                [KeySet::Any] => {
                    rest = Some(case.target);
                    break;
                }
                _ => return false,
            }
        }
        let mut switch = Switch::new();
        let targets: Vec<(Block, Target)> = exact
            .iter()
            .map(|(wanted, target)| {
                let block = self.b.create_block();
                switch.set_entry(u128::from(*wanted), block);
                (block, *target)
            })
            .collect();
        let otherwise = self.b.create_block();
        switch.emit(&mut self.b, word, otherwise);
        for (block, target) in targets {
            self.enter(block);
            self.lead_to(target, state.span, blocks, done);
        }
        self.enter(otherwise);
        match rest {
            Some(target) => self.lead_to(target, state.span, blocks, done),
            None => self.fail(self.loaded.errors.no_match, state.span),
        }
        true
    }

    fn lead_to(&mut self, target: Target, span: Span, blocks: &[Block], done: Block) {
        match target {
            Target::State(id) => self.jump(blocks[id.index()]),
            Target::Accept => self.jump(done),
            Target::Reject => self.fail(0, span),
        }
    }

    /// Whether a case matches; nothing if it always does.
    fn matches(&mut self, case: &Case, values: &[Number]) -> Option<Word> {
        if let [KeySet::ValueSet(id)] = case.keysets[..] {
            self.put_in_scratch(values);
            return Some(self.call_with(Name::ValueSet, [id.index() as u64, 0, 0]));
        }
        let mut all: Option<Word> = None;
        for (keyset, value) in case.keysets.iter().zip(values) {
            let Some(matches) = self.is_in(keyset, value) else {
                continue;
            };
            all = Some(match all {
                Some(before) => self.b.ins().band(before, matches),
                None => matches,
            });
        }
        all
    }

    /// Whether a value is in a key set, as 0 or 1; nothing if any is.
    fn is_in(&mut self, keyset: &KeySet, value: &Number) -> Option<Word> {
        use p4rmt_ir::BinaryOp;
        let condition = match keyset {
            KeySet::Any => return None,
            _ if value.width == 0 => return None,
            KeySet::Exact(wanted) => {
                let wanted = self.constant(wanted);
                // As numbers, whatever their widths.
                let width = wanted.width.max(value.width);
                let wanted = self.resize(&wanted, width, false);
                let value = self.resize(value, width, false);
                self.compare(BinaryOp::Eq, &wanted, &value)
            }
            KeySet::Mask {
                value: wanted,
                mask,
            } => {
                let wanted = p4rmt_ir::Bits::binary(BinaryOp::And, wanted, mask);
                let (wanted, mask) = (self.constant(&wanted), self.constant(mask));
                let masked = self.binary(BinaryOp::And, value, &mask);
                let wanted = self.resize(&wanted, masked.width, false);
                self.compare(BinaryOp::Eq, &masked, &wanted)
            }
            KeySet::Range { lo, hi } => {
                let (lo, hi) = (self.constant(lo), self.constant(hi));
                let width = value.width.max(lo.width).max(hi.width);
                let [lo, hi, value] =
                    [&lo, &hi, value].map(|number| self.resize(number, width, false));
                let above = self.compare(BinaryOp::LeU, &lo, &value);
                let below = self.compare(BinaryOp::LeU, &value, &hi);
                self.b.ins().band(above, below)
            }
            KeySet::ValueSet(id) => {
                self.put_in_scratch([value]);
                let member = self.call_with(Name::ValueSet, [id.index() as u64, 0, 0]);
                self.is(IntCC::NotEqual, member, 0)
            }
        };
        Some(condition)
    }

    /// Behind the last state: residuals, and what an error does.
    fn end_of_parsing(&mut self, dropped: Block) {
        self.exits = None;
        self.write_deposits();
        let cursor = self.b.use_var(self.cursor);
        let seven = self.word(7);
        let rounded = self.b.ins().iadd(cursor, seven);
        let n_bytes = self.shr_word(rounded, 3);
        self.store_frame(n_bytes, offset_of!(Frame, payload_offset));
        let (failed, goes_on) = (self.b.create_block(), self.b.create_block());
        let failure = self.b.use_var(self.failure);
        self.b.set_cold_block(failed);
        self.b.ins().brif(failure, failed, &[], goes_on, &[]);
        self.enter(failed);
        self.store_frame(failure, offset_of!(Frame, failure));
        if self.loaded.on_error.drops {
            let one = self.word(1);
            self.store_frame(one, offset_of!(Frame, is_dropped));
            self.jump(dropped);
        } else {
            if let Some((field, _)) = self.loaded.on_error.report {
                self.report_error(field, failure);
            }
            self.jump(goes_on);
        }
        self.enter(goes_on);
        self.leave_if_stopped(dropped);
    }

    fn report_error(&mut self, field: FieldId, failure: Word) {
        let error = self.shr_word(failure, 32);
        let zero = self.word(0);
        let value = self.call(Name::ParserError, [error, zero, zero]);
        let width = self.gress.fields[field].width;
        let value = self.cut(vec![value], width);
        let value = self.resize(&value, width, false);
        self.set_field(field, &value);
        if let Some(position) = self.loaded.watched_at[field.index()] {
            let position = self.word(position as u64);
            self.call(Name::NoteFailure, [failure, position, zero]);
        }
    }

    /// Ends parsing with an error.
    fn fail(&mut self, error: u32, span: Span) {
        let number = self.loaded.span_number(span);
        let failure = self.word(u64::from(error) << 32 | number);
        self.b.def_var(self.failure, failure);
        let fail = self.exits.expect("a parser has somewhere to fail").fail;
        self.jump(fail);
    }

    pub(super) fn fail_if(&mut self, condition: Word, error: u32, span: Span) {
        let (failed, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(failed);
        self.b.ins().brif(condition, failed, &[], on, &[]);
        self.enter(failed);
        self.fail(error, span);
        self.enter(on);
    }

    /// Ends parsing if an expression just looked ahead beyond the packet.
    pub(super) fn check_too_short(&mut self, span: Span) {
        if let Some(is_too_short) = self.too_short.take() {
            self.fail_if(is_too_short, self.loaded.errors.packet_too_short, span);
        }
    }
}

/// The states that can be reached, each before those that it leads to where there is no loop; and
/// whether there is one.
fn order_of(parser: &Parser) -> (Vec<StateId>, bool) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; parser.states.len()];
    let mut order = Vec::new();
    let mut is_cyclic = false;
    // A state with the position among its targets.
    let mut path: Vec<(StateId, usize)> = vec![(parser.start, 0)];
    marks[parser.start.index()] = Mark::Open;
    while let Some((state, position)) = path.last_mut() {
        let next = targets(&parser.states[*state]).nth(*position);
        *position += 1;
        match next {
            None => {
                marks[state.index()] = Mark::Done;
                order.push(*state);
                path.pop();
            }
            Some(next) => match marks[next.index()] {
                Mark::New => {
                    marks[next.index()] = Mark::Open;
                    path.push((next, 0));
                }
                Mark::Open => is_cyclic = true,
                Mark::Done => {}
            },
        }
    }
    order.reverse();
    (order, is_cyclic)
}

fn targets(state: &State) -> impl Iterator<Item = StateId> {
    let (goto, cases) = match &state.transition {
        Transition::Goto(target) => (Some(*target), &[][..]),
        Transition::Select { cases, .. } => (None, &cases[..]),
    };
    let targets = goto.into_iter().chain(cases.iter().map(|case| case.target));
    targets.filter_map(|target| match target {
        Target::State(id) => Some(id),
        Target::Accept | Target::Reject => None,
    })
}
