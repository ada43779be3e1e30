//! One gress as a function of machine code.
//!
//! In: a gress of the IR, and which part of it. Out: a function that runs one packet, whose frame it is
//! given. Fields lie in memory, where every path through the parser leaves them in the same place; what is
//! computed from them is kept in registers. The files answer the same questions as those of the
//! interpreter:
//!
//! | file | what |
//! |---|---|
//! | `number.rs` | values of any width as words, and every operator on them |
//! | `fields.rs` | fields and variables: reading, writing, where they come from and go to |
//! | `expr.rs` | expressions |
//! | `parser.rs`, `packet.rs` | states, errors; extraction |
//! | `statement.rs` | statements, in order |
//! | `table.rs` | lookup, selection, what follows each action |
//! | `control.rs` | control flow, unplaced, and actions of both forms |
//! | `crossing.rs` | across the traffic manager of a whole gress |
//! | `stages.rs` | control flow, placed: stage by stage |
//! | `call.rs`, `stateful.rs`, `checksum.rs` | externs |
//! | `deparser.rs`, `header_bytes.rs` | emission |

mod call;
mod checksum;
mod control;
mod crossing;
mod deparser;
mod expr;
mod fields;
mod header_bytes;
mod number;
mod packet;
mod parser;
mod stages;
mod stateful;
mod statement;
mod table;

pub(crate) use crossing::may_cross;

use std::collections::HashSet;
use std::mem::offset_of;

use cranelift_codegen::ir::{
    self, AbiParam, FuncRef, InstBuilder, MemFlagsData, Signature, condcodes::IntCC, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module};
use p4rmt_engine::{EngineError, FieldUses, MAX_TURNS, Part, Schedule, Step};
use p4rmt_ir::{Bits, Body, ControlRole, Expr, Gress, GressRole, Id, LabelId, Place};
use p4rmt_source::Span;

use crate::callbacks::Name;
use crate::flight::FlightHead;
use crate::frame::Frame;
use crate::load::LoadedGress;
use crate::machine_code::MachineCode;

use self::header_bytes::HeaderBytes;
use self::number::Number;

/// A part of a gress, without what differs from packet to packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Section {
    Whole,
    Parser,
    Front,
    /// The front, and the back of packets that ask for nothing but a port: no part that a job asks for.
    Through,
    Back,
    /// One step of a placed gress, of a packet that lies in memory between steps.
    Step(Step),
}

impl From<Part> for Section {
    fn from(part: Part) -> Self {
        match part {
            Part::Whole => Self::Whole,
            Part::Parser => Self::Parser,
            Part::Front => Self::Front,
            Part::Back { .. } => Self::Back,
        }
    }
}

impl Section {
    /// A number that no other section of the gress has.
    pub(crate) fn number(self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Parser => 1,
            Self::Front => 2,
            Self::Back => 3,
            Self::Through => 4,
            Self::Step(Step::Parser) => 5,
            Self::Step(Step::Deparser) => 6,
            Self::Step(Step::Stage(stage)) => 7 + stage as usize,
        }
    }
}

/// Compiles a section of a gress.
pub(crate) fn compile(
    machine_code: &mut MachineCode,
    gress: &Gress,
    loaded: &mut LoadedGress,
    schedule: Option<&Schedule>,
    section: Section,
) -> Result<FuncId, EngineError> {
    let mut context = machine_code.module.make_context();
    context.func.signature = packet_signature(&*machine_code.module);
    let callbacks = machine_code.callbacks_in(&mut context.func);
    let mut builder_context = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let mut compiler = Compiler::new(builder, gress, loaded, schedule, callbacks);
    compiler.compile(section)?;
    compiler.b.seal_all_blocks();
    let called = std::mem::take(&mut compiler.called);
    compiler.b.finalize(machine_code.module.target_config());
    called.into_iter().for_each(|name| machine_code.need(name));
    let module: &mut JITModule = &mut machine_code.module;
    let name = format!("gress{}_{section:?}", loaded.id.index());
    let id = module
        .declare_function(&name, Linkage::Local, &context.func.signature)
        .expect("each section is declared once");
    module
        .define_function(id, &mut context)
        .unwrap_or_else(|error| panic!("compiled code of `{name}` is not valid: {error:?}"));
    module.clear_context(&mut context);
    Ok(id)
}

