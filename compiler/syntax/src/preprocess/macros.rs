//! Macros: what they are, and what a use of one becomes.
//!
//! Expansion works on a stack of words still to be read. A macro's use is replaced by its body, which
//! is read again, so that macros in it are replaced too. Each word carries the names of the macros
//! that it came out of and is not replaced by them again: that ends every recursion. Three limits
//! end what would merely take too long ([`MAX_WORDS`], [`MAX_HIDDEN`], [`MAX_ARGUMENT_DEPTH`]).

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_source::FileId;

use crate::preprocess::token::{Token, TokenKind};

/// How many words all expansions of a program may produce together.
const MAX_WORDS: usize = 4_000_000;
/// How many macros a word may come out of.
const MAX_HIDDEN: usize = 200;
/// How deep uses of macros may nest in arguments of macros.
const MAX_ARGUMENT_DEPTH: usize = 60;

/// A macro.
#[derive(Clone, Debug)]
pub(crate) struct Macro {
    /// The names of its parameters, for one that is used like a function; the last is
    /// `__VA_ARGS__` when it takes any number.
    pub(crate) params: Option<Vec<Rc<str>>>,
    /// What it stands for.
    pub(crate) body: Vec<Word>,
    /// Where it is defined; none for one of the command line.
    pub(crate) definition: Option<(FileId, u32)>,
}

impl Macro {
    /// Whether it is written like another one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.params == other.params
            && self.body.len() == other.body.len()
            && self
                .body
                .iter()
                .zip(&other.body)
                .all(|(a, b)| a.text == b.text)
    }
}

/// The macros that are defined, by name.
pub(crate) type Macros = HashMap<Rc<str>, Rc<Macro>>;

/// A token on its way through expansion.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) kind: TokenKind,
    pub(crate) text: Rc<str>,
    /// Whether white space stood before it.
    pub(crate) is_spaced: bool,
    hidden: Hidden,
}

impl Word {
    pub(crate) fn new(kind: TokenKind, text: impl Into<Rc<str>>, is_spaced: bool) -> Self {
        Self {
            kind,
            text: text.into(),
            is_spaced,
            hidden: Hidden::default(),
        }
    }

    fn is(&self, punct: &str) -> bool {
        self.kind == TokenKind::Punct && &*self.text == punct
    }
}

/// The macros that a word came out of.
#[derive(Clone, Debug, Default)]
struct Hidden(Option<Rc<Link>>);

#[derive(Debug)]
struct Link {
    name: Rc<str>,
    length: usize,
    rest: Hidden,
}

impl Hidden {
    fn contains(&self, name: &str) -> bool {
        let mut at = self;
        while let Some(link) = &at.0 {
            if &*link.name == name {
                return true;
            }
            at = &link.rest;
        }
        false
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.length)
    }

    fn with(&self, name: &Rc<str>) -> Self {
        Self(Some(Rc::new(Link {
            name: Rc::clone(name),
            length: self.len() + 1,
            rest: self.clone(),
        })))
    }
}

/// Why a macro's use has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MacroError {
    /// The closing parenthesis is missing.
    #[error("the arguments of macro `{name}` have no end")]
    OpenArguments { name: String },
    /// Too few or too many arguments.
    #[error("macro `{name}` takes {needed} arguments, not {given}")]
    ArgumentCount {
        name: String,
        needed: usize,
        given: usize,
    },
    /// A limit was met.
    #[error("macro `{name}` expands to more than {MAX_WORDS} words")]
    TooLong { name: String },
    /// A limit was met.
    #[error("macros nest too deep in macro `{name}`")]
    TooDeep { name: String },
}

/// The white-space-free words of some tokens.
pub(crate) fn words(tokens: &[Token], text: &str) -> Vec<Word> {
    let mut words = Vec::with_capacity(tokens.len());
    let mut is_spaced = false;
    for token in tokens {
        if token.kind.is_space() {
            is_spaced = true;
        } else {
            words.push(Word::new(token.kind, token.text(text), is_spaced));
            is_spaced = false;
        }
    }
    words
}

