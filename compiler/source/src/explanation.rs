//! What a code means, at length: the pages of `p4rmt explain`. Each crate keeps the pages of the
//! codes that it emits.

use std::fmt;

/// What is said about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `E2001`.
    pub code: &'static str,
    /// The cause in a few words.
    pub title: &'static str,
    /// The rule behind it.
    pub text: &'static str,
    /// A program, or a part of one, that it is said about; empty for none.
    pub example: &'static str,
    /// The way out in a few words.
    pub help: &'static str,
}

/// The page, a paragraph wrapped at 80 columns.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            title,
            text,
            example,
            help,
        } = self;
        writeln!(f, "{code}: {title}\n")?;
        write_wrapped(f, text)?;
        if !example.is_empty() {
            writeln!(f, "\nFor example:\n")?;
        }
        for line in example.lines() {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "\nWhat to do:\n")?;
        write_wrapped(f, help)
    }
}

fn write_wrapped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 80 {
            writeln!(f)?;
            column = 0;
        }
        if column > 0 {
            write!(f, " ")?;
            column += 1;
        }
        write!(f, "{word}")?;
        column += width;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_wrapped_and_keeps_the_example() {
        let page = Explanation {
            code: "E9999",
            title: "a title",
            text: "word word word word word word word word word word word word word word word word word",
            example: "a;\n  b;",
            help: "help",
        };
        let shown = page.to_string();
        assert!(shown.lines().all(|line| line.len() <= 80), "{shown}");
        assert!(shown.contains("\n    a;\n      b;\n"), "{shown}");
    }
}
