//! Small programs, and what the check says about them.

use std::path::Path;

use p4rmt_source::Diagnostics;
use p4rmt_syntax::{LoadError, Loader, Options, Parsed};

/// The program under test and the core library.
struct Files<'a>(&'a str);

impl Loader for Files<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let text = match path.to_str() {
            Some("test.p4") => self.0,
            Some("/std/core.p4") => include_str!("../../../../p4src/core.p4"),
            _ => return Ok(None),
        };
        Ok(Some(text.to_owned()))
    }
}

/// The tree of a program, if the grammar takes it.
pub(crate) fn try_parse(text: &str) -> Option<Parsed> {
    let options = Options {
        include_dirs: vec!["/std".into()],
        defines: Vec::new(),
    };
    p4rmt_syntax::parse(Path::new("test.p4"), &options, &Files(text)).ok()
}

/// The tree of a program.
#[track_caller]
pub(crate) fn parse(text: &str) -> Parsed {
    try_parse(text).expect("the grammar takes it")
}

/// Errors as `line: code message`, in their order.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn errors(text: &str) -> Vec<String> {
    let parsed = parse(text);
    let (_, diagnostics) = p4rmt_typing::check(&parsed.program);
    shown(&parsed, &diagnostics)
}

/// Diagnostics as `line: code message`.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn shown(parsed: &Parsed, diagnostics: &Diagnostics) -> Vec<String> {
    let shown = diagnostics.iter().map(|diagnostic| {
        let line = parsed
            .sources
            .locate(diagnostic.span)
            .map_or(0, |location| location.line);
        format!("{line}: {} {}", diagnostic.code, diagnostic.message)
    });
    shown.collect()
}
