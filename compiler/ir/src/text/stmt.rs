//! Statements, calls and the control flow of tables as text.

use std::fmt;

use super::{Listed, Text};
use crate::{
    Block, Call, CallKind, ChecksumOp, ClaimKind, Cloned, Datum, Expr, Gress, Node, Outcome, Place,
    Seq, StmtKind, Tables, V1Call,
};

impl Text {
    pub(super) fn block(&mut self, block: &Block, gress: &Gress) {
        for stmt in block {
            self.stmt(&stmt.kind, gress);
        }
    }

    fn stmt(&mut self, stmt: &StmtKind, gress: &Gress) {
        match stmt {
            StmtKind::Assign { dst, value } => self.assign(dst, value, gress),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.open(format_args!("if {cond}"), "");
                self.block(then, gress);
                if !otherwise.is_empty() {
                    self.reopen("else");
                    self.block(otherwise, gress);
                }
                self.close();
            }
            StmtKind::Apply { table, arms } => {
                let name = gress.tables.get(*table).map_or("", |table| &table.name);
                if arms.is_empty() {
                    return self.commented(format_args!("apply {table}"), name);
                }
                self.open(format_args!("apply {table}"), name);
                for arm in arms {
                    self.open(format_args!("on {}", arm.on), "");
                    self.block(&arm.body, gress);
                    self.close();
                }
                self.close();
            }
            StmtKind::Call(call) => self.call(call, gress),
            StmtKind::Labeled { label, body } => {
                self.open(format_args!("{label}:"), "");
                self.block(body, gress);
                self.close();
            }
            StmtKind::Loop { label, body } => {
                self.open(format_args!("{label}: loop"), "");
                self.block(body, gress);
                self.close();
            }
            StmtKind::Leave(label) => self.line(format_args!("leave {label}")),
            StmtKind::Exit => self.line("exit"),
            StmtKind::Extract {
                header,
                varbit_bits,
            } => {
                let name = gress.headers.get(*header).map_or("", |header| &header.name);
                match varbit_bits {
                    Some(bits) => {
                        self.commented(format_args!("extract {header} varbit {bits}"), name);
                    }
                    None => self.commented(format_args!("extract {header}"), name),
                }
            }
            StmtKind::Advance { bits } => self.line(format_args!("advance {bits}")),
            StmtKind::Verify { cond, error } => {
                self.line(format_args!("verify {cond} else {error}"));
            }
            StmtKind::Emit { header } => {
                let name = gress.headers.get(*header).map_or("", |header| &header.name);
                self.commented(format_args!("emit {header}"), name);
            }
        }
    }

    fn reopen(&mut self, line: &str) {
        self.depth -= 1;
        self.open(format_args!("}} {line}"), "");
    }

    pub(super) fn assign(&mut self, dst: &Place, value: &Expr, gress: &Gress) {
        let name = field_name(dst, gress);
        self.commented(format_args!("{dst} = {value}"), name);
    }

    pub(super) fn call(&mut self, call: &Call, gress: &Gress) {
        let names: Vec<&str> = call
            .outs
            .iter()
            .flatten()
            .map(|out| field_name(out, gress))
            .filter(|name| !name.is_empty())
            .collect();
        self.commented(call, &names.join(", "));
    }

    pub(super) fn seq(&mut self, seq: &Seq, gress: &Gress) {
        for node in seq {
            match node {
                Node::Table { table, arms } => {
                    let name = gress.tables.get(*table).map_or("", |table| &table.name);
                    if arms.is_empty() {
                        self.commented(table, name);
                        continue;
                    }
                    self.open(table, name);
                    for (on, arm) in arms {
                        self.open(format_args!("on {on}"), "");
                        self.seq(arm, gress);
                        self.close();
                    }
                    self.close();
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let gateways = gress.as_tables().map(|Tables { gateways, .. }| gateways);
                    let name = gateways
                        .and_then(|gateways| gateways.get(*gateway))
                        .map_or("", |gateway| &gateway.name);
                    self.open(format_args!("if {gateway}"), name);
                    self.seq(then, gress);
                    if !otherwise.is_empty() {
                        self.reopen("else");
                        self.seq(otherwise, gress);
                    }
                    self.close();
                }
            }
        }
    }
}

