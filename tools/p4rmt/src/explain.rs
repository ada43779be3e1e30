//! `p4rmt explain CODE`: what an error code means.

use std::fmt::Write;

use p4rmt_driver::explain;

use crate::check::print;
use crate::failure::Failure;

/// Say what an error code means, with an example and the way out.
#[derive(clap::Args)]
#[command(after_help = "Example: p4rmt explain E0101")]
pub(crate) struct Args {
    /// The code, as a diagnostic shows it; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Some(code) = &args.code else {
        let mut list = String::new();
        for page in explain::pages() {
            writeln!(list, "{}  {}", page.code, page.title).expect("a string takes all");
        }
        print(list.trim_end());
        return Ok(());
    };
    let page = explain::page(code).ok_or_else(|| {
        let codes = explain::pages().into_iter().map(|page| page.code);
        let near = explain::near(code, codes);
        let near = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        Failure::Usage(format!(
            "there is no code `{code}`{near}: `p4rmt explain` lists them all"
        ))
    })?;
    print(page.to_string().trim_end());
    Ok(())
}
