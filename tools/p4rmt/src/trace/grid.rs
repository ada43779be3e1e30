//! Packets moving through the machine, clock by clock: who stands in which step.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_engine::Step;
use p4rmt_ir::{GressRole, Pipe};
use p4rmt_pipeline::{
    Device, DeviceError, EntrantKind, Execution, FateEvent, GressTiming, LockStep, PassRecord,
    Timing, TraceRecord,
};
use serde::Serialize;

/// The way of some packets, clock by clock. Clocks between two rows are like the row before them.
#[derive(Debug, Serialize)]
pub(crate) struct Grid {
    /// The steps, in the order in which a packet that is forwarded passes them.
    pub(crate) steps: Vec<Column>,
    /// The clocks at which anything moves.
    pub(crate) rows: Vec<Row>,
}

/// A step of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Column {
    /// `ingress`, `egress`, or `traffic manager`.
    pub(crate) gress: &'static str,
    /// `parser`, a stage, `stages N to M`, `deparser`, or `queue`.
    pub(crate) step: String,
    /// Clocks that a packet takes; none in a queue.
    pub(crate) cycles: Option<u64>,
}

/// A clock.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) clock: u64,
    /// By step: the packets in it, the one that entered last at the end. A copy has the number of its
    /// packet and a letter.
    pub(crate) packets: Vec<Vec<String>>,
    /// What leaves the machine, or ends in it.
    pub(crate) events: Vec<String>,
}

/// The number of stages that are shown one by one, and where each step begins.
struct Side {
    columns: Vec<(Column, u64)>,
    total: u64,
}

impl Side {
    fn new(gress: &'static str, timing: &GressTiming, n_used: usize) -> Self {
        let steps = timing.steps();
        let total = timing.total();
        let n_stages = timing.stages.len();
        let mut columns: Vec<(Column, u64)> = Vec::new();
        let column = |step: String| Column {
            gress,
            step,
            cycles: None,
        };
        for (offset, step) in steps {
            let name = match step {
                Step::Parser => "parser".to_owned(),
                Step::Deparser => "deparser".to_owned(),
                Step::Stage(stage) if (stage as usize) < n_used => stage.to_string(),
                Step::Stage(stage) if stage as usize == n_used && n_used + 1 == n_stages => {
                    stage.to_string()
                }
                Step::Stage(stage) if stage as usize == n_used => {
                    format!("stages {stage} to {}", n_stages - 1)
                }
                Step::Stage(_) => continue,
            };
            columns.push((column(name), offset));
        }
        let ends: Vec<u64> = columns.iter().skip(1).map(|(_, offset)| *offset).collect();
        let ends = ends.into_iter().chain([total]);
        for ((column, offset), end) in columns.iter_mut().zip(ends) {
            column.cycles = Some(end - *offset);
        }
        Self { columns, total }
    }
}

impl Side {
    fn columns(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().map(|(column, _)| column.clone())
    }
}

/// Lets packets arrive in lock step, one a clock, and writes down where they stand.
pub(crate) fn watch(
    mut device: Device,
    pipe: &Pipe,
    timing: &Timing,
    n_used: u32,
    packets: &[(u64, u16, Vec<u8>)],
    errors: &[String],
) -> Result<Grid, DeviceError> {
    device.record_trace(true);
    let first = device.n_arrivals();
    let mut machine = LockStep::new(device, timing, Execution::Clocked)?;
    let start = machine.clock();
    for ((_, port, bytes), clock) in packets.iter().zip(start..) {
        machine.arrive(clock, *port, bytes)?;
    }
    machine.settle()?;
    let sides = [
        Side::new("ingress", &timing.ingress, n_used as usize),
        Side::new("egress", &timing.egress, n_used as usize),
    ];
    let mut watch = Watch {
        pipe,
        sides: &sides,
        labels: BTreeMap::new(),
        n_copies: BTreeMap::new(),
        exits: BTreeMap::new(),
        stays: Vec::new(),
        events: Vec::new(),
    };
    let number = |arrival: u64| {
        let at = arrival.checked_sub(first)?;
        Some(packets.get(usize::try_from(at).ok()?)?.0)
    };
    for record in machine.take_trace() {
        match record {
            TraceRecord::Pass(pass) => {
                if let Some(number) = number(pass.entrant.arrival) {
                    watch.pass(&pass, number);
                }
            }
            TraceRecord::Fate(fate) => {
                let is_end = matches!(fate.event, FateEvent::Left { .. } | FateEvent::Dropped(_));
                if let Some(number) = number(fate.arrival).filter(|_| is_end) {
                    let event = fate.event.describe(errors);
                    watch.events.push((fate.clock, number, event));
                }
            }
        }
    }
    Ok(watch.grid())
}

/// Collects where packets stand, and when.
struct Watch<'a> {
    pipe: &'a Pipe,
    sides: &'a [Side; 2],
    /// By pass: what its packet is called.
    labels: BTreeMap<u64, String>,
    /// By packet: how many copies have a letter.
    n_copies: BTreeMap<u64, u32>,
    /// By pass: when it ended, and which packet it is of.
    exits: BTreeMap<u64, (u64, u64)>,
    /// From when until when who stands where.
    stays: Vec<(u64, u64, usize, String)>,
    /// Clock, packet, and what happened.
    events: Vec<(u64, u64, String)>,
}

