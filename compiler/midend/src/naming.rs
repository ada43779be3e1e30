//! Names of generated tables: readable, and unlike any other.

use std::collections::{HashMap, HashSet};

use p4rmt_ir::{Arena, Table, TableId};

/// The names that are taken, and where numbering goes on.
#[derive(Debug, Default)]
pub(crate) struct TableNames {
    taken: HashSet<String>,
    next: HashMap<String, u32>,
}

impl TableNames {
    /// The names of these tables are taken.
    pub(crate) fn of(tables: &Arena<TableId, Table>) -> Self {
        let taken = tables.values().map(|table| table.name.clone()).collect();
        Self {
            taken,
            next: HashMap::new(),
        }
    }

    /// A name that no table has, and takes it: the stem itself, or with a number behind it.
    pub(crate) fn take(&mut self, stem: &str) -> String {
        if self.taken.insert(stem.to_owned()) {
            return stem.to_owned();
        }
        let next = self.next.entry(stem.to_owned()).or_insert(2);
        loop {
            let name = format!("{stem}-{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
