//! From what pest found to the syntax tree.
//!
//! One function a rule. The grammar guarantees what stands where; what is taken by [`Parts::take`]
//! is there, or the grammar and this module disagree, which is a bug of ours.
//!
//! Trees are never deeper than [`MAX_DEPTH`], so that walking and dropping them needs no more stack
//! than threads have. What is deeper is refused, and built cut off.

mod declaration;
mod expression;
mod statement;
mod table;
mod types;

use p4rmt_source::{Code, Diagnostic, Diagnostics, Span};
use pest::iterators::{Pair, Pairs};

use crate::ast::{Declaration, Name, Path};
use crate::codes;
use crate::grammar::Rule;
pub(crate) use expression::tightness;

/// How deep trees are at most, counted in expressions, statements and types.
pub(crate) const MAX_DEPTH: usize = 400;

/// Builds trees of one program.
pub(crate) struct Builder<'a> {
    /// The expanded text, in which words are not marked.
    text: &'a str,
    /// Where the text that pest was given begins in the expanded text.
    base: u32,
    depth: usize,
    pub(crate) diagnostics: Diagnostics,
}

/// The parts of a rule, without single signs.
pub(crate) struct Parts<'i> {
    pairs: std::iter::Peekable<Pairs<'i, Rule>>,
    /// Of the whole rule.
    span: Span,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            base: 0,
            depth: 0,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Builds the declaration that begins at `base`.
    pub(crate) fn build(&mut self, declaration: Pair<'_, Rule>, base: u32) -> Declaration {
        self.base = base;
        self.depth = 0;
        self.declaration(declaration)
    }

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(
            self.base + span.start() as u32,
            self.base + span.end() as u32,
        )
    }

    fn parts<'i>(&self, pair: Pair<'i, Rule>) -> Parts<'i> {
        let span = self.span(&pair);
        Parts {
            pairs: pair.into_inner().peekable(),
            span,
        }
    }

    fn text_of(&self, span: Span) -> &'a str {
        self.text
            .get(span.lo as usize..span.hi as usize)
            .expect("spans of the parser are within the text, between characters")
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        let span = self.span(pair);
        Name {
            text: self.text_of(span).to_owned(),
            span,
        }
    }

    fn names(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        let mut parts = self.parts(pair);
        let mut names = Vec::new();
        while let Some(name) = parts.take_if(Rule::name) {
            names.push(self.name(&name));
        }
        names
    }

    /// `type_params`, if they are next.
    fn type_params(&self, parts: &mut Parts<'_>) -> Vec<Name> {
        let params = parts.take_if(Rule::type_params);
        params.map_or_else(Vec::new, |params| self.names(params))
    }

    fn path(&self, pair: Pair<'_, Rule>) -> Path {
        let mut parts = self.parts(pair);
        let is_absolute = parts.take_if(Rule::absolute).is_some();
        let name = self.name(&parts.take());
        Path {
            is_absolute,
            name,
            span: parts.span,
        }
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics
            .push(Diagnostic::error(code, span, message).with_help(help));
    }

    /// Runs `build` this many levels deeper, unless that is too deep.
    fn deeper<T>(
        &mut self,
        n_levels: usize,
        span: Span,
        build: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.depth + n_levels > MAX_DEPTH {
            let message = format!("this nests deeper than {MAX_DEPTH} levels");
            let help = "name a part of it: a constant, a variable, a function or an action";
            self.error(codes::TOO_DEEP, span, message, help);
            return None;
        }
        self.depth += n_levels;
        let built = build(self);
        self.depth -= n_levels;
        Some(built)
    }
}

impl<'i> Parts<'i> {
    fn skip_signs(&mut self) {
        while self.pairs.next_if(|pair| is_sign(pair.as_rule())).is_some() {}
    }

    fn peek(&mut self) -> Option<Rule> {
        self.skip_signs();
        self.pairs.peek().map(Pair::as_rule)
    }

    fn next(&mut self) -> Option<Pair<'i, Rule>> {
        self.skip_signs();
        self.pairs.next()
    }

    /// The next part, which the grammar demands.
    fn take(&mut self) -> Pair<'i, Rule> {
        self.next().expect("the grammar demands this part")
    }

    /// The next part if it is of this rule.
    fn take_if(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        if self.peek() == Some(rule) {
            self.next()
        } else {
            None
        }
    }

    /// Whether the next part is of this rule; takes it if so.
    fn has(&mut self, rule: Rule) -> bool {
        self.take_if(rule).is_some()
    }
}

/// Whether a rule is a single sign or a keyword that only tells others apart.
fn is_sign(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::s_semicolon
            | Rule::s_comma
            | Rule::s_colon
            | Rule::s_equals
            | Rule::s_dot
            | Rule::s_open
            | Rule::s_close
            | Rule::s_open_bracket
            | Rule::s_close_bracket
            | Rule::s_open_brace
            | Rule::s_close_brace
            | Rule::s_less
            | Rule::s_greater
            | Rule::s_question
            | Rule::k_action
            | Rule::k_actions
            | Rule::k_apply
            | Rule::k_bit
            | Rule::k_bool
            | Rule::k_break
            | Rule::k_continue
            | Rule::k_control
            | Rule::k_entries
            | Rule::k_enum
            | Rule::k_error
            | Rule::k_exit
            | Rule::k_extern
            | Rule::k_for
            | Rule::k_header
            | Rule::k_header_union
            | Rule::k_if
            | Rule::k_int
            | Rule::k_key
            | Rule::k_list
            | Rule::k_match_kind
            | Rule::k_package
            | Rule::k_parser
            | Rule::k_priority
            | Rule::k_return
            | Rule::k_select
            | Rule::k_state
            | Rule::k_string
            | Rule::k_struct
            | Rule::k_switch
            | Rule::k_table
            | Rule::k_transition
            | Rule::k_tuple
            | Rule::k_type
            | Rule::k_typedef
            | Rule::k_value_set
            | Rule::k_varbit
            | Rule::k_void
    )
}
