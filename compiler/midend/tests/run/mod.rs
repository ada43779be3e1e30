//! A small evaluator of both forms, for tests: what a control leaves in the fields that are not
//! local, and each access to a register.

use p4rmt_ir::{
    ActionId, BinaryOp, Bits, Block, Body, Call, CallKind, Expr, FieldId, FieldKind, Gress,
    HashAlgorithm, Id, Node, Outcome, ParallelAction, Place, Stmt, StmtKind, Structured, TableId,
    Tables,
};

/// What can be told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The fields that are not local, in order.
    pub(crate) fields: Vec<(String, Bits)>,
    /// Each access: the register action, its index, and what its body reads.
    pub(crate) accesses: Vec<(String, Bits, Vec<Bits>)>,
}

/// Runs the control on a packet with these fields.
pub(crate) fn run(gress: &Gress, packet: &[(FieldId, Bits)]) -> Trace {
    let mut fields: Vec<Bits> = gress
        .fields
        .values()
        .map(|field| Bits::zero(field.width))
        .collect();
    for (field, value) in packet {
        fields[field.index()] = value.clone();
    }
    let mut machine = Machine {
        gress,
        fields,
        accesses: Vec::new(),
    };
    match &gress.body {
        Body::Structured(structured) => {
            for control in &structured.controls {
                machine.block(&control.body, &[], structured);
            }
        }
        Body::Tables(tables) => {
            machine.seq(&tables.seq, tables);
        }
    }
    let fields = gress
        .fields
        .iter()
        .filter(|(_, field)| field.kind != FieldKind::Local)
        .map(|(id, field)| (field.name.clone(), machine.fields[id.index()].clone()))
        .collect();
    Trace {
        fields,
        accesses: machine.accesses,
    }
}

/// How a statement ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Falls,
    Leaves(p4rmt_ir::LabelId),
    Exits,
}

struct Machine<'a> {
    gress: &'a Gress,
    fields: Vec<Bits>,
    accesses: Vec<(String, Bits, Vec<Bits>)>,
}

/// What an expression can read besides fields.
struct Scope<'a> {
    fields: &'a [Bits],
    params: &'a [Bits],
    locals: &'a [Bits],
}

impl<'a> Machine<'a> {
    fn block(&mut self, block: &Block, params: &[Bits], structured: &'a Structured) -> End {
        for stmt in block {
            let end = self.stmt(stmt, params, structured);
            if end != End::Falls {
                return end;
            }
        }
        End::Falls
    }

