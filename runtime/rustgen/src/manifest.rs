//! The manifest of an emitted crate.

/// Where a crate finds `p4rmt-engine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// In this folder.
    Path(String),
    /// Where cargo finds crates, in this version.
    Version(String),
}

impl Dependency {
    /// The line of the manifest.
    #[must_use]
    pub fn to_line(&self) -> String {
        match self {
            Self::Path(path) => format!("p4rmt-engine = {{ path = {} }}", quoted(path)),
            Self::Version(version) => format!("p4rmt-engine = {}", quoted(version)),
        }
    }
}

pub(crate) fn manifest(name: &str, program: &str, engine: &Dependency) -> String {
    let (name, line) = (quoted(name), engine.to_line());
    let description = quoted(&format!("The pipe of {program}, emitted by p4rmt."));
    format!(
        "[package]\nname = {name}\ndescription = {description}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{line}\n\n\
         # The pipe runs at packet rate: one unit of code, optimised whole.\n\
         [profile.release]\ncodegen-units = 1\n\n\
         # No part of any workspace around it.\n[workspace]\n"
    )
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
