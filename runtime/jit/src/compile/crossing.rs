//! Across the traffic manager of a whole gress, in one function: the way of packets that ask for nothing but
//! a port, or for none and are dropped. All others wait in front of it, as [`Section::Front`](super::Section) leaves
//! them.

use std::mem::offset_of;

use cranelift_codegen::ir::{Block, InstBuilder, condcodes::IntCC, types};
use p4rmt_engine::{Crossing, EngineError, FieldUses, Given, MAX_TURNS};
use p4rmt_ir::{
    Block as Statements, Body, CallKind, ControlRole, FieldId, Gress, StmtKind, Structured, V1Call,
};

use super::{Compiler, Lengths, Word};
use crate::frame::{Frame, Way};
use crate::tables::possible_actions;

impl Compiler<'_> {
    /// Both halves.
    pub(super) fn through(&mut self) -> Result<(), EngineError> {
        let crossing = self.loaded.crossing.clone();
        let crossing = crossing.expect("only a gress with a crossing is compiled for it");
        self.begin_part();
        // What nobody looks at is written only where it is shown.
        let uses = FieldUses::new(self.gress);
        let is_used =
            |(field, _): &(FieldId, Given)| uses.is_read(*field) || uses.is_written(*field);
        let (before, shown): (Vec<_>, Vec<_>) =
            crossing.before.iter().partition(|given| is_used(given));
        self.give_all(&before);
        let (waits, finish) = (self.b.create_block(), self.b.create_block());
        let parsed = self.b.declare_var(types::I64);
        let none = self.word(0);
        self.b.def_var(parsed, none);
        self.parse(waits)?;
        let parsed_bits = self.measure_headers(Lengths::Changing);
        self.b.def_var(parsed, parsed_bits);
        self.one_control(ControlRole::Verify, waits)?;
        self.one_control(ControlRole::Ingress, waits)?;
        let dropped = self.cross(&crossing, &uses, parsed_bits, waits);
        // Where it makes a wrong claim, no way counts.
        self.one_control(ControlRole::Egress, finish)?;
        self.one_control(ControlRole::Compute, finish)?;
        self.deparse()?;
        let out_bytes = self.b.use_var(self.out_bytes);
        self.store_frame(out_bytes, offset_of!(Frame, out_bytes));
        let port = self.field(crossing.port).words[0];
        let is_dropped = self.is(IntCC::Equal, port, crossing.no_port);
        let [left, behind] = [Way::Left, Way::DroppedBehind].map(|way| self.word(way as u64));
        let way = self.b.ins().select(is_dropped, behind, left);
        self.store_frame(way, offset_of!(Frame, way));
        self.jump(finish);

        self.enter(dropped);
        self.end_way(Way::DroppedBefore);
        self.jump(finish);

        self.enter(waits);
        self.end_way(Way::Waits);
        let changing = self.b.use_var(parsed);
        let steady = self.measure_headers(Lengths::Steady);
        let parsed_bits = self.b.ins().iadd(changing, steady);
        self.store_frame(parsed_bits, offset_of!(Frame, parsed_bits));
        self.read_waiting_fields();
        self.give_all(&shown);
        self.save_fields();
        self.show_values();
        self.go(finish);
        Ok(())
    }

    fn end_way(&mut self, way: Way) {
        let way = self.word(way as u64);
        self.store_frame(way, offset_of!(Frame, way));
    }

    fn give_all(&mut self, fields: &[(FieldId, Given)]) {
        for (field, given) in fields {
            let word = self.load_frame(offset_of!(Frame, given) + *given as usize * 8);
            self.give(*field, word);
        }
    }

    /// Leads to `waits` unless the packet asks for a port only; else it goes on. Returns where it leads if it asks for
    /// none.
    fn cross(
        &mut self,
        crossing: &Crossing,
        uses: &FieldUses,
        parsed_bits: Word,
        waits: Block,
    ) -> Block {
        let asks = self.b.use_var(self.asks);
        let stopped = self.b.use_var(self.stopped);
        let mut more = self.b.ins().bor(asks, stopped);
        for field in &crossing.zeros {
            let words = self.field(*field).words;
            let any = self.any_bit(&words);
            more = self.b.ins().bor(more, any);
        }
        let (on, dropped) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(more, waits, &[], on, &[]);
        self.enter(on);
        let port = self.field(crossing.port).words[0];
        let goes_on = self.is(IntCC::NotEqual, port, crossing.no_port);
        self.branch(goes_on, dropped);
        self.store_frame(port, offset_of!(Frame, taken_port));
        let is_seen = |field: &FieldId| uses.is_read(*field) || *field == crossing.port;
        if let Some(field) = crossing.length.filter(is_seen) {
            let length = self.length_now(parsed_bits);
            self.give(field, length);
        }
        let zero = self.word(0);
        for field in crossing.cleared.iter().filter(|field| is_seen(field)) {
            self.give(*field, zero);
        }
        if let Some(field) = crossing.taken_port.filter(is_seen) {
            self.give(field, port);
        }
        let behind = crossing.behind.iter().filter(|(field, _)| is_seen(field));
        let behind: Vec<_> = behind.copied().collect();
        self.give_all(&behind);
        let clock = self.load_frame(offset_of!(Frame, exit_clock));
        self.store_frame(clock, offset_of!(Frame, clock));
        self.begin_part();
        dropped
    }

    /// How long the packet is now that its headers have changed, in bytes.
    fn length_now(&mut self, parsed_bits: Word) -> Word {
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
        self.shr_word(rest, 3)
    }

    fn give(&mut self, field: FieldId, word: Word) {
        let value = self.cut(vec![word], self.gress.fields[field].width);
        self.set_field(field, &value);
    }

    /// What a part starts with, whatever was before it.
    fn begin_part(&mut self) {
        let turns = self.word(MAX_TURNS.into());
        self.b.def_var(self.turns_left, turns);
        let zero = self.word(0);
        for variable in self.draws.iter().chain(&self.direct_colors) {
            self.b.def_var(*variable, zero);
        }
        let none = self.word(u64::MAX);
        self.b.def_var(self.direct_index, none);
        let written = self.load_frame(offset_of!(Frame, written));
        for position in 0..self.loaded.watched_fields.len() {
            self.store(zero, written, position * 8);
        }
    }
}

