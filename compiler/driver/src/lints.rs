//! Warnings that are turned off, or into errors, by their codes.

use p4rmt_source::{Diagnostic, Diagnostics, Severity};

use crate::explain;

/// Stands for the codes of all warnings.
pub const ALL_WARNINGS: &str = "warnings";

/// What becomes of warnings. A code that is named comes before [`ALL_WARNINGS`], whichever list it
/// is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lints {
    allowed: Vec<String>,
    denied: Vec<String>,
}

/// Why a code cannot be allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LintError {
    /// There is no such code.
    #[error("there is no warning `{code}`{}", near.map_or_else(String::new, |near| format!(": did you mean `{near}`?")))]
    Unknown {
        /// As given.
        code: String,
        /// One that is spelled nearly so.
        near: Option<&'static str>,
    },
    /// The code is an error's.
    #[error("`{code}` is an error: only warnings (`W…`) can be allowed or denied")]
    NoWarning {
        /// As given.
        code: String,
    },
    /// The code is in both lists.
    #[error("`{code}` is both allowed and denied")]
    Both {
        /// As given.
        code: String,
    },
}

impl Lints {
    /// Warnings with these codes are left out, or make a program be refused.
    ///
    /// # Errors
    /// A code is no warning's, or in both lists.
    pub fn new(allowed: &[String], denied: &[String]) -> Result<Self, LintError> {
        let named = |codes: &[String]| -> Result<Vec<String>, LintError> {
            codes.iter().map(|code| known(code)).collect()
        };
        let lints = Self {
            allowed: named(allowed)?,
            denied: named(denied)?,
        };
        match lints
            .allowed
            .iter()
            .find(|code| lints.denied.contains(code))
        {
            Some(code) => Err(LintError::Both { code: code.clone() }),
            None => Ok(lints),
        }
    }

    /// What becomes of these diagnostics; errors stay as they are.
    #[must_use]
    pub(crate) fn apply(&self, diagnostics: Diagnostics) -> Diagnostics {
        diagnostics.filter_map(|diagnostic| match diagnostic.severity {
            Severity::Error | Severity::Note => Some(diagnostic),
            Severity::Warning => self.apply_to(diagnostic),
        })
    }

    fn apply_to(&self, mut warning: Diagnostic) -> Option<Diagnostic> {
        let code = warning.code.0;
        let names = |codes: &[String], code: &str| codes.iter().any(|named| named == code);
        let (allowed, denied) = (&self.allowed, &self.denied);
        if names(allowed, code) || (names(allowed, ALL_WARNINGS) && !names(denied, code)) {
            return None;
        }
        let by = [code, ALL_WARNINGS]
            .into_iter()
            .find(|name| names(denied, name));
        if let Some(by) = by {
            warning.severity = Severity::Error;
            warning = warning.with_note(format!("`--deny {by}` makes an error of this warning"));
        }
        Some(warning)
    }
}

/// The code as pages spell it.
fn known(code: &str) -> Result<String, LintError> {
    if code.eq_ignore_ascii_case(ALL_WARNINGS) {
        return Ok(ALL_WARNINGS.to_owned());
    }
    let code = code.to_owned();
    match explain::page(&code) {
        Some(page) if page.code.starts_with('W') => Ok(page.code.to_owned()),
        Some(_) => Err(LintError::NoWarning { code }),
        None => {
            let warnings = explain::pages().into_iter().map(|page| page.code);
            let near = explain::near(&code, warnings.filter(|code| code.starts_with('W')));
            Err(LintError::Unknown { code, near })
        }
    }
}

#[cfg(test)]
mod tests {
    use p4rmt_source::{Code, Span};

    use super::*;

    /// What becomes of two warnings and an error.
    #[track_caller]
    fn check(allowed: &[&str], denied: &[&str], expected: &[(&str, Severity)]) {
        let owned = |codes: &[&str]| -> Vec<String> { codes.iter().map(|c| (*c).into()).collect() };
        let lints = Lints::new(&owned(allowed), &owned(denied)).expect("all are warnings");
        let mut diagnostics = Diagnostics::new();
        for code in ["W0101", "W0102"] {
            diagnostics.push(Diagnostic::warning(Code(code), Span::NONE, "careful"));
        }
        diagnostics.push(Diagnostic::error(Code("E0101"), Span::NONE, "wrong"));
        let found = lints.apply(diagnostics);
        let found: Vec<_> = found.iter().map(|d| (d.code.0, d.severity)).collect();
        assert_eq!(found, expected);
    }

    use Severity::{Error, Warning};

    #[test]
    fn codes_are_turned_off_and_into_errors() {
        check(
            &[],
            &[],
            &[("W0101", Warning), ("W0102", Warning), ("E0101", Error)],
        );
        check(&["w0101"], &[], &[("W0102", Warning), ("E0101", Error)]);
        check(
            &[],
            &["W0102"],
            &[("W0101", Warning), ("W0102", Error), ("E0101", Error)],
        );
    }

    #[test]
    fn code_that_is_named_comes_before_all() {
        check(
            &["W0101"],
            &["warnings"],
            &[("W0102", Error), ("E0101", Error)],
        );
        check(
            &["warnings"],
            &["W0102"],
            &[("W0102", Error), ("E0101", Error)],
        );
    }

    #[test]
    fn what_is_no_warning_is_refused() {
        let refused = |allowed: &str, denied: &str| {
            Lints::new(&[allowed.to_owned()], &[denied.to_owned()])
                .expect_err("is refused")
                .to_string()
        };
        assert_eq!(
            refused("W0104", "W0101"),
            "there is no warning `W0104`: did you mean `W0101`?"
        );
        assert!(refused("E0101", "W0101").starts_with("`E0101` is an error"));
        assert_eq!(
            refused("W0101", "W0101"),
            "`W0101` is both allowed and denied"
        );
    }
}
