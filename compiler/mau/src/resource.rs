//! The resources of a stage and counts of them.

use std::ops::{Index, IndexMut};

use p4rmt_ir::MemoryUse;

use crate::target::Target;

/// A resource of a stage, under its name in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Logical tables.
    LogicalTables,
    /// SRAM blocks.
    Sram,
    /// TCAM blocks.
    Tcam,
    /// Map RAM blocks.
    MapRam,
    /// Gateways.
    Gateway,
    /// Stateful and meter ALUs.
    MeterAlu,
    /// ALUs of counters.
    StatsAlu,
    /// Bytes of the exact match crossbar.
    ExactXbarBytes,
    /// Bytes of the ternary match crossbar.
    TernaryXbarBytes,
    /// Bits that hash functions give.
    HashBits,
    /// Hash distribution units.
    HashDist,
    /// Rows of instruction memory.
    Vliw,
    /// Hash functions, of so many bits each.
    HashFunctions,
    /// Buses that bring the key of an exact table to its rows of memory.
    SearchBuses,
    /// Buses that bring what an entry of SRAM says, or a gateway instead of it, to where it is read.
    ResultBuses,
    /// Tables in TCAM.
    TernaryTables,
    /// Buses that bring what an entry of TCAM says, or a default action without a key.
    TernaryResultBuses,
    /// Bytes of the bus from action data, hashes and ALUs of memories to the actions.
    ActionBusBytes,
}

impl Resource {
    /// All that are counted, in the order of reports.
    pub const ALL: [Self; 18] = [
        Self::LogicalTables,
        Self::Sram,
        Self::Tcam,
        Self::MapRam,
        Self::Gateway,
        Self::MeterAlu,
        Self::StatsAlu,
        Self::ExactXbarBytes,
        Self::TernaryXbarBytes,
        Self::HashBits,
        Self::HashDist,
        Self::Vliw,
        Self::HashFunctions,
        Self::SearchBuses,
        Self::ResultBuses,
        Self::TernaryTables,
        Self::TernaryResultBuses,
        Self::ActionBusBytes,
    ];

    /// Its stable name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LogicalTables => "logical_tables",
            Self::Sram => "sram",
            Self::Tcam => "tcam",
            Self::MapRam => "map_ram",
            Self::Gateway => "gateway",
            Self::MeterAlu => "meter_alu",
            Self::StatsAlu => "stats_alu",
            Self::ExactXbarBytes => "exact_xbar_bytes",
            Self::TernaryXbarBytes => "ternary_xbar_bytes",
            Self::HashBits => "hash_bits",
            Self::HashDist => "hash_dist",
            Self::Vliw => "vliw",
            Self::HashFunctions => "hash_functions",
            Self::SearchBuses => "search_buses",
            Self::ResultBuses => "result_buses",
            Self::TernaryTables => "ternary_tables",
            Self::TernaryResultBuses => "ternary_result_buses",
            Self::ActionBusBytes => "action_bus_bytes",
        }
    }

    /// What a person calls it, in the plural.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LogicalTables => "logical tables",
            Self::Sram => "SRAM blocks",
            Self::Tcam => "TCAM blocks",
            Self::MapRam => "map RAM blocks",
            Self::Gateway => "gateways",
            Self::MeterAlu => "stateful and meter ALUs",
            Self::StatsAlu => "counter ALUs",
            Self::ExactXbarBytes => "bytes of the exact match crossbar",
            Self::TernaryXbarBytes => "bytes of the ternary match crossbar",
            Self::HashBits => "hash bits",
            Self::HashDist => "hash distribution units",
            Self::Vliw => "instruction rows",
            Self::HashFunctions => "hash functions",
            Self::SearchBuses => "search buses",
            Self::ResultBuses => "result buses",
            Self::TernaryTables => "tables in TCAM",
            Self::TernaryResultBuses => "ternary result buses",
            Self::ActionBusBytes => "bytes of the action data bus",
        }
    }

    /// How many a stage of the target has.
    #[must_use]
    pub fn limit(self, target: &Target) -> u32 {
        let stage = &target.stage;
        match self {
            Self::LogicalTables => stage.logical_tables,
            Self::Sram => stage.sram_blocks,
            Self::Tcam => stage.tcam_blocks,
            Self::MapRam => stage.map_rams,
            Self::Gateway => stage.gateways,
            Self::MeterAlu => stage.meter_alus,
            Self::StatsAlu => stage.stats_alus,
            Self::ExactXbarBytes => stage.exact_xbar_bytes,
            Self::TernaryXbarBytes => stage.ternary_xbar_bytes,
            Self::HashBits => stage.hash_bits,
            Self::HashDist => stage.hash_dist_units,
            Self::Vliw => stage.vliw_rows,
            Self::HashFunctions => stage.hash_functions,
            Self::SearchBuses => stage.search_buses,
            Self::ResultBuses => stage.result_buses,
            Self::TernaryTables => stage.ternary_tables,
            Self::TernaryResultBuses => stage.ternary_result_buses,
            Self::ActionBusBytes => stage.action_bus_bytes,
        }
    }
}

/// A count of each resource. Counts saturate: what does not fit stays what does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Usage([u32; Resource::ALL.len()]);

impl Usage {
    /// The blocks of a memory.
    #[must_use]
    pub fn of_memory(memory: MemoryUse) -> Self {
        let mut usage = Self::default();
        usage[Resource::Sram] = memory.sram;
        usage[Resource::Tcam] = memory.tcam;
        usage[Resource::MapRam] = memory.map_ram;
        usage
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }

    /// The first resource of which more is used than a stage has, with what is used.
    #[must_use]
    pub fn first_over(&self, target: &Target) -> Option<(Resource, u32)> {
        Resource::ALL
            .into_iter()
            .map(|resource| (resource, self[resource]))
            .find(|(resource, used)| *used > resource.limit(target))
    }
}

impl Index<Resource> for Usage {
    type Output = u32;
    fn index(&self, resource: Resource) -> &u32 {
        &self.0[resource as usize]
    }
}

impl IndexMut<Resource> for Usage {
    fn index_mut(&mut self, resource: Resource) -> &mut u32 {
        &mut self.0[resource as usize]
    }
}
