//! The checker of placements. It shares nothing with the placer: from pipe, placement and target
//! alone it derives again what must hold, so that a fault of the placer is found and not repeated.
//!
//! * Every table of the control flow has parts, every gateway a slot, in stages and logical tables
//!   that the machine has; a logical table belongs to one table and at most one gateway directly
//!   above it.
//! * A unit is in a later stage than every unit before it whose writes it reads or repeats, and has a
//!   later slot than every one that reads what it writes, decides whether it runs, or exits; unless no
//!   packet runs both.
//! * The parts of a table are in stages that rise, hold its entries together, and have memory.
//! * No stage uses more of a resource than it has; registers, counters and meters of a stage have
//!   their memory and ALUs.
//! * All users of one register, counter, meter or selector are in one stage.
//! * A gateway orders no more bits than it can.
//! * Each register action that tables call is an instruction of its register's stateful ALU, which has
//!   the comparators, slots, words, operands and constants that it uses.
//! * Parsers and deparsers take no more than there is, and no less than the fit says ([`check_ends`]).
//! * Without long branches, all that a unit leads to stands before anything else of its gress.

mod condition;
mod ends;
mod flow;
mod memory;
mod order;
mod parts;
mod stage;
mod stateful;
mod wires;

use std::collections::BTreeMap;

use p4rmt_ir::{Body, Gress, Id, Pipe, Placement, Slot};

use self::condition::ordered_bits;
use self::flow::{Item, Memory, Walk};
use crate::counted::counted;
use crate::target::Target;

pub use self::ends::check_ends;
pub use self::stateful::UnitFault;

/// A rule that a placement breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A unit has no place.
    #[error("`{unit}` is not placed")]
    NotPlaced {
        /// Which.
        unit: String,
    },
    /// A place that the machine does not have.
    #[error("`{unit}` is in stage {}, logical table {}, which the machine does not have", slot.stage, slot.logical_id)]
    NoSuchSlot {
        /// Which.
        unit: String,
        /// Its place.
        slot: Slot,
    },
    /// Two units in one logical table that can't share it.
    #[error("`{first}` and `{second}` are both in logical table {} of stage {}", slot.logical_id, slot.stage)]
    SlotTaken {
        /// A unit.
        first: String,
        /// Another one.
        second: String,
        /// The place.
        slot: Slot,
    },
    /// A unit that is not after one on which it depends.
    #[error("`{second}` must be in a later stage than `{first}`: both touch `{field}`")]
    TooEarly {
        /// The unit that comes first.
        first: String,
        /// The unit that is too early.
        second: String,
        /// The field.
        field: String,
    },
    /// A unit that has an earlier slot than one that it must follow.
    #[error("`{second}` must have a later slot than `{first}`")]
    OutOfOrder {
        /// The unit that comes first.
        first: String,
        /// The unit that must follow.
        second: String,
    },
    /// Parts that do not rise.
    #[error("the parts of `{table}` are not in stages that rise")]
    PartsOutOfOrder {
        /// The table.
        table: String,
    },
    /// Parts that hold too little.
    #[error("the parts of `{table}` hold {}, not {wanted}", counted(*held, "entries"))]
    TooFewEntries {
        /// The table.
        table: String,
        /// What they hold.
        held: u64,
        /// Its size.
        wanted: u64,
    },
    /// A part whose memory can't hold its entries.
    #[error("a part of `{table}` with {} has too little memory", counted(*entries, "entries"))]
    TooLittleMemory {
        /// The table.
        table: String,
        /// Entries of the part.
        entries: u64,
    },
    /// More of a resource than a stage has.
    #[error("stage {stage} uses {}, but has {available}", counted(*used, what))]
    OverLimit {
        /// The stage.
        stage: u32,
        /// Of what.
        what: &'static str,
        /// How many are used.
        used: u64,
        /// How many there are.
        available: u32,
    },
    /// Memories of a stage that its tables do not account for.
    #[error(
        "stage {stage} accounts for {}, its registers, counters, meters and profiles alone take {needed}", counted(*used, what)
    )]
    UncountedMemory {
        /// The stage.
        stage: u32,
        /// Of what.
        what: &'static str,
        /// What the tables account for.
        used: u64,
        /// What is needed.
        needed: u64,
    },
    /// A memory that is reached from two stages.
    #[error("`{memory}` is used in stages {first} and {second}")]
    SharedOverStages {
        /// The register, counter or meter.
        memory: String,
        /// A stage.
        first: u32,
        /// Another one.
        second: u32,
    },
    /// A stateful ALU that can't do what it is to do.
    #[error("the stateful ALU of `{register}`: {fault}")]
    StatefulUnit {
        /// The register.
        register: String,
        /// What is wrong.
        fault: UnitFault,
    },
    /// More of something than a parser or deparser has.
    #[error("`{block}` takes {}, and {available} is the most", counted(*needed, what))]
    EndOverLimit {
        /// The parser or deparser, or the state or value set in it.
        block: String,
        /// Of what.
        what: &'static str,
        /// How many it takes at the least.
        needed: u64,
        /// How many there are.
        available: u32,
    },
    /// A parser or deparser takes more than the fit says.
    #[error("`{block}` takes {}, and not {claimed} as the fit says", counted(*needed, what))]
    EndMiscounted {
        /// The parser or deparser.
        block: String,
        /// Of what.
        what: &'static str,
        /// How many it takes at the least.
        needed: u64,
        /// How many the fit counts.
        claimed: u32,
    },
    /// A parser that moves by what it has read.
    #[error("`{state}` moves by a value")]
    MovesByValue {
        /// The state.
        state: String,
    },
    /// A range that no row of TCAM holds.
    #[error("`{table}` matches a range of {}, at most {available} are possible", counted(*needed, "bits"))]
    RangeTooWide {
        /// The table.
        table: String,
        /// Its bits.
        needed: u32,
        /// How many there are at the most.
        available: u32,
    },
    /// A condition that orders more bits than a gateway does.
    #[error("`{unit}` orders {}, a gateway {available}", counted(*needed, "bits"))]
    OrdersTooMuch {
        /// The gateway.
        unit: String,
        /// Bits of one comparison.
        needed: u32,
        /// How many there are.
        available: u32,
    },
    /// Something in between where the machine has no long branches.
    #[error("`{unit}` stands between `{open}` and what that leads to")]
    InBetween {
        /// The unit.
        unit: String,
        /// The unit that leads on.
        open: String,
    },
}

