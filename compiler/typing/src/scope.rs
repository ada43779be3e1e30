//! Scopes: what a name means at a place.
//!
//! Declarations enter the innermost scope as they are passed, so that a name means what was declared
//! before its use. Functions of one name stand together; anything else has its name to itself.

use std::collections::HashMap;
use std::rc::Rc;

use crate::decl::DeclId;

/// The declarations of one name in one scope; more than one are overloads.
pub(crate) type Overloads = Rc<[DeclId]>;

/// The scopes around a place, the outermost first.
#[derive(Debug)]
pub(crate) struct Scopes<'a> {
    levels: Vec<HashMap<&'a str, Overloads>>,
}

impl<'a> Scopes<'a> {
    pub(crate) fn new() -> Self {
        Self {
            levels: vec![HashMap::new()],
        }
    }

    pub(crate) fn push(&mut self) {
        self.levels.push(HashMap::new());
    }

    pub(crate) fn pop(&mut self) {
        debug_assert!(self.levels.len() > 1, "the top level stays");
        self.levels.pop();
    }

    /// What the innermost scope has under a name.
    pub(crate) fn here(&self, name: &str) -> Option<&Overloads> {
        self.levels.last().and_then(|level| level.get(name))
    }

    /// What the top level has under a name.
    pub(crate) fn top(&self, name: &str) -> Option<&Overloads> {
        self.levels.first().and_then(|level| level.get(name))
    }

    /// All names of the top level.
    pub(crate) fn into_top(self) -> HashMap<&'a str, Overloads> {
        self.levels.into_iter().next().unwrap_or_default()
    }

    /// What each scope around has under a name, the innermost first.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Overloads> {
        self.levels
            .iter()
            .rev()
            .filter_map(move |level| level.get(name))
    }

    /// All names of all scopes, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.levels.iter().flat_map(|level| level.keys().copied())
    }

    /// Adds a declaration to those that the innermost scope has under a name.
    pub(crate) fn add(&mut self, name: &'a str, decl: DeclId) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        let overloads = level.entry(name).or_insert_with(|| Rc::from([]));
        *overloads = overloads.iter().copied().chain([decl]).collect();
    }

    /// Puts a declaration in the place of what the innermost scope has under a name.
    pub(crate) fn replace(&mut self, name: &'a str, decl: DeclId) {
        if let Some(level) = self.levels.last_mut() {
            level.insert(name, Rc::from([decl]));
        }
    }
}
