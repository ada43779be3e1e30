//! Where files come from: the disk, and the declarations that are built in.

use std::io;
use std::path::{Component, Path, PathBuf};

use p4rmt_source::{Sources, Span};
use p4rmt_syntax::{LoadError, Loader};
use p4rmt_typing::Origin;

/// The folder, on no disk, of the files that are built in. It is searched after every `-I`.
pub(crate) const BUILTIN_DIR: &str = "<p4rmt>";

macro_rules! builtin_files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../p4src/", $name)))),*]
    };
}

/// The standard interfaces, as `p4src/` declares them.
const BUILTIN_FILES: &[(&str, &str)] = builtin_files! {
    "core.p4"
    "tna.p4"
    "t2na.p4"
    "v1model.p4"
    "tofino/externs.p4"
    "tofino/metadata.p4"
    "tofino/register_actions2.p4"
    "tofino/types.p4"
    "psa.p4"
    "bmv2/psa.p4"
    "dpdk/psa.p4"
    "psa/types.p4"
    "pna.p4"
    "bmv2/pna.p4"
    "dpdk/pna.p4"
    "tc/pna.p4"
    "pna/annotations.p4"
    "pna/externs.p4"
    "pna/four_blocks.p4"
    "pna/ipsec.p4"
    "pna/tc_metadata.p4"
    "pna/three_blocks.p4"
    "pna/types.p4"
    "ebpf_model.p4"
    "ubpf_model.p4"
    "xdp_model.p4"
};

/// Reads files from the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskLoader;

impl Loader for DiskLoader {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        if path.is_dir() {
            return Ok(None);
        }
        match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(LoadError::NotText),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LoadError::Refused {
                reason: error.to_string(),
            }),
        }
    }
}

/// Reads what is built in, and everything else through another loader.
pub(crate) struct WithBuiltin<'a> {
    /// The other loader.
    pub(crate) other: &'a dyn Loader,
}

impl Loader for WithBuiltin<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let Ok(name) = path.strip_prefix(BUILTIN_DIR) else {
            return self.other.load(path);
        };
        let name = without_steps_back(name);
        let file = BUILTIN_FILES
            .iter()
            .find(|(builtin, _)| Path::new(builtin) == name);
        Ok(file.map(|(_, text)| (*text).to_owned()))
    }
}

/// The path without `..`, which no disk is asked about.
fn without_steps_back(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                plain.push(component);
            }
        }
    }
    plain
}

/// Where a piece of the text of the program in the file `main` comes from.
pub(crate) fn origin(sources: &Sources, main: &Path, span: Span) -> Origin {
    let file = sources
        .file_range(span)
        .and_then(|(id, _, _)| sources.file(id));
    match file {
        Some(file) if file.path == main => Origin::Program,
        // A file of another's declarations stands in for ours.
        Some(file) if !is_standard(&file.path) => Origin::Included,
        Some(_) | None => Origin::System,
    }
}

fn is_standard(path: &Path) -> bool {
    path.starts_with(BUILTIN_DIR) || BUILTIN_FILES.iter().any(|(name, _)| path.ends_with(name))
}

/// The folder of the built-in files, as an include folder.
pub(crate) fn builtin_dir() -> PathBuf {
    PathBuf::from(BUILTIN_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every interface in `p4src/` but programs and their parts.
    fn declared(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below it");
            if path.is_dir() {
                if !["laminar", "examples"].contains(&name.to_str().expect("text")) {
                    declared(&path, root, found);
                }
            } else {
                found.push(name.to_str().expect("text").to_owned());
            }
        }
    }

    #[test]
    fn every_interface_is_built_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../p4src");
        let mut found = Vec::new();
        declared(&root, &root, &mut found);
        found.sort();
        let mut builtin: Vec<_> = BUILTIN_FILES.iter().map(|(name, _)| *name).collect();
        builtin.sort_unstable();
        assert_eq!(builtin, found);
    }
}
