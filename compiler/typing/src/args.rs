//! Arguments and parameters: which belongs to which, and which of several functions is meant.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{Argument, Direction};

use crate::check::Checker;
use crate::decl::{Param, Signature};
use crate::error::ErrorKind;
use crate::typed::ArgSource;

/// Which parameters get their values from a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// All: a call.
    Full,
    /// Those with a direction: an action in a table's list. The others are the control plane's.
    Listed,
}

impl Binding {
    fn wants(self, param: &Param<'_>) -> bool {
        match self {
            Self::Full => true,
            Self::Listed => param.direction != Direction::None,
        }
    }
}

impl<'a> Checker<'a> {
    /// Whether these arguments fit by number and names, which is all that overloads differ in.
    pub(crate) fn accepts(signature: &Signature<'_>, args: &[Argument]) -> bool {
        let params = &signature.params;
        if args.len() > params.len() {
            return false;
        }
        let mut given = vec![false; params.len()];
        for (position, arg) in args.iter().enumerate() {
            let at = match &arg.name {
                Some(name) => params.iter().position(|param| param.name == name.text),
                None => Some(position),
            };
            match at {
                Some(at) if !given[at] => given[at] = true,
                _ => return false,
            }
        }
        let mut rest = params.iter().zip(given);
        rest.all(|(param, given)| given || param.default.is_some() || param.is_optional)
    }

    /// Where each parameter gets its value; `None` after an error.
    pub(crate) fn match_args(
        &mut self,
        signature: &Signature<'a>,
        args: &'a [Argument],
        binding: Binding,
        span: Span,
    ) -> Option<Vec<ArgSource<'a>>> {
        let params = &signature.params;
        let callee = || signature.name.to_owned();
        let needed = params.iter().filter(|param| binding.wants(param)).count();
        let mut sources: Vec<Option<&'a Argument>> = vec![None; params.len()];
        let n_named = args.iter().filter(|arg| arg.name.is_some()).count();
        if n_named != 0 && n_named != args.len() {
            self.error(span, ErrorKind::MixedArguments);
            return None;
        }
        let mut wanted = (0..params.len()).filter(|at| binding.wants(&params[*at]));
        for arg in args {
            let at = match &arg.name {
                Some(name) => {
                    let at = params.iter().position(|param| param.name == name.text);
                    let Some(at) = at else {
                        let name = name.text.clone();
                        let callee = callee();
                        self.error(arg.span, ErrorKind::UnknownParameter { callee, name });
                        return None;
                    };
                    if sources[at].is_some() {
                        let name = name.text.clone();
                        self.error(arg.span, ErrorKind::DuplicateName { name });
                        return None;
                    }
                    at
                }
                None => {
                    let Some(at) = wanted.next() else {
                        let kind = ErrorKind::ArgumentCount {
                            callee: callee(),
                            needed,
                            available: args.len(),
                        };
                        self.error(span, kind);
                        return None;
                    };
                    at
                }
            };
            sources[at] = Some(arg);
        }
        let mut matched = Vec::with_capacity(params.len());
        for (param, source) in params.iter().zip(sources) {
            matched.push(match (source, param.default) {
                (Some(arg), _) => ArgSource::Given(arg),
                (None, _) if !binding.wants(param) => ArgSource::Omitted,
                (None, Some(default)) => ArgSource::Default(default),
                (None, None) if param.is_optional => ArgSource::Omitted,
                (None, None) => {
                    let callee = callee();
                    let name = param.name.to_owned();
                    self.error(span, ErrorKind::MissingArgument { callee, name });
                    return None;
                }
            });
        }
        Some(matched)
    }
}
