//! What outlives the packet: registers, counters, meters.
//!
//! An index beyond the array touches nothing: memory reads as zeros, the write is lost.

use p4rmt_engine::{
    Array, Color, Event, FilterCell, MeterCell, StatefulResult, filter_draw, run_instruction,
};
use p4rmt_ir::{
    Bits, CountKind, CounterId, Expr, FilterKind, GressRole, Id, LocalId, MeterId, RegisterAction,
    RegisterActionId, RegisterId, TableId,
};
use p4rmt_source::Span;

use crate::packet::Packet;

/// The cell of a word of several, each of which is beyond the array if the word is.
fn cell_of_word(word: u64, n_cells: u64, cell: u64) -> u64 {
    let first = word.checked_mul(n_cells);
    first.map_or(u64::MAX, |first| first.saturating_add(cell))
}

impl<'a> Packet<'a> {
    /// Runs a program of a stateful ALU: reads the element, works on it, writes it back. Nothing else
    /// touches the element in between. Placed, it is an instruction; otherwise its statements.
    pub(crate) fn run_register_action(
        &mut self,
        id: RegisterActionId,
        index: Option<&Expr>,
        span: Span,
    ) {
        self.tell(|| Event::RegisterAction { action: id, span });
        let action = &self.gress.register_actions[id];
        let index = self.index_or_direct(index);
        let n_cells = action.n_elements(&self.gress.registers[action.register]);
        let cells = move || (0..n_cells).map(move |cell| cell_of_word(index, n_cells, cell));
        let before: Vec<Bits> = cells()
            .flat_map(|cell| self.read_element(action.register, cell))
            .collect();
        let instruction = self.loaded.instructions[id.index()];
        let result = match instruction {
            None => self.run_statements(action, &before),
            Some(instruction) => {
                // A trace tells the way through the statements.
                if self.trace.is_some() {
                    self.run_statements(action, &before);
                }
                self.run_instruction(action, instruction, &before)
            }
        };
        let n_values = before.len() / n_cells.max(1) as usize;
        for (cell, values) in cells().zip((0..).step_by(n_values.max(1))) {
            let values = values..values + n_values;
            let (before, after) = (&before[values.clone()], &result.element[values]);
            self.write_element(action.register, cell, before, after, span);
        }
        self.work.results.extend(result.outputs);
    }

    fn run_instruction(
        &self,
        action: &RegisterAction,
        (unit, instruction): (usize, usize),
        element: &[Bits],
    ) -> StatefulResult {
        let unit = &self.loaded.stateful[unit];
        let math = unit.math_unit.map(|math| &self.gress.math_units[math]);
        let operands = unit.operands.iter();
        let operands: Vec<Bits> = operands
            .map(|operand| self.eval(operand).into_owned())
            .collect();
        let outputs = action.outputs.iter();
        let widths: Vec<u32> = outputs.map(|of| action.locals[*of].width).collect();
        let kind = &unit.instructions[instruction].kind;
        run_instruction(unit, kind, math, element, &operands, &widths)
    }

    fn run_statements(&mut self, action: &'a RegisterAction, element: &[Bits]) -> StatefulResult {
        let work = &mut *self.work;
        std::mem::swap(&mut work.locals, &mut work.outer_locals);
        work.locals.clear();
        for local in action.locals.values() {
            work.locals.push(Bits::zero(local.width));
        }
        for (variable, value) in action.memory.iter().zip(element) {
            work.locals[variable.index()] = value.clone();
        }
        self.run_block(&action.body);
        let result = StatefulResult {
            element: self.values_of(&action.memory),
            outputs: self.values_of(&action.outputs),
        };
        let work = &mut *self.work;
        std::mem::swap(&mut work.locals, &mut work.outer_locals);
        result
    }

    fn values_of(&self, variables: &[LocalId]) -> Vec<Bits> {
        let locals = &self.work.locals;
        let values = variables.iter().map(|of| locals[of.index()].clone());
        values.collect()
    }

    /// Reads an element into the results.
    pub(crate) fn read_register(&mut self, register: RegisterId, index: &Expr, span: Span) {
        let index = self.eval_index(index);
        let values = self.read_element(register, index);
        self.tell_register(register, index, &values, &values, span);
        self.work.results.extend(values);
    }

    /// Writes an element.
    pub(crate) fn write_register(
        &mut self,
        register: RegisterId,
        index: &Expr,
        values: &[Expr],
        span: Span,
    ) {
        let index = self.eval_index(index);
        let after: Vec<Bits> = values
            .iter()
            .map(|value| self.eval(value).into_owned())
            .collect();
        let before = self.read_element(register, index);
        self.write_element(register, index, &before, &after, span);
    }

    fn read_element(&self, register: RegisterId, index: u64) -> Vec<Bits> {
        let array = &self.layout.registers[register];
        if index >= array.cells {
            return array
                .fields
                .iter()
                .map(|field| Bits::zero(field.width))
                .collect();
        }
        array.read(self.state.memory(), index).collect()
    }

    fn write_element(
        &mut self,
        register: RegisterId,
        index: u64,
        before: &[Bits],
        after: &[Bits],
        span: Span,
    ) {
        let array = &self.layout.registers[register];
        if index < array.cells {
            array.write(self.state.memory_mut(), index, after);
        }
        self.tell_register(register, index, before, after, span);
    }