impl Watch<'_> {
    /// The position of the traffic manager among the columns.
    fn queue(&self) -> usize {
        self.sides[0].columns.len()
    }

    fn pass(&mut self, pass: &PassRecord, number: u64) {
        let parent = pass.entrant.made_by;
        let of = parent.and_then(|parent| self.labels.get(&parent));
        let label = match (pass.entrant.kind, of) {
            (EntrantKind::Mirrored | EntrantKind::Replicated { .. }, _) => {
                let n_copies = self.n_copies.entry(number).or_default();
                *n_copies += 1;
                let letter = char::from_u32('a' as u32 + (*n_copies - 1) % 26).unwrap_or('z');
                format!("{number}{letter}")
            }
            (_, Some(label)) => label.clone(),
            (_, None) => number.to_string(),
        };
        self.labels.insert(pass.number, label.clone());
        let is_egress = self.pipe.gresses[pass.gress].role == GressRole::Egress;
        let side = &self.sides[usize::from(is_egress)];
        let first = if is_egress { self.queue() + 1 } else { 0 };
        let exit = pass.clock + side.total;
        self.exits.insert(pass.number, (exit, number));
        if is_egress && let Some((since, _)) = parent.and_then(|parent| self.exits.get(&parent)) {
            let stay = (*since, pass.clock, self.queue(), label.clone());
            self.stays.push(stay);
        }
        for (at, (column, offset)) in side.columns.iter().enumerate() {
            let enters = pass.clock + offset;
            let leaves = enters + column.cycles.unwrap_or_default();
            self.stays.push((enters, leaves, first + at, label.clone()));
        }
    }

    /// What ends at a clock; the packet is called what it was in the pass that ended then.
    fn events_at(&self, clock: u64) -> Vec<String> {
        let events = self.events.iter().filter(|(at, ..)| *at == clock);
        let named = events.map(|(_, number, event)| {
            let mut exits = self.exits.iter();
            let pass = exits.find(|(_, exit)| **exit == (clock, *number));
            let label = pass.and_then(|(pass, _)| self.labels.get(pass)).cloned();
            format!("{} {event}", label.unwrap_or_else(|| number.to_string()))
        });
        named.collect()
    }

    fn grid(mut self) -> Grid {
        let [ingress, egress] = self.sides;
        let queue = Column {
            gress: "traffic manager",
            step: "queue".to_owned(),
            cycles: None,
        };
        let steps: Vec<Column> = ingress
            .columns()
            .chain([queue])
            .chain(egress.columns())
            .collect();
        self.stays.sort();
        let mut clocks: BTreeSet<u64> = self.stays.iter().map(|(enters, ..)| *enters).collect();
        clocks.extend(self.events.iter().map(|(clock, ..)| *clock));
        let rows = clocks.into_iter().map(|clock| {
            let mut packets = vec![Vec::new(); steps.len()];
            for (enters, leaves, column, label) in &self.stays {
                if (*enters..*leaves).contains(&clock) {
                    packets[*column].push(label.clone());
                }
            }
            Row {
                clock,
                packets,
                events: self.events_at(clock),
            }
        });
        let rows = rows.collect();
        Grid { steps, rows }
    }
}

impl Grid {
    /// The grid for people: a line a clock, a column a step.
    pub(crate) fn render(&self) -> String {
        let heads = self.steps.iter().map(|column| match &*column.step {
            "parser" => "P".to_owned(),
            "deparser" => "D".to_owned(),
            "queue" => "TM".to_owned(),
            step => match step.strip_prefix("stages ") {
                Some(_) => "…".to_owned(),
                None => step.to_owned(),
            },
        });
        let heads: Vec<String> = heads.collect();
        let cells: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.packets.iter().map(|packets| cell(packets)).collect())
            .collect();
        let width = |at: usize| {
            let cells = cells.iter().map(|row| row[at].chars().count());
            let cycles = self.steps[at]
                .cycles
                .map_or(0, |cycles| cycles.to_string().len());
            cells
                .chain([heads[at].chars().count(), cycles])
                .max()
                .unwrap_or(1)
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let queue = self.steps.iter().position(|column| column.cycles.is_none());
        let line = |cells: &[String]| -> String {
            let mut line = String::new();
            for (at, cell) in cells.iter().enumerate() {
                let is_wall = Some(at) == queue || at.checked_sub(1) == queue && at > 0;
                line += if is_wall { " │ " } else { " " };
                line += &format!("{cell:>width$}", width = widths[at]);
            }
            line
        };
        let cycles: Vec<String> = self
            .steps
            .iter()
            .map(|column| {
                column
                    .cycles
                    .map_or_else(String::new, |cycles| cycles.to_string())
            })
            .collect();
        let n_ingress: usize = widths
            .iter()
            .take(queue.unwrap_or_default())
            .map(|w| w + 1)
            .sum();
        let mut text =
            String::from("clock by clock: one packet a clock enters, each stands in one step\n\n");
        let n_queue = queue.map_or(0, |queue| widths[queue]) + 3;
        text += &format!(
            "{:>8} {:<n_ingress$}{:<n_queue$}   {}\n",
            "", " ingress", "", "egress"
        );
        text += &format!("{:>8} {}\n", "step", line(&heads));
        text += &format!("{:>8} {}\n", "clocks", line(&cycles));
        for (row, cells) in self.rows.iter().zip(&cells) {
            let events = match &row.events[..] {
                [] => String::new(),
                events => format!("   {}", events.join("; ")),
            };
            text += format!("{:>8} {}{events}", row.clock, line(cells)).trim_end();
            text.push('\n');
        }
        text.trim_end().to_owned()
    }
}

/// The packets of a step: all of them if they are few.
fn cell(packets: &[String]) -> String {
    match packets {
        [] => "·".to_owned(),
        [_] | [_, _] | [_, _, _] => packets.join(","),
        [first, .., last] => format!("{first}…{last}"),
    }
}
