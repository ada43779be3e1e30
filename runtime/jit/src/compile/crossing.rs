//! Across the traffic manager of a whole gress, in one function: the way of packets that ask for nothing but
//! a port. All others wait in front of it, as [`Section::Front`](super::Section) leaves them.

use std::mem::offset_of;

use cranelift_codegen::ir::{Block, InstBuilder, condcodes::IntCC, types};
use p4rmt_engine::{Crossing, EngineError, MAX_TURNS};
use p4rmt_ir::{
    Block as Statements, Body, CallKind, ControlRole, FieldId, Gress, StmtKind, V1Call,
};

use super::number::Number;
use super::{Compiler, Lengths, Word};
use crate::frame::Frame;

impl Compiler<'_> {
    /// Both halves.
    pub(super) fn through(&mut self, finish: Block) -> Result<(), EngineError> {
        let crossing = self.loaded.crossing.clone();
        self.read_before(crossing.as_ref());
        let waits = self.b.create_block();
        let parsed = self.b.declare_var(types::I64);
        let none = self.word(0);
        self.b.def_var(parsed, none);
        self.parse(waits)?;
        let parsed_bits = self.measure_headers(Lengths::Changing);
        self.b.def_var(parsed, parsed_bits);
        self.one_control(ControlRole::Verify, waits)?;
        self.one_control(ControlRole::Ingress, waits)?;
        if let Some(crossing) = crossing.filter(|_| may_cross(self.gress)) {
            self.cross(&crossing, parsed_bits, waits);
            self.one_control(ControlRole::Egress, finish)?;
            self.one_control(ControlRole::Compute, finish)?;
            self.deparse()?;
            self.jump(finish);
        } else {
            self.jump(waits);
        }
        self.enter(waits);
        let changing = self.b.use_var(parsed);
        let steady = self.measure_headers(Lengths::Steady);
        let parsed_bits = self.b.ins().iadd(changing, steady);
        self.store_frame(parsed_bits, offset_of!(Frame, parsed_bits));
        self.read_idle_fields();
        self.save_fields();
        Ok(())
    }

    fn read_before(&mut self, crossing: Option<&Crossing>) {
        let before = crossing.map_or(&[][..], |crossing| &crossing.before);
        for (position, field) in before.iter().enumerate() {
            let value = self.crossing_input(position, *field);
            self.set_field(*field, &value);
        }
    }

    fn crossing_input(&mut self, position: usize, field: FieldId) -> Number {
        let inputs = self.load_frame(offset_of!(Frame, inputs));
        let word = self.load(inputs, position * 8);
        let width = self.gress.fields[field].width;
        self.cut(vec![word], width)
    }

    /// Leads to `waits` unless the packet asks for a port only; else it goes on.
    fn cross(&mut self, crossing: &Crossing, parsed_bits: Word, waits: Block) {
        let asks = self.b.use_var(self.asks);
        let stopped = self.b.use_var(self.stopped);
        let mut more = self.b.ins().bor(asks, stopped);
        for field in &crossing.zeros {
            let words = self.field(*field).words;
            let any = self.any_bit(&words);
            more = self.b.ins().bor(more, any);
        }
        let on = self.b.create_block();
        self.b.ins().brif(more, waits, &[], on, &[]);
        self.enter(on);
        let port = self.field(crossing.port).words[0];
        let goes_on = self.is(IntCC::NotEqual, port, crossing.no_port);
        self.branch(goes_on, waits);
        let one = self.word(1);
        let crossed = self.b.ins().iadd(port, one);
        self.store_frame(crossed, offset_of!(Frame, crossed));
        // What the packet is now that its headers have changed.
        let n_bytes = self.load_frame(offset_of!(Frame, packet_bytes));
        let n_bits = self.shl_word(n_bytes, 3);
        let header_bits = self.measure_headers(Lengths::Changing);
        let n_bits = self.b.ins().iadd(n_bits, header_bits);
        let is_less = self
            .b
            .ins()
            .icmp(IntCC::UnsignedLessThan, n_bits, parsed_bits);
        let rest = self.b.ins().isub(n_bits, parsed_bits);
        let zero = self.word(0);
        let rest = self.b.ins().select(is_less, zero, rest);
        let length = self.shr_word(rest, 3);
        self.give(crossing.length, length);
        crossing
            .cleared
            .iter()
            .for_each(|field| self.give(Some(*field), zero));
        self.give(crossing.taken_port, port);
        let n_before = crossing.before.len();
        for (position, field) in crossing.behind.iter().enumerate() {
            let value = self.crossing_input(n_before + position, *field);
            self.give(Some(*field), value.words[0]);
        }
        self.begin_again();
    }

    fn give(&mut self, field: Option<FieldId>, word: Word) {
        if let Some(field) = field {
            let value = self.cut(vec![word], self.gress.fields[field].width);
            self.set_field(field, &value);
        }
    }

    /// What a part starts with, whatever was before it.
    fn begin_again(&mut self) {
        let turns = self.word(MAX_TURNS.into());
        self.b.def_var(self.turns_left, turns);
        let zero = self.word(0);
        let written = self.load_frame(offset_of!(Frame, written));
        for position in 0..self.loaded.watched_fields.len() {
            self.store(zero, written, position * 8);
        }
    }
}

/// Whether what stands behind the traffic manager can follow at once: it neither copies the packet nor
/// sends it back, nor asks for the time, which is another there.
fn may_cross(gress: &Gress) -> bool {
    let Body::Structured(body) = &gress.body else {
        return false;
    };
    let controls = [ControlRole::Egress, ControlRole::Compute];
    let controls = controls.into_iter().filter_map(|role| body.control(role));
    let blocks: Vec<&Statements> = controls.map(|control| &control.body).collect();
    let mut actions = body.actions.values();
    // Which actions their tables lead to does not matter: any that would be in the way is.
    blocks.iter().all(|block| are_timeless(gress, block))
        && (!blocks.iter().any(|block| applies(block))
            || actions.all(|action| are_timeless(gress, &action.body)))
}

/// Whether a block applies a table.
fn applies(block: &Statements) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Apply { .. } => true,
        StmtKind::If {
            then, otherwise, ..
        } => applies(then) || applies(otherwise),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => applies(body),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

/// Whether no statement of a block asks for the time or the switch.
fn are_timeless(gress: &Gress, block: &Statements) -> bool {
    block.iter().all(|stmt| match &stmt.kind {
        StmtKind::Call(call) => match &call.kind {
            CallKind::Meter { .. } | CallKind::Filter { .. } | CallKind::Random { .. } => false,
            CallKind::V1(
                V1Call::Clone { .. } | V1Call::Resubmit { .. } | V1Call::Recirculate { .. },
            ) => false,
            CallKind::V1(
                V1Call::Truncate { .. }
                | V1Call::Hash { .. }
                | V1Call::Log { .. }
                | V1Call::Claim { .. },
            )
            | CallKind::RegisterAction { .. }
            | CallKind::RegisterRead { .. }
            | CallKind::RegisterWrite { .. }
            | CallKind::Count { .. }
            | CallKind::Hash { .. }
            | CallKind::Checksum { .. }
            | CallKind::Mirror { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. } => true,
            CallKind::Resubmit { .. } => false,
        },
        StmtKind::Apply { table, arms } => {
            gress.tables[*table].direct_meters.is_empty()
                && arms.iter().all(|arm| are_timeless(gress, &arm.body))
        }
        StmtKind::If {
            then, otherwise, ..
        } => are_timeless(gress, then) && are_timeless(gress, otherwise),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => are_timeless(gress, body),
        StmtKind::Assign { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => true,
    })
}
