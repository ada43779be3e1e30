//! Random placements, right and wrong: compiled code does what the interpreter does stage by stage, whether
//! it runs stage by stage itself or has seen that it need not.

use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, Interface, Job, Mode, Outcome, Part, Schedule, State, StateLayout,
};
use p4rmt_interp::Interp;
use p4rmt_ir::build::{GressBuilder, add, constant, eq, program};
use p4rmt_ir::{
    Arch, Body, Expr, FieldId, Gateway, Gress, GressPlacement, GressRole, Id, MemoryUse, Node,
    ParallelAction, ParallelAssign, PipeId, Place, Placement, Program, Seq, Slot, TablePart,
    Tables,
};
use p4rmt_jit::Jit;
use p4rmt_source::Span;

/// Numbers that look random (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

const N_FIELDS: usize = 3;

/// A gress of tables without keys, each of which assigns one field, below gateways that compare one.
struct Maker {
    builder: GressBuilder,
    fields: Vec<FieldId>,
    actions: Vec<ParallelAction>,
    gateways: Vec<Gateway>,
    random: Random,
}

impl Maker {
    fn field(&mut self) -> Expr {
        Expr::Field(self.fields[self.random.below(N_FIELDS)])
    }

    fn action(&mut self) -> ParallelAction {
        let number = 1 + self.random.below(5) as u64;
        let value = match self.random.below(3) {
            0 => constant(8, number),
            _ => add(self.field(), constant(8, number)),
        };
        ParallelAction {
            name: "set".into(),
            params: Vec::new(),
            locals: Default::default(),
            calls: Vec::new(),
            assigns: vec![ParallelAssign {
                dst: Place::Field(self.fields[self.random.below(N_FIELDS)]),
                value,
                span: Span::NONE,
            }],
            exits: self.random.below(12) == 0,
            span: Span::NONE,
        }
    }

    fn seq(&mut self, n_nodes: usize, depth: usize) -> Seq {
        (0..n_nodes).map(|_| self.node(depth)).collect()
    }

    fn node(&mut self, depth: usize) -> Node {
        if depth > 0 && self.random.below(3) == 0 {
            let cond = eq(self.field(), constant(8, 0));
            self.gateways.push(Gateway {
                name: "cond".into(),
                cond,
                span: Span::NONE,
            });
            let gateway = Id::from_index(self.gateways.len() - 1);
            return Node::Gateway {
                gateway,
                then: self.seq(2, depth - 1),
                otherwise: self.seq(1, depth - 1),
            };
        }
        let nop = self.builder.action("placeholder", &[], Vec::new());
        let table = self.builder.table("t", &[], &[nop]);
        let action = Id::from_index(self.actions.len());
        let made = self.action();
        self.actions.push(made);
        let table_of = &mut self.builder.gress.tables[table];
        table_of.default_action.action = action;
        table_of.actions[0].action = action;
        Node::Table {
            table,
            arms: Vec::new(),
        }
    }
}

fn random_gress(seed: u64) -> (Gress, Vec<FieldId>, Random) {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let fields: Vec<FieldId> = (0..N_FIELDS)
        .map(|number| builder.metadata(&format!("x{number}"), 8))
        .collect();
    let mut maker = Maker {
        builder,
        fields: fields.clone(),
        actions: Vec::new(),
        gateways: Vec::new(),
        random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
    };
    let n_nodes = 1 + maker.random.below(4);
    let seq = maker.seq(n_nodes, 2);
    let mut gress = maker.builder.gress;
    gress.body = Body::Tables(Tables {
        seq,
        gateways: maker.gateways.into_iter().collect(),
        actions: maker.actions.into_iter().collect(),
    });
    (gress, fields, maker.random)
}

/// Each table and gateway in the stage of its turn, or in any.
fn random_placement(gress: &Gress, random: &mut Random) -> Placement {
    let is_wild = random.below(2) == 0;
    let mut logical_id = 0;
    let mut slot = || {
        logical_id += 1;
        let stage = match is_wild {
            true => random.below(4),
            false => logical_id as usize * 2 / (1 + random.below(2)),
        };
        Slot {
            stage: stage as u32,
            logical_id,
        }
    };
    let n_gateways = gress.as_tables().map_or(0, |tables| tables.gateways.len());
    let gateways = (0..n_gateways).map(|_| slot()).collect();
    let tables = gress.tables.ids().map(|_| {
        vec![TablePart {
            slot: slot(),
            entries: 1,
            memory: MemoryUse::default(),
        }]
    });
    let placed = GressPlacement {
        tables: tables.collect(),
        gateways,
        stateful: Vec::new(),
    };
    Placement {
        target: "test".into(),
        stages_available: 20,
        stages_used: 20,
        gresses: std::iter::once(placed).collect(),
    }
}

fn run(
    engine: &dyn Engine,
    program: &Arc<Program>,
    placement: &Arc<Placement>,
    fields: &[FieldId],
    values: &[u64],
) -> Vec<u64> {
    let pipe = PipeId::from_index(0);
    let interface = GressInterface {
        inputs: fields.to_vec(),
        watched: fields.to_vec(),
        crossing: None,
    };
    let interface = Interface {
        gresses: std::iter::once(interface).collect(),
    };
    let layout = StateLayout::new(Arc::clone(program), pipe).expect("a layout");
    let mut state = State::new(layout).expect("a state");
    let mode = Mode::Placed(Arc::clone(placement));
    let mut instance = engine
        .load(Arc::clone(program), pipe, mode, interface)
        .expect("it loads");
    let job = Job {
        bytes: &[],
        prefix_len: 0,
        clock: 0,
        inputs: values,
        part: Part::Whole,
        phv: &[],
    };
    let mut outcome = [Outcome::default()];
    instance
        .run(Id::from_index(0), &[job], &mut outcome, &mut state, None)
        .expect("it runs");
    let [outcome] = outcome;
    outcome.values
}

#[test]
fn stage_by_stage_or_not() {
    let mut n_in_order = 0;
    const N_PROGRAMS: u64 = 400;
    for seed in 1..=N_PROGRAMS {
        let (gress, fields, mut random) = random_gress(seed);
        let placement = random_placement(&gress, &mut random);
        let id = Id::from_index(0);
        let tables = gress.as_tables().expect("the tables form");
        let placed = &placement.gresses[id];
        let schedule = Schedule::new(id, &gress, tables, placed, 20).expect("all are placed");
        n_in_order += u64::from(schedule.keeps_order(&gress, tables));
        let program = Arc::new(program("random", Arch::T2na, [gress]));
        let placement = Arc::new(placement);
        for values in [[0, 0, 0], [0, 1, 2], [253, 254, 255]] {
            let [expected, found] = [&Interp as &dyn Engine, &Jit]
                .map(|engine| run(engine, &program, &placement, &fields, &values));
            assert_eq!(found, expected, "seed {seed}, inputs {values:?}");
        }
    }
    assert!((20..N_PROGRAMS - 20).contains(&n_in_order), "{n_in_order}");
}