/// The rules that a placement breaks, in a fixed order.
#[must_use]
pub fn check_placement(pipe: &Pipe, placement: &Placement, target: &Target) -> Vec<Violation> {
    let mut checker = Checker {
        target,
        violations: Vec::new(),
    };
    let mut all = Vec::new();
    for (gress_id, gress) in pipe.gresses.iter() {
        let mut items = Vec::new();
        if let (Body::Tables(tables), Some(placed)) = (&gress.body, placement.gresses.get(gress_id))
        {
            let walk = Walk {
                gress_id,
                gress,
                tables,
                placed,
            };
            walk.seq(&tables.seq, &[], &mut items);
        }
        if let (Body::Tables(tables), Some(placed)) = (&gress.body, placement.gresses.get(gress_id))
        {
            let faults = stateful::check_units(gress, tables, placed, target);
            checker.violations.extend(faults);
        }
        checker.check_places(&items);
        checker.check_conditions(&items, gress);
        checker.check_order(&items, gress);
        checker.check_parts(&items, gress);
        checker.check_next_table(&items);
        all.extend(items);
    }
    checker.check_slots(&all);
    checker.check_stages(&all, pipe);
    checker.check_shared(&all, pipe);
    checker.violations
}

struct Checker<'a> {
    target: &'a Target,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    fn check_places(&mut self, items: &[Item]) {
        for item in items {
            if item.slots.is_empty() {
                self.violations.push(Violation::NotPlaced {
                    unit: item.name.clone(),
                });
            }
            for slot in &item.slots {
                let is_there = slot.stage < self.target.machine.stages
                    && slot.logical_id < self.target.stage.logical_tables;
                if !is_there {
                    self.violations.push(Violation::NoSuchSlot {
                        unit: item.name.clone(),
                        slot: *slot,
                    });
                }
            }
        }
    }

    fn check_conditions(&mut self, items: &[Item], gress: &Gress) {
        let available = self.target.gateway.hash_bits;
        for item in items {
            let needed = item
                .cond
                .as_ref()
                .map_or(0, |cond| ordered_bits(cond, gress));
            if needed > available {
                self.violations.push(Violation::OrdersTooMuch {
                    unit: item.name.clone(),
                    needed,
                    available,
                });
            }
        }
    }

    /// A logical table belongs to one table, and to one gateway directly above it.
    fn check_slots(&mut self, items: &[Item]) {
        let mut taken: BTreeMap<Slot, Vec<&Item>> = BTreeMap::new();
        for item in items {
            for slot in &item.slots {
                taken.entry(*slot).or_default().push(item);
            }
        }
        let mut by_gress: BTreeMap<usize, Vec<&Item>> = BTreeMap::new();
        for item in items {
            by_gress
                .entry(Id::index(item.gress))
                .or_default()
                .push(item);
        }
        for (slot, sharing) in taken {
            let is_shared_well = match sharing[..] {
                [_] => true,
                [gateway, table] => {
                    let own = &by_gress[&Id::index(gateway.gress)];
                    let above = table.path.last().and_then(|(above, _)| own.get(*above));
                    gateway.table.is_none()
                        && table.table.is_some()
                        && gateway.gress == table.gress
                        && above.is_some_and(|above| std::ptr::eq(*above, gateway))
                        && table.first() == Some(slot)
                }
                _ => false,
            };
            if !is_shared_well {
                self.violations.push(Violation::SlotTaken {
                    first: sharing[0].name.clone(),
                    second: sharing[1].name.clone(),
                    slot,
                });
            }
        }
    }

    fn check_shared(&mut self, items: &[Item], pipe: &Pipe) {
        let mut stages: BTreeMap<(usize, Memory), u32> = BTreeMap::new();
        for item in items {
            for memory in &item.memories {
                // Action data without a selector only are read: stages may have copies.
                let profile = || pipe.gresses[item.gress].profiles.values().nth(memory.1);
                if memory.0 == 3 && profile().is_some_and(|of| of.selector.is_none()) {
                    continue;
                }
                let key = (Id::index(item.gress), *memory);
                for slot in item.acting() {
                    let first = *stages.entry(key).or_insert(slot.stage);
                    if first != slot.stage {
                        self.violations.push(Violation::SharedOverStages {
                            memory: name_of(*memory, &pipe.gresses[item.gress]),
                            first,
                            second: slot.stage,
                        });
                    }
                }
            }
        }
    }
}

fn name_of((kind, index): Memory, gress: &Gress) -> String {
    let name = match kind {
        0 => gress
            .registers
            .values()
            .nth(index)
            .map(|register| &register.name),
        1 => gress
            .counters
            .values()
            .nth(index)
            .map(|counter| &counter.name),
        2 => gress.meters.values().nth(index).map(|meter| &meter.name),
        _ => gress
            .profiles
            .values()
            .nth(index)
            .map(|profile| &profile.name),
    };
    name.cloned().expect("the id comes from the gress")
}
