//! The fit report as one page: self-contained, without scripts, and readable on paper.
//!
//! In the order in which a person asks: the answer ([`html`]), what stands in the way, the grid of
//! stages and resources ([`grid`]), where everything is and the longest chain ([`map`]), for each table
//! why it is not earlier ([`lists`]), and what lies in which container ([`phv`]).

mod grid;
mod lists;
mod map;
mod phv;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use p4rmt_mau::counted::counted;

use crate::schema::{FitReport, ProblemReport, SpanReport};

/// The report as an HTML page.
#[must_use]
pub fn html(report: &FitReport) -> String {
    let verdict = if report.fits { "fits" } else { "does not fit" };
    let title = format!("{} {verdict} {}", report.program, report.target);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("html/page.css"))) }
            }
            body {
                header {
                    h1 {
                        code { (report.program) } " "
                        span.yes[report.fits].no[!report.fits] { (verdict) } " "
                        (report.target)
                    }
                    (figures(report))
                }
                main {
                    (problems(&report.problems))
                    (grid::grid(report))
                    (map::map(report))
                    (lists::chain(report))
                    (lists::tables(report))
                    (lists::memories(report))
                    (phv::stateful(report))
                    (phv::phv(report))
                    (phv::ends(report))
                }
            }
        }
    };
    page.into_string()
}

/// The figures that answer most questions.
fn figures(report: &FitReport) -> Markup {
    let cycles = |cycles: Option<u32>| cycles.map_or("–".to_owned(), |cycles| cycles.to_string());
    let watts = |watts: Option<f64>| watts.map_or("–".to_owned(), |watts| format!("{watts:.2}"));
    let latency = &report.latency;
    let power = &report.power_w_per_pipe;
    markup! {
        dl.figures {
            (figure("stages used", &format!("{} of {}", report.stages_used, report.stages_available)))
            (figure("longest chain", &counted(report.critical_path, "stages")))
            (figure("ingress", &format!("{} cycles", cycles(latency.ingress_cycles))))
            (figure("egress", &format!("{} cycles", cycles(latency.egress_cycles))))
            (figure("both", &format!("{} ns", latency.mau_ns)))
            (figure("power, worst case", &format!("{} + {} W", watts(power.ingress), watts(power.egress))))
        }
    }
}

fn figure(name: &str, value: &str) -> Markup {
    markup! { div { dt { (name) } dd { (value) } } }
}

fn problems(problems: &[ProblemReport]) -> Markup {
    markup! {
        @if !problems.is_empty() {
            section #problems {
                h2 { "What stands in the way" }
                ol {
                    @for problem in problems {
                        li {
                            p { strong { (problem.code) } " " (prose(&problem.message)) " " (place(problem.span.as_ref())) }
                            p.help { (prose(&problem.help)) }
                        }
                    }
                }
            }
        }
    }
}

/// `file:line` of the program.
fn place(span: Option<&SpanReport>) -> Markup {
    markup! {
        @if let Some(span) = span {
            span.place { (span.file) ":" (span.line) }
        }
    }
}

/// A sentence whose names stand in backquotes.
fn prose(text: &str) -> Markup {
    markup! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// A name without the control that it stands in, as far as that is only the pipe's.
fn short(name: &str) -> &str {
    match name.split_once('.') {
        Some((_, rest)) if !rest.is_empty() => rest,
        Some(_) | None => name,
    }
}
