//! The program as P4 again, in one file that compiles by itself.
//!
//! Files that come with p4rmt stay what they are: `#include` lines at the top, behind the macros by
//! which the program chose their form. All else that was included stands in its place, macros
//! replaced, comments gone.
//!
//! When a file of the program's own took the place of one that such a file includes (`-I`), there is
//! no line that would bring it again, and everything stands in its place.

use std::fmt::Write;

use p4rmt_source::{FileId, Origin, Sources};
use p4rmt_syntax::{ast, print};

use crate::Checked;
use crate::load::BUILTIN_DIR;

/// A checked program as P4.
#[must_use]
pub fn p4(checked: &Checked) -> String {
    let sources = &checked.sources;
    let kept = kept_includes(sources);
    let mut text = String::new();
    if let Some(kept) = &kept {
        let mut settings: Vec<_> = checked.settings.iter().collect();
        settings.retain(|setting| {
            is_builtin(sources, setting.tested_in)
                && !setting
                    .defined_in
                    .is_some_and(|file| is_builtin(sources, file))
        });
        settings.dedup_by_key(|setting| (&setting.name, &setting.value));
        for setting in settings {
            writeln!(text, "#define {} {}", setting.name, setting.value)
                .expect("a string takes all that is written");
        }
        for name in kept {
            writeln!(text, "#include <{name}>").expect("a string takes all that is written");
        }
    }
    let is_inlined = |declaration: &&ast::Declaration| {
        let file = sources
            .file_range(declaration.span)
            .map(|(file, _, _)| file);
        kept.is_none() || !file.is_some_and(|file| is_builtin(sources, file))
    };
    let own = ast::Program {
        declarations: checked
            .syntax
            .declarations
            .iter()
            .filter(is_inlined)
            .cloned()
            .collect(),
    };
    if !text.is_empty() && !own.declarations.is_empty() {
        text.push('\n');
    }
    text.push_str(&print(&own));
    text
}

/// The built-in files that files of the program include, in order; `None` if one of them includes
/// a file of the program.
fn kept_includes(sources: &Sources) -> Option<Vec<String>> {
    let mut kept = Vec::new();
    let mut entered = vec![false; sources.files().len()];
    let mut before: Option<FileId> = None;
    for segment in sources.segments() {
        let (Origin::File { file, .. } | Origin::Macro { file, .. }) = segment.origin;
        let is_first = entered
            .get_mut(file.0 as usize)
            .is_some_and(|entered| !std::mem::replace(entered, true));
        let comes_from_builtin = before.is_some_and(|before| is_builtin(sources, before));
        match (is_builtin(sources, file), comes_from_builtin) {
            (true, false) => {
                let name = builtin_name(sources, file)?;
                if !kept.contains(&name) {
                    kept.push(name);
                }
            }
            (false, true) if is_first => return None,
            (true, true) | (false, true | false) => {}
        }
        before = Some(file);
    }
    Some(kept)
}

fn is_builtin(sources: &Sources, file: FileId) -> bool {
    sources
        .file(file)
        .is_some_and(|file| file.path.starts_with(BUILTIN_DIR))
}

/// The name by which a built-in file is included.
fn builtin_name(sources: &Sources, file: FileId) -> Option<String> {
    let path = &sources.file(file)?.path;
    let name = path.strip_prefix(BUILTIN_DIR).ok()?.to_str()?;
    Some(name.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use p4rmt_syntax::{LoadError, Loader};

    use crate::{Options, check, emit};

    /// Files by name.
    struct Files(&'static [(&'static str, &'static str)]);

    impl Loader for Files {
        fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
            let found = self.0.iter().find(|(name, _)| Path::new(name) == path);
            Ok(found.map(|(_, text)| (*text).to_owned()))
        }
    }

    #[track_caller]
    fn check_emitted(
        files: &'static [(&'static str, &'static str)],
        options: &Options,
        expected: &str,
    ) {
        let checked = check("main.p4".as_ref(), options, &Files(files));
        let checked = checked.unwrap_or_else(|rejected| panic!("{:?}", rejected.diagnostics));
        assert_eq!(emit::p4(&checked), expected);
    }

    #[test]
    fn own_includes_are_inlined_and_built_in_ones_kept() {
        check_emitted(
            &[
                (
                    "main.p4",
                    "#include <core.p4>\n#include \"part.p4\"\nconst bit<8> b = WIDE + a;\n",
                ),
                (
                    "part.p4",
                    "#include <core.p4>\n#define WIDE 8\nconst bit<WIDE> a = 1;\n",
                ),
            ],
            &Options::default(),
            "#include <core.p4>\n\nconst bit<8> a = 1;\nconst bit<8> b = 8 + a;\n",
        );
    }

    #[test]
    fn macros_that_choose_a_form_are_kept() {
        let options = Options {
            defines: vec![("UNSEEN".to_owned(), None)],
            ..Options::default()
        };
        check_emitted(
            &[(
                "main.p4",
                "#define UBPF_MODEL_VERSION 20190101\n#include <ubpf_model.p4>\n#ifdef UNSEEN\nconst bit<8> a = 1;\n#endif\n",
            )],
            &options,
            "#define UBPF_MODEL_VERSION 20190101\n#include <ubpf_model.p4>\n\nconst bit<8> a = 1;\n",
        );
    }

    #[test]
    fn built_in_file_that_reads_one_of_the_program_is_inlined() {
        let options = Options {
            include_dirs: vec!["own".into()],
            ..Options::default()
        };
        let files = &[
            ("main.p4", "#include <ebpf_model.p4>\n"),
            (
                "own/core.p4",
                "extern packet_in { void extract<T>(out T hdr); }\n",
            ),
        ];
        let checked = check("main.p4".as_ref(), &options, &Files(files));
        let checked = checked.unwrap_or_else(|rejected| panic!("{:?}", rejected.diagnostics));
        let text = emit::p4(&checked);
        assert!(text.starts_with("extern packet_in {"), "{text}");
        assert!(text.contains("package ebpfFilter<H>"), "{text}");
    }
}
