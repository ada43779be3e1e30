//! Graphs of a program, in the language of Graphviz.
//!
//! [`dot`] makes one graph: a cluster for each gress of each pipe, with a cluster for its parser and
//! one for its tables.
//!
//! * The parser: a node a state with what it extracts, an edge a case of its transition.
//! * The tables of a Tofino program: a node a table or condition, an edge a dependency between two of
//!   them, with its kind and the field that is behind it. What decides only whether the other runs
//!   (`control`) is dotted, what allows the same stage (`anti`) is dashed.
//! * The tables of a v1model program: a node a table or condition, an edge where one follows the other.

mod dependencies;
mod flow;
mod parser;

use std::fmt::{Display, Write};

use p4rmt_ir::{Body, Expr, Gress, GressRole, Id, Pipe};
use p4rmt_source::{Sources, Span};

use crate::Forms;

/// The graphs of a program.
#[must_use]
pub fn dot(forms: &Forms, sources: &Sources) -> String {
    let mut graph = Graph::default();
    graph.open(format_args!("digraph {}", quoted(&forms.program.name)));
    graph.line("rankdir=TB;");
    graph.line("node [shape=box, fontname=\"monospace\"];");
    graph.line("edge [fontname=\"monospace\", fontsize=10];");
    for (pipe_id, pipe) in forms.program.pipes.iter() {
        for (gress_id, gress) in pipe.gresses.iter() {
            let scope = Scope {
                prefix: format!("p{}_g{}", pipe_id.index(), gress_id.index()),
                gress,
                sources,
            };
            let role = match gress.role {
                GressRole::Ingress => "ingress",
                GressRole::Egress => "egress",
                GressRole::Whole => "packet",
            };
            let label = format!("{} {role}", pipe.name);
            graph.cluster(&scope.prefix, label.trim(), |graph| {
                let name = format!("{}_parser", scope.prefix);
                graph.cluster(&name, &gress.parser.name, |graph| {
                    parser::draw(graph, &scope);
                });
                body(graph, &scope, pipe, gress_id);
            });
        }
    }
    graph.close();
    graph.text
}

fn body(graph: &mut Graph, scope: &Scope, pipe: &Pipe, gress_id: p4rmt_ir::GressId) {
    match &scope.gress.body {
        Body::Tables(_) => {
            let name = format!("{}_tables", scope.prefix);
            graph.cluster(&name, "tables", |graph| {
                dependencies::draw(graph, scope, pipe, gress_id);
            });
        }
        Body::Structured(structured) => {
            for (idx, control) in structured.controls.iter().enumerate() {
                let name = format!("{}_control{idx}", scope.prefix);
                graph.cluster(&name, &control.name, |graph| {
                    flow::draw(graph, scope, &name, control, &structured.actions);
                });
            }
        }
    }
}

/// The gress that is drawn.
struct Scope<'a> {
    /// Begins the name of each of its nodes.
    prefix: String,
    gress: &'a Gress,
    sources: &'a Sources,
}

impl Scope<'_> {
    /// What the program says at a place, on one line, without the block that follows.
    fn words(&self, span: Span) -> String {
        let text = self.sources.text(span);
        let text = text.split_once('{').map_or(text, |(head, _)| head);
        let words: Vec<&str> = text.split_whitespace().collect();
        shortened(&words.join(" "))
    }

    /// The fields that an expression reads.
    fn reads(&self, expr: &Expr) -> String {
        let mut names: Vec<&str> = Vec::new();
        expr.walk(&mut |part| {
            if let Expr::Field(field) = part {
                let name = self.gress.fields[*field].name.as_str();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        });
        if names.is_empty() {
            "packet".to_owned()
        } else {
            names.join(" ")
        }
    }
}

/// At most sixty characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Lines of a graph, indented by the braces around them.
#[derive(Default)]
struct Graph {
    text: String,
    depth: usize,
}

impl Graph {
    fn line(&mut self, line: impl Display) {
        let indent = 2 * self.depth;
        writeln!(self.text, "{:indent$}{line}", "").expect("a string takes all that is written");
    }

    fn open(&mut self, line: impl Display) {
        self.line(format_args!("{line} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    fn cluster(&mut self, name: &str, label: &str, draw: impl FnOnce(&mut Self)) {
        self.open(format_args!(
            "subgraph {}",
            quoted(&format!("cluster_{name}"))
        ));
        self.line(format_args!("label={};", quoted(label)));
        draw(self);
        self.close();
    }

    /// A node; `style` is further attributes, each with a comma before it.
    fn node(&mut self, name: &str, label: &str, style: &str) {
        self.line(format_args!(
            "{} [label={}{style}];",
            quoted(name),
            quoted(label)
        ));
    }

    /// An edge; `style` as with nodes.
    fn edge(&mut self, from: &str, to: &str, label: &str, style: &str) {
        self.line(format_args!(
            "{} -> {} [label={}{style}];",
            quoted(from),
            quoted(to),
            quoted(label)
        ));
    }
}

/// A string as Graphviz reads it: `\n` begins a line, whatever else is itself.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
