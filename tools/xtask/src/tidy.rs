//! What must hold for the tree to stay readable, checked by reading it.
//!
//! * Crate edges: a crate depends on crates of its own layer's allowance only ([`ALLOWED`]), so that
//!   the compiler never runs a packet and the runtime never sees P4 text.
//! * Module docs: every Rust file begins with `//!`.
//! * Every version is pinned once, in the root manifest: members say `workspace = true`.

use std::fs;
use std::path::{Path, PathBuf};

/// The edges between crates of the workspace that the architecture allows, from each crate down.
/// Development dependencies are not edges.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("p4rmt-source", &[]),
    ("p4rmt-syntax", &["p4rmt-source"]),
    ("p4rmt-ir", &["p4rmt-source"]),
    (
        "p4rmt-typing",
        &["p4rmt-source", "p4rmt-syntax", "p4rmt-ir"],
    ),
    (
        "p4rmt-frontend",
        &["p4rmt-source", "p4rmt-syntax", "p4rmt-ir", "p4rmt-typing"],
    ),
    ("p4rmt-midend", &["p4rmt-source", "p4rmt-ir"]),
    ("p4rmt-mau", &["p4rmt-source", "p4rmt-ir"]),
    ("p4rmt-report", &["p4rmt-source", "p4rmt-ir", "p4rmt-mau"]),
    (
        "p4rmt-driver",
        &[
            "p4rmt-source",
            "p4rmt-syntax",
            "p4rmt-ir",
            "p4rmt-typing",
            "p4rmt-frontend",
            "p4rmt-midend",
            "p4rmt-mau",
        ],
    ),
    ("p4rmt-engine", &["p4rmt-source", "p4rmt-ir"]),
    (
        "p4rmt-interp",
        &["p4rmt-source", "p4rmt-ir", "p4rmt-engine"],
    ),
    ("p4rmt-jit", &["p4rmt-source", "p4rmt-ir", "p4rmt-engine"]),
    (
        "p4rmt-rustgen",
        &["p4rmt-source", "p4rmt-ir", "p4rmt-engine"],
    ),
    ("p4rmt-shard", &["p4rmt-source", "p4rmt-ir", "p4rmt-engine"]),
    (
        "p4rmt-pipeline",
        &["p4rmt-source", "p4rmt-ir", "p4rmt-engine", "p4rmt-shard"],
    ),
    (
        "p4rmt-stf",
        &["p4rmt-source", "p4rmt-ir", "p4rmt-engine", "p4rmt-pipeline"],
    ),
    (
        "p4rmt-control",
        &["p4rmt-source", "p4rmt-ir", "p4rmt-engine", "p4rmt-pipeline"],
    ),
    (
        "p4rmt-live",
        &[
            "p4rmt-source",
            "p4rmt-engine",
            "p4rmt-pipeline",
            "p4rmt-control",
        ],
    ),
    ("p4rmt-wire", &[]),
    ("p4rmt-libtoe", &["p4rmt-wire"]),
    ("p4rmt-laminar-control", &["p4rmt-wire", "p4rmt-control"]),
];

/// The crates at the bottom, which may see everything and on which nothing else depends.
pub const BOTTOM: &[&str] = &[
    "p4rmt",
    "p4rmt-bench",
    "p4rmt-experiments",
    "xtask",
    "p4rmt-tests",
];

/// Something that is not tidy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untidy {
    /// A file could not be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or the parser said.
        reason: String,
    },
    /// A crate is in no layer.
    #[error(
        "crate `{krate}` is in no layer: add it to `ALLOWED` in tools/xtask/src/tidy.rs and to the code map of ARCHITECTURE.md"
    )]
    UnknownCrate {
        /// Its name.
        krate: String,
    },
    /// A crate depends on one below it.
    #[error("crate `{krate}` depends on `{on}`, which its layer does not allow")]
    ForbiddenEdge {
        /// The crate.
        krate: String,
        /// What it depends on.
        on: String,
    },
    /// A member pins a version of its own.
    #[error("crate `{krate}` pins `{dependency}` itself: pin it in the root Cargo.toml")]
    PinnedTwice {
        /// The crate.
        krate: String,
        /// The dependency.
        dependency: String,
    },
    /// A Rust file without `//!`.
    #[error("{}: does not begin with module docs (`//!`)", path.display())]
    NoModuleDocs {
        /// The file.
        path: PathBuf,
    },
}

