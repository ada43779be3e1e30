//! What was expected, in the words of someone who writes P4.
//!
//! In: the rules that pest tried at the place of the fault. Out: a few words.

use crate::grammar::Rule;
use crate::marks::is_keyword;

/// What was expected.
pub(super) struct Expected {
    /// As it goes into `expected …`.
    pub(super) words: String,
    /// Whether it is a sign alone, that is missing rather than wrong.
    pub(super) is_missing_sign: bool,
    /// What to do, when that is clear.
    pub(super) help: Option<&'static str>,
}

/// How many things are listed.
const MAX_LISTED: usize = 5;

/// What these rules are, where `found` stands, outside all brackets if `is_top_level`.
pub(super) fn expected(rules: &[Rule], found: &str, is_top_level: bool) -> Expected {
    let mut words: Vec<&'static str> = Vec::new();
    for rule in rules {
        if let Some(word) = word(*rule).filter(|word| !words.contains(word)) {
            words.push(word);
        }
    }
    // Behind a value almost anything may follow; what ends it is what was forgotten.
    let closers = [
        "`;`", "`)`", "`]`", "`}`", "`:`", "`,`", "`=`", "`{`", "`>`",
    ];
    let is_behind_value = words.contains(&OPERATOR);
    let signs: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| closers.contains(word))
        .collect();
    if rules.contains(&Rule::assign) && is_operator(found) {
        // A value stands where a statement should.
        words = vec!["`=`", "`(`"];
    } else if is_behind_value && !signs.is_empty() {
        words.clone_from(&signs);
    }
    if words.contains(&"`;`") {
        words.retain(|word| *word != "`[`");
    }
    if words.contains(&STATEMENT) {
        words
            .retain(|word| *word != TYPE && *word != NAME && *word != VALUE && *word != ANNOTATION);
    }
    if words.len() > 1 {
        words.retain(|word| *word != ANNOTATION);
    }
    // Behind a type a name follows; that the type may go on is no news.
    if words.contains(&NAME) {
        words.retain(|word| !matches!(*word, "`<`" | "`[`" | "`(`"));
    }
    if words.contains(&VALUE) {
        words.retain(|word| !matches!(*word, NAME | "a number" | "`_`" | "`{`" | "`(`"));
    }
    words.sort_unstable();
    let is_missing_sign = words.len() == signs.len() && !signs.is_empty();
    let help = match (words.as_slice(), found) {
        (["`(`", "`=`"], _) => Some("a value alone is no statement: assign it, or call it"),
        (["`(`", "`<`"], ";" | "=") if is_top_level => Some(
            "there are no variables outside parsers, controls, actions and functions; for a constant write `const`",
        ),
        (_, "table" | "apply" | "state") if is_top_level && rules.contains(&Rule::declaration) => {
            Some("tables and `apply` stand within controls, states within parsers")
        }
        (_, "in") => Some("declare the variable of the loop with its type: `for (bit<8> i in …)`"),
        (_, "bit" | "int" | "bool" | "varbit") if words.contains(&VALUE) => {
            Some("a cast is written `(bit<8>) x`")
        }
        (_, "while" | "do") => {
            Some("the loops of the language are `for (…; …; …)` and `for (T x in …)`")
        }
        (_, "}") if rules.contains(&Rule::k_apply) => {
            Some("a control ends with its body: `apply { … }`")
        }
        (_, "}") if words.contains(&VALUE) || words.contains(&NAME) => {
            Some("something before the `}` is not complete")
        }
        _ if found.starts_with('"') && found.contains('\n') => {
            Some("this string runs over several lines; is its end missing?")
        }
        _ if words.contains(&NAME) && is_keyword(found) && found != "_" => {
            Some("this word has a meaning of its own; choose another name")
        }
        _ => None,
    };
    words.truncate(MAX_LISTED);
    let words = match words.as_slice() {
        [] => "something else".to_owned(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    };
    Expected {
        words,
        is_missing_sign,
        help,
    }
}

/// Whether a word is an operator of two operands, or the beginning of one.
fn is_operator(found: &str) -> bool {
    matches!(
        found,
        "==" | "!="
            | "+"
            | "-"
            | "*"
            | "/"
            | "%"
            | "<"
            | ">"
            | "<="
            | ">="
            | "<<"
            | ">>"
            | "&"
            | "&&"
            | "|"
            | "||"
            | "^"
            | "++"
            | "?"
    )
}

const ANNOTATION: &str = "an annotation";
const NAME: &str = "a name";
const OPERATOR: &str = "an operator";
const STATEMENT: &str = "a statement";
const TYPE: &str = "a type";
const VALUE: &str = "a value";

