//! What is complained about: values that are read before they are set, or come out of an `out` parameter
//! unset, and fields of headers that are not valid.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Direction, Expr};

use crate::warnings::Warning;
use crate::warnings::flow::Flow;
use crate::warnings::state::{Fact, Place, State};

impl<'a> Flow<'_, '_, '_, 'a> {
    pub(super) fn warn(&mut self, span: Span, warning: &Warning) {
        if !self.is_quiet {
            self.warnings.warn(span, warning);
        }
    }

    /// Complains about single values that an `out` parameter takes out before they are set.
    pub(super) fn out_set(&mut self, params: &'a [ast::Parameter], end: &State) {
        for param in params {
            let Some(root) = self.check.declared(&param.name) else {
                continue;
            };
            let is_single =
                param.direction == Direction::Out && self.is_single(self.check.decl(root).ty);
            let place = Place {
                root,
                path: Vec::new(),
            };
            if let Some(fact) = end.values_within(&place)
                && is_single
                && fact.can_be_bad
                && (self.is_alone || !fact.can_be_good)
            {
                let warning = Warning::OutUnset {
                    name: param.name.text.clone(),
                    verb: verb(fact),
                };
                self.warn(param.name.span, &warning);
            }
        }
    }

    /// Complains about a value that is read before it is set.
    pub(super) fn unset(&mut self, expr: &Expr, fact: Fact) {
        // A struct of which only some fields are set is passed on as it is, and where tables decide
        // on several ways at once, that none of them goes by is theirs to know.
        let may_be_meant = !self.is_alone || !self.is_single(self.check.type_of(expr));
        if fact.can_be_good && may_be_meant {
            return;
        }
        let warning = Warning::Unset {
            name: p4rmt_syntax::print_expr(expr),
            verb: verb(fact),
        };
        self.warn(expr.span, &warning);
    }

    /// Complains about a field of a header that is not valid; a write is fine if it can be valid.
    pub(super) fn not_valid(&mut self, field: &Expr, header: &Expr, state: &State, is_write: bool) {
        let Some(fact) = self.place(header).and_then(|place| state.header(&place)) else {
            return;
        };
        if fact.can_be_bad && !(is_write && fact.can_be_good) {
            let warning = Warning::InvalidHeader {
                name: p4rmt_syntax::print_expr(header),
                verb: verb(fact),
            };
            self.warn(field.span, &warning);
        }
    }
}

pub(super) fn verb(fact: Fact) -> &'static str {
    if fact.can_be_good { "may be" } else { "is" }
}