/// The text of some words; white space where there was some, and where two would become one.
pub(crate) fn spell(words: &[Word]) -> String {
    let mut text = String::new();
    let mut last: Option<&Word> = None;
    for word in words {
        let sticks = last.is_some_and(|last| {
            let is_wordy = |kind| matches!(kind, TokenKind::Word | TokenKind::Number);
            is_wordy(last.kind) && is_wordy(word.kind)
        });
        if last.is_some() && (word.is_spaced || sticks) {
            text.push(' ');
        }
        text.push_str(&word.text);
        last = Some(word);
    }
    text
}

/// Where expansion reads on when a macro's use is longer than the words that it was given.
pub(crate) trait Source {
    /// The next word, without taking it.
    fn peek(&mut self) -> Option<Word>;
    /// Takes the word that [`Source::peek`] showed.
    fn advance(&mut self);
}

/// Nothing to read on.
pub(crate) struct NoMore;

impl Source for NoMore {
    fn peek(&mut self) -> Option<Word> {
        None
    }
    fn advance(&mut self) {}
}

/// Expands macros, and counts what that took.
#[derive(Debug, Default)]
pub(crate) struct Expander {
    n_words: usize,
}

impl Expander {
    /// What the words become; `more` follows them and is read only within a macro's arguments.
    pub(crate) fn expand(
        &mut self,
        macros: &Macros,
        words: Vec<Word>,
        more: &mut dyn Source,
    ) -> Result<Vec<Word>, MacroError> {
        self.expand_at(macros, words, more, 0)
    }

    fn expand_at(
        &mut self,
        macros: &Macros,
        words: Vec<Word>,
        more: &mut dyn Source,
        depth: usize,
    ) -> Result<Vec<Word>, MacroError> {
        let mut pending = words;
        pending.reverse();
        let mut expanded = Vec::new();
        while let Some(word) = pending.pop() {
            let Some(definition) = (word.kind == TokenKind::Word)
                .then(|| macros.get(&word.text))
                .flatten()
                .filter(|_| !word.hidden.contains(&word.text))
            else {
                expanded.push(word);
                continue;
            };
            let name = || word.text.to_string();
            if word.hidden.len() == MAX_HIDDEN || depth == MAX_ARGUMENT_DEPTH {
                return Err(MacroError::TooDeep { name: name() });
            }
            let arguments = match &definition.params {
                None => Vec::new(),
                Some(params) => {
                    let next = pending.last().cloned().or_else(|| more.peek());
                    if !next.is_some_and(|next| next.is("(")) {
                        expanded.push(word);
                        continue;
                    }
                    let arguments = take_arguments(&word.text, &mut pending, more)?;
                    fit_arguments(&word.text, params, arguments)?
                }
            };
            let mut body = self.substitute(macros, definition, &arguments, depth)?;
            if let Some(first) = body.first_mut() {
                first.is_spaced = word.is_spaced;
            }
            self.n_words += body.len() + 1;
            if self.n_words > MAX_WORDS {
                return Err(MacroError::TooLong { name: name() });
            }
            let hidden = word.hidden.with(&word.text);
            for mut replacement in body.into_iter().rev() {
                replacement.hidden = match replacement.hidden.len() {
                    0 => hidden.clone(),
                    _ => replacement.hidden.with(&word.text),
                };
                pending.push(replacement);
            }
        }
        Ok(expanded)
    }

