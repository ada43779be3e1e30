//! Placement of tables and stateful ALUs in match-action stages.