    fn stmt(&mut self, stmt: &Stmt, params: &[Bits], structured: &'a Structured) -> End {
        let scope = Scope {
            fields: &self.fields,
            params,
            locals: &[],
        };
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = eval(value, &scope);
                write(&mut self.fields, dst, &value);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let taken = if eval(cond, &scope).is_true() {
                    then
                } else {
                    otherwise
                };
                return self.block(taken, params, structured);
            }
            StmtKind::Call(call) => {
                let entry = self.fields.clone();
                let results = self.call(call, &entry, params, &[]);
                for (out, result) in call.outs.iter().zip(results) {
                    let out = out.as_ref().expect("the test takes all results");
                    write(&mut self.fields, out, &result);
                }
            }
            StmtKind::Labeled { label, body } => {
                let end = self.block(body, params, structured);
                return if end == End::Leaves(*label) {
                    End::Falls
                } else {
                    end
                };
            }
            StmtKind::Leave(label) => return End::Leaves(*label),
            StmtKind::Exit => return End::Exits,
            StmtKind::Apply { table, arms } => {
                let (action, args, is_hit) = self.look_up(*table);
                let end = self.block(&structured.actions[action].body, &args, structured);
                if end != End::Falls {
                    return end;
                }
                let arm = arms.iter().find(|arm| fits(arm.on, action, is_hit));
                return arm.map_or(End::Falls, |arm| self.block(&arm.body, params, structured));
            }
            _ => unreachable!("the test makes no such statement"),
        }
        End::Falls
    }

    /// False if the control ended.
    fn seq(&mut self, seq: &[Node], tables: &'a Tables) -> bool {
        seq.iter().all(|node| match node {
            Node::Gateway {
                gateway,
                then,
                otherwise,
            } => {
                let scope = Scope {
                    fields: &self.fields,
                    params: &[],
                    locals: &[],
                };
                let holds = eval(&tables.gateways[*gateway].cond, &scope).is_true();
                self.seq(if holds { then } else { otherwise }, tables)
            }
            Node::Table { table, arms } => {
                let (action, args, is_hit) = self.look_up(*table);
                if !self.parallel(&tables.actions[action], &args) {
                    return false;
                }
                match arms.iter().find(|(on, _)| fits(*on, action, is_hit)) {
                    Some((_, arm)) => self.seq(arm, tables),
                    None => true,
                }
            }
        })
    }

    /// False if the control ends.
    fn parallel(&mut self, action: &ParallelAction, params: &[Bits]) -> bool {
        let entry = self.fields.clone();
        let mut locals: Vec<Bits> = action
            .locals
            .values()
            .map(|local| Bits::zero(local.width))
            .collect();
        for (call, _) in &action.calls {
            let results = self.call(call, &entry, params, &locals);
            for (out, result) in call.outs.iter().zip(results) {
                if let Some(Place::Local(local)) = out {
                    locals[local.index()] = result;
                }
            }
        }
        let scope = Scope {
            fields: &entry,
            params,
            locals: &locals,
        };
        for assign in &action.assigns {
            let value = eval(&assign.value, &scope);
            write(&mut self.fields, &assign.dst, &value);
        }
        !action.exits
    }

    /// Which action a table runs: the key itself decides; without a key the default one.
    fn look_up(&self, table: TableId) -> (ActionId, Vec<Bits>, bool) {
        let table = &self.gress.tables[table];
        let Some(key) = table.keys.first() else {
            let default = &table.default_action;
            return (default.action, default.args.clone(), false);
        };
        let scope = Scope {
            fields: &self.fields,
            params: &[],
            locals: &[],
        };
        let key = eval(&key.expr, &scope).low_u64();
        let position = key as usize % table.actions.len();
        let args = vec![Bits::from_u64(8, key * 3), Bits::from_u64(8, key * 5)];
        (table.actions[position].action, args, key & 4 != 0)
    }

    fn call(&mut self, call: &Call, entry: &[Bits], params: &[Bits], locals: &[Bits]) -> Vec<Bits> {
        let scope = Scope {
            fields: entry,
            params,
            locals,
        };
        match &call.kind {
            // What a step made of an exclusive or.
            CallKind::Hash { hash, args }
                if matches!(self.gress.hashes[*hash].algorithm, HashAlgorithm::Xor(_)) =>
            {
                let mut values = args.iter().map(|arg| eval(arg, &scope));
                let first = values.next().expect("it has pieces");
                vec![values.fold(first, |a, b| Bits::binary(BinaryOp::Xor, &a, &b))]
            }
            CallKind::Hash { hash, args }
                if self.gress.hashes[*hash].algorithm == HashAlgorithm::Identity =>
            {
                let values = args.iter().map(|arg| eval(arg, &scope));
                let whole = values.reduce(|high, low| Bits::binary(BinaryOp::Concat, &high, &low));
                let whole = whole.expect("the test gives some");
                vec![whole.resize(self.gress.hashes[*hash].width, false)]
            }
            CallKind::Hash { args, .. } => {
                let sum = args.iter().fold(17, |sum: u64, arg| {
                    sum.wrapping_mul(31) ^ eval(arg, &scope).low_u64()
                });
                vec![Bits::from_u64(8, sum)]
            }
            CallKind::RegisterAction { action, index } => {
                let action = &self.gress.register_actions[*action];
                let index = eval(index.as_ref().expect("the test gives one"), &scope);
                let reads: Vec<Bits> = action
                    .body
                    .iter()
                    .map(|stmt| match &stmt.kind {
                        StmtKind::Assign { value, .. } => eval(value, &scope),
                        _ => unreachable!("the test makes assignments only"),
                    })
                    .collect();
                let result = index.low_u64() * 7 + self.accesses.len() as u64 * 13 + 5;
                self.accesses.push((action.name.clone(), index, reads));
                vec![Bits::from_u64(8, result)]
            }
            _ => unreachable!("the test makes no such call"),
        }
    }
}

fn fits(on: Outcome, action: ActionId, is_hit: bool) -> bool {
    match on {
        Outcome::Hit => is_hit,
        Outcome::Miss => !is_hit,
        Outcome::Action(wanted) => wanted == action,
        Outcome::Otherwise => true,
    }
}

fn write(fields: &mut [Bits], dst: &Place, value: &Bits) {
    match dst {
        Place::Field(field) => fields[field.index()] = value.clone(),
        Place::FieldSlice { field, hi, lo } => {
            fields[field.index()] = fields[field.index()].with_slice(*hi, *lo, value);
        }
        Place::Local(_) | Place::LocalSlice { .. } => unreachable!("not a field"),
    }
}

fn eval(expr: &Expr, scope: &Scope<'_>) -> Bits {
    match expr {
        Expr::Const(bits) => bits.clone(),
        Expr::Field(field) => scope.fields[field.index()].clone(),
        Expr::Param { index, .. } => scope.params[*index as usize].clone(),
        Expr::Local { local, .. } => scope.locals[local.index()].clone(),
        Expr::Slice { arg, hi, lo } => eval(arg, scope).slice(*hi, *lo),
        Expr::Unary { op, arg } => Bits::unary(*op, &eval(arg, scope)),
        Expr::Binary { op, lhs, rhs } => Bits::binary(*op, &eval(lhs, scope), &eval(rhs, scope)),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } => eval(arg, scope).resize(*width, *is_signed),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => {
            if eval(cond, scope).is_true() {
                eval(then, scope)
            } else {
                eval(otherwise, scope)
            }
        }
        Expr::Lookahead { .. } | Expr::MathUnit { .. } | Expr::Lane(_) => {
            unreachable!("not in the test")
        }
    }
}