/// What a rule is to a reader; `None` for what needs no mention.
fn word(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::annotation | Rule::pragma => ANNOTATION,
        Rule::annotation_name
        | Rule::identifier
        | Rule::plain_identifier
        | Rule::type_identifier
        | Rule::name
        | Rule::declarator => NAME,
        Rule::integer => "a number",
        Rule::expr
        | Rule::operand
        | Rule::prefix
        | Rule::cast
        | Rule::path
        | Rule::absolute
        | Rule::string
        | Rule::k_true
        | Rule::k_false
        | Rule::k_this
        | Rule::parenthesized
        | Rule::dots
        | Rule::invalid
        | Rule::struct_literal
        | Rule::list_literal
        | Rule::error_member
        | Rule::width
        | Rule::expr_list => VALUE,
        Rule::infix | Rule::member | Rule::subscript | Rule::call_type_args | Rule::s_question => {
            OPERATOR
        }
        Rule::type_ref
        | Rule::type_path
        | Rule::type_bit
        | Rule::type_int
        | Rule::type_varbit
        | Rule::type_bool
        | Rule::type_error
        | Rule::type_match_kind
        | Rule::type_string
        | Rule::type_void
        | Rule::type_tuple
        | Rule::type_list
        | Rule::type_named
        | Rule::k_bit
        | Rule::k_int
        | Rule::k_varbit
        | Rule::k_bool
        | Rule::k_error
        | Rule::k_string
        | Rule::k_void
        | Rule::k_tuple
        | Rule::k_list => TYPE,
        Rule::type_args | Rule::type_params | Rule::s_less => "`<`",
        Rule::array_suffix | Rule::s_open_bracket | Rule::annotation_list => "`[`",
        Rule::arguments | Rule::parameters | Rule::s_open | Rule::annotation_tokens => "`(`",
        Rule::s_close => "`)`",
        Rule::s_close_bracket => "`]`",
        Rule::s_open_brace
        | Rule::block
        | Rule::fields
        | Rule::name_list
        | Rule::parser_body
        | Rule::control_body
        | Rule::object_body => "`{`",
        Rule::s_close_brace => "`}`",
        Rule::s_semicolon => "`;`",
        Rule::s_comma => "`,`",
        Rule::s_colon => "`:`",
        Rule::s_equals => "`=`",
        Rule::assign => "an assignment",
        Rule::s_greater => "`>`",
        Rule::s_dot => "`.`",
        Rule::s_range => "`..`",
        Rule::s_mask => "`&&&`",
        Rule::plus_colon => "`+:`",
        Rule::dont_care => "`_`",
        Rule::argument => "an argument",
        Rule::parameter => "a parameter",
        Rule::field => "a field",
        Rule::struct_field => "a field",
        Rule::keyset | Rule::keyset_tuple | Rule::simple_keyset | Rule::select_case => "a keyset",
        Rule::local_declaration
        | Rule::constant_declaration
        | Rule::assignment_or_call
        | Rule::lvalue
        | Rule::empty_statement
        | Rule::if_statement
        | Rule::switch_statement
        | Rule::return_statement
        | Rule::exit_statement
        | Rule::break_statement
        | Rule::continue_statement
        | Rule::for_statement => STATEMENT,
        Rule::switch_case => "a case",
        Rule::declaration
        | Rule::constant
        | Rule::extern_declaration
        | Rule::parser
        | Rule::control
        | Rule::package
        | Rule::header
        | Rule::header_union
        | Rule::structure
        | Rule::enumeration
        | Rule::error_declaration
        | Rule::match_kind_declaration
        | Rule::typedef
        | Rule::new_type
        | Rule::function_or_instance => "a declaration",
        Rule::variable_or_instance
        | Rule::control_local
        | Rule::parser_local
        | Rule::value_set
        | Rule::object_declaration
        | Rule::action => "a declaration",
        Rule::table => "a table",
        Rule::method | Rule::constructor | Rule::prototype | Rule::extern_type => "a method",
        Rule::state | Rule::k_state => "`state`",
        Rule::transition | Rule::k_transition => "`transition`",
        Rule::select | Rule::k_select => "`select`",
        Rule::property | Rule::other_property => "a table property",
        Rule::key | Rule::k_key => "`key`",
        Rule::actions | Rule::k_actions => "`actions`",
        Rule::entries | Rule::k_entries => "`entries`",
        Rule::key_element => "a key element",
        Rule::action_item | Rule::action_ref => "an action",
        Rule::entry => "an entry",
        Rule::k_apply => "`apply`",
        Rule::k_in | Rule::for_in => "`in`",
        Rule::k_else => "`else`",
        Rule::k_abstract => "`abstract`",
        Rule::k_const => "`const`",
        Rule::k_default => "`default`",
        Rule::member_value => "a name",
        Rule::plain_enum | Rule::serializable_enum => NAME,
        _ => return None,
    })
}
