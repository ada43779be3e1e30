//! Small programs by hand, for the tests of what works on the IR.
//!
//! ```
//! use p4rmt_ir::build::{GressBuilder, assign, constant, program};
//! use p4rmt_ir::{Arch, Expr, GressRole};
//!
//! let mut gress = GressBuilder::new(GressRole::Ingress);
//! let port = gress.intrinsic("ig_tm_md.ucast_egress_port", 9);
//! let gress = gress.structured(vec![assign(port, constant(9, 2))]);
//! let program = program("two", Arch::Tna, [gress]);
//! assert!(p4rmt_ir::text::program_text(&program).contains("f0 = 9w0x2"));
//! ```

use indexmap::IndexMap;
use p4rmt_source::Span;

use crate::{
    Action, ActionCall, ActionId, ActionRef, Arch, Arena, Arm, BinaryOp, Bits, Block, Body, Call,
    CallKind, Control, ControlRole, Deparser, ElementField, Expr, Field, FieldId, FieldKind, Gress,
    GressRole, Hash, HashAlgorithm, HashId, Header, HeaderId, Key, LabelId, Local, LocalId,
    MatchKind, Param, Parser, Pipe, Place, Program, Register, RegisterAction, RegisterActionId,
    RegisterId, State, Stmt, StmtKind, Structured, Table, TableId, Target, Transition,
};

/// A gress in the making. Everything in it has no span; its parser accepts at once until
/// [`GressBuilder::gress`] is changed by hand.
#[derive(Clone, Debug)]
pub struct GressBuilder {
    /// What is built so far.
    pub gress: Gress,
    actions: Arena<ActionId, Action>,
    n_labels: usize,
}

impl GressBuilder {
    /// A gress with nothing in it.
    #[must_use]
    pub fn new(role: GressRole) -> Self {
        let mut states = Arena::new();
        let start = states.push(State {
            name: "start".to_owned(),
            body: Vec::new(),
            transition: Transition::Goto(Target::Accept),
            span: Span::NONE,
        });
        let gress = Gress {
            role,
            fields: Arena::new(),
            headers: Arena::new(),
            intrinsics: IndexMap::new(),
            parser: Parser {
                name: "Parser".to_owned(),
                states,
                start,
                span: Span::NONE,
            },
            body: Body::Structured(Structured::default()),
            deparser: Deparser {
                name: "Deparser".to_owned(),
                body: Vec::new(),
                span: Span::NONE,
            },
            tables: Arena::new(),
            registers: Arena::new(),
            register_actions: Arena::new(),
            math_units: Arena::new(),
            counters: Arena::new(),
            meters: Arena::new(),
            hashes: Arena::new(),
            randoms: Arena::new(),
            checksums: Arena::new(),
            digests: Arena::new(),
            profiles: Arena::new(),
            value_sets: Arena::new(),
            inlined: IndexMap::new(),
        };
        Self {
            gress,
            actions: Arena::new(),
            n_labels: 0,
        }
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, width: u32, kind: FieldKind) -> FieldId {
        self.gress.fields.push(Field {
            name: name.to_owned(),
            width,
            is_signed: false,
            kind,
            span: Span::NONE,
        })
    }

    /// Adds a local field.
    pub fn local(&mut self, name: &str, width: u32) -> FieldId {
        self.field(name, width, FieldKind::Local)
    }

    /// Adds a field of the program's metadata.
    pub fn metadata(&mut self, name: &str, width: u32) -> FieldId {
        self.field(name, width, FieldKind::Metadata)
    }

    /// Adds a field that the device knows by this name.
    pub fn intrinsic(&mut self, name: &str, width: u32) -> FieldId {
        let field = self.field(name, width, FieldKind::Intrinsic);
        self.gress.intrinsics.insert(name.to_owned(), field);
        field
    }

    /// Adds a header with these fields, and its validity; returns it and its fields.
    pub fn header(&mut self, name: &str, fields: &[(&str, u32)]) -> (HeaderId, Vec<FieldId>) {
        let id = crate::Id::from_index(self.gress.headers.len());
        let fields: Vec<FieldId> = fields
            .iter()
            .map(|(field, width)| {
                self.field(&format!("{name}.{field}"), *width, FieldKind::Header(id))
            })
            .collect();
        let valid = self.field(&format!("{name}.$valid"), 1, FieldKind::Validity(id));
        let id = self.gress.headers.push(Header {
            name: name.to_owned(),
            type_name: format!("{name}_t"),
            fields: fields.clone(),
            flexible: Vec::new(),
            valid,
            varbit: None,
            span: Span::NONE,
        });
        (id, fields)
    }

