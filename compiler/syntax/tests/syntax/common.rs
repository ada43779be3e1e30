//! Parsing from memory, for the tests of this crate.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use p4rmt_syntax::{LoadError, Loader, Options, Parsed, Rejected, parse};

/// The fixture with one of each construct.
pub(crate) const EVERYTHING: &str = include_str!("fixtures/everything.p4");

/// Enough of a core for the fixtures.
const CORE: &str = "error { NoError }
extern packet_in { void extract<T>(out T h); T lookahead<T>(); }
action NoAction() { }
match_kind { exact, ternary, lpm }
";

/// Files in memory; `main.p4` is the program.
pub(crate) struct Files(pub(crate) HashMap<PathBuf, String>);

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self(
            files
                .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
                .collect(),
        )
    }

    pub(crate) fn parse(&self) -> Result<Parsed, Box<Rejected>> {
        let options = Options {
            include_dirs: vec![PathBuf::from("include")],
            defines: vec![
                ("GIVEN".to_owned(), None),
                ("SEVEN".to_owned(), Some("7".to_owned())),
            ],
        };
        parse(Path::new("main.p4"), &options, self)
    }
}

impl Loader for Files {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        if path.ends_with("not_text.p4") {
            return Err(LoadError::NotText);
        }
        Ok(self.0.get(path).cloned())
    }
}

/// Parses one text, with `core.p4` at hand.
pub(crate) fn parse_text(text: &str) -> Result<Parsed, Box<Rejected>> {
    Files::new(&[("main.p4", text), ("include/core.p4", CORE)]).parse()
}

/// All complaints about a refused program, rendered.
pub(crate) fn render(rejected: &Rejected) -> String {
    let rendered: Vec<String> = rejected
        .diagnostics
        .iter()
        .map(|diagnostic| rejected.sources.render(diagnostic, false))
        .collect();
    rendered.join("\n\n")
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}
