//! The page: well-formed and complete. A browser looks at it in `browser.rs`.

mod chain;

use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{Arch, GressRole, Id, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_report::{FitReport, html, report};
use p4rmt_source::Sources;
use scraper::{Html, Selector};

use chain::chain;

fn select(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a selector");
    let elements = page.select(&selector);
    elements
        .map(|element| element.text().collect::<String>())
        .collect()
}

#[track_caller]
fn check_page(report: &FitReport) -> Html {
    let page = Html::parse_document(&html(report));
    assert_eq!(page.errors, Vec::<String>::new(), "it is well formed");
    let rows = select(&page, "#tables tbody tr");
    assert_eq!(rows.len(), report.tables.len());
    for (row, table) in rows.iter().zip(&report.tables) {
        assert!(row.contains(&table.name), "`{}` has its row", table.name);
        if let Some(by) = &table.blocked_by {
            let prose = by.detail.replace('`', "");
            assert!(row.contains(&prose), "{row}: no `{prose}`");
        }
    }
    let stages = select(&page, "#grid thead th[scope=col]");
    assert_eq!(stages.len(), report.stages.len());
    assert_eq!(select(&page, "#grid tbody tr").len(), report.totals.len());
    let n_parts: usize = report.tables.iter().map(|table| table.parts.len()).sum();
    assert_eq!(
        select(&page, "#map rect").len(),
        n_parts + report.gateways.len()
    );
    assert_eq!(
        select(&page, "#chain tbody tr").len(),
        report.critical_chain.len()
    );
    page
}

#[test]
fn a_page_has_every_table_stage_and_resource() {
    let page = check_page(&chain(5, 20));
    assert_eq!(select(&page, "h1"), ["chain fits tofino2"]);
    // The table under the condition may stand with it: the chain leads through either.
    assert_eq!(select(&page, "#map path.critical").len(), 5);
    assert!(select(&page, "#problems").is_empty());
}

#[test]
fn a_page_of_what_does_not_fit_begins_with_what_stands_in_the_way() {
    let page = check_page(&chain(5, 3));
    assert_eq!(select(&page, "h1"), ["chain does not fit tofino2"]);
    let problems = select(&page, "#problems li");
    assert!(problems[0].contains("E0501"), "{problems:?}");
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let structured = program(
        "empty",
        Arch::T2na,
        [GressBuilder::new(GressRole::Ingress).structured(vec![])],
    );
    let program = p4rmt_midend::to_tables(&structured).expect("nothing to refuse");
    let target = Target::built_in("tofino2").expect("it comes with the compiler");
    let pipe = PipeId::from_index(0);
    let fit = place(&program, pipe, &target).expect("it is in the tables form");
    check_page(&report(&fit, &program, pipe, &target, &Sources::new()));
}
