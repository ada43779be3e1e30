//! Names, values and places of a program as a trace shows them.

use p4rmt_engine::{EntryTarget, InstalledEntry};
use p4rmt_ir::{
    Bits, Block, Body, Expr, FieldId, FieldKind, Gress, KeySet, Match, MatchKind, Param, StmtKind,
    TableId,
};
use p4rmt_source::{Sources, Span};

use super::explanation::{At, EntryText, Value};

/// So many characters of a condition are shown.
const SHOWN_TEXT: usize = 100;

/// Numbers below this are shown in decimal, too.
const SMALL: u64 = 10_000_000;

/// Where a span stands, as `file:line`.
pub(crate) fn place(sources: &Sources, span: Span) -> At {
    let place = sources.locate(span)?;
    Some(format!("{}:{}", place.file.display(), place.line))
}

/// A value as people read it: few bits in decimal, many in hexadecimal with all their digits.
pub(crate) fn value(bits: &Bits) -> String {
    let width = bits.width();
    if width <= 9 {
        return bits.low_u64().to_string();
    }
    let digits = width.div_ceil(4) as usize;
    let hex: String = format!("{bits:x}");
    match bits.to_u64() {
        Some(small @ 10..SMALL) => format!("0x{hex:0>digits$} ({small})"),
        Some(_) | None => format!("0x{hex:0>digits$}"),
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of a condition; of an `if`, what stands in its parentheses.
pub(crate) fn condition(sources: &Sources, span: Span) -> String {
    let text = sources.text(span);
    let text = match text.strip_prefix("if").and_then(|rest| rest.find('(')) {
        Some(open) => &text[2 + open + 1..],
        None => text,
    };
    let words: Vec<&str> = without_block(text).split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What stands before a parenthesis that was not opened, or before a block.
fn without_block(text: &str) -> &str {
    let mut depth = 0u32;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' | '{' if depth == 0 => return text[..at].trim(),
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// A field as the program would write it: of a validity bit, the question for it.
pub(crate) fn field(gress: &Gress, id: FieldId) -> String {
    let field = &gress.fields[id];
    match field.kind {
        FieldKind::Validity(header) => format!("{}.isValid()", gress.headers[header].name),
        FieldKind::Header(_)
        | FieldKind::VarbitWidth(_)
        | FieldKind::Metadata
        | FieldKind::Intrinsic
        | FieldKind::Local => field.name.clone(),
    }
}

/// The value of a field: of a validity bit, the answer.
pub(crate) fn field_value(gress: &Gress, id: FieldId, bits: &Bits) -> String {
    match gress.fields[id].kind {
        FieldKind::Validity(_) => bits.is_true().to_string(),
        FieldKind::Header(_)
        | FieldKind::VarbitWidth(_)
        | FieldKind::Metadata
        | FieldKind::Intrinsic
        | FieldKind::Local => value(bits),
    }
}

/// An expression with the program's names. Fields that only the compiler knows keep theirs.
pub(crate) fn expression(gress: &Gress, expr: &Expr) -> String {
    match expr {
        Expr::Field(id) => field(gress, *id),
        Expr::Slice { arg, hi, lo } => format!("{}[{hi}:{lo}]", expression(gress, arg)),
        Expr::Binary { op, lhs, rhs } => {
            format!("{} {op} {}", expression(gress, lhs), expression(gress, rhs))
        }
        Expr::Unary { op, arg } => format!("{op}{}", expression(gress, arg)),
        Expr::Resize { arg, .. } => expression(gress, arg),
        Expr::Lookahead { offset: 0, width } => format!("lookahead<{width}>"),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => expr.to_string(),
    }
}

/// The condition of the `if` at this place, wherever in the gress it stands.
pub(crate) fn find_condition(gress: &Gress, span: Span) -> Option<&Expr> {
    let parser = gress.parser.states.values().map(|state| &state.body);
    let (controls, actions): (Vec<&Block>, Vec<&Block>) = match &gress.body {
        Body::Structured(body) => (
            body.controls.iter().map(|control| &control.body).collect(),
            body.actions.values().map(|action| &action.body).collect(),
        ),
        Body::Tables(_) => (Vec::new(), Vec::new()),
    };
    let mut blocks = parser
        .chain(controls)
        .chain(actions)
        .chain([&gress.deparser.body]);
    blocks.find_map(|block| condition_in(block, span))
}

fn condition_in(block: &Block, span: Span) -> Option<&Expr> {
    block.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::If { cond, .. } if stmt.span == span => Some(cond),
        StmtKind::If {
            then, otherwise, ..
        } => condition_in(then, span).or_else(|| condition_in(otherwise, span)),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => condition_in(body, span),
        StmtKind::Apply { arms, .. } => arms.iter().find_map(|arm| condition_in(&arm.body, span)),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => None,
    })
}

/// Name, parameters and place of an action of either form.
pub(crate) fn action(gress: &Gress, id: p4rmt_ir::ActionId) -> (&str, &[Param], Span) {
    match &gress.body {
        Body::Structured(body) => {
            let action = &body.actions[id];
            (&action.name, &action.params, action.span)
        }
        Body::Tables(body) => {
            let action = &body.actions[id];
            (&action.name, &action.params, action.span)
        }
    }
}

/// Action data with their names.
pub(crate) fn data(params: &[Param], args: &[Bits]) -> Vec<Value> {
    let pairs = params.iter().zip(args);
    pairs
        .map(|(param, arg)| Value {
            name: param.name.clone(),
            value: value(arg),
        })
        .collect()
}

/// How a key is compared, as P4 says it.
pub(crate) fn match_kind(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Exact => "exact",
        MatchKind::Ternary => "ternary",
        MatchKind::Lpm => "lpm",
        MatchKind::Range => "range",
        MatchKind::Optional => "optional",
        MatchKind::Selector => "selector",
    }
}

/// An entry with all that it says.
pub(crate) fn entry(
    sources: &Sources,
    gress: &Gress,
    table: TableId,
    slot: usize,
    entry: &InstalledEntry,
) -> EntryText {
    let keys = &gress.tables[table].keys;
    let has_priorities = keys.iter().any(|key| match key.kind {
        MatchKind::Ternary | MatchKind::Range | MatchKind::Optional => true,
        MatchKind::Exact | MatchKind::Lpm | MatchKind::Selector => false,
    });
    let matches = keys.iter().zip(&entry.matches);
    EntryText {
        slot,
        matches: matches
            .map(|(key, wanted)| Value {
                name: key.name.clone(),
                value: wanted_value(wanted),
            })
            .collect(),
        priority: has_priorities.then_some(entry.priority),
        leads_to: match &entry.target {
            EntryTarget::Action(_) => None,
            EntryTarget::Member(member) => Some(format!("member {member}")),
            EntryTarget::Group(group) => Some(format!("group {group}")),
        },
        at: place(sources, entry.span),
    }
}

/// What an entry wants of a key.
pub(crate) fn wanted_value(wanted: &Match) -> String {
    match wanted {
        Match::Exact(bits) => value(bits),
        Match::Ternary { mask, .. } if mask.is_zero() => "_".to_owned(),
        Match::Ternary { value: bits, mask } if *mask == Bits::ones(mask.width()) => value(bits),
        Match::Ternary { value: bits, mask } => format!("{} &&& {}", value(bits), value(mask)),
        Match::Lpm {
            value: bits,
            prefix_len,
        } => format!("{}/{prefix_len}", value(bits)),
        Match::Range { lo, hi } => format!("{}..{}", value(lo), value(hi)),
        Match::Any => "_".to_owned(),
    }
}

/// What a case of a `select` wants.
pub(crate) fn keyset(gress: &Gress, keyset: &KeySet) -> String {
    match keyset {
        KeySet::Any => "_".to_owned(),
        KeySet::Exact(bits) => value(bits),
        KeySet::Mask { value: bits, mask } => format!("{} &&& {}", value(bits), value(mask)),
        KeySet::Range { lo, hi } => format!("{}..{}", value(lo), value(hi)),
        KeySet::ValueSet(set) => gress.value_sets[*set].name.clone(),
    }
}

/// `name(a: 1, b: 2)`.
pub(crate) fn call_text(name: &str, data: &[Value]) -> String {
    let data: Vec<String> = data
        .iter()
        .map(|Value { name, value }| format!("{name}: {value}"))
        .collect();
    format!("{name}({})", data.join(", "))
}