fn packet_signature(module: &impl Module) -> Signature {
    let mut signature = module.make_signature();
    signature.params.push(AbiParam::new(types::I64));
    signature
}

/// A value of the machine.
type Word = ir::Value;

/// The headers that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    All,
    /// Those whose length statements may change once it is parsed.
    Changing,
    /// The others.
    Steady,
}

/// Where statements lead that lead away.
#[derive(Clone, Copy)]
struct Exits {
    /// The end of the control.
    exit: ir::Block,
    /// Parser: the end of parsing, with the failure in its variable.
    fail: ir::Block,
    /// The end of the packet: a claim was wrong.
    stop: ir::Block,
}

/// Code of one function in the making.
struct Compiler<'a> {
    b: FunctionBuilder<'a>,
    gress: &'a Gress,
    loaded: &'a mut LoadedGress,
    schedule: Option<&'a Schedule>,
    callbacks: Vec<FuncRef>,
    /// Those that are called.
    called: HashSet<Name>,
    frame: Word,
    memory: Word,
    scratch: Word,
    bytes: Word,
    n_bits: Word,
    /// Where the fields lie, as [`LoadedGress::phv`] says; between steps, as [`LoadedGress::flight`] does.
    phv: Word,
    /// By field, in a stage: what it will be behind it; none where nothing there writes it.
    next_fields: Vec<Option<Vec<Variable>>>,
    /// Variables of the action or register action at hand.
    locals: Vec<Vec<Variable>>,
    /// The data of the action at hand.
    params: Vec<Number>,
    /// Where the parser is, in bits.
    cursor: Variable,
    /// How parsing failed, as [`Frame::failure`].
    failure: Variable,
    /// States that the parser may still enter; only where it has a loop.
    states_left: Option<Variable>,
    /// Turns that loops may still take.
    turns_left: Variable,
    /// By checksum unit: its running sum.
    sums: Vec<Variable>,
    /// By checksum unit: whether its residual is to be written, and where.
    deposits: Vec<Deposit>,
    /// How headers are written.
    header_bytes: HeaderBytes,
    /// By source of random values: how often the packet has drawn.
    draws: Vec<Variable>,
    /// By meter: the color that the last lookup gave, from 0.
    direct_colors: Vec<Variable>,
    /// The cell of what is direct to the table whose action runs.
    direct_index: Variable,
    /// Bytes that the deparser has emitted.
    out_bytes: Variable,
    /// Headers that the deparser has emitted.
    n_emitted: Variable,
    /// Whether a claim was wrong.
    stopped: Variable,
    /// Whether the packet asked the switch for something.
    asks: Variable,
    is_deparsing: bool,
    /// Where the payload starts: behind the traffic manager, where the job says.
    section: Section,
    /// What a lookahead of the expression at hand has found: whether it went beyond the packet.
    too_short: Option<Word>,
    labels: Vec<(LabelId, ir::Block)>,
    exits: Option<Exits>,
}

/// A residual that is written at the end of parsing.
struct Deposit {
    unit: usize,
    place: Place,
    span: Span,
    is_due: Variable,
}

