//! Random programs that use everything a stage has, and all that both ends of a gress do.

use p4rmt_ir::build::{
    GressBuilder, apply, assign, assign_local, branch, call, constant, eq, local, param, program,
    stmt,
};
use p4rmt_ir::{
    ActionProfile, Arch, BinaryOp, Bits, Block, Call, CallKind, Case, Checksum, ChecksumOp,
    CountKind, Counter, Digest, Expr, FieldId, GressRole, GroupLimits, HeaderId, Id, KeySet,
    MatchKind, Meter, Place, Program, Selector, State, Stmt, StmtKind, TableId, Target, Transition,
    ValueSet,
};
use p4rmt_source::Span;

/// Numbers that look random, the same for a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }

    pub(crate) fn small(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(bound as usize)).expect("it is below a number of 32 bits")
    }
}

/// A gress while it is filled.
struct Maker<'a> {
    dice: &'a mut Dice,
    builder: GressBuilder,
    /// Fields of 32 bits that the parser extracts.
    wide: Vec<FieldId>,
    /// A field of 16 bits.
    short: FieldId,
    /// Fields that tables have set.
    set: Vec<FieldId>,
    n: usize,
}

/// How many kinds of tables there are.
const KINDS: usize = 12;

/// A program of so many tables.
pub(crate) fn random_program(dice: &mut Dice, n_tables: usize) -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names: Vec<String> = (0..12).map(|n| format!("f{n}")).collect();
    let mut fields: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 32)).collect();
    fields.extend([("short", 16), ("kind", 8), ("high", 4), ("low", 4)]);
    let (header, of_header) = builder.header("hdr.h", &fields);
    let (wide, rest) = of_header.split_at(12);
    let (second, _) = builder.header("hdr.g", &[("a", 32), ("b", 48), ("c", 16)]);
    add_ends(&mut builder, (header, second), wide, rest[0]);
    let mut maker = Maker {
        dice,
        builder,
        wide: wide.to_vec(),
        short: rest[0],
        set: Vec::new(),
        n: 0,
    };
    let mut body = Vec::new();
    for at in 0..n_tables {
        body.extend(maker.tables(at % KINDS));
    }
    let structured = program("random", Arch::T2na, [maker.builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("the program has a tables form")
}

/// A parser that looks ahead, selects, checks a sum and knows a value set; a deparser that sends all that one
/// can.
fn add_ends(
    builder: &mut GressBuilder,
    (header, second): (HeaderId, HeaderId),
    wide: &[FieldId],
    short: FieldId,
) {
    let ahead = builder.metadata("md.ahead", 8);
    let failed = builder.metadata("md.failed", 1);
    let kind = Expr::Field(short);
    let checksum = |builder: &mut GressBuilder, name: &str| {
        builder.gress.checksums.push(Checksum {
            name: name.to_owned(),
            span: Span::NONE,
        })
    };
    let checked = checksum(builder, "checked");
    let summed = checksum(builder, "summed");
    let value_set = builder.gress.value_sets.push(ValueSet {
        name: "set".to_owned(),
        widths: vec![16],
        size: 4,
        span: Span::NONE,
    });
    let of_checksum = |op, args: Vec<Expr>, out: Option<FieldId>| {
        let unit = checked;
        stmt(StmtKind::Call(Call {
            kind: CallKind::Checksum { unit, op, args },
            outs: out
                .map(|field| Some(Place::Field(field)))
                .into_iter()
                .collect(),
        }))
    };
    let start = builder.gress.parser.start;
    let peek = Expr::Lookahead {
        offset: 0,
        width: 8,
    };
    builder.gress.parser.states[start]
        .body
        .push(assign(ahead, peek));
    builder.extract(header);
    let added = of_checksum(ChecksumOp::Add, vec![Expr::Field(wide[0])], None);
    builder.gress.parser.states[start].body.push(added);
    let extract = StmtKind::Extract {
        header: second,
        varbit_bits: None,
    };
    let verified = of_checksum(ChecksumOp::Verify, Vec::new(), Some(failed));
    let next = builder.gress.parser.states.push(State {
        name: "second".to_owned(),
        body: vec![stmt(extract), verified],
        transition: Transition::Goto(Target::Accept),
        span: Span::NONE,
    });
    let case = |keyset, target| Case {
        keysets: vec![keyset],
        target,
        span: Span::NONE,
    };
    builder.gress.parser.states[start].transition = Transition::Select {
        keys: vec![kind],
        cases: vec![
            case(
                KeySet::Range {
                    lo: Bits::from_u64(16, 1),
                    hi: Bits::from_u64(16, 6),
                },
                Target::State(next),
            ),
            case(KeySet::ValueSet(value_set), Target::State(next)),
            case(KeySet::Any, Target::Accept),
        ],
    };
    let read = |field: usize| Expr::Field(wide[field]);
    let digest = builder.gress.digests.push(Digest {
        name: "digest".to_owned(),
        fields: vec![("a".to_owned(), 32)],
        span: Span::NONE,
    });
    let mirror = |mirror_type, field| CallKind::Mirror {
        mirror_type,
        session: constant(10, 1),
        header: vec![read(field)],
    };
    let calls = [
        CallKind::Digest {
            digest,
            receiver: None,
            fields: vec![read(0), read(1)],
        },
        CallKind::Resubmit {
            resubmit_type: Some(1),
            header: vec![read(2)],
        },
        mirror(Some(1), 3),
        mirror(Some(2), 4),
        mirror(None, 5),
        CallKind::Checksum {
            unit: summed,
            op: ChecksumOp::Update {
                zeros_as_ones: false,
            },
            args: vec![read(6)],
        },
    ];
    let deparser = &mut builder.gress.deparser.body;
    for kind in calls {
        let outs = match kind {
            CallKind::Checksum { .. } => vec![Some(Place::Field(short))],
            _ => Vec::new(),
        };
        deparser.push(stmt(StmtKind::Call(Call { kind, outs })));
    }
    deparser.extend([header, second].map(|header| stmt(StmtKind::Emit { header })));
}

impl Maker<'_> {
    fn read(&mut self) -> Expr {
        let at = self.dice.below(self.wide.len());
        Expr::Field(self.wide[at])
    }

    /// A field that no table has set.
    fn fresh(&mut self, width: u32) -> FieldId {
        self.n += 1;
        self.builder.metadata(&format!("md.m{}", self.n), width)
    }

    /// Some of the fields, or now and then one that a table before sets.
    fn key(&mut self, n_fields: usize, kind: MatchKind) -> Vec<(Expr, MatchKind)> {
        let first = self.dice.below(self.wide.len());
        let fields = (first..first + n_fields).map(|at| self.wide[at % self.wide.len()]);
        let mut key: Vec<(Expr, MatchKind)> =
            fields.map(|field| (Expr::Field(field), kind)).collect();
        if !self.set.is_empty() && self.dice.below(4) == 0 {
            let at = self.dice.below(self.set.len());
            key[0].0 = Expr::Field(self.set[at]);
        }
        key
    }

    /// A table whose actions each set a field of their own from data of the entry, and do this as well.
    fn table(&mut self, key: &[(Expr, MatchKind)], more: Vec<Stmt>, n_actions: usize) -> TableId {
        let mut actions = Vec::new();
        for number in 0..n_actions.max(1) {
            let mut body = more.clone();
            if !key.is_empty() {
                let field = self.fresh(32);
                self.set.push(field);
                body.push(assign(field, param(0, 32)));
            }
            let params: &[u32] = if key.is_empty() { &[] } else { &[32] };
            let name = format!("act{}_{number}", self.n);
            actions.push(self.builder.action(&name, params, body));
        }
        self.n += 1;
        let name = format!("t{}", self.n);
        self.builder.table(&name, key, &actions)
    }

    fn tables(&mut self, kind: usize) -> Vec<Stmt> {
        let index = Some(self.read());
        let name = format!("memory{}", self.n);
        let exact = self.key(1, MatchKind::Exact);
        let table = match kind {
            0 => {
                let key = self.key(5, MatchKind::Exact);
                self.table(&key, Vec::new(), 3)
            }
            1 => {
                let key = self.key(4, MatchKind::Ternary);
                self.table(&key, Vec::new(), 2)
            }
            2 => return self.ranges(),
            3 => return self.register_users(&name),
            4 => {
                let counter = self.builder.gress.counters.push(Counter {
                    name,
                    kind: CountKind::Packets,
                    width: 32,
                    size: 30_000,
                    adjust_bytes: 0,
                    span: Span::NONE,
                });
                let count = CallKind::Count { counter, index };
                self.table(&exact, vec![call(count, [])], 1)
            }
            5 => {
                let meter = self.meter(name);
                let color = self.fresh(8);
                let kind = CallKind::Meter {
                    meter,
                    index,
                    color: None,
                };
                self.table(&exact, vec![call(kind, [color])], 1)
            }
            6 => {
                let hash = self.builder.hash(&name, 16);
                let args = vec![self.read()];
                let hashed = self.fresh(16);
                let call = call(CallKind::Hash { hash, args }, [hashed]);
                self.table(&[], vec![call], 1)
            }
            7 => return self.under_condition(),
            8 => self.selected(name),
            9 => {
                let size = 4096;
                let counter = self.builder.gress.counters.push(Counter {
                    name,
                    kind: CountKind::PacketsAndBytes,
                    width: 64,
                    size,
                    adjust_bytes: 0,
                    span: Span::NONE,
                });
                let count = CallKind::Count {
                    counter,
                    index: None,
                };
                let table = self.table(&exact, vec![call(count, [])], 1);
                let of = &mut self.builder.gress.tables[table];
                of.direct_counters.push(counter);
                of.has_idle_timeout = true;
                table
            }
            10 => return self.without_keys(),
            _ => {
                let key = self.key(2, MatchKind::Exact);
                let table = self.table(&key, Vec::new(), 4);
                self.builder.gress.tables[table].size = 100_000;
                table
            }
        };
        if kind < 2 {
            let size = 1024 << self.dice.below(3);
            self.builder.gress.tables[table].size = size;
        }
        vec![apply(table, [])]
    }

    /// Two tables that match a range.
    fn ranges(&mut self) -> Block {
        let key = [(Expr::Field(self.short), MatchKind::Range)];
        let tables = [(); 2].map(|()| self.table(&key, Vec::new(), 2));
        tables.map(|table| apply(table, [])).into()
    }

    /// Tables without a key that set a constant.
    fn without_keys(&mut self) -> Block {
        let tables = [(); 3].map(|()| {
            let field = self.fresh(32);
            let value = constant(32, 0x1234_5678);
            self.table(&[], vec![assign(field, value)], 1)
        });
        tables.map(|table| apply(table, [])).into()
    }

    fn meter(&mut self, name: String) -> p4rmt_ir::MeterId {
        self.builder.gress.meters.push(Meter {
            name,
            kind: CountKind::Bytes,
            size: 4096,
            colors: [0, 1, 3].map(|color| Bits::from_u64(8, color)),
            adjust_bytes: 0,
            filter: None,
            span: Span::NONE,
        })
    }

    /// Two tables in branches that exclude each other, with one register.
    fn register_users(&mut self, name: &str) -> Block {
        let register = self.builder.register(name, 40_000, &[32]);
        let by = self.read();
        let body = vec![
            assign_local(1, local(0, 32)),
            branch(
                eq(local(0, 32), constant(32, 100_000)),
                vec![assign_local(0, constant(32, 0))],
                vec![assign_local(0, p4rmt_ir::build::add(local(0, 32), by))],
            ),
        ];
        let action = self.builder.register_action(name, register, body);
        let out = self.fresh(32);
        let index = self.read();
        let users = [(); 2].map(|()| {
            let index = Some(index.clone());
            let kind = CallKind::RegisterAction { action, index };
            let key = self.key(1, MatchKind::Exact);
            self.table(&key, vec![call(kind, [out])], 1)
        });
        let [first, second] = users.map(|table| vec![apply(table, [])]);
        let tested = self.read();
        vec![branch(eq(tested, constant(32, 1)), first, second)]
    }

    /// A table under a condition with several alternatives, and one under an order.
    fn under_condition(&mut self) -> Block {
        let tested = self.read();
        let n = 5 + self.dice.below(8) as u64;
        let values = (0..n).map(|value| eq(tested.clone(), constant(32, value)));
        let cond = values.reduce(|one, other| Expr::binary(BinaryOp::Or, one, other));
        let key = self.key(1, MatchKind::Exact);
        let table = self.table(&key, Vec::new(), 1);
        let short = Expr::Field(self.short);
        let order = Expr::binary(BinaryOp::LtU, short, constant(16, 1200));
        let other = self.table(&key, Vec::new(), 1);
        vec![
            branch(
                cond.expect("there is a value"),
                vec![apply(table, [])],
                vec![],
            ),
            branch(order, vec![apply(other, [])], vec![]),
        ]
    }

    /// A table that selects one of several members.
    fn selected(&mut self, name: String) -> TableId {
        let hash = self.builder.hash(&name, 16);
        let profile = self.builder.gress.profiles.push(ActionProfile {
            name,
            size: 1024,
            selector: Some(Selector {
                hash,
                groups: Some(GroupLimits {
                    max_size: 200,
                    n_groups: 64,
                }),
            }),
            span: Span::NONE,
        });
        let mut key = self.key(1, MatchKind::Exact);
        key.extend(self.key(3, MatchKind::Selector));
        let table = self.table(&key, Vec::new(), 1);
        self.builder.gress.tables[table].implementation = Some(profile);
        table
    }
}

/// The first state of the parser of a program moves by what it has read.
pub(crate) fn move_by_value(program: &mut Program) {
    let pipe = &mut program.pipes[Id::from_index(0)];
    let gress = &mut pipe.gresses[Id::from_index(0)];
    let start = gress.parser.start;
    let field = gress.headers[HeaderId::from_index(0)].fields[0];
    let bits = Expr::Field(field);
    gress.parser.states[start]
        .body
        .push(stmt(StmtKind::Advance { bits }));
}