    fn tell_register(
        &mut self,
        register: RegisterId,
        index: u64,
        before: &[Bits],
        after: &[Bits],
        span: Span,
    ) {
        if let Some(trace) = &mut self.trace {
            trace.event(Event::Register {
                register,
                index,
                before: before.into(),
                after: after.into(),
                span,
            });
        }
    }

    /// Counts the packet.
    pub(crate) fn count(&mut self, counter: CounterId, index: Option<&Expr>, span: Span) {
        let index = self.index_or_direct(index);
        self.count_in(counter, index, span);
    }

    fn count_in(&mut self, counter: CounterId, index: u64, span: Span) {
        self.tell(|| Event::Counted {
            counter,
            index,
            span,
        });
        let array: &Array = &self.layout.counters[counter];
        if index >= array.cells {
            return;
        }
        let n_bytes = self.counted_bytes(self.gress.counters[counter].adjust_bytes);
        let increments: &[u64] = match self.gress.counters[counter].kind {
            CountKind::Packets => &[1],
            CountKind::Bytes => &[n_bytes],
            CountKind::PacketsAndBytes => &[1, n_bytes],
        };
        let counted: Vec<Bits> = array
            .read(self.state.memory(), index)
            .zip(increments)
            .map(|(count, more)| {
                let more = Bits::from_u64(count.width(), *more);
                Bits::binary(p4rmt_ir::BinaryOp::Add, &count, &more)
            })
            .collect();
        array.write(self.state.memory_mut(), index, &counted);
    }

    /// Meters the packet; the result is its colour, as the program writes it. A direct meter of a
    /// whole gress has metered it already.
    pub(crate) fn meter(&mut self, id: MeterId, index: Option<&Expr>, color: Option<&Expr>) {
        let meter = &self.gress.meters[id];
        let marked = if index.is_none() && self.gress.role == GressRole::Whole {
            self.work.direct_colors[id.index()]
        } else {
            let index = self.index_or_direct(index);
            let incoming = color.map(|color| self.eval(color));
            let is = |color: &Bits| incoming.as_deref().is_some_and(|value| value == color);
            let [_, yellow, red] = &meter.colors;
            let color = if is(red) {
                Color::Red
            } else if is(yellow) {
                Color::Yellow
            } else {
                Color::Green
            };
            self.meter_in(id, index, color)
        };
        self.work
            .results
            .push(meter.colors[marked as usize].clone());
    }

    fn meter_in(&mut self, id: MeterId, index: u64, color: Color) -> Color {
        let meter = &self.gress.meters[id];
        let units = match meter.kind {
            CountKind::Packets => 1,
            CountKind::Bytes | CountKind::PacketsAndBytes => self.counted_bytes(meter.adjust_bytes),
        };
        let array = &self.layout.meters[id];
        if index >= array.cells {
            return color;
        }
        let mut cell = MeterCell::read(array, self.state.memory(), index);
        let marked = cell.mark(self.job.clock, units, color);
        cell.write(array, self.state.memory_mut(), index);
        marked
    }

    /// The bytes of the packet that count, without those that shall not.
    fn counted_bytes(&self, adjust_bytes: i32) -> u64 {
        let n_bytes = self.job.packet().len() as u64;
        let adjust = u64::from(adjust_bytes.unsigned_abs());
        if adjust_bytes < 0 {
            n_bytes.saturating_add(adjust)
        } else {
            n_bytes.saturating_sub(adjust)
        }
    }

    /// Gives a value to a filter; the result is what comes out. Beyond the array: the value itself, and
    /// no drop.
    pub(crate) fn filter(&mut self, id: MeterId, index: Option<&Expr>, value: &Expr) {
        let filter = self.gress.meters[id].filter.as_ref();
        let filter = filter.expect("the validator wants a filter");
        let value = self.eval(value).low_u64() as u32;
        let index = self.index_or_direct(index);
        let array = &self.layout.meters[id];
        let mut cell = FilterCell::default();
        let is_inside = index < array.cells;
        if is_inside {
            cell = FilterCell::read(array, self.state.memory(), index);
        }
        let average = cell.average(self.job.clock, value);
        if is_inside {
            cell.write(array, self.state.memory_mut(), index);
        }
        let result = match &filter.kind {
            FilterKind::LowPass => Bits::from_u64(filter.width, u64::from(average)),
            FilterKind::EarlyDrop { drop, no_drop } => {
                let draw = filter_draw(self.job.clock, self.loaded.id, id, index);
                if cell.drops(draw) { drop } else { no_drop }.clone()
            }
        };
        self.work.results.push(result);
    }

    /// What a lookup does in a whole gress beside its action: the entry that is hit counts and meters
    /// the packet.
    pub(crate) fn run_direct(&mut self, table: TableId, slot: Option<usize>) {
        let table = &self.gress.tables[table];
        let slot = slot.map(|slot| slot as u64);
        for counter in &table.direct_counters {
            slot.into_iter()
                .for_each(|slot| self.count_in(*counter, slot, Span::NONE));
        }
        for meter in &table.direct_meters {
            let color = slot.map_or(Color::Green, |slot| {
                self.meter_in(*meter, slot, Color::Green)
            });
            self.work.direct_colors[meter.index()] = color;
        }
    }

    /// The index that the call gives, or the cell of the entry whose action runs.
    fn index_or_direct(&self, index: Option<&Expr>) -> u64 {
        index.map_or(self.direct_index, |index| self.eval_index(index))
    }
}
