//! The text form of the IR: the same program gives the same text, in either form of its body.
//!
//! Ids are the names; what the program calls them stands in a comment behind `//` where they are
//! declared or written. Everything else is there, so that two programs with the same text mean the
//! same. It is for reading and for snapshots; nothing parses it.

mod expr;
mod stmt;
mod unit;

use std::fmt::{self, Write};

use crate::{
    Arch, Body, ControlRole, Field, FieldKind, Gress, GressRole, Header, KeySet, Parser, Pipe,
    Program, Target, Transition,
};

/// The program as text.
#[must_use]
pub fn program_text(program: &Program) -> String {
    let mut text = Text::default();
    let arch = match program.arch {
        Arch::Tna => "tna",
        Arch::T2na => "t2na",
        Arch::V1model => "v1model",
    };
    text.line(format_args!("program {:?} for {arch}", program.name));
    text.line(format_args!("errors {}", Listed(&program.errors)));
    for (id, pipe) in program.pipes.iter() {
        text.open(format_args!("pipe {id}"), &pipe.name);
        text.pipe(pipe);
        text.close();
    }
    text.out
}

/// One gress as text.
#[must_use]
pub fn gress_text(gress: &Gress) -> String {
    let mut text = Text::default();
    text.gress(gress);
    text.out
}

/// Lines, indented by the braces around them.
#[derive(Default)]
struct Text {
    out: String,
    depth: usize,
}

impl Text {
    fn line(&mut self, line: impl fmt::Display) {
        self.commented(line, "");
    }

    /// A line with a name of the program behind it.
    fn commented(&mut self, line: impl fmt::Display, comment: &str) {
        let indent = 2 * self.depth;
        write!(self.out, "{:indent$}{line}", "").expect("a string takes all that is written");
        if !comment.is_empty() {
            // A name may come from a string of the program: keep it on its line.
            write!(self.out, "  // {}", comment.escape_debug()).expect("a string takes all");
        }
        self.out.push('\n');
    }

    fn open(&mut self, line: impl fmt::Display, comment: &str) {
        self.commented(format_args!("{line} {{"), comment);
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    fn pipe(&mut self, pipe: &Pipe) {
        for (id, gress) in pipe.gresses.iter() {
            let role = match gress.role {
                GressRole::Ingress => "ingress",
                GressRole::Egress => "egress",
                GressRole::Whole => "whole",
            };
            self.open(format_args!("{id} {role}"), "");
            self.gress(gress);
            self.close();
        }
    }

    fn gress(&mut self, gress: &Gress) {
        for (id, field) in gress.fields.iter() {
            self.field(id, field);
        }
        for (id, header) in gress.headers.iter() {
            self.header(id, header);
        }
        for (name, field) in &gress.intrinsics {
            self.commented(format_args!("intrinsic {field}"), name);
        }
        self.units(gress);
        self.parser(&gress.parser, gress);
        self.actions(gress);
        for (id, table) in gress.tables.iter() {
            self.table(id, table);
        }
        match &gress.body {
            Body::Structured(structured) => {
                for control in &structured.controls {
                    let role = match control.role {
                        ControlRole::Sole => "control",
                        ControlRole::Verify => "control verify",
                        ControlRole::Ingress => "control ingress",
                        ControlRole::Egress => "control egress",
                        ControlRole::Compute => "control compute",
                    };
                    self.open(role, &control.name);
                    self.block(&control.body, gress);
                    self.close();
                }
            }
            Body::Tables(tables) => {
                for (id, gateway) in tables.gateways.iter() {
                    self.commented(
                        format_args!("gateway {id} = {}", gateway.cond),
                        &gateway.name,
                    );
                }
                self.open("tables", "");
                self.seq(&tables.seq, gress);
                self.close();
            }
        }
        self.open("deparser", &gress.deparser.name);
        self.block(&gress.deparser.body, gress);
        self.close();
    }

    fn field(&mut self, id: impl fmt::Display, field: &Field) {
        let sign = if field.is_signed { "int" } else { "bit" };
        let width = field.width;
        let kind = match field.kind {
            FieldKind::Header(header) => format!("of {header}"),
            FieldKind::Validity(header) => format!("validity of {header}"),
            FieldKind::VarbitWidth(header) => format!("varbit width of {header}"),
            FieldKind::Metadata => "metadata".to_owned(),
            FieldKind::Intrinsic => "intrinsic".to_owned(),
            FieldKind::Local => "local".to_owned(),
        };
        self.commented(
            format_args!("field {id}: {sign}<{width}> {kind}"),
            &field.name,
        );
    }

    fn header(&mut self, id: impl fmt::Display, header: &Header) {
        let fields = Listed(&header.fields);
        let varbit = match header.varbit {
            Some((field, width)) => format!(", varbit {field} of {width} bits"),
            None => String::new(),
        };
        self.commented(
            format_args!("header {id}: {fields}, valid {}{varbit}", header.valid),
            &format!("{} {}", header.type_name, header.name),
        );
    }

    fn parser(&mut self, parser: &Parser, gress: &Gress) {
        self.open(format_args!("parser from {}", parser.start), &parser.name);
        for (id, state) in parser.states.iter() {
            self.open(format_args!("state {id}"), &state.name);
            self.block(&state.body, gress);
            match &state.transition {
                Transition::Goto(target) => self.line(format_args!("goto {}", Goal(*target))),
                Transition::Select { keys, cases } => {
                    self.open(format_args!("select {}", Listed(keys)), "");
                    for case in cases {
                        let target = Goal(case.target);
                        self.line(format_args!("{} => {target}", Listed(&case.keysets)));
                    }
                    self.close();
                }
            }
            self.close();
        }
        self.close();
    }
}

/// Elements in brackets.
struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (position, item) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{item}")?;
        }
        f.write_str("]")
    }
}

/// Where a transition leads.
struct Goal(Target);

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Target::State(state) => write!(f, "{state}"),
            Target::Accept => f.write_str("accept"),
            Target::Reject => f.write_str("reject"),
        }
    }
}

impl fmt::Display for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("_"),
            Self::Exact(value) => write!(f, "{value}"),
            Self::Mask { value, mask } => write!(f, "{value} &&& {mask}"),
            Self::Range { lo, hi } => write!(f, "{lo}..{hi}"),
            Self::ValueSet(set) => write!(f, "{set}"),
        }
    }
}
