//! Structured IR to the tables form.
