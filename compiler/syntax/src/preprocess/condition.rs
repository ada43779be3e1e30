//! The value of the expression of an `#if`.
//!
//! In: the expression as text, macros expanded and `defined` answered. Out: its value. Integers are
//! 64 bits wide and wrap, as compilers of C have it; a word that is no macro is 0.

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConditionError {
    /// Something else stands where a value is expected.
    #[error("expected a value, found {found}")]
    ExpectedValue { found: String },
    /// A closing parenthesis or a colon is missing.
    #[error("expected `{expected}`, found {found}")]
    Expected {
        expected: &'static str,
        found: String,
    },
    /// Something follows the expression.
    #[error("expected the end of the line, found {found}")]
    Trailing { found: String },
    /// A number that is none.
    #[error("`{text}` is not an integer of 64 bits")]
    BadNumber { text: String },
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// Too many parentheses or operators within each other.
    #[error("the expression nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// How deep parentheses, prefix operators and `?:` may nest.
const MAX_DEPTH: usize = 64;

/// The operators of two operands with how tight they bind; longer ones before their prefixes.
const OPERATORS: &[(&str, u8)] = &[
    ("||", 1),
    ("&&", 2),
    ("==", 6),
    ("!=", 6),
    ("<<", 8),
    (">>", 8),
    ("<=", 7),
    (">=", 7),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// The value of an expression.
pub(crate) fn evaluate(text: &str) -> Result<i64, ConditionError> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let value = reader.conditional(true)?;
    if reader.peek().is_empty() {
        Ok(value)
    } else {
        let found = reader.found();
        Err(ConditionError::Trailing { found })
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn take(&mut self, token: &str) -> bool {
        match self.peek().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn found(&mut self) -> String {
        let rest = self.peek();
        match rest.chars().next() {
            None => "the end of the line".to_owned(),
            Some(first) if first.is_alphanumeric() || first == '_' => format!("`{}`", word(rest)),
            Some(first) => format!("`{first}`"),
        }
    }

    /// One level deeper for the time of `parse`.
    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ConditionError>,
    ) -> Result<T, ConditionError> {
        if self.depth == MAX_DEPTH {
            return Err(ConditionError::TooDeep);
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// `c ? a : b`. What is not `is_live` is read but not computed: `0 && 1 / 0` is 0.
    fn conditional(&mut self, is_live: bool) -> Result<i64, ConditionError> {
        let condition = self.binary(1, is_live)?;
        if !self.take("?") {
            return Ok(condition);
        }
        self.deeper(|reader| {
            let then = reader.conditional(is_live && condition != 0)?;
            if !reader.take(":") {
                let found = reader.found();
                return Err(ConditionError::Expected {
                    expected: ":",
                    found,
                });
            }
            let otherwise = reader.conditional(is_live && condition == 0)?;
            Ok(if condition != 0 { then } else { otherwise })
        })
    }

    /// Operators that bind at least as tight as `min`.
    fn binary(&mut self, min: u8, is_live: bool) -> Result<i64, ConditionError> {
        let mut left = self.unary(is_live)?;
        loop {
            let rest = self.peek();
            let Some((operator, tightness)) = OPERATORS
                .iter()
                .find(|(operator, _)| rest.starts_with(operator))
                .filter(|(_, tightness)| *tightness >= min)
            else {
                return Ok(left);
            };
            self.rest = &rest[operator.len()..];
            let is_right_live = is_live
                && match *operator {
                    "&&" => left != 0,
                    "||" => left == 0,
                    _ => true,
                };
            let right = self.binary(tightness + 1, is_right_live)?;
            left = if is_live && (is_right_live || matches!(*operator, "&&" | "||")) {
                apply(operator, left, right)?
            } else {
                0
            };
        }
    }

    fn unary(&mut self, is_live: bool) -> Result<i64, ConditionError> {
        let rest = self.peek();
        let Some(first) = rest.chars().next() else {
            let found = self.found();
            return Err(ConditionError::ExpectedValue { found });
        };
        if first.is_ascii_digit() {
            let text = word(rest);
            self.rest = &rest[text.len()..];
            return number(text);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            self.rest = &rest[word(rest).len()..];
            return Ok(0);
        }
        if !matches!(first, '!' | '~' | '-' | '+' | '(') {
            let found = self.found();
            return Err(ConditionError::ExpectedValue { found });
        }
        self.rest = &rest[1..];
        self.deeper(|reader| match first {
            '!' => Ok(i64::from(reader.unary(is_live)? == 0)),
            '~' => Ok(!reader.unary(is_live)?),
            '-' => Ok(reader.unary(is_live)?.wrapping_neg()),
            '+' => reader.unary(is_live),
            _ => {
                let value = reader.conditional(is_live)?;
                if reader.take(")") {
                    Ok(value)
                } else {
                    let found = reader.found();
                    Err(ConditionError::Expected {
                        expected: ")",
                        found,
                    })
                }
            }
        })
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Result<i64, ConditionError> {
    let shift = |right: i64| u32::try_from(right).unwrap_or(64);
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<<" => left.checked_shl(shift(right)).unwrap_or(0),
        ">>" => left
            .checked_shr(shift(right))
            .unwrap_or(if left < 0 { -1 } else { 0 }),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        _ if right == 0 => return Err(ConditionError::DivisionByZero),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    })
}

/// The letters, digits and underscores that a text begins with.
fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    &text[..end]
}

/// A number of C: decimal, `0x`, `0b` or octal, with its suffixes.
fn number(text: &str) -> Result<i64, ConditionError> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']).to_lowercase();
    let (digits, radix) = if let Some(hex) = digits.strip_prefix("0x") {
        (hex, 16)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        (binary, 2)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (&digits[1..], 8)
    } else {
        (digits.as_str(), 10)
    };
    u64::from_str_radix(&digits.replace('_', ""), radix)
        .map(|value| value as i64)
        .map_err(|_| ConditionError::BadNumber {
            text: text.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, &str>) {
        let found = evaluate(text).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn operators_bind_as_in_c() {
        check("1 + 2 * 3", Ok(7));
        check("10 - 2 - 3", Ok(5));
        check("1 << 2 + 1", Ok(8));
        check("1 | 2 ^ 3 & 2", Ok(1));
        check("1 < 2 == 1", Ok(1));
        check("!0 && ~0", Ok(1));
        check("0 ? 1 : 0 ? 2 : 3", Ok(3));
        check("(1 + 2) * 3 % 5", Ok(4));
        check("-7 / 2", Ok(-3));
        check("-8 >> 1", Ok(-4));
        check("5 >= 5 && 4 <= 3 || 2 != 2", Ok(0));
    }

    #[test]
    fn numbers_of_every_base() {
        check("0x1F + 0b11 + 010 + 7UL", Ok(31 + 3 + 8 + 7));
        check(
            "99999999999999999999",
            Err("`99999999999999999999` is not an integer of 64 bits"),
        );
    }

    #[test]
    fn words_are_zero() {
        check("NOT_DEFINED + 1", Ok(1));
    }

    #[test]
    fn what_is_not_reached_is_not_computed() {
        check("0 && 1 / 0", Ok(0));
        check("1 || 1 / 0", Ok(1));
        check("1 ? 2 : 1 % 0", Ok(2));
        check("1 / 0", Err("division by zero"));
    }

    #[test]
    fn broken_expressions_are_refused() {
        check("", Err("expected a value, found the end of the line"));
        check("(1", Err("expected `)`, found the end of the line"));
        check("1 ? 2", Err("expected `:`, found the end of the line"));
        check("1 2", Err("expected the end of the line, found `2`"));
        check("1 + é", Err("expected a value, found `é`"));
    }

    #[test]
    fn extremes_wrap() {
        check("1 << 64", Ok(0));
        check("(1 << 63) / -1", Ok(i64::MIN));
        check("1 << -1", Ok(0));
    }

    #[test]
    fn nesting_has_a_limit() {
        let text = format!("{}1", "(".repeat(100_000));
        check(&text, Err("the expression nests deeper than 64 levels"));
    }
}
