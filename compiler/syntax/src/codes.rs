//! The codes of the complaints of this crate: `E0101` to `E0149` from the preprocessor, `E0150` to
//! `E0199` from the parser; `W01…` are warnings.

use p4rmt_source::Code;

/// The program file cannot be read.
pub const UNREADABLE_FILE: Code = Code("E0101");
/// An included file is not found or cannot be read.
pub const INCLUDE_NOT_FOUND: Code = Code("E0102");
/// A directive is not well formed.
pub const MALFORMED_DIRECTIVE: Code = Code("E0103");
/// `#error`.
pub const USER_ERROR: Code = Code("E0104");
/// `#if` and `#endif` do not pair up.
pub const UNBALANCED_CONDITIONAL: Code = Code("E0105");
/// The expression of an `#if` has no value.
pub const BAD_CONDITION: Code = Code("E0106");
/// A macro is used with the wrong arguments.
pub const BAD_MACRO_USE: Code = Code("E0107");
/// Includes or macros nest too deep or grow too large.
pub const EXPANSION_LIMIT: Code = Code("E0108");
/// A comment has no end.
pub const UNTERMINATED_COMMENT: Code = Code("E0109");
/// `#warning`.
pub const USER_WARNING: Code = Code("W0101");
/// A macro is defined again, differently.
pub const MACRO_REDEFINED: Code = Code("W0102");
/// A directive is not known.
pub const UNKNOWN_DIRECTIVE: Code = Code("W0103");

/// Something else was expected.
pub const UNEXPECTED: Code = Code("E0150");
/// Brackets, statements or operators nest too deep.
pub const TOO_DEEP: Code = Code("E0151");
/// A number has no value.
pub const BAD_NUMBER: Code = Code("E0152");
/// A character that begins no word of the language.
pub const STRAY_CHARACTER: Code = Code("E0153");
/// A string has no end.
pub const UNTERMINATED_STRING: Code = Code("E0154");
