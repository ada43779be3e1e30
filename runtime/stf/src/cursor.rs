//! A cursor over one line of a vector, and the words, names and numbers that it reads.

use crate::error::SyntaxError;
use crate::value::Value;

/// A line that is read from the left.
pub(crate) struct Cursor<'a> {
    file: &'a str,
    line: u32,
    text: &'a str,
    /// In bytes, always between two characters.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first character of a line.
    pub(crate) fn new(file: &'a str, line: u32, text: &'a str) -> Self {
        let mut cursor = Self {
            file,
            line,
            text,
            at: 0,
        };
        cursor.skip_blanks();
        cursor
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Whether nothing but a comment follows.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty() || self.rest().starts_with('#')
    }

    /// The complaint that something else should stand here.
    pub(crate) fn error(&self, expected: &'static str) -> SyntaxError {
        self.error_at(self.at, expected)
    }

    /// The complaint that something else should stand there.
    pub(crate) fn error_at(&self, at: usize, expected: &'static str) -> SyntaxError {
        let column = self.text[..at].chars().count() + 1;
        let rest = &self.text[at..];
        let found = match rest.chars().next() {
            None | Some('#') => "the end of the line".to_owned(),
            Some(first) => {
                let n_word = rest
                    .find(|next: char| !is_word(next))
                    .unwrap_or(rest.len())
                    .max(first.len_utf8());
                let word: String = rest[..n_word].chars().take(40).collect();
                format!("`{}`", word.escape_debug())
            }
        };
        SyntaxError {
            file: self.file.to_owned(),
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            expected,
            found,
        }
    }

    /// Where the cursor is, for [`Self::error_at`].
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Goes back to where it was.
    pub(crate) fn back_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Ends the statement.
    pub(crate) fn end(&self) -> Result<(), SyntaxError> {
        if self.is_at_end() {
            return Ok(());
        }
        Err(self.error("the end of the line"))
    }

    /// Passes over the text if it is next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
            self.skip_blanks();
        }
        is_next
    }

    /// Passes over the text, which must be next.
    pub(crate) fn expect(&mut self, text: &str, expected: &'static str) -> Result<(), SyntaxError> {
        if self.eat(text) {
            return Ok(());
        }
        Err(self.error(expected))
    }

    /// The word that is next, without passing over it: letters, digits, `_`, `$`, `*` and `.`.
    pub(crate) fn peek_word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|next| !is_word(next)).unwrap_or(rest.len())]
    }

    fn take(&mut self, n_bytes: usize) -> &'a str {
        let taken = &self.rest()[..n_bytes];
        self.at += n_bytes;
        self.skip_blanks();
        taken
    }

    /// A word in lower case if there is one.
    pub(crate) fn keyword(&mut self) -> Option<String> {
        let word = self.peek_word();
        if word.is_empty() {
            return None;
        }
        Some(self.take(word.len()).to_ascii_lowercase())
    }

    /// Passes over this keyword if it is next, in any case.
    pub(crate) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let word = self.peek_word();
        let is_next = word.eq_ignore_ascii_case(keyword);
        if is_next {
            self.take(word.len());
        }
        is_next
    }

    /// A dotted name with `[N]` for stacks, or one in quotes.
    pub(crate) fn name(&mut self, expected: &'static str) -> Result<String, SyntaxError> {
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').filter(|end| *end > 0);
            let end = end.ok_or_else(|| self.error(expected))?;
            self.take(end + 2);
            return Ok(quoted[..end].to_owned());
        }
        if rest.starts_with(|first: char| first.is_ascii_digit() || !is_name(first)) {
            return Err(self.error(expected));
        }
        let mut depth = 0u32;
        let n_name = rest
            .find(|next: char| match next {
                '[' => {
                    depth += 1;
                    false
                }
                ']' if depth > 0 => {
                    depth -= 1;
                    false
                }
                _ => !is_name(next),
            })
            .unwrap_or(rest.len());
        if depth > 0 || n_name == 0 {
            return Err(self.error(expected));
        }
        Ok(self.take(n_name).to_owned())
    }

    /// A number with wildcards. Two dots end it.
    pub(crate) fn value(&mut self) -> Result<Value, SyntaxError> {
        let word = self.peek_word();
        let word = word.split_once("..").map_or(word, |(number, _)| number);
        match Value::parse(word) {
            Some(value) => {
                self.take(word.len());
                Ok(value)
            }
            None => Err(self.error("a number of at most 2048 bits (decimal, 0x, or 0b)")),
        }
    }

    /// A plain number that fits the type.
    pub(crate) fn number<T: TryFrom<u64>>(
        &mut self,
        expected: &'static str,
    ) -> Result<T, SyntaxError> {
        let word = self.peek_word();
        let number = Value::parse(word).and_then(|value| value.to_u64());
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => {
                self.take(word.len());
                Ok(number)
            }
            None => Err(self.error(expected)),
        }
    }

    /// A number if one is next.
    pub(crate) fn optional_number<T: TryFrom<u64>>(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<T>, SyntaxError> {
        if self.is_at_end() {
            return Ok(None);
        }
        self.number(expected).map(Some)
    }

    /// Nibbles up to the end of the line or a `$`; `None` stands for `*`.
    pub(crate) fn nibbles(&mut self) -> Result<Vec<Option<u8>>, SyntaxError> {
        let mut nibbles = Vec::new();
        while !self.is_at_end() {
            let Some(next) = self.rest().chars().next() else {
                break;
            };
            match next {
                '$' => break,
                '*' => nibbles.push(None),
                _ => {
                    let digit = next.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    let digit = digit.ok_or_else(|| self.error("hexadecimal digits"))?;
                    nibbles.push(Some(digit));
                }
            }
            self.at += next.len_utf8();
            self.skip_blanks();
        }
        Ok(nibbles)
    }

    /// Bytes up to the end of the line.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, SyntaxError> {
        let start = self.at;
        let nibbles = self.nibbles()?;
        self.end()?;
        if nibbles.is_empty() {
            return Err(self.error("the bytes of the packet"));
        }
        if nibbles.len() % 2 != 0 {
            return Err(self.error("one more hexadecimal digit, to make whole bytes"));
        }
        nibbles
            .chunks(2)
            .map(|pair| Some(pair[0]? << 4 | pair[1]?))
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(|| {
                let wild = self.text[start..].find('*').unwrap_or_default();
                self.error_at(start + wild, "hexadecimal digits without wildcards")
            })
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '.')
}

fn is_word(character: char) -> bool {
    is_name(character) || character == '*'
}
