//! What each fuzz target does with its bytes. Whatever they are, nothing may panic, hang or take much
//! memory; what is refused has a message; what is accepted means the same when it is written out
//! again.

use std::path::Path;

use p4rmt_driver::{Lowered, Options, check, emit};
use p4rmt_pipeline::CaptureReader;
use p4rmt_source::Severity;
use p4rmt_syntax::{LoadError, Loader};

/// One file, beside those that are built in.
struct OneFile<'a>(&'a str);

impl Loader for OneFile<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("main.p4")).then(|| self.0.to_owned()))
    }
}

/// The front end: preprocess, parse, check, lower; then the same with what it emits.
pub fn front_end(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let checked = match check("main.p4".as_ref(), &Options::default(), &OneFile(text)) {
        Ok(checked) => checked,
        Err(rejected) => {
            let is_error = |severity| severity == Severity::Error;
            assert!(
                rejected.diagnostics.iter().any(|found| is_error(found.severity)),
                "what is refused is refused for a reason"
            );
            for diagnostic in &rejected.diagnostics {
                assert_ne!(
                    diagnostic.code,
                    p4rmt_driver::INTERNAL_ERROR,
                    "{}",
                    diagnostic.message
                );
                assert!(!rejected.sources.render(diagnostic, false).is_empty());
            }
            return;
        }
    };
    let again = emit::p4(&checked);
    let again = check("main.p4".as_ref(), &Options::default(), &OneFile(&again));
    let again = again.unwrap_or_else(|rejected| {
        let shown: Vec<_> = rejected
            .diagnostics
            .iter()
            .map(|found| rejected.sources.render(found, false))
            .collect();
        panic!("what is emitted is refused:\n{}", shown.join("\n"))
    });
    if let (Lowered::Forms(one), Lowered::Forms(other)) = (&checked.lowered, &again.lowered) {
        for form in [emit::Form::Structured, emit::Form::Tables] {
            assert_eq!(emit::ir(one, form), emit::ir(other, form));
        }
        assert!(emit::dot::dot(one, &checked.sources).starts_with("digraph"));
    }
}

/// The reader of packet vectors.
pub fn vector(bytes: &[u8]) {
    if let Err(errors) = p4rmt_stf::parse_bytes("fuzz.stf", bytes) {
        assert!(!errors.is_empty(), "what is refused is refused for a reason");
    }
}

/// The reader of captures.
pub fn capture(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::new(bytes) else {
        return;
    };
    while let Ok(Some(packet)) = reader.next_packet() {
        assert!(packet.bytes.len() <= bytes.len());
    }
    assert!(reader.offset() <= bytes.len() as u64);
}
