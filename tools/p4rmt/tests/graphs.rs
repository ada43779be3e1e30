//! The graphs that `p4rmt emit --to dot` writes: well formed, and with what they are about in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn emitted(program: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_p4rmt"))
        .args(["emit", program, "--to", "dot"])
        .current_dir(root())
        .output()
        .expect("the command was built");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// A word of the language of Graphviz.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Id(String),
    Sign(&'static str),
}

/// The words of a graph; panics at what is none.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let signs = ["->", "{", "}", "[", "]", ";", ",", "="];
        let length = if let Some(sign) = signs.into_iter().find(|sign| rest.starts_with(sign)) {
            words.push(Word::Sign(sign));
            sign.len()
        } else if first == '"' {
            let mut is_escaped = false;
            let end = rest[1..]
                .find(|c| match c {
                    _ if is_escaped => {
                        is_escaped = false;
                        false
                    }
                    '\\' => {
                        is_escaped = true;
                        false
                    }
                    c => c == '"',
                })
                .expect("a string has an end");
            words.push(Word::Id(rest[1..=end].to_owned()));
            end + 2
        } else {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            assert!(length > 0, "`{first}` begins no word");
            words.push(Word::Id(rest[..length].to_owned()));
            length
        };
        rest = rest[length..].trim_start();
    }
    words
}

/// A graph that was read: its clusters, the labels of its nodes, its edges.
#[derive(Debug, Default)]
struct Read {
    clusters: Vec<String>,
    nodes: BTreeSet<String>,
    labels: Vec<String>,
    edges: Vec<(String, String)>,
}

/// Reads a graph by the grammar of Graphviz, as far as ours go.
struct Reader {
    words: Vec<Word>,
    at: usize,
    read: Read,
}

impl Reader {
    fn is(&mut self, sign: &'static str) -> bool {
        let is_it = self.words.get(self.at) == Some(&Word::Sign(sign));
        self.at += usize::from(is_it);
        is_it
    }

    #[track_caller]
    fn expect(&mut self, sign: &'static str) {
        assert!(
            self.is(sign),
            "expected `{sign}`, found {:?}",
            self.words.get(self.at)
        );
    }

    #[track_caller]
    fn id(&mut self) -> String {
        match self.words.get(self.at) {
            Some(Word::Id(id)) => {
                self.at += 1;
                id.clone()
            }
            other => panic!("expected a name, found {other:?}"),
        }
    }

    fn statements(&mut self) {
        self.expect("{");
        while !self.is("}") {
            let id = self.id();
            if id == "subgraph" {
                let name = self.id();
                self.read.clusters.push(name);
                self.statements();
                continue;
            }
            let is_default = id == "node" || id == "edge";
            if self.is("=") {
                self.id();
            } else if self.is("->") {
                let to = self.id();
                self.read.edges.push((id, to));
                self.attributes();
            } else {
                let label = self.attributes();
                if !is_default {
                    assert!(self.read.nodes.insert(id.clone()), "`{id}` is drawn twice");
                    self.read.labels.push(label);
                }
            }
            self.expect(";");
        }
    }

    /// `[a=b, c=d]`; the label.
    fn attributes(&mut self) -> String {
        let mut label = String::new();
        self.expect("[");
        loop {
            let name = self.id();
            self.expect("=");
            let value = self.id();
            if name == "label" {
                label = value;
            }
            if !self.is(",") {
                self.expect("]");
                return label;
            }
        }
    }
}

#[track_caller]
fn read(text: &str) -> Read {
    let mut reader = Reader {
        words: words(text),
        at: 0,
        read: Read::default(),
    };
    assert_eq!(reader.id(), "digraph");
    reader.id();
    reader.statements();
    assert_eq!(reader.at, reader.words.len(), "nothing follows the graph");
    for (from, to) in &reader.read.edges {
        for end in [from, to] {
            assert!(
                reader.read.nodes.contains(end),
                "nothing is drawn for `{end}`"
            );
        }
    }
    reader.read
}

#[track_caller]
fn has_label(graph: &Read, part: &str) {
    let found = graph.labels.iter().any(|label| label.contains(part));
    assert!(found, "no `{part}` in {:?}", graph.labels);
}

#[test]
fn tofino_program_has_parsers_and_dependencies() {
    let text = emitted("laminar.p4");
    let graph = read(&text);
    assert_eq!(
        graph.clusters,
        [
            "cluster_p0_g0",
            "cluster_p0_g0_parser",
            "cluster_p0_g0_tables",
            "cluster_p0_g1",
            "cluster_p0_g1_parser",
            "cluster_p0_g1_tables"
        ]
    );
    has_label(&graph, "extract hdr.ethernet");
    has_label(&graph, "select (");
    for kind in ["match", "action", "control"] {
        assert!(text.contains(&format!("label=\"{kind}")), "{kind}");
    }
    assert!(graph.edges.len() > 50);
}

#[test]
fn v1model_program_has_its_controls_in_order() {
    let text = emitted("testvectors/v1model/priorities.p4");
    let graph = read(&text);
    assert!(graph.clusters.len() > 3, "{:?}", graph.clusters);
    has_label(&graph, "begin");
    has_label(&graph, "end");
    has_label(&graph, "accept");
}

/// Where Graphviz is installed it draws them too.
#[test]
fn graphviz_draws_them() {
    let mut n_drawn = 0;
    for program in ["laminar.p4", "p4src/examples/tiny.p4"] {
        let graph = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(graph.path(), emitted(program)).expect("it is written");
        let drawn = Command::new("dot")
            .args(["-Tsvg", "-o", "/dev/null"])
            .arg(graph.path())
            .stderr(Stdio::piped())
            .output();
        match drawn {
            Ok(drawn) => {
                let errors = String::from_utf8_lossy(&drawn.stderr);
                assert!(drawn.status.success(), "{program}: {errors}");
                n_drawn += 1;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("dot: {error}"),
        }
    }
    println!("graphs drawn by Graphviz: {n_drawn} of 2 (not counted as a failure without it)");
}