/// Checks the workspace at `root`. Returns what is not tidy, in a fixed order.
#[must_use]
pub fn check(root: &Path) -> Vec<Untidy> {
    let mut untidy = Vec::new();
    match members(root) {
        Ok(members) => {
            for member in members {
                check_edges(&root.join(&member), &mut untidy);
                check_module_docs(&root.join(&member), &mut untidy);
            }
        }
        Err(error) => untidy.push(error),
    }
    untidy
}

/// The folders of the workspace's members.
fn members(root: &Path) -> Result<Vec<String>, Untidy> {
    let manifest = read_manifest(&root.join("Cargo.toml"))?;
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(toml::Value::as_array)
        .map(|members| {
            members
                .iter()
                .filter_map(|m| m.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    Ok(members)
}

fn read_manifest(path: &Path) -> Result<toml::Table, Untidy> {
    let unreadable = |reason: String| Untidy::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    text.parse()
        .map_err(|error: toml::de::Error| unreadable(error.to_string()))
}

fn check_edges(folder: &Path, untidy: &mut Vec<Untidy>) {
    let manifest = match read_manifest(&folder.join("Cargo.toml")) {
        Ok(manifest) => manifest,
        Err(error) => return untidy.push(error),
    };
    let krate = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str)
        .unwrap_or_default()
        .to_owned();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (dependency, value) in dependencies {
            let is_pinned_at_root =
                value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if !is_pinned_at_root {
                let dependency = dependency.clone();
                untidy.push(Untidy::PinnedTwice {
                    krate: krate.clone(),
                    dependency,
                });
            }
        }
        if section == "dev-dependencies" || BOTTOM.contains(&krate.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == krate) else {
            untidy.push(Untidy::UnknownCrate { krate });
            return;
        };
        for on in dependencies.keys() {
            let is_ours = on.starts_with("p4rmt") || BOTTOM.contains(&on.as_str());
            if is_ours && !allowed.contains(&on.as_str()) {
                untidy.push(Untidy::ForbiddenEdge {
                    krate: krate.clone(),
                    on: on.clone(),
                });
            }
        }
    }
}

fn check_module_docs(folder: &Path, untidy: &mut Vec<Untidy>) {
    for path in rust_files(folder) {
        match fs::read_to_string(&path) {
            Ok(text) if text.starts_with("//!") => {}
            Ok(_) => untidy.push(Untidy::NoModuleDocs { path }),
            Err(error) => untidy.push(Untidy::Unreadable {
                path,
                reason: error.to_string(),
            }),
        }
    }
}

/// The Rust files below a folder, in order of their paths.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of one crate with this manifest and this `lib.rs`.
    #[track_caller]
    fn check_one(manifest: &str, lib: &str, expected: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        let member = root.path().join("member");
        fs::create_dir_all(member.join("src")).unwrap();
        fs::write(
            root.path().join("Cargo.toml"),
            "[workspace]\nmembers = [\"member\"]\n",
        )
        .unwrap();
        fs::write(member.join("Cargo.toml"), manifest).unwrap();
        fs::write(member.join("src/lib.rs"), lib).unwrap();
        let found: Vec<String> = check(root.path())
            .iter()
            .map(|untidy| {
                untidy
                    .to_string()
                    .replace(root.path().to_str().unwrap(), "")
            })
            .collect();
        assert_eq!(found, expected);
    }

    const DOCS: &str = "//! Docs.\n";

    #[test]
    fn tidy_crate_passes() {
        check_one(
            "[package]\nname = \"p4rmt-syntax\"\n[dependencies]\np4rmt-source.workspace = true\n",
            DOCS,
            &[],
        );
    }

    #[test]
    fn runtime_must_not_see_syntax() {
        check_one(
            "[package]\nname = \"p4rmt-engine\"\n[dependencies]\np4rmt-syntax.workspace = true\n",
            DOCS,
            &["crate `p4rmt-engine` depends on `p4rmt-syntax`, which its layer does not allow"],
        );
    }

    #[test]
    fn version_in_a_member_is_refused() {
        check_one(
            "[package]\nname = \"p4rmt-ir\"\n[dependencies]\nserde = \"1\"\n",
            DOCS,
            &["crate `p4rmt-ir` pins `serde` itself: pin it in the root Cargo.toml"],
        );
    }

    #[test]
    fn file_without_module_docs_is_refused() {
        check_one(
            "[package]\nname = \"p4rmt-ir\"\n",
            "fn f() {}\n",
            &["/member/src/lib.rs: does not begin with module docs (`//!`)"],
        );
    }
}