    /// The body with the arguments in the places of the parameters.
    fn substitute(
        &mut self,
        macros: &Macros,
        definition: &Macro,
        arguments: &[Vec<Word>],
        depth: usize,
    ) -> Result<Vec<Word>, MacroError> {
        let params = definition.params.as_deref().unwrap_or_default();
        let argument_of = |word: &Word| {
            let index = params.iter().position(|param| *param == word.text)?;
            (word.kind == TokenKind::Word).then(|| arguments.get(index))?
        };
        let body = &definition.body;
        let mut words: Vec<Word> = Vec::with_capacity(body.len());
        let mut at = 0;
        while let Some(word) = body.get(at) {
            let pastes = is_paste(body, at + 1);
            if word.is("#")
                && definition.params.is_some()
                && let Some(argument) = body.get(at + 1).and_then(argument_of)
            {
                let text = spell(argument).replace('\\', "\\\\").replace('"', "\\\"");
                let text = format!("\"{text}\"");
                words.push(Word::new(TokenKind::String, text, word.is_spaced));
                at += 2;
                continue;
            }
            if is_paste(body, at) && !words.is_empty() {
                let right = body.get(at + 2);
                let right_words = match right.and_then(argument_of) {
                    Some(argument) => argument.clone(),
                    None => right.cloned().into_iter().collect(),
                };
                paste(&mut words, right_words);
                at += 3;
                continue;
            }
            match argument_of(word) {
                Some(argument) => {
                    let mut argument = argument.clone();
                    if !pastes {
                        argument = self.expand_at(macros, argument, &mut NoMore, depth + 1)?;
                    }
                    if let Some(first) = argument.first_mut() {
                        first.is_spaced = word.is_spaced;
                    }
                    self.n_words += argument.len();
                    if argument.is_empty() && pastes {
                        // `a ## b` with an empty `a` is `b`.
                        words.push(Word::new(TokenKind::Blank, "", word.is_spaced));
                    }
                    words.extend(argument);
                }
                None => words.push(word.clone()),
            }
            if self.n_words + words.len() > MAX_WORDS {
                let name = word.text.to_string();
                return Err(MacroError::TooLong { name });
            }
            at += 1;
        }
        words.retain(|word| !word.text.is_empty());
        Ok(words)
    }
}

/// Whether `##` stands at `at`.
fn is_paste(body: &[Word], at: usize) -> bool {
    match (body.get(at), body.get(at + 1)) {
        (Some(first), Some(second)) => first.is("#") && second.is("#") && !second.is_spaced,
        _ => false,
    }
}

/// Makes one word of the last of `words` and the first of `right`. A sign and a word make none: they
/// stay two, as the preprocessors that P4 is used with leave them.
fn paste(words: &mut Vec<Word>, right: Vec<Word>) {
    let is_sign = |word: &Word| word.kind == TokenKind::Punct && !word.text.is_empty();
    if let (Some(left), Some(first)) = (words.last(), right.first())
        && is_sign(left) != is_sign(first)
        && !left.text.is_empty()
    {
        words.extend(right);
        return;
    }
    let mut right = right.into_iter();
    if let (Some(left), Some(first)) = (words.last_mut(), right.next()) {
        left.kind = if left.text.is_empty() {
            first.kind
        } else {
            left.kind
        };
        left.text = format!("{}{}", left.text, first.text).into();
    }
    words.extend(right);
}

/// Takes `( … )` and returns what stands between the commas.
fn take_arguments(
    name: &str,
    pending: &mut Vec<Word>,
    more: &mut dyn Source,
) -> Result<Vec<Vec<Word>>, MacroError> {
    let mut arguments = vec![Vec::new()];
    let mut depth = 0usize;
    loop {
        let word = match pending.pop() {
            Some(word) => word,
            None => {
                let word = more.peek().ok_or_else(|| MacroError::OpenArguments {
                    name: name.to_owned(),
                })?;
                more.advance();
                word
            }
        };
        if word.is("(") {
            depth += 1;
            if depth == 1 {
                continue;
            }
        } else if word.is(")") {
            depth -= 1;
            if depth == 0 {
                return Ok(arguments);
            }
        } else if word.is(",") && depth == 1 {
            arguments.push(Vec::new());
            continue;
        }
        if let Some(last) = arguments.last_mut() {
            last.push(word);
        }
    }
}

/// The arguments, one for each parameter.
fn fit_arguments(
    name: &str,
    params: &[Rc<str>],
    mut arguments: Vec<Vec<Word>>,
) -> Result<Vec<Vec<Word>>, MacroError> {
    if params.is_empty() && arguments.len() == 1 && arguments[0].is_empty() {
        arguments.clear();
    }
    if params.last().is_some_and(|last| &**last == "__VA_ARGS__") {
        let n_fixed = params.len() - 1;
        if arguments.len() == n_fixed {
            arguments.push(Vec::new());
        }
        while arguments.len() > params.len() {
            let last = arguments.pop().unwrap_or_default();
            if let Some(rest) = arguments.last_mut() {
                rest.push(Word::new(TokenKind::Punct, ",", false));
                rest.extend(last);
            }
        }
    }
    if arguments.len() == params.len() {
        Ok(arguments)
    } else {
        Err(MacroError::ArgumentCount {
            name: name.to_owned(),
            needed: params.len(),
            given: arguments.len(),
        })
    }
}
