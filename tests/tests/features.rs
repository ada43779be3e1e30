//! The table of features in the README of the vectors names what shows each of them: all of it is there.

use std::fs;
use std::path::Path;

use p4rmt_tests::rig::root;

/// Where the golden files of codes are.
const CATALOGUES: [&str; 2] = [
    "compiler/typing/tests/catalogue/snapshots",
    "tests/tests/catalogue/snapshots",
];

/// Whether what a feature is shown by exists: a vector, a test in a file, or a code.
fn exists(shown_by: &str, root: &Path) -> bool {
    let Some(quoted) = shown_by.strip_prefix('`') else {
        let golden = format!("catalogue__{shown_by}.snap");
        let mut catalogues = CATALOGUES.iter();
        return catalogues.any(|folder| root.join(folder).join(&golden).is_file());
    };
    let quoted = quoted.trim_end_matches('`');
    match quoted.split_once("::") {
        Some((file, test)) => fs::read_to_string(root.join(file))
            .is_ok_and(|text| text.contains(&format!("#[test]\nfn {test}()"))),
        None => {
            let vector = root.join("testvectors").join(quoted);
            vector.is_file() && vector.with_extension("p4").is_file()
        }
    }
}

#[test]
fn every_feature_is_shown_by_what_exists() {
    let root = root();
    let text = fs::read_to_string(root.join("testvectors/README.md")).unwrap();
    let (_, section) = text.split_once("\n## What shows each feature\n").unwrap();
    let rows = section.lines().filter_map(|line| {
        let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
        row.split_once(" | ")
    });
    let mut n_features = 0;
    let mut missing = Vec::new();
    for (feature, shown_by) in rows.filter(|(_, shown_by)| *shown_by != "shown by") {
        n_features += 1;
        for shown_by in shown_by.split(", ") {
            if !exists(shown_by, &root) {
                missing.push(format!("{feature}: {shown_by}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(n_features > 50, "the table was not found: {n_features}");
}
