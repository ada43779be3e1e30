//! The page: well-formed, complete, and shown by a browser without a complaint.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use p4rmt_ir::build::{GressBuilder, apply, assign, branch, constant, eq, param, program};
use p4rmt_ir::{Arch, Expr, GressRole, Id, MatchKind, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_report::{FitReport, html, report};
use p4rmt_source::Sources;
use scraper::{Html, Selector};

/// The report of `n_tables` tables, each matching on what the one before wrote, the last under a
/// condition, on a machine of `n_stages`.
fn chain(n_tables: usize, n_stages: u32) -> FitReport {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names: Vec<String> = (0..=n_tables).map(|index| format!("f{index}")).collect();
    let fields: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 32)).collect();
    let (header, fields) = builder.header("hdr.h", &fields);
    builder.extract(header);
    let mut body = Vec::new();
    for index in 0..n_tables {
        let write = vec![assign(fields[index + 1], param(0, 32))];
        // What a page must escape.
        let action = builder.action(&format!("set<{index}>&"), &[32], write);
        let key = [(Expr::Field(fields[index]), MatchKind::Exact)];
        let name = format!("Ingress.t<{index}>&");
        body.push(apply(builder.table(&name, &key, &[action]), []));
    }
    let last = body.pop().expect("there is a table");
    let condition = eq(Expr::Field(fields[n_tables - 1]), constant(32, 7));
    body.push(branch(condition, vec![last], vec![]));
    let structured = program("chain", Arch::T2na, [builder.structured(body)]);
    let program = p4rmt_midend::to_tables(&structured).expect("it has a tables form");
    let mut target = Target::built_in("tofino2").expect("it comes with the compiler");
    target.machine.stages = n_stages;
    let pipe = PipeId::from_index(0);
    let fit = place(&program, pipe, &target).expect("it is in the tables form");
    report(&fit, &program, pipe, &target, &Sources::new())
}

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

/// The first browser of these in the search path.
fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

#[test]
fn a_browser_shows_the_page_without_a_complaint() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium in the search path");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut page = html(&chain(5, 20));
    // Says so in the log if a style is not understood or anything is to be fetched.
    let script = "<script>\
        for (const rule of document.styleSheets[0].cssRules) if (!rule.cssText) console.error('empty rule');\
        if (performance.getEntriesByType('resource').length) console.error('fetched');\
        const box = document.querySelector('#map svg').getBoundingClientRect();\
        if (box.width < 100 || box.height < 50) console.error('the map is not drawn');\
        document.body.dataset.looked = 'yes';</script></body>";
    page = page.replace("</body>", script);
    let path = folder.path().join("page.html");
    std::fs::write(&path, page).expect("a file");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("the browser starts");
    let mut log = String::new();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if line.contains("CONSOLE") {
            let _ = writeln!(log, "{line}");
        }
    }
    assert_eq!(log, "", "the browser complains");
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(dom.contains("data-looked=\"yes\""), "it was shown: {dom}");
}
