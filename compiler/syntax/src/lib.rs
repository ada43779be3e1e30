//! P4-16 preprocessor, grammar, syntax tree, and printer.
