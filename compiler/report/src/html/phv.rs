//! Containers and what they hold, parsers and deparsers, stateful ALUs.

use maud::{Markup, html};

use super::place;
use crate::schema::{ContainerReport, FitReport, PhvReport, SliceReport};

/// Width of a bit in the map.
const BIT: u32 = 3;
const HEIGHT: u32 = 14;

/// The packet header vector: how many containers of each size, each drawn with the bits that it holds,
/// and what these are.
pub(super) fn phv(report: &FitReport) -> Markup {
    html! {
        @if let Some(phv) = &report.phv {
            section #phv {
                h2 { "Packet header vector" }
                (sizes(phv))
                p.key { "a box a container, a mark a bit that a field has at some time; where fields take turns, darker" }
                div.containers {
                    @for container in &phv.map { (drawn(container)) }
                }
                div.scroll {
                    table.lists.small {
                        thead { tr { th.text { "container" } th.text { "gress" } th.text { "what it holds, and from which stage to which" } } }
                        tbody {
                            @for container in &phv.map {
                                tr {
                                    td.text { span.name { (container.container) } }
                                    td.text { (container.gress) }
                                    td.text { (held(container)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sizes(phv: &PhvReport) -> Markup {
    html! {
        table.lists {
            thead { tr { th.text { "gress" } th.text { "kind" } th { "bits" } th { "used" } th { "of" } th { "bits used" } } }
            tbody {
                @for of in &phv.containers {
                    tr {
                        td.text { (of.gress) }
                        td.text { (of.kind) }
                        td { (of.size_bits) }
                        td { (of.used) }
                        td { (of.available) }
                        td { (of.bits_used) }
                    }
                }
            }
        }
    }
}

fn drawn(container: &ContainerReport) -> Markup {
    let width = container.size_bits * BIT;
    let names: Vec<String> = container.slices.iter().map(slice).collect();
    html! {
        svg.container.(container.gress) viewBox=(format!("0 0 {width} {HEIGHT}")) width=(width) height=(HEIGHT) role="img" aria-label=(container.container) {
            title { (container.container) ": " (names.join("; ")) }
            rect.box width=(width) height=(HEIGHT) {}
            @for of in &container.slices {
                // Bit 0 is at the right.
                rect.held x=(width.saturating_sub((of.at + of.hi - of.lo + 1) * BIT)) width=((of.hi - of.lo + 1) * BIT) height=(HEIGHT) {}
            }
        }
    }
}

fn held(container: &ContainerReport) -> String {
    let slices: Vec<String> = container.slices.iter().map(slice).collect();
    slices.join("; ")
}

/// A slice with its life: `meta.role[3:0] 1–4`.
fn slice(of: &SliceReport) -> String {
    let stage = |stage: Option<u32>, end: &str| {
        stage.map_or_else(|| end.to_owned(), |stage| stage.to_string())
    };
    format!(
        "{}[{}:{}] {}–{}",
        of.field,
        of.hi,
        of.lo,
        stage(of.from_stage, "parser"),
        stage(of.to_stage, "deparser")
    )
}

/// Parsers and deparsers.
pub(super) fn ends(report: &FitReport) -> Markup {
    let share = |used: u32, available: u32| format!("{used} of {available}");
    html! {
        section #ends {
            h2 { "Parsers and deparsers" }
            table.lists {
                thead {
                    tr { th.text { "parser" } th { "states" } th { "rows" } th { "match bytes" } th { "cycles a state" } th { "depth, bytes" } th { "checksum units" } }
                }
                tbody {
                    @for parser in &report.parser {
                        tr {
                            td.text { (parser.gress) }
                            td { (parser.states) }
                            td { (share(parser.tcam_rows, parser.tcam_rows_available)) }
                            td { (share(parser.match_bytes, parser.match_bytes_available)) }
                            td { (parser.extract_cycles) }
                            td { (parser.max_depth_bytes.map_or_else(|| "unbounded".to_owned(), |bytes| bytes.to_string())) }
                            td { (share(parser.checksum_units, parser.checksum_units_available)) }
                        }
                    }
                }
            }
            table.lists {
                thead {
                    tr { th.text { "deparser" } th { "dictionary" } th { "validity bits" } th { "checksum units" } th { "digests, bytes" } th { "resubmissions, bytes" } th { "mirror headers, bytes" } }
                }
                tbody {
                    @for deparser in &report.deparser {
                        tr {
                            td.text { (deparser.gress) }
                            td { (share(deparser.dictionary_entries, deparser.dictionary_entries_available)) }
                            td { (share(deparser.validity_bits, deparser.validity_bits_available)) }
                            td { (share(deparser.checksum_units, deparser.checksum_units_available)) }
                            td { (deparser.digest_types) ", " (deparser.digest_bytes) }
                            td { (deparser.resubmit_types) ", " (deparser.resubmit_bytes) }
                            td { (deparser.mirror_types) ", " (deparser.mirror_bytes) }
                        }
                    }
                }
            }
        }
    }
}

/// The stateful ALUs.
pub(super) fn stateful(report: &FitReport) -> Markup {
    let share = |of: crate::schema::Share| format!("{} of {}", of.used, of.available);
    html! {
        @if !report.stateful.is_empty() {
            section #stateful {
                h2 { "Stateful ALUs" }
                div.scroll {
                    table.lists {
                        thead {
                            tr {
                                th.text { "register" } th.text { "gress" } th { "stage" } th { "element" } th { "actions" }
                                th { "comparators" } th { "slots" } th { "outputs" } th { "operands" } th { "constants" }
                            }
                        }
                        tbody {
                            @for unit in &report.stateful {
                                tr {
                                    td.text { span.name { (unit.register) } " " (place(unit.span.as_ref())) }
                                    td.text { (unit.gress) }
                                    td { (unit.stage.map_or_else(|| "–".to_owned(), |stage| stage.to_string())) }
                                    td { (unit.element) }
                                    td { (share(unit.instructions)) }
                                    td { (share(unit.comparators)) }
                                    td { (share(unit.slots)) }
                                    td { (share(unit.outputs)) }
                                    td { (share(unit.operands)) }
                                    td { (share(unit.constants)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
