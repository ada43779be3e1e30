//! The repository's own rules hold: crate edges, versions pinned once, module docs.

use std::path::Path;

#[test]
fn workspace_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let untidy: Vec<String> = xtask::tidy::check(&root)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(untidy.is_empty(), "{}", untidy.join("\n"));
}
