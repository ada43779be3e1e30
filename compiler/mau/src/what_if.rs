//! Questions to a placement: what if the machine, or a table, were of another size; and of a program
//! that does not fit, what it would take.
//!
//! * [`change_target`]: a target with other numbers.
//! * [`resize`]: a program with another size of a table, register, counter, meter or profile.
//! * [`what_it_takes`]: how far all tables would have to shrink.

use p4rmt_ir::{Arena, Gress, GressId, Pipe, PipeId, Program};
use p4rmt_source::did_you_mean;

use crate::fit::{PlaceError, place_tables};
use crate::target::{Target, TargetError};

/// A question that names something that there is not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    /// There is nothing of this name.
    #[error("there is no {what} `{name}`{}", hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}")))]
    NoSuch {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// Several have this name.
    #[error("`{name}` is one of several: `{}`", candidates.join("`, `"))]
    Ambiguous {
        /// The name.
        name: String,
        /// Their full names.
        candidates: Vec<String>,
    },
    /// A number makes no sense.
    #[error("`{key}` can't be {value}, but {least} to {most}")]
    OutOfRange {
        /// Which.
        key: String,
        /// What was asked for.
        value: u32,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
    /// The target is none, before any change.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// The target that `text` describes, with other numbers. A number is named by section and key
/// (`stage.sram_blocks`), or by its key alone where that is enough (`stages`).
///
/// # Errors
///
/// Where `text` is no target, a name is not that of one number, or a number is out of range.
pub fn change_target(text: &str, changes: &[(String, u32)]) -> Result<Target, WhatIfError> {
    let target = Target::from_toml(text)?;
    let mut sections: toml::Table = toml::from_str(text).expect("it was read as a target above");
    for (key, value) in changes {
        let known: Vec<String> = sections.iter().flat_map(numbers_of).collect();
        let full = the_one("number of a target", key, &known)?;
        if let Some((section, key)) = full.split_once('.')
            && let Some(toml::Value::Table(section)) = sections.get_mut(section)
        {
            section.insert(key.to_owned(), toml::Value::Integer(i64::from(*value)));
        }
    }
    if changes.is_empty() {
        return Ok(target);
    }
    let changed = toml::to_string(&sections).expect("what was read as TOML can be written");
    Target::from_toml(&changed).map_err(|error| match error {
        // The line would be one of a text that nobody sees.
        TargetError::OutOfRange {
            key,
            value,
            least,
            most,
            line: _,
        } => WhatIfError::OutOfRange {
            key: key.to_owned(),
            value,
            least,
            most,
        },
        error @ TargetError::Malformed { .. } => WhatIfError::Target(error),
    })
}

/// `section.key` of each number in a section of a target.
fn numbers_of((section, value): (&String, &toml::Value)) -> Vec<String> {
    let toml::Value::Table(keys) = value else {
        return Vec::new();
    };
    let numbers = keys.iter().filter(|(_, value)| value.is_integer());
    numbers.map(|(key, _)| format!("{section}.{key}")).collect()
}

/// The one of `names` that is `wanted`, or else ends in it after a dot.
fn the_one<'a>(
    what: &'static str,
    wanted: &str,
    names: &'a [String],
) -> Result<&'a str, WhatIfError> {
    if let Some(whole) = names.iter().find(|name| *name == wanted) {
        return Ok(whole);
    }
    let ends = |name: &&String| {
        let rest = name.strip_suffix(wanted);
        rest.is_some_and(|rest| rest.ends_with('.'))
    };
    let found: Vec<&String> = names.iter().filter(ends).collect();
    match &found[..] {
        [only] => Ok(only),
        [] => {
            let last_words = names.iter().filter_map(|name| name.rsplit('.').next());
            Err(WhatIfError::NoSuch {
                what,
                name: wanted.to_owned(),
                hint: did_you_mean(wanted, last_words),
            })
        }
        several => Err(WhatIfError::Ambiguous {
            name: wanted.to_owned(),
            candidates: several.iter().map(|name| (*name).clone()).collect(),
        }),
    }
}

/// Gives a table, register, counter, meter or profile of a pipe another size, in entries or cells. It is
/// named in full or by the end of its name.
///
/// # Errors
///
/// If the name is not that of one of them.
///
/// # Panics
///
/// If the program has no such pipe.
pub fn resize(
    program: &mut Program,
    pipe: PipeId,
    name: &str,
    size: u64,
) -> Result<(), WhatIfError> {
    let gresses = &mut program.pipes[pipe].gresses;
    let known: Vec<String> = sizes(gresses).map(|(name, _)| name.to_owned()).collect();
    let what = "table, register, counter, meter or profile";
    let full = the_one(what, name, &known)?;
    for (name, current) in sizes(gresses) {
        if name == full {
            *current = size;
        }
    }
    Ok(())
}

/// Everything that has a size of its own, with its name.
fn sizes(gresses: &mut Arena<GressId, Gress>) -> impl Iterator<Item = (&str, &mut u64)> {
    gresses.values_mut().flat_map(|gress| {
        let tables = gress.tables.values_mut().filter(|t| !t.keys.is_empty());
        let tables = tables.map(|table| (table.name.as_str(), &mut table.size));
        let registers = gress.registers.values_mut();
        let registers = registers.map(|register| (register.name.as_str(), &mut register.size));
        let counters = gress.counters.values_mut();
        let counters = counters.map(|counter| (counter.name.as_str(), &mut counter.size));
        let meters = gress.meters.values_mut();
        let meters = meters.map(|meter| (meter.name.as_str(), &mut meter.size));
        let profiles = gress.profiles.values_mut();
        let profiles = profiles.map(|profile| (profile.name.as_str(), &mut profile.size));
        let all = tables.chain(registers).chain(counters);
        // What is direct has the size of its table.
        all.chain(meters)
            .chain(profiles)
            .filter(|(_, size)| **size > 0)
    })
}

/// What a program that does not fit would take to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relief {
    /// The largest share, in percent, of their entries that all tables could keep; none if the program
    /// does not fit even with next to no entries.
    pub table_percent: Option<u32>,
}

/// Searches for the largest share of their entries that all tables could keep.
///
/// # Errors
///
/// As [`crate::place`].
///
/// # Panics
///
/// If the program has no such pipe.
pub fn what_it_takes(
    program: &Program,
    pipe: PipeId,
    target: &Target,
) -> Result<Relief, PlaceError> {
    let fits_at = |percent: u32| -> Result<bool, PlaceError> {
        let mut smaller = program.clone();
        shrink_tables(&mut smaller.pipes[pipe], percent);
        Ok(place_tables(&smaller, pipe, target)?.fits())
    };
    if !fits_at(0)? {
        return Ok(Relief {
            table_percent: None,
        });
    }
    // Fits at `low`, does not at `high`.
    let (mut low, mut high) = (0, 100);
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if fits_at(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Relief {
        table_percent: Some(low),
    })
}

/// Leaves each table this share of its entries, but those that the program itself brings.
fn shrink_tables(pipe: &mut Pipe, percent: u32) {
    for gress in pipe.gresses.values_mut() {
        for table in gress.tables.values_mut() {
            let scaled = u128::from(table.size) * u128::from(percent) / 100;
            let least = (table.entries.len() as u64).max(1);
            table.size = u64::try_from(scaled).unwrap_or(u64::MAX).max(least);
        }
    }
}
