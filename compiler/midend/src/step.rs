//! Statements that become one parallel action.
//!
//! A [`Step`] takes statements in the order of the program and keeps, for each field, its value over
//! what fields held before the first of them ([`Values`]). Results of calls become locals. The end
//! is a [`ParallelAction`] that does the same at once.

use indexmap::IndexSet;
use p4rmt_ir::{
    Arena, BinaryOp, Bits, Call, CallKind, Expr, FieldId, Hash, HashAlgorithm, HashId, Local,
    LocalId, ParallelAction, Param, Place, RegisterAction, RegisterActionId, Stmt, StmtKind,
};
use p4rmt_source::Span;

use crate::divide::HASHED_BITS_MAX;
use crate::simplify::{Fields, is_arrangement, is_one_operation, is_operand, simplified};
use crate::symbolic::{TooLarge, Values};

/// What a step looks up.
#[derive(Clone, Copy)]
pub(crate) struct Units<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) register_actions: &'a Arena<RegisterActionId, RegisterAction>,
    pub(crate) hashes: &'a Arena<HashId, Hash>,
}

/// Statements so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) values: Values,
    locals: Arena<LocalId, Local>,
    calls: Vec<(Call, Span)>,
}

/// Why a statement cannot be part of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfit {
    /// A value depends on too much.
    TooLarge,
    /// A register action reads this field, which was written before.
    ReadsWritten(FieldId),
    /// One action unit could do the statement by itself, but not with what went before.
    NotAtOnce,
}

impl From<TooLarge> for Unfit {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl Step {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.calls.is_empty()
    }

    /// Adds an assignment.
    pub(crate) fn assign(
        &mut self,
        dst: &Place,
        value: &Expr,
        span: Span,
        units: Units<'_>,
    ) -> Result<(), Unfit> {
        let value = self.values.over_entry(value.clone(), units.fields)?;
        self.values.write(dst, value, span, units.fields);
        Ok(())
    }

    /// Adds a call.
    pub(crate) fn call(&mut self, call: &Call, span: Span, units: Units<'_>) -> Result<(), Unfit> {
        self.check_reads(call, units)?;
        let mut call = call.clone();
        for arg in call.args_mut() {
            *arg = self.values.over_entry(arg.clone(), units.fields)?;
        }
        let is_identity = |hash: HashId| units.hashes[hash].algorithm == HashAlgorithm::Identity;
        if let CallKind::Hash { hash, args } = &mut call.kind
            && is_identity(*hash)
        {
            for arg in &mut *args {
                *arg = self.before_identities(arg.clone(), units);
            }
            // No crossbar carries parameters and results of calls: an action ALU takes them as they are.
            if args.iter().any(has_data) {
                let value = identity(args, units.hashes[*hash].width, units);
                for dst in call.outs.iter().flatten() {
                    self.values.write(dst, value.clone(), span, units.fields);
                }
                return Ok(());
            }
        }
        self.add_call(call, span, units);
        Ok(())
    }

    /// A value with what identity hashes took in the place of their results.
    fn before_identities(&self, value: Expr, units: Units<'_>) -> Expr {
        if let Expr::Local { local, .. } = value {
            let gives = |call: &Call| call.outs.contains(&Some(Place::Local(local)));
            let call = self.calls.iter().find(|(call, _)| gives(call));
            if let Some(CallKind::Hash { hash, args }) = call.map(|(call, _)| &call.kind)
                && units.hashes[*hash].algorithm == HashAlgorithm::Identity
            {
                return identity(args, units.hashes[*hash].width, units);
            }
        }
        value.map_args(&mut |arg| self.before_identities(arg, units))
    }

