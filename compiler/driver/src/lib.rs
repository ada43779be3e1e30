//! The ordered list of compiler steps.
