//! Entries of tables.

use p4rmt_syntax::ast;

use crate::args::Binding;
use crate::check::Checker;
use crate::decl::DeclId;
use crate::keysets;
use crate::tables::Key;
use crate::types::Type;

/// Checks an entry of a table with these keys.
pub(crate) fn check_entry<'a>(
    check: &mut Checker<'a>,
    entry: &'a ast::Entry,
    keys: &[Key<'a>],
    _table: DeclId,
) {
    if let Some(priority) = &entry.priority {
        check.check_value(priority, Type::INT);
    }
    let types: Vec<Type> = keys
        .iter()
        .map(|key| check.operand(&key.element.expr).ty)
        .collect();
    keysets::check_keyset(check, &entry.keyset, &types);
    check.listed_action(&entry.action, Binding::Full);
}
