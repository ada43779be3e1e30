//! Finding things by the name that the control plane uses.
//!
//! A name is either the full dotted name, or the end of exactly one: `forward` finds
//! `SwitchIngress.forward`. The name of the pipe may stand in front.

use p4rmt_ir::{
    ActionId, CounterId, DigestId, Gress, GressId, MeterId, Pipe, ProfileId, RegisterId, TableId,
    ValueSetId,
};
use thiserror::Error;

use crate::Ref;
use crate::layout::action_name;
use crate::profiles::tables_of;

/// Why a name finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing has this name.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// `table`, `register`, …
        kind: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Several full names end so.
    #[error("`{name}` may be any of the {kind}s {}: give more of its name", candidates.join(", "))]
    Ambiguous {
        /// `table`, `register`, …
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// The full names.
        candidates: Vec<String>,
    },
}

/// Finds a table of a pipe.
///
/// # Errors
/// No table, or several.
pub fn find_table(pipe: &Pipe, name: &str) -> Result<Ref<TableId>, NameError> {
    find(pipe, "table", name, |gress| {
        names(
            gress.tables.iter().filter(|(_, table)| table.is_declared),
            |table| &table.name,
        )
    })
}

/// Finds a register of a pipe.
///
/// # Errors
/// No register, or several.
pub fn find_register(pipe: &Pipe, name: &str) -> Result<Ref<RegisterId>, NameError> {
    find(pipe, "register", name, |gress| {
        names(gress.registers.iter(), |register| &register.name)
    })
}

/// Finds a counter of a pipe.
///
/// # Errors
/// No counter, or several.
pub fn find_counter(pipe: &Pipe, name: &str) -> Result<Ref<CounterId>, NameError> {
    find(pipe, "counter", name, |gress| {
        names(gress.counters.iter(), |counter| &counter.name)
    })
}

/// Finds a meter of a pipe.
///
/// # Errors
/// No meter, or several.
pub fn find_meter(pipe: &Pipe, name: &str) -> Result<Ref<MeterId>, NameError> {
    find(pipe, "meter", name, |gress| {
        names(gress.meters.iter(), |meter| &meter.name)
    })
}

/// Finds a parser value set of a pipe.
///
/// # Errors
/// No value set, or several.
pub fn find_value_set(pipe: &Pipe, name: &str) -> Result<Ref<ValueSetId>, NameError> {
    find(pipe, "value set", name, |gress| {
        names(gress.value_sets.iter(), |set| &set.name)
    })
}

/// Finds an action profile or selector of a pipe.
///
/// # Errors
/// No profile, or several.
pub fn find_profile(pipe: &Pipe, name: &str) -> Result<Ref<ProfileId>, NameError> {
    find(pipe, "action profile", name, |gress| {
        names(gress.profiles.iter(), |profile| &profile.name)
    })
}

/// Finds a digest of a pipe.
///
/// # Errors
/// No digest, or several.
pub fn find_digest(pipe: &Pipe, name: &str) -> Result<Ref<DigestId>, NameError> {
    find(pipe, "digest", name, |gress| {
        names(gress.digests.iter(), |digest| &digest.name)
    })
}

/// Finds an action among those of the tables that a profile implements.
///
/// # Errors
/// No action, or several.
pub fn find_profile_action(
    pipe: &Pipe,
    profile: Ref<ProfileId>,
    name: &str,
) -> Result<ActionId, NameError> {
    let gress = pipe.gresses.get(profile.gress);
    let actions = gress.into_iter().flat_map(|gress| {
        let tables = tables_of(gress, profile.id);
        let listed = tables.flat_map(|(_, table)| &table.actions);
        listed.filter_map(|action| Some((action_name(gress, action.action)?, action.action)))
    });
    let mut candidates: Vec<(&str, ActionId)> = actions.collect();
    candidates.sort_unstable();
    candidates.dedup();
    choose("action", name, candidates)
}

/// Finds an action among those of a table. The end of a name need be unique only there.
///
/// # Errors
/// No action, or several.
pub fn find_action(pipe: &Pipe, table: Ref<TableId>, name: &str) -> Result<ActionId, NameError> {
    let candidates = pipe.gresses.get(table.gress).and_then(|gress| {
        let actions = &gress.tables.get(table.id)?.actions;
        Some(actions.iter().filter_map(move |action| {
            let full = action_name(gress, action.action)?;
            Some((full, action.action))
        }))
    });
    choose("action", name, candidates.into_iter().flatten().collect())
}

/// The names of the elements of an arena.
fn names<'a, I: 'a, T: 'a>(
    items: impl Iterator<Item = (I, &'a T)> + 'a,
    name: impl Fn(&'a T) -> &'a String + 'a,
) -> Box<dyn Iterator<Item = (&'a str, I)> + 'a> {
    Box::new(items.map(move |(id, item)| (name(item).as_str(), id)))
}

fn find<I: Copy>(
    pipe: &Pipe,
    kind: &'static str,
    name: &str,
    names_of: impl Fn(&Gress) -> Box<dyn Iterator<Item = (&str, I)> + '_>,
) -> Result<Ref<I>, NameError> {
    let all = |name: &str| {
        let in_gress = |(gress, owner): (GressId, _)| {
            names_of(owner).map(move |(full, id)| (full, Ref { gress, id }))
        };
        choose(kind, name, pipe.gresses.iter().flat_map(in_gress).collect())
    };
    all(name).or_else(|error| {
        let behind_pipe = name
            .strip_prefix(&pipe.name)
            .or_else(|| name.strip_prefix("pipe"))
            .and_then(|rest| rest.strip_prefix('.'));
        match behind_pipe {
            Some(rest) => all(rest).map_err(|_| error),
            None => Err(error),
        }
    })
}

/// The candidate of this full name, or the only one whose name ends so at a dot.
fn choose<I: Copy>(
    kind: &'static str,
    name: &str,
    candidates: Vec<(&str, I)>,
) -> Result<I, NameError> {
    let wanted = name.trim_start_matches('.');
    let is_full = |full: &str| full.trim_start_matches('.') == wanted;
    let is_end = |full: &str| {
        full.strip_suffix(wanted)
            .is_some_and(|front| front.ends_with('.'))
    };
    let mut found: Vec<_> = candidates
        .iter()
        .filter(|(full, _)| is_full(full))
        .collect();
    if found.is_empty() && !wanted.is_empty() {
        found = candidates.iter().filter(|(full, _)| is_end(full)).collect();
    }
    match found[..] {
        [] => Err(NameError::Unknown {
            kind,
            name: name.to_owned(),
        }),
        [(_, id)] => Ok(*id),
        _ => Err(NameError::Ambiguous {
            kind,
            name: name.to_owned(),
            candidates: found.iter().map(|(full, _)| (*full).to_owned()).collect(),
        }),
    }
}
