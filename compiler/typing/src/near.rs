//! What was meant by a name that nothing has: the help of a complaint, where something near is known.
//!
//! Candidates are put in order first, so that the same program gets the same help every time.

use p4rmt_source::did_you_mean;

use crate::check::Checker;
use crate::decl::Detail;
use crate::types::{Type, TypeKind};

impl Checker<'_> {
    /// For a name that no scope has.
    pub(crate) fn near_name(&self, name: &str) -> Option<String> {
        let mut names: Vec<&str> = self.scopes.names().collect();
        names.sort_unstable();
        did_you_mean(name, names)
    }

    /// For a match kind that is not declared.
    pub(crate) fn near_match_kind(&self, name: &str) -> Option<String> {
        let mut names: Vec<&str> = self.match_kinds.keys().copied().collect();
        names.sort_unstable();
        did_you_mean(name, names)
    }

    /// For a member that a type does not have.
    pub(crate) fn near_member(&self, ty: Type, name: &str) -> Option<String> {
        if ty == Type::ERROR {
            let mut names: Vec<&str> = self.errors.keys().copied().collect();
            names.sort_unstable();
            return did_you_mean(name, names);
        }
        match self.types.kind(ty) {
            TypeKind::Named { decl, .. } => {
                let mut names: Vec<&str> = match &self.decl(*decl).detail {
                    Detail::Fields(fields) => fields.iter().map(|field| field.name).collect(),
                    Detail::Members(members) | Detail::SerializableEnum { members, .. } => {
                        members.iter().map(|member| member.name).collect()
                    }
                    Detail::Extern { methods, .. } => {
                        methods.iter().map(|id| self.decl(*id).name).collect()
                    }
                    Detail::Block { .. } => vec!["apply"],
                    Detail::None
                    | Detail::Underlying(_)
                    | Detail::Function(_)
                    | Detail::Package(_) => Vec::new(),
                };
                if matches!(self.decl(*decl).detail, Detail::Fields(_)) {
                    names.extend(["isValid", "setValid", "setInvalid"]);
                }
                did_you_mean(name, names)
            }
            TypeKind::Stack(..) => {
                let names = [
                    "next",
                    "last",
                    "lastIndex",
                    "size",
                    "push_front",
                    "pop_front",
                ];
                did_you_mean(name, names)
            }
            TypeKind::ApplyResult(_) => did_you_mean(name, ["hit", "miss", "action_run"]),
            _ => None,
        }
    }
}