    /// Lets the first state of the parser extract a header.
    pub fn extract(&mut self, header: HeaderId) {
        let start = self.gress.parser.start;
        let kind = StmtKind::Extract {
            header,
            varbit_bits: None,
        };
        self.gress.parser.states[start].body.push(stmt(kind));
    }

    /// Adds a register whose elements have values of these widths, all zero.
    pub fn register(&mut self, name: &str, size: u64, widths: &[u32]) -> RegisterId {
        self.gress.registers.push(Register {
            name: name.to_owned(),
            size,
            element: widths
                .iter()
                .map(|width| ElementField {
                    name: String::new(),
                    width: *width,
                    is_signed: false,
                })
                .collect(),
            initial: widths.iter().map(|width| Bits::zero(*width)).collect(),
            span: Span::NONE,
        })
    }

    /// Adds a register action with one output as wide as the first value of the element. Locals 0 and
    /// up are the element's values, the one behind them the output.
    pub fn register_action(
        &mut self,
        name: &str,
        register: RegisterId,
        body: Block,
    ) -> RegisterActionId {
        let mut locals = Arena::new();
        let mut memory: Vec<LocalId> = Vec::new();
        let mut output_width = 1;
        for (position, value) in self.gress.registers[register].element.iter().enumerate() {
            if position == 0 {
                output_width = value.width;
            }
            memory.push(locals.push(Local {
                name: format!("value{position}"),
                width: value.width,
            }));
        }
        let output = locals.push(Local {
            name: "result".to_owned(),
            width: output_width,
        });
        self.gress.register_actions.push(RegisterAction {
            name: name.to_owned(),
            register,
            locals,
            memory,
            outputs: vec![output],
            body,
            span: Span::NONE,
        })
    }

    /// Adds a register action on words of so many elements with an output as wide as the first value of
    /// one. Locals 0 and up are their values, from the lowest bits of the word, the one behind them the
    /// output.
    pub fn word_action(
        &mut self,
        name: &str,
        register: RegisterId,
        n_elements: usize,
        body: Block,
    ) -> RegisterActionId {
        let id = self.register_action(name, register, body);
        let action = &mut self.gress.register_actions[id];
        let element: Vec<Local> = action
            .memory
            .iter()
            .map(|local| action.locals[*local].clone())
            .collect();
        let output = action
            .outputs
            .first()
            .map(|local| action.locals[*local].clone());
        action.locals = Arena::new();
        let values = (0..n_elements).flat_map(|_| element.iter().cloned());
        action.memory = values.map(|local| action.locals.push(local)).collect();
        action.outputs = output
            .into_iter()
            .map(|local| action.locals.push(local))
            .collect();
        id
    }

    /// Adds an identity hash.
    pub fn hash(&mut self, name: &str, width: u32) -> HashId {
        self.gress.hashes.push(Hash {
            name: name.to_owned(),
            algorithm: HashAlgorithm::Identity,
            width,
            span: Span::NONE,
        })
    }

    /// Adds an action of the structured form.
    pub fn action(&mut self, name: &str, params: &[u32], body: Block) -> ActionId {
        self.actions.push(Action {
            name: name.to_owned(),
            params: params
                .iter()
                .enumerate()
                .map(|(position, width)| Param {
                    name: format!("p{position}"),
                    width: *width,
                })
                .collect(),
            body,
            span: Span::NONE,
        })
    }

    /// Adds a table of 512 entries; the first action is the default one, with zeros for parameters.
    pub fn table(
        &mut self,
        name: &str,
        keys: &[(Expr, MatchKind)],
        actions: &[ActionId],
    ) -> TableId {
        let default = actions[0];
        let params = &self.actions[default].params;
        let args = params.iter().map(|param| Bits::zero(param.width)).collect();
        self.gress.tables.push(Table {
            name: name.to_owned(),
            keys: keys
                .iter()
                .enumerate()
                .map(|(position, (expr, kind))| Key {
                    name: format!("key{position}"),
                    expr: expr.clone(),
                    kind: *kind,
                    span: Span::NONE,
                })
                .collect(),
            actions: actions
                .iter()
                .map(|action| ActionRef {
                    action: *action,
                    in_entries: true,
                    as_default: true,
                })
                .collect(),
            default_action: ActionCall {
                action: default,
                args,
            },
            is_default_const: false,
            entries: Vec::new(),
            are_entries_const: false,
            size: 512,
            is_size_given: false,
            direct_counters: Vec::new(),
            direct_meters: Vec::new(),
            direct_registers: Vec::new(),
            implementation: None,
            has_idle_timeout: false,
            proxy_hash: None,
            partitions: None,
            stage_pragma: None,
            ways_pragma: None,
            pack_pragma: None,
            is_declared: true,
            span: Span::NONE,
        })
    }

