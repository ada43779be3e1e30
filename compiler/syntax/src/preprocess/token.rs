//! Text cut into the preprocessor's tokens.
//!
//! Any text can be cut: every byte belongs to exactly one token, in order. What is no word, number
//! or string is a punctuation token of one character.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// An identifier or keyword.
    Word,
    /// A digit and the letters, digits and underscores after it.
    Number,
    /// `"…"`, over several lines if need be.
    String,
    /// Any other character.
    Punct,
    /// Blanks, tabs, and line ends behind a backslash.
    Blank,
    /// The end of a line.
    Newline,
    /// `// …` without its line end, or `/* … */`.
    Comment,
    /// `/* …` without an end, up to the end of the text.
    OpenComment,
}

impl TokenKind {
    /// Whether it only separates others.
    pub(crate) fn is_space(self) -> bool {
        match self {
            Self::Blank | Self::Newline | Self::Comment | Self::OpenComment => true,
            Self::Word | Self::Number | Self::String | Self::Punct => false,
        }
    }
}

/// A token: its kind and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) lo: u32,
    pub(crate) hi: u32,
}

impl Token {
    /// Its text in the text that was cut.
    pub(crate) fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.lo as usize..self.hi as usize)
            .unwrap_or_default()
    }

    /// Whether it is this punctuation.
    pub(crate) fn is(&self, text: &str, punct: &str) -> bool {
        self.kind == TokenKind::Punct && self.text(text) == punct
    }
}

/// Cuts a text into tokens.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 3);
    let mut at = 0;
    while at < bytes.len() {
        let (kind, hi) = next(text, bytes, at);
        tokens.push(Token {
            kind,
            lo: at as u32,
            hi: hi as u32,
        });
        at = hi;
    }
    tokens
}

/// The kind of the token that begins at `at`, and where it ends.
fn next(text: &str, bytes: &[u8], at: usize) -> (TokenKind, usize) {
    match bytes[at] {
        b'\n' => (TokenKind::Newline, at + 1),
        b' ' | b'\t' | b'\r' | 0x0b | 0x0c => (TokenKind::Blank, end_of(bytes, at, is_blank)),
        b'\\' => match line_splice(bytes, at) {
            Some(hi) => (TokenKind::Blank, hi),
            None => (TokenKind::Punct, at + 1),
        },
        b'/' if bytes.get(at + 1) == Some(&b'/') => (TokenKind::Comment, line_comment(bytes, at)),
        b'/' if bytes.get(at + 1) == Some(&b'*') => match text[at + 2..].find("*/") {
            Some(length) => (TokenKind::Comment, at + 2 + length + 2),
            None => (TokenKind::OpenComment, bytes.len()),
        },
        b'"' => match string_end(bytes, at) {
            Some(hi) => (TokenKind::String, hi),
            None => (TokenKind::Punct, at + 1),
        },
        byte if byte.is_ascii_digit() => (TokenKind::Number, end_of(bytes, at, is_word)),
        byte if is_word(byte) => (TokenKind::Word, end_of(bytes, at, is_word)),
        _ => {
            let length = text[at..].chars().next().map_or(1, char::len_utf8);
            (TokenKind::Punct, at + length)
        }
    }
}

/// Where a run of such bytes ends that begins at `at`.
fn end_of(bytes: &[u8], at: usize, belongs: fn(u8) -> bool) -> usize {
    let length = bytes[at..]
        .iter()
        .take_while(|byte| belongs(**byte))
        .count();
    at + length
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// One past the line end behind the backslash at `at`, if nothing but blanks is between them.
fn line_splice(bytes: &[u8], at: usize) -> Option<usize> {
    let end = end_of(bytes, at + 1, is_blank);
    (bytes.get(end) == Some(&b'\n')).then_some(end + 1)
}

/// The end of the `//` comment at `at`; a spliced line end belongs to it.
fn line_comment(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while end < bytes.len() && bytes[end] != b'\n' {
        end = match bytes[end] {
            b'\\' => line_splice(bytes, end).unwrap_or(end + 1),
            _ => end + 1,
        };
    }
    end
}

/// One past the closing quote of the string at `at`, if there is one. Strings may run over lines.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match bytes.get(end)? {
            b'"' => return Some(end + 1),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tokens = tokenize(text);
        let found: Vec<&str> = tokens.iter().map(|token| token.text(text)).collect();
        assert_eq!(found, expected);
        assert_eq!(found.concat(), text);
    }

    #[test]
    fn words_numbers_and_punctuation() {
        check("a_1+8w0xFF;", &["a_1", "+", "8w0xFF", ";"]);
    }

    #[test]
    fn range_is_not_part_of_a_number() {
        check("1..2", &["1", ".", ".", "2"]);
    }

    #[test]
    fn comments_are_whole() {
        check(
            "a/* \n */b//c\nd",
            &["a", "/* \n */", "b", "//c", "\n", "d"],
        );
    }

    #[test]
    fn comment_without_end_is_one_token() {
        check("a/* b", &["a", "/* b"]);
        assert_eq!(tokenize("/*/")[0].kind, TokenKind::OpenComment);
    }

    #[test]
    fn spliced_line_end_is_blank() {
        check("a \\ \n b", &["a", " ", "\\ \n", " ", "b"]);
    }

    #[test]
    fn string_without_end_is_a_sign() {
        check(r#""a\"b" "c"#, &[r#""a\"b""#, " ", "\"", "c"]);
        check("\"a\nb\"", &["\"a\nb\""]);
        check("\"\\", &["\"", "\\"]);
    }

    #[test]
    fn characters_outside_ascii_stay_whole() {
        check("é\\", &["é", "\\"]);
        check("\"\\é\"", &["\"\\é\""]);
    }
}