/// Memory that only this function touches while it runs.
fn plain() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl<'a> Compiler<'a> {
    fn new(
        mut b: FunctionBuilder<'a>,
        gress: &'a Gress,
        loaded: &'a mut LoadedGress,
        schedule: Option<&'a Schedule>,
        callbacks: Vec<FuncRef>,
    ) -> Self {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let frame = b.block_params(entry)[0];
        let load = |b: &mut FunctionBuilder<'_>, offset: usize| {
            b.ins().load(types::I64, plain(), frame, offset as i32)
        };
        let memory = load(&mut b, offset_of!(Frame, memory));
        let scratch = load(&mut b, offset_of!(Frame, scratch));
        let bytes = load(&mut b, offset_of!(Frame, bytes));
        let n_bits = load(&mut b, offset_of!(Frame, n_bits));
        let phv = load(&mut b, offset_of!(Frame, fields));
        let zero = b.ins().iconst(types::I64, 0);
        let variable = |b: &mut FunctionBuilder<'_>| {
            let variable = b.declare_var(types::I64);
            b.def_var(variable, zero);
            variable
        };
        Self {
            frame,
            memory,
            scratch,
            bytes,
            n_bits,
            phv,
            next_fields: vec![None; gress.fields.len()],
            locals: Vec::new(),
            params: Vec::new(),
            cursor: variable(&mut b),
            failure: variable(&mut b),
            states_left: None,
            turns_left: variable(&mut b),
            sums: gress.checksums.values().map(|_| variable(&mut b)).collect(),
            deposits: Vec::new(),
            header_bytes: HeaderBytes::composed(gress),
            draws: gress.randoms.values().map(|_| variable(&mut b)).collect(),
            direct_colors: gress.meters.values().map(|_| variable(&mut b)).collect(),
            direct_index: variable(&mut b),
            out_bytes: variable(&mut b),
            n_emitted: variable(&mut b),
            stopped: variable(&mut b),
            asks: variable(&mut b),
            is_deparsing: false,
            section: Section::Whole,
            too_short: None,
            labels: Vec::new(),
            exits: None,
            b,
            gress,
            loaded,
            schedule,
            callbacks,
            called: HashSet::new(),
        }
    }

    /// The whole function.
    fn compile(&mut self, section: Section) -> Result<(), EngineError> {
        self.section = section;
        self.find_deposits(&self.gress.parser);
        self.plan_headers();
        if matches!(section, Section::Whole | Section::Through) {
            self.keep_fields_here();
        }
        self.read_inputs();
        self.begin_packet();
        let finish = self.b.create_block();
        match section {
            Section::Whole => {
                self.parse(finish)?;
                self.body()?;
                self.deparse()?;
            }
            Section::Step(step) => self.step(step)?,
            Section::Parser => {
                let parsed = self.b.create_block();
                self.parse(parsed)?;
                self.go(parsed);
            }
            Section::Front => {
                let parsed = self.b.create_block();
                self.parse(parsed)?;
                let parsed_bits = self.measure_headers(Lengths::All);
                self.store_frame(parsed_bits, offset_of!(Frame, parsed_bits));
                self.one_control(ControlRole::Verify, parsed)?;
                self.one_control(ControlRole::Ingress, parsed)?;
                self.go(parsed);
            }
            Section::Through => self.through()?,
            Section::Back => {
                let controlled = self.b.create_block();
                self.one_control(ControlRole::Egress, controlled)?;
                self.go(controlled);
                self.save_fields();
                self.leave_if_stopped(finish);
                self.one_control(ControlRole::Compute, finish)?;
                self.deparse()?;
            }
        }
        self.go(finish);
        if !matches!(
            section,
            Section::Through | Section::Step(Step::Parser | Step::Stage(_))
        ) {
            self.show_values();
        }
        self.b.ins().return_(&[]);
        Ok(())
    }

    /// What is the same for each packet at its beginning.
    fn begin_packet(&mut self) {
        let turns = self.word(MAX_TURNS.into());
        self.b.def_var(self.turns_left, turns);
        let none = self.word(u64::MAX);
        self.b.def_var(self.direct_index, none);
    }

    /// One step of a placed gress.
    fn step(&mut self, step: Step) -> Result<(), EngineError> {
        let gress = self.gress;
        let (Body::Tables(body), Some(schedule)) = (&gress.body, self.schedule) else {
            unreachable!("an instance asks for steps of placed gresses only");
        };
        match step {
            Step::Parser => {
                let parsed = self.b.create_block();
                self.parse(parsed)?;
                self.go(parsed);
                Ok(())
            }
            Step::Stage(stage) => self.lone_stage(body, schedule, stage),
            Step::Deparser => self.deparse(),
        }
    }

    /// Ends the block at hand with a jump to `block`, the last that leads there, and goes on in it.
    fn go(&mut self, block: ir::Block) {
        self.b.ins().jump(block, &[]);
        self.enter(block);
    }

    /// Goes on in a block that everything that leads to it is known of.
    fn enter(&mut self, block: ir::Block) {
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    /// Ends the block at hand with a jump.
    fn jump(&mut self, block: ir::Block) {
        self.b.ins().jump(block, &[]);
    }

    /// Splits on a condition; goes on where it holds.
    fn branch(&mut self, cond: Word, otherwise: ir::Block) {
        let then = self.b.create_block();
        self.b.ins().brif(cond, then, &[], otherwise, &[]);
        self.enter(then);
    }

    fn word(&mut self, value: u64) -> Word {
        self.b.ins().iconst(types::I64, value.cast_signed())
    }

    /// A comparison with a constant, as a condition.
    fn is(&mut self, condition: IntCC, word: Word, constant: u64) -> Word {
        let constant = self.word(constant);
        self.b.ins().icmp(condition, word, constant)
    }

    fn load(&mut self, address: Word, offset: usize) -> Word {
        self.b
            .ins()
            .load(types::I64, plain(), address, offset as i32)
    }

    fn store(&mut self, word: Word, address: Word, offset: usize) {
        self.b.ins().store(plain(), word, address, offset as i32);
    }

    fn load_frame(&mut self, offset: usize) -> Word {
        self.load(self.frame, offset)
    }

    fn store_frame(&mut self, word: Word, offset: usize) {
        self.store(word, self.frame, offset);
    }

    /// Calls the engine.
    fn call(&mut self, name: Name, args: [Word; 3]) -> Word {
        if matches!(name, Name::Meter | Name::Filter | Name::Random) {
            self.show_packet();
        }
        let args = [self.frame, args[0], args[1], args[2]];
        self.called.insert(name);
        self.b.ins().call(self.callbacks[name as usize], &args);
        self.load_frame(offset_of!(Frame, answer))
    }

    /// In a stage, which packets pass one after the other: shows the engine what it may ask of the one at hand.
    fn show_packet(&mut self) {
        if matches!(self.section, Section::Step(_)) {
            for (from, to) in [
                (offset_of!(FlightHead, clock), offset_of!(Frame, clock)),
                (
                    offset_of!(FlightHead, packet_bytes),
                    offset_of!(Frame, packet_bytes),
                ),
            ] {
                let word = self.load(self.phv, from);
                self.store_frame(word, to);
            }
        }
    }

    /// The same with numbers that are known.
    fn call_with(&mut self, name: Name, args: [u64; 3]) -> Word {
        let args = args.map(|arg| self.word(arg));
        self.call(name, args)
    }

    /// Puts values into the scratch, one after the other.
    fn put_in_scratch<'n>(&mut self, numbers: impl IntoIterator<Item = &'n Number>) -> usize {
        let mut n_words = 0;
        for number in numbers {
            for word in &number.words {
                self.store(*word, self.scratch, n_words * 8);
                n_words += 1;
            }
        }
        self.need_scratch(n_words);
        n_words
    }

    fn need_scratch(&mut self, n_words: usize) {
        self.loaded.n_scratch_words = self.loaded.n_scratch_words.max(n_words);
    }

    /// Takes a value from the start of the scratch.
    fn take_from_scratch(&mut self, width: u32) -> Number {
        self.need_scratch(width.div_ceil(64) as usize);
        self.number_at(self.scratch, 0, width)
    }

    /// The number that lies in words from an address on; bits above its width are zero there.
    fn number_at(&mut self, address: Word, offset: usize, width: u32) -> Number {
        let words = (0..width.div_ceil(64) as usize)
            .map(|position| self.load(address, offset + position * 8))
            .collect();
        Number { width, words }
    }

    fn put_number(&mut self, number: &Number, address: Word, offset: usize) {
        for (position, word) in number.words.iter().enumerate() {
            self.store(*word, address, offset + position * 8);
        }
    }

    /// How long the valid headers are together, or some of them.
    fn measure_headers(&mut self, which: Lengths) -> Word {
        let mut total = self.word(0);
        let uses = FieldUses::new(self.gress);
        for (valid, fixed_bits, varbit_width) in self.loaded.headers.lengths().collect::<Vec<_>>() {
            let mut decisive = std::iter::once(valid).chain(varbit_width);
            let is_changing = decisive.any(|field| uses.is_written(field));
            match which {
                Lengths::Changing if !is_changing => continue,
                Lengths::Steady if is_changing => continue,
                Lengths::All | Lengths::Changing | Lengths::Steady => {}
            }
            let valid = self.field(valid).words[0];
            let mut bits = self.word(fixed_bits);
            if let Some(field) = varbit_width {
                let more = self.field(field).words[0];
                bits = self.b.ins().iadd(bits, more);
            }
            let bits = self.b.ins().imul(bits, valid);
            total = self.b.ins().iadd(total, bits);
        }
        total
    }

    /// Leaves where a claim was wrong.
    fn leave_if_stopped(&mut self, to: ir::Block) {
        let stopped = self.b.use_var(self.stopped);
        let on = self.b.create_block();
        self.b.ins().brif(stopped, to, &[], on, &[]);
        self.enter(on);
    }

    /// An index into an array; one that does not fit into 64 bits is beyond any.
    fn index(&mut self, index: &Expr) -> Word {
        let index = self.expr(index);
        let Some((low, high)) = index.words.split_first() else {
            return self.word(0);
        };
        if high.is_empty() {
            return *low;
        }
        let any = self.any_bit(high);
        let beyond = self.word(u64::MAX);
        self.b.ins().select(any, beyond, *low)
    }

    fn is_whole(&self) -> bool {
        self.gress.role == GressRole::Whole
    }

    /// The match-action part of a gress of Tofino.
    fn body(&mut self) -> Result<(), EngineError> {
        match (&self.gress.body, self.schedule) {
            (Body::Structured(body), _) => {
                let end = self.b.create_block();
                for control in &body.controls {
                    let next = self.b.create_block();
                    self.exits = Some(Exits {
                        exit: next,
                        fail: next,
                        stop: end,
                    });
                    if self.block(&control.body)? {
                        self.jump(next);
                    }
                    self.enter(next);
                }
                self.go(end);
            }
            (Body::Tables(tables), Some(schedule)) if !self.loaded.keeps_order => {
                self.stages(tables, schedule)?;
            }
            // What is placed as its dependencies want comes to the same without stages.
            (Body::Tables(tables), _) => {
                let end = self.b.create_block();
                self.exits = Some(Exits {
                    exit: end,
                    fail: end,
                    stop: end,
                });
                if self.seq(tables, &tables.seq)? {
                    self.jump(end);
                }
                self.enter(end);
            }
        }
        self.exits = None;
        Ok(())
    }

    /// One control of a whole gress; leads to `stop` where a claim is wrong.
    fn one_control(&mut self, role: ControlRole, stop: ir::Block) -> Result<(), EngineError> {
        let body = self.gress.as_structured();
        if let Some(control) = body.and_then(|body| body.control(role)) {
            let end = self.b.create_block();
            self.exits = Some(Exits {
                exit: end,
                fail: end,
                stop,
            });
            if self.block(&control.body)? {
                self.jump(end);
            }
            self.enter(end);
            self.exits = None;
        }
        Ok(())
    }

    fn constant(&mut self, value: &Bits) -> Number {
        let mut words = Vec::new();
        p4rmt_engine::WordLayout::push(&mut words, value);
        Number {
            width: value.width(),
            words: words.into_iter().map(|word| self.word(word)).collect(),
        }
    }
}
