//! The typed match-action IR: the contract between compiler and engines.