    /// Adds an assignment or call if all of them together remain what one set of action units can
    /// do at once; `Unfit` and unchanged if not. A value that nothing before changes is taken
    /// whatever it is: no other place suits it better.
    pub(crate) fn join(&mut self, stmt: &Stmt, units: Units<'_>) -> Result<(), Unfit> {
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let plain = simplified(value.clone(), units.fields);
                let joined = self.values.over_entry(plain.clone(), units.fields)?;
                if joined != plain && !is_one_operation(&joined) {
                    return Err(Unfit::NotAtOnce);
                }
                self.values.write(dst, joined, stmt.span, units.fields);
                Ok(())
            }
            StmtKind::Call(call) => {
                self.check_reads(call, units)?;
                if has_memory(&call.kind)
                    && self.calls.iter().any(|(call, _)| has_memory(&call.kind))
                {
                    return Err(Unfit::NotAtOnce);
                }
                let calls = self.calls.iter().map(|(call, _)| call).chain([call]);
                if calls.map(|call| hashed_bits(call, units)).sum::<u32>() > HASHED_BITS_MAX {
                    return Err(Unfit::NotAtOnce);
                }
                let mut joined = call.clone();
                for arg in joined.args_mut() {
                    let plain = simplified(arg.clone(), units.fields);
                    *arg = self.values.over_entry(plain.clone(), units.fields)?;
                    if *arg != plain && !self.suits(&call.kind, arg) {
                        return Err(Unfit::NotAtOnce);
                    }
                }
                self.add_call(joined, stmt.span, units);
                Ok(())
            }
            _ => Err(Unfit::NotAtOnce),
        }
    }

    /// Whether a unit can take this argument from the crossbars of a stage.
    fn suits(&self, kind: &CallKind, arg: &Expr) -> bool {
        let mut from_memory = false;
        arg.walk(&mut |part| {
            if let Expr::Local { local, .. } = part {
                from_memory |= !self.is_hash(*local);
            }
        });
        match kind {
            CallKind::Hash { .. } => {
                let mut from_call = false;
                arg.walk(&mut |part| from_call |= matches!(part, Expr::Local { .. }));
                is_arrangement(arg) && !from_call
            }
            _ => is_operand(arg) && !from_memory,
        }
    }

    /// Whether the local holds the result of a hash.
    fn is_hash(&self, local: LocalId) -> bool {
        self.calls.iter().any(|(call, _)| {
            matches!(call.kind, CallKind::Hash { .. })
                && call.outs.contains(&Some(Place::Local(local)))
        })
    }

    fn check_reads(&self, call: &Call, units: Units<'_>) -> Result<(), Unfit> {
        let CallKind::RegisterAction { action, .. } = call.kind else {
            return Ok(());
        };
        let written = fields_read(&units.register_actions[action])
            .into_iter()
            .find(|field| self.values.is_written(*field));
        match written {
            Some(field) => Err(Unfit::ReadsWritten(field)),
            None => Ok(()),
        }
    }

    /// Adds a call over entry values; its results become locals, and the places hold those.
    fn add_call(&mut self, mut call: Call, span: Span, units: Units<'_>) {
        let fields = units.fields;
        let mut results = Vec::new();
        for out in &mut call.outs {
            let Some(dst) = out.take() else { continue };
            let (name, width) = match dst {
                Place::Field(field) => (fields[field].name.clone(), fields[field].width),
                Place::FieldSlice { field, hi, lo } => (fields[field].name.clone(), hi - lo + 1),
                Place::Local(_) | Place::LocalSlice { .. } => continue,
            };
            let local = self.locals.push(Local { name, width });
            *out = Some(Place::Local(local));
            results.push((dst, Expr::Local { local, width }));
        }
        self.calls.push((call, span));
        for (dst, value) in results {
            self.values.write(&dst, value, span, fields);
        }
    }

    /// The action that does it all at once.
    pub(crate) fn into_action(
        self,
        name: String,
        params: Vec<Param>,
        exits: bool,
        span: Span,
        fields: &Fields,
    ) -> ParallelAction {
        ParallelAction {
            name,
            params,
            locals: self.locals,
            calls: self.calls,
            assigns: self.values.into_assigns(fields),
            exits,
            span,
        }
    }
}

/// Whether the call changes or reads memory that outlives the packet.
pub(crate) fn has_memory(kind: &CallKind) -> bool {
    match kind {
        CallKind::RegisterAction { .. }
        | CallKind::RegisterRead { .. }
        | CallKind::RegisterWrite { .. }
        | CallKind::Count { .. }
        | CallKind::Meter { .. }
        | CallKind::Filter { .. } => true,
        CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => false,
    }
}

/// The fields that a register action reads.
pub(crate) fn fields_read(action: &RegisterAction) -> IndexSet<FieldId> {
    let mut read = IndexSet::new();
    let mut visit = |expr: &Expr| {
        if let Expr::Field(field) = expr {
            read.insert(*field);
        }
    };
    let mut blocks = vec![&action.body];
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign { value, .. } => value.walk(&mut visit),
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    cond.walk(&mut visit);
                    blocks.extend([then, otherwise]);
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => blocks.push(body),
                StmtKind::Call(call) => call.args().iter().for_each(|arg| arg.walk(&mut visit)),
                StmtKind::Apply { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => {}
            }
        }
    }
    read
}

/// Bits that a call takes of what a stage can give to actions as hashes.
fn hashed_bits(call: &Call, units: Units<'_>) -> u32 {
    match call.kind {
        CallKind::Hash { hash, .. } => units.hashes[hash].width.next_multiple_of(8),
        _ => 0,
    }
}

/// Whether an expression has more in it than fields.
fn has_data(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part| found |= matches!(part, Expr::Param { .. } | Expr::Local { .. }));
    found
}

/// What an identity hash gives.
fn identity(args: &[Expr], width: u32, units: Units<'_>) -> Expr {
    let concat = |high, low| Expr::binary(BinaryOp::Concat, high, low);
    let whole = args.iter().cloned().reduce(concat);
    let whole = whole.unwrap_or_else(|| Expr::Const(Bits::zero(width)));
    simplified(Expr::resize(whole, width, false), units.fields)
}
