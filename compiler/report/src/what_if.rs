//! The answer to `what if`: the fit of what was asked for, and how it differs from what is.

use p4rmt_mau::counted::counted;
use serde::Serialize;

use crate::diff::FitDiff;
use crate::schema::FitReport;
use crate::text::problems;

/// The fit of a changed program or machine.
#[derive(Debug, Serialize)]
pub struct WhatIf {
    /// What was changed: `stages=8`, `segments=16384`.
    pub changes: Vec<String>,
    /// How the fit differs from that of the program as written.
    pub difference: FitDiff,
    /// If it does not fit: the largest share of their entries that all tables could keep for it to fit;
    /// `null` too if no share is small enough.
    pub tables_keep_percent: Option<u32>,
    /// The fit.
    #[serde(flatten)]
    pub report: FitReport,
}

impl WhatIf {
    /// The answer for people.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            changes,
            difference,
            tables_keep_percent,
            report,
        } = self;
        let verdict = if report.fits { "fits" } else { "does not fit" };
        let mut text = format!(
            "with {}, {} {verdict} {}\n\n{}",
            changes.join(", "),
            report.program,
            report.target,
            difference.text()
        );
        if report.fits {
            return text;
        }
        text.push('\n');
        text.push_str(&problems(&report.problems));
        text.push('\n');
        let takes = match tables_keep_percent {
            _ if report.critical_path > report.stages_available => format!(
                "no size helps: the longest chain of dependencies needs {}; \
                 `--what-if stages={}` is the least",
                counted(report.critical_path, "stages"),
                report.critical_path
            ),
            Some(percent) => format!(
                "it would fit if every table kept at most {percent} % of its entries, \
                 or on a machine of {}",
                counted(report.stages_used, "stages")
            ),
            None => format!(
                "smaller tables do not help; it takes a machine of {}",
                counted(report.stages_used, "stages")
            ),
        };
        text.push_str(&takes);
        text.push('\n');
        text
    }
}