    /// A label that no other block has.
    pub fn label(&mut self) -> LabelId {
        self.n_labels += 1;
        crate::Id::from_index(self.n_labels - 1)
    }

    /// The gress with one control.
    #[must_use]
    pub fn structured(self, body: Block) -> Gress {
        self.controls([(ControlRole::Sole, "Control", body)])
    }

    /// The gress with the four controls of v1model.
    #[must_use]
    pub fn whole(self, verify: Block, ingress: Block, egress: Block, compute: Block) -> Gress {
        self.controls([
            (ControlRole::Verify, "Verify", verify),
            (ControlRole::Ingress, "Ingress", ingress),
            (ControlRole::Egress, "Egress", egress),
            (ControlRole::Compute, "Compute", compute),
        ])
    }

    fn controls<const N: usize>(self, controls: [(ControlRole, &str, Block); N]) -> Gress {
        let mut gress = self.gress;
        let control = |(role, name, body): (ControlRole, &str, Block)| Control {
            name: name.to_owned(),
            role,
            body,
            span: Span::NONE,
        };
        gress.body = Body::Structured(Structured {
            controls: controls.map(control).into(),
            actions: self.actions,
        });
        gress
    }
}

/// A program of one pipe.
#[must_use]
pub fn program<const N: usize>(name: &str, arch: Arch, gresses: [Gress; N]) -> Program {
    let pipe = Pipe {
        name: "pipe".to_owned(),
        gresses: gresses.into_iter().collect(),
        span: Span::NONE,
    };
    Program {
        name: name.to_owned(),
        arch,
        errors: vec!["NoError".to_owned()],
        pipes: [pipe].into_iter().collect(),
    }
}

/// A statement without a span.
#[must_use]
pub fn stmt(kind: StmtKind) -> Stmt {
    Stmt {
        kind,
        span: Span::NONE,
    }
}

/// An assignment to a field.
#[must_use]
pub fn assign(field: FieldId, value: Expr) -> Stmt {
    stmt(StmtKind::Assign {
        dst: Place::Field(field),
        value,
    })
}

/// An assignment to bits of a field.
#[must_use]
pub fn assign_slice(field: FieldId, hi: u32, lo: u32, value: Expr) -> Stmt {
    stmt(StmtKind::Assign {
        dst: Place::FieldSlice { field, hi, lo },
        value,
    })
}

/// An assignment to a variable of a register action.
#[must_use]
pub fn assign_local(local: usize, value: Expr) -> Stmt {
    stmt(StmtKind::Assign {
        dst: Place::Local(crate::Id::from_index(local)),
        value,
    })
}

/// A condition.
#[must_use]
pub fn branch(cond: Expr, then: Block, otherwise: Block) -> Stmt {
    stmt(StmtKind::If {
        cond,
        then,
        otherwise,
    })
}

/// A table, with what follows its outcomes.
#[must_use]
pub fn apply<const N: usize>(table: TableId, arms: [(crate::Outcome, Block); N]) -> Stmt {
    stmt(StmtKind::Apply {
        table,
        arms: arms.map(|(on, body)| Arm { on, body }).into(),
    })
}

/// A labelled block.
#[must_use]
pub fn labeled(label: LabelId, body: Block) -> Stmt {
    stmt(StmtKind::Labeled { label, body })
}

/// The end of a labelled block.
#[must_use]
pub fn leave(label: LabelId) -> Stmt {
    stmt(StmtKind::Leave(label))
}

/// A call whose results go to these fields.
#[must_use]
pub fn call<const N: usize>(kind: CallKind, outs: [FieldId; N]) -> Stmt {
    stmt(StmtKind::Call(Call {
        kind,
        outs: outs.map(|out| Some(Place::Field(out))).into(),
    }))
}

/// A constant.
#[must_use]
pub fn constant(width: u32, value: u64) -> Expr {
    Expr::Const(Bits::from_u64(width, value))
}

/// A variable of a register action.
#[must_use]
pub fn local(local: usize, width: u32) -> Expr {
    Expr::Local {
        local: crate::Id::from_index(local),
        width,
    }
}

/// A parameter of an action.
#[must_use]
pub fn param(index: u32, width: u32) -> Expr {
    Expr::Param { index, width }
}

/// The sum.
#[must_use]
pub fn add(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::Add, lhs, rhs)
}

/// Whether both are equal.
#[must_use]
pub fn eq(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::Eq, lhs, rhs)
}
