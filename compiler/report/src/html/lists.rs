//! The lists: the longest chain, the tables with the reason for their place, the memories.

use maud::{Markup, html};

use super::{place, prose};
use crate::schema::{BlockedByReport, FitReport};

/// One of the longest chains of dependencies, link by link.
pub(super) fn chain(report: &FitReport) -> Markup {
    html! {
        @if !report.critical_chain.is_empty() {
            section #chain {
                h2 { "The longest chain: " (report.critical_path) " stages" }
                table.lists {
                    thead { tr { th { "from stage" } th.text { "table or condition" } th.text { "because" } } }
                    tbody {
                        @for link in &report.critical_chain {
                            tr {
                                td { (link.earliest) }
                                td.text { span.name { (link.unit) } " " (place(link.span.as_ref())) }
                                td.text { (because(link.because.as_ref())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every table with its size and why it is not one stage earlier.
pub(super) fn tables(report: &FitReport) -> Markup {
    html! {
        section #tables {
            h2 { "Tables" }
            div.scroll {
                table.lists {
                    thead {
                        tr {
                            th.text { "table" } th.text { "gress" } th { "stage" } th.text { "match" } th { "key bits" }
                            th { "entries" } th { "SRAM" } th { "TCAM" } th { "map RAM" } th.text { "why not earlier" }
                        }
                    }
                    tbody {
                        @for table in &report.tables {
                            tr {
                                td.text { span.name { (table.name) } " " (place(table.span.as_ref())) }
                                td.text { (table.gress) }
                                td { (list(&table.stages)) }
                                td.text { (table.match_kind) }
                                td { (unless_zero(table.key_bits)) }
                                td { (unless_zero(table.entries)) }
                                td { (unless_zero(table.sram.into())) }
                                td { (unless_zero(table.tcam.into())) }
                                td { (unless_zero(table.map_ram.into())) }
                                td.text { (because(table.blocked_by.as_ref())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every memory that tables reach by an index.
pub(super) fn memories(report: &FitReport) -> Markup {
    html! {
        @if !report.memories.is_empty() {
            section #memories {
                h2 { "Registers, counters, meters, profiles" }
                div.scroll {
                    table.lists {
                        thead {
                            tr {
                                th.text { "memory" } th.text { "kind" } th.text { "gress" } th { "stage" } th { "cells" }
                                th { "SRAM" } th { "map RAM" } th.text { "used by" }
                            }
                        }
                        tbody {
                            @for memory in &report.memories {
                                tr {
                                    td.text { span.name { (memory.name) } }
                                    td.text { (memory.kind) }
                                    td.text { (memory.gress) }
                                    td { (memory.stage.map_or("–".to_owned(), |stage| stage.to_string())) }
                                    td { (memory.size) }
                                    td { (unless_zero(memory.sram.into())) }
                                    td { (unless_zero(memory.map_ram.into())) }
                                    td.text { (memory.tables.join(", ")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn because(by: Option<&BlockedByReport>) -> Markup {
    html! { @if let Some(by) = by { strong { (by.kind) } ": " (prose(&by.detail)) } }
}

fn list(stages: &[u32]) -> String {
    let stages: Vec<String> = stages.iter().map(u32::to_string).collect();
    stages.join(", ")
}

fn unless_zero(count: u64) -> String {
    if count == 0 {
        String::new()
    } else {
        count.to_string()
    }
}