/// Whether what stands behind the traffic manager can follow at once: it neither copies the packet nor sends it back.
pub(crate) fn may_cross(gress: &Gress) -> bool {
    let Body::Structured(body) = &gress.body else {
        return false;
    };
    let behind = [ControlRole::Egress, ControlRole::Compute];
    let mut controls = behind.into_iter().filter_map(|role| body.control(role));
    controls.all(|control| asks_for_nothing(gress, body, &control.body))
}

/// Whether no statement of a block, nor of an action that its tables lead to, asks the switch for another packet.
fn asks_for_nothing(gress: &Gress, body: &Structured, block: &Statements) -> bool {
    let all = |block: &Statements| asks_for_nothing(gress, body, block);
    block.iter().all(|stmt| match &stmt.kind {
        StmtKind::Call(call) => match &call.kind {
            CallKind::V1(
                V1Call::Clone { .. } | V1Call::Resubmit { .. } | V1Call::Recirculate { .. },
            )
            | CallKind::Resubmit { .. } => false,
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
            | CallKind::Meter { .. }
            | CallKind::Filter { .. }
            | CallKind::Random { .. }
            | CallKind::Hash { .. }
            | CallKind::Checksum { .. }
            | CallKind::Mirror { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. } => true,
        },
        StmtKind::Apply { table, arms } => {
            let actions = possible_actions(&gress.tables[*table]);
            let mut actions = actions.iter().map(|action| &body.actions[*action].body);
            actions.all(all) && arms.iter().all(|arm| all(&arm.body))
        }
        StmtKind::If {
            then, otherwise, ..
        } => all(then) && all(otherwise),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => all(body),
        StmtKind::Assign { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => true,
    })
}
