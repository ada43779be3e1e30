//! Names, types, and instantiation: syntax tree to structured IR.
