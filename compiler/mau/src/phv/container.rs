//! Containers: what the packet header vector is made of.
//!
//! Invariant: a container's group, granule and gress follow from its kind, size and index alone, as
//! the target numbers them.

use std::fmt;

use p4rmt_ir::GressRole;

use crate::target::PhvLimits;

/// What a container can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// Everything.
    Normal,
    /// Goes from parser to deparser; no stage sees it.
    Tagalong,
    /// Is written whole by a stage, from one source.
    Mocha,
    /// The same, but from a container only, and only stages see it, by their action ALUs.
    Dark,
}

impl ContainerKind {
    /// All, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Tagalong, Self::Mocha, Self::Dark];

    /// Its stable name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Tagalong => "tagalong",
            Self::Mocha => "mocha",
            Self::Dark => "dark",
        }
    }
}

/// Width of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerSize {
    /// 8 bits.
    B8,
    /// 16 bits.
    B16,
    /// 32 bits.
    B32,
}

impl ContainerSize {
    /// All, the smallest first.
    pub const ALL: [Self; 3] = [Self::B8, Self::B16, Self::B32];

    /// Its width in bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::B8 => 8,
            Self::B16 => 16,
            Self::B32 => 32,
        }
    }

    /// Its width in bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// The smallest that holds this many bits.
    #[must_use]
    pub fn holding(bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.bits() >= bits)
    }

    /// Its position among all.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::B8 => 0,
            Self::B16 => 1,
            Self::B32 => 2,
        }
    }
}

/// A container; its `Display` is the vendor's name for it (`W3`, `TH7`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Container {
    /// What it can do.
    pub kind: ContainerKind,
    /// How wide it is.
    pub size: ContainerSize,
    /// Its number among those of its kind and size.
    pub index: u32,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ContainerKind::Normal => "",
            ContainerKind::Tagalong => "T",
            ContainerKind::Mocha => "M",
            ContainerKind::Dark => "D",
        };
        let size = match self.size {
            ContainerSize::B8 => "B",
            ContainerSize::B16 => "H",
            ContainerSize::B32 => "W",
        };
        write!(f, "{kind}{size}{}", self.index)
    }
}

/// Containers of one kind and size are not counted beyond this, so that a target file can't exhaust
/// memory.
const COUNT_MAX: u32 = 1 << 12;

impl Container {
    /// How many containers of a kind and size there are.
    #[must_use]
    pub fn count(kind: ContainerKind, size: ContainerSize, limits: &PhvLimits) -> u32 {
        let count = match kind {
            ContainerKind::Tagalong => limits
                .tagalong_collections
                .saturating_mul(limits.tagalong_per_collection[size.index()]),
            ContainerKind::Normal | ContainerKind::Mocha | ContainerKind::Dark => {
                limits.group_counts[size.index()].saturating_mul(per_group(kind, size, limits))
            }
        };
        count.min(COUNT_MAX)
    }

    /// All containers of a machine.
    #[must_use]
    pub fn all(limits: &PhvLimits) -> Vec<Self> {
        let mut containers = Vec::new();
        for kind in ContainerKind::ALL {
            for size in ContainerSize::ALL {
                let indices = 0..Self::count(kind, size, limits);
                containers.extend(indices.map(|index| Self { kind, size, index }));
            }
        }
        containers
    }

    /// The group whose action ALUs can read it; none if no stage sees it.
    #[must_use]
    pub fn group(self, limits: &PhvLimits) -> Option<(ContainerSize, u32)> {
        let group = self.index / per_group(self.kind, self.size, limits).max(1);
        (self.kind != ContainerKind::Tagalong).then_some((self.size, group))
    }

    /// The neighbours with which it belongs to one gress.
    #[must_use]
    pub fn granule(self, limits: &PhvLimits) -> Granule {
        let (size, number) = match self.kind {
            // A collection is of one gress, whatever the sizes in it.
            ContainerKind::Tagalong => {
                let per = limits.tagalong_per_collection[self.size.index()];
                (ContainerSize::B8, self.index / per.max(1))
            }
            ContainerKind::Normal | ContainerKind::Mocha => {
                let per = limits.granule_containers[self.size.index()];
                (self.size, self.index / per.max(1))
            }
            // The deparser does not see it.
            ContainerKind::Dark => (self.size, self.index),
        };
        Granule {
            kind: self.kind,
            size,
            number,
        }
    }

    /// Whether containers of this gress may be here.
    #[must_use]
    pub fn may_be_of(self, role: GressRole, limits: &PhvLimits) -> bool {
        let Some((_, group)) = self.group(limits) else {
            return true;
        };
        match role {
            GressRole::Ingress => group < limits.pinned_groups || group >= 2 * limits.pinned_groups,
            GressRole::Egress => group >= limits.pinned_groups,
            GressRole::Whole => true,
        }
    }
}

/// Containers that belong to one gress together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Granule {
    kind: ContainerKind,
    size: ContainerSize,
    number: u32,
}

fn per_group(kind: ContainerKind, size: ContainerSize, limits: &PhvLimits) -> u32 {
    match kind {
        ContainerKind::Normal => limits.normal_per_group,
        ContainerKind::Mocha => limits.mocha_per_group,
        ContainerKind::Dark => limits.dark_per_group,
        ContainerKind::Tagalong => limits.tagalong_per_collection[size.index()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[track_caller]
    fn check(target: &str, expected: [[u32; 3]; 4]) {
        let limits = Target::built_in(target).expect("built in").phv;
        for (kind, counts) in ContainerKind::ALL.into_iter().zip(expected) {
            let found = ContainerSize::ALL.map(|size| Container::count(kind, size, &limits));
            assert_eq!(found, counts, "{target} {kind:?}");
        }
    }

    #[test]
    fn the_machines_have_the_containers_that_their_vendor_names() {
        let none = [0, 0, 0];
        check("tofino1", [[64, 96, 64], [32, 48, 32], none, none]);
        check("tofino2", [[48, 72, 48], none, [16, 24, 16], [16, 24, 16]]);
    }

    #[test]
    fn pinned_groups_belong_to_their_gress() {
        let limits = Target::built_in("tofino1").expect("built in").phv;
        let of_group = |group: u32| Container {
            kind: ContainerKind::Normal,
            size: ContainerSize::B8,
            index: group * 16,
        };
        let may = |group, role| of_group(group).may_be_of(role, &limits);
        assert!(may(0, GressRole::Ingress) && !may(0, GressRole::Egress));
        assert!(!may(1, GressRole::Ingress) && may(1, GressRole::Egress));
        assert!(may(2, GressRole::Ingress) && may(2, GressRole::Egress));
    }
}
