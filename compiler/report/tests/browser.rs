//! A browser shows the page without a complaint. Where there is none, the test is counted as ignored: a
//! test that only returned would count as passed, so this one has a `main` of its own.

#![expect(
    clippy::print_stdout,
    reason = "what runs tests reads their results from the output"
)]

mod chain;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use p4rmt_report::html;

use chain::chain;

const NAME: &str = "a_browser_shows_the_page_without_a_complaint";

fn main() {
    if std::env::args().any(|arg| arg == "--list") {
        println!("{NAME}: test");
        return;
    }
    println!("\nrunning 1 test");
    let browser = browser();
    let (passed, ignored) = match &browser {
        Some(browser) => {
            show(browser);
            println!("test {NAME} ... ok");
            (1, 0)
        }
        None => {
            println!("test {NAME} ... ignored, no Chromium in the search path");
            (0, 1)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
}

/// The first browser of these in the search path.
fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

/// Lets a browser show the page; panics if it complains.
fn show(browser: &Path) {
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