/// What the program calls the field that is written.
fn field_name<'a>(dst: &Place, gress: &'a Gress) -> &'a str {
    dst.field()
        .and_then(|field| gress.fields.get(field))
        .map_or("", |field| &field.name)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit => f.write_str("hit"),
            Self::Miss => f.write_str("miss"),
            Self::Action(action) => write!(f, "{action}"),
            Self::Otherwise => f.write_str("otherwise"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.outs.is_empty() {
            for (position, out) in self.outs.iter().enumerate() {
                let comma = if position == 0 { "" } else { ", " };
                match out {
                    Some(out) => write!(f, "{comma}{out}")?,
                    None => write!(f, "{comma}_")?,
                }
            }
            f.write_str(" = ")?;
        }
        write!(f, "{}", self.kind)
    }
}

/// An index in brackets; `[entry]` for that of the entry.
struct At<'a>(&'a Option<Expr>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(index) => write!(f, "[{index}]"),
            None => f.write_str("[entry]"),
        }
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterAction { action, index } => write!(f, "run {action}{}", At(index)),
            Self::RegisterRead { register, index } => write!(f, "read {register}[{index}]"),
            Self::RegisterWrite {
                register,
                index,
                values,
            } => write!(f, "write {register}[{index}] = {}", Listed(values)),
            Self::Count { counter, index } => write!(f, "count {counter}{}", At(index)),
            Self::Meter {
                meter,
                index,
                color,
            } => {
                write!(f, "meter {meter}{}", At(index))?;
                match color {
                    Some(color) => write!(f, " from {color}"),
                    None => Ok(()),
                }
            }
            Self::Filter {
                meter,
                index,
                value,
            } => write!(f, "filter {value} by {meter}{}", At(index)),
            Self::Hash { hash, args } => write!(f, "{hash}{}", Listed(args)),
            Self::Random { random } => write!(f, "draw {random}"),
            Self::Checksum { unit, op, args } => {
                let op = match op {
                    ChecksumOp::Add => "add",
                    ChecksumOp::Subtract => "subtract",
                    ChecksumOp::Verify => "verify",
                    ChecksumOp::Get => "get",
                    ChecksumOp::Update {
                        zeros_as_ones: false,
                    } => "update",
                    ChecksumOp::Update {
                        zeros_as_ones: true,
                    } => "update-nonzero",
                    ChecksumOp::SubtractAllAndDeposit => "subtract-all-and-deposit",
                };
                write!(f, "{unit} {op} {}", Listed(args))
            }
            Self::Mirror {
                mirror_type,
                session,
                header,
            } => {
                f.write_str("mirror")?;
                if let Some(mirror_type) = mirror_type {
                    write!(f, " type {mirror_type}")?;
                }
                write!(f, " to {session} with {}", Listed(header))
            }
            Self::Resubmit {
                resubmit_type,
                header,
            } => {
                f.write_str("resubmit")?;
                if let Some(resubmit_type) = resubmit_type {
                    write!(f, " type {resubmit_type}")?;
                }
                write!(f, " with {}", Listed(header))
            }
            Self::Generate { header } => write!(f, "generate with {}", Listed(header)),
            Self::Digest {
                digest,
                receiver,
                fields,
            } => {
                write!(f, "send {digest}")?;
                if let Some(receiver) = receiver {
                    write!(f, " to {receiver}")?;
                }
                write!(f, " {}", Listed(fields))
            }
            Self::V1(call) => write!(f, "{call}"),
        }
    }
}

impl fmt::Display for V1Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clone { of, session, kept } => {
                let of = match of {
                    Cloned::Received => "received",
                    Cloned::Deparsed => "deparsed",
                };
                write!(f, "clone {of} to {session} keeping {}", Listed(kept))
            }
            Self::Resubmit { kept } => write!(f, "resubmit keeping {}", Listed(kept)),
            Self::Recirculate { kept } => write!(f, "recirculate keeping {}", Listed(kept)),
            Self::Truncate { length } => write!(f, "truncate to {length}"),
            Self::Hash {
                hash,
                data,
                with_payload,
            } => {
                let payload = if *with_payload { " and payload" } else { "" };
                write!(f, "{hash} over {}{payload}", Listed(data))
            }
            Self::Log { format, values } => write!(f, "log {format:?} {}", Listed(values)),
            Self::Claim { kind, cond } => {
                let kind = match kind {
                    ClaimKind::Assert => "assert",
                    ClaimKind::Assume => "assume",
                };
                write!(f, "{kind} {cond}")
            }
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Varbit { field, width } => write!(f, "varbit {field} of {width} bits"),
        }
    }
}
