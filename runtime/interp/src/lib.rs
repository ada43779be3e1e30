//! The reference meaning of the IR.
