//! The table of limits in the README names each key of the target files, and names code that knows it.

use std::collections::BTreeSet;
use std::path::Path;

use p4rmt_mau::Target;

/// The numbers of a target file, with their sections.
fn keys(text: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.split(']').next().unwrap_or_default().to_owned();
        } else if let Some((key, _)) = line.split_once('=')
            && !section.is_empty()
            && !line.starts_with('#')
        {
            keys.insert(format!("{section}.{}", key.trim()));
        }
    }
    keys
}

/// Key, who limits by it, who derives it again, and what else is to say.
fn rows() -> Vec<[String; 4]> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(readme).expect("the crate has a README");
    let (_, table) = text
        .split_once("## Every limit,")
        .expect("the README has the table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells = row.trim_matches('|').splitn(4, '|');
        let cells: Vec<String> = cells.map(|cell| cell.trim().replace('`', "")).collect();
        cells.try_into().expect("a row has four cells")
    })
    .collect()
}

#[test]
fn the_table_has_each_key_of_each_target_once() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().map(|[key, ..]| key.clone()).collect();
    assert_eq!(named.len(), rows.len(), "a key stands there twice");
    for (name, text) in Target::BUILT_IN {
        assert_eq!(named, keys(text), "{name}");
    }
}

#[test]
fn who_is_named_knows_the_key() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for [key, limits, derives, note] in rows() {
        let (_, name) = key.split_once('.').expect("a key has its section");
        for file in [&limits, &derives]
            .into_iter()
            .filter(|file| *file != "none")
        {
            let text = std::fs::read_to_string(source.join(file));
            let text = text.unwrap_or_else(|error| panic!("{key}: {file}: {error}"));
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(
                words.any(|word| word == name),
                "{file} knows nothing of {key}"
            );
        }
        assert!(
            derives != "none" || !note.is_empty(),
            "{key}: why does nobody derive it?"
        );
        let is_checker = derives.contains("checker") || derives == "none" || !note.is_empty();
        assert!(is_checker, "{key}: {derives} is no checker");
    }
}
