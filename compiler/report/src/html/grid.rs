//! The grid of stages and resources: a row a resource, a column a stage, darker where more is used.

use maud::{Markup, html};

use crate::resources::RESOURCES;
use crate::schema::FitReport;

/// The section with the grid.
pub(super) fn grid(report: &FitReport) -> Markup {
    html! {
        section #grid {
            h2 { "Stages and resources" }
            p.key { "used of what a stage has; empty is none" }
            div.scroll {
                table.grid {
                    thead {
                        tr {
                            th.text { "stage" }
                            @for stage in &report.stages { th scope="col" { (stage.stage) } }
                            th { "all" } th { "of" } th { "%" }
                        }
                    }
                    tbody {
                        @for resource in RESOURCES {
                            @if let Some(total) = report.totals.get(resource.key) {
                                tr {
                                    th scope="row" { (resource.words) }
                                    @for stage in &report.stages {
                                        (cell((resource.of)(stage), resource.limit(report)))
                                    }
                                    td.total { (total.used.map_or("–".to_owned(), |used| used.to_string())) }
                                    td.total { (total.available) }
                                    td.total { (total.percent.map_or("–".to_owned(), |percent| format!("{percent:.1}"))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(used: Option<u32>, limit: u32) -> Markup {
    let used = used.unwrap_or(0);
    let share = f64::from(used) / f64::from(limit.max(1));
    html! {
        @if used == 0 {
            td {}
        } @else {
            td.over[used > limit] style=(format!("--share:{:.2}", share.min(1.0))) title=(format!("{used} of {limit}")) { (used) }
        }
    }
}
