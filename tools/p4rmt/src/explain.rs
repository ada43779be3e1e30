//! `p4rmt explain CODE`: what an error code means.

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
        for page in p4rmt_driver::explain::pages() {
            print(&format!("{}  {}", page.code, page.title));
        }
        return Ok(());
    };
    let page = p4rmt_driver::explain::page(code).ok_or_else(|| {
        Failure::Usage(format!(
            "there is no code `{code}`: `p4rmt explain` lists them all"
        ))
    })?;
    print(page.to_string().trim_end());
    Ok(())
}
