//! A program written out again: as P4 ([`p4`]), as the text of its forms ([`ir`]), as graphs
//! ([`dot`]).

pub mod dot;
mod p4;

pub use p4::p4;

use p4rmt_ir::Arch;

use crate::Forms;

/// A form of the IR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Statements in order.
    Structured,
    /// Tables and gateways.
    Tables,
}

/// The text of a form; `None` where the program has it not.
#[must_use]
pub fn ir(forms: &Forms, form: Form) -> Option<String> {
    match form {
        Form::Structured => Some(p4rmt_ir::text::program_text(&forms.structured)),
        Form::Tables => match forms.program.arch {
            Arch::Tna | Arch::T2na => Some(p4rmt_ir::text::program_text(&forms.program)),
            Arch::V1model => None,
        },
    }
}
