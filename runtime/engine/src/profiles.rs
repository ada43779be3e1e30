//! Members and groups of action profiles and selectors, and whether a new one fits.
//!
//! A member is an action with its data, under a number that the control plane chooses; a group is a
//! set of members. Entries of the tables that share the profile name either. The invariant: what an
//! entry or a group names is there, and a table's entries lead to actions of the table only.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{ActionCall, Gress, ProfileId, Table, TableId};

use crate::entries::{EntryTarget, fit_entry_action};
use crate::{EntryError, Ref, State};

/// The members and groups of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileMembers {
    members: BTreeMap<u32, ActionCall>,
    groups: BTreeMap<u32, BTreeSet<u32>>,
}

impl ProfileMembers {
    /// A member.
    #[must_use]
    pub fn member(&self, member: u32) -> Option<&ActionCall> {
        self.members.get(&member)
    }

    /// Members by number.
    pub fn members(&self) -> impl Iterator<Item = (u32, &ActionCall)> {
        self.members.iter().map(|(number, call)| (*number, call))
    }

    /// Groups by number, with the numbers of their members in ascending order.
    pub fn groups(&self) -> impl Iterator<Item = (u32, &BTreeSet<u32>)> {
        self.groups
            .iter()
            .map(|(number, members)| (*number, members))
    }

    /// The member of a group that a hash picks: of the members in ascending order of their numbers the
    /// one at the hash modulo their number. None in an empty group, and in none.
    #[must_use]
    pub fn pick(&self, group: u32, hash: u64) -> Option<&ActionCall> {
        let members = self.groups.get(&group)?;
        let position = hash.checked_rem(members.len() as u64)?;
        let member = members.iter().nth(usize::try_from(position).ok()?)?;
        self.members.get(member)
    }
}

/// What the control plane does to profiles.
impl State {
    /// The members and groups of a profile; none for a profile that the pipe has not.
    #[must_use]
    pub fn profile(&self, profile: Ref<ProfileId>) -> Option<&ProfileMembers> {
        self.profile_members(profile)
    }

    /// Makes a member, or gives one another action.
    ///
    /// # Errors
    /// A profile that is not there or full, an action that none of its tables has, or that a table
    /// lacks whose entries lead to the member.
    pub fn set_member(
        &mut self,
        profile: Ref<ProfileId>,
        member: u32,
        call: ActionCall,
    ) -> Result<(), EntryError> {
        let members = self.profile_members(profile).ok_or(EntryError::NoProfile)?;
        let layout = self.layout();
        let gress = &layout.pipe().gresses[profile.gress];
        let declared = &gress.profiles[profile.id];
        let mut fits = Err(EntryError::UnusedProfile {
            profile: declared.name.clone(),
        });
        for (_, table) in tables_of(gress, profile.id) {
            fits = fits.or_else(|_| fit_entry_action(gress, table, &call));
        }
        fits?;
        for (id, table) in tables_of(gress, profile.id) {
            if self.leads_to(profile, id, member) {
                fit_entry_action(gress, table, &call)?;
            }
        }
        let is_new = members.member(member).is_none();
        if is_new && members.members.len() as u64 >= declared.size {
            return Err(EntryError::ProfileFull {
                profile: declared.name.clone(),
                size: declared.size,
            });
        }
        let members = self.profile_members_mut(profile);
        members
            .ok_or(EntryError::NoProfile)?
            .members
            .insert(member, call);
        Ok(())
    }

    /// Removes a member.
    ///
    /// # Errors
    /// A member that is not there, or that an entry or a group names.
    pub fn delete_member(
        &mut self,
        profile: Ref<ProfileId>,
        member: u32,
    ) -> Result<(), EntryError> {
        self.check_member(profile, member)?;
        let members = self.profile_members(profile).ok_or(EntryError::NoProfile)?;
        let is_in_group = members.groups.values().any(|group| group.contains(&member));
        if is_in_group || self.is_named(profile, &EntryTarget::Member(member)) {
            return Err(EntryError::InUse {
                profile: self.profile_name(profile),
                what: "member",
                number: member,
            });
        }
        let members = self.profile_members_mut(profile);
        members
            .ok_or(EntryError::NoProfile)?
            .members
            .remove(&member);
        Ok(())
    }

    /// Makes a group of members, or gives one other members.
    ///
    /// # Errors
    /// A profile without a selector, a member that is not there or whose action a table lacks whose
    /// entries lead to the group.
    pub fn set_group(
        &mut self,
        profile: Ref<ProfileId>,
        group: u32,
        members: &[u32],
    ) -> Result<(), EntryError> {
        let layout = self.layout();
        let owner = layout.pipe().gresses.get(profile.gress);
        let declared = owner.and_then(|gress| gress.profiles.get(profile.id));
        let (gress, declared) = owner.zip(declared).ok_or(EntryError::NoProfile)?;
        if declared.selector.is_none() {
            return Err(EntryError::NoSelector {
                profile: declared.name.clone(),
            });
        }
        for member in members {
            let call = self.check_member(profile, *member)?;
            for (id, table) in tables_of(gress, profile.id) {
                let place = Ref {
                    gress: profile.gress,
                    id,
                };
                if self.names(place, &EntryTarget::Group(group)) {
                    fit_entry_action(gress, table, call)?;
                }
            }
        }
        let members = members.iter().copied().collect();
        let profile = self.profile_members_mut(profile);
        profile
            .ok_or(EntryError::NoProfile)?
            .groups
            .insert(group, members);
        Ok(())
    }

    /// Removes a group.
    ///
    /// # Errors
    /// A group that is not there, or that an entry names.
    pub fn delete_group(&mut self, profile: Ref<ProfileId>, group: u32) -> Result<(), EntryError> {
        self.check_group(profile, group)?;
        if self.is_named(profile, &EntryTarget::Group(group)) {
            return Err(EntryError::InUse {
                profile: self.profile_name(profile),
                what: "group",
                number: group,
            });
        }
        let members = self.profile_members_mut(profile);
        members.ok_or(EntryError::NoProfile)?.groups.remove(&group);
        Ok(())
    }

    /// Whether what an entry of a table would name is there, with actions that the table has.
    pub(crate) fn check_target(
        &self,
        table: Ref<TableId>,
        target: &EntryTarget,
    ) -> Result<(), EntryError> {
        let gress = self.layout().pipe().gresses.get(table.gress);
        let declared = gress.and_then(|gress| gress.tables.get(table.id));
        let (gress, declared) = gress.zip(declared).ok_or(EntryError::NoTable)?;
        if matches!(target, EntryTarget::Action(_)) {
            return Ok(());
        }
        let id = declared.implementation;
        let id = id.ok_or_else(|| EntryError::NoImplementation {
            table: declared.name.clone(),
        })?;
        let profile = Ref {
            gress: table.gress,
            id,
        };
        match target {
            EntryTarget::Action(_) => {}
            EntryTarget::Member(member) => {
                fit_entry_action(gress, declared, self.check_member(profile, *member)?)?;
            }
            EntryTarget::Group(group) => {
                for member in self.check_group(profile, *group)? {
                    fit_entry_action(gress, declared, self.check_member(profile, *member)?)?;
                }
            }
        }
        Ok(())
    }

    fn check_member(
        &self,
        profile: Ref<ProfileId>,
        member: u32,
    ) -> Result<&ActionCall, EntryError> {
        let members = self.profile_members(profile).ok_or(EntryError::NoProfile)?;
        members.member(member).ok_or_else(|| EntryError::NoMember {
            profile: self.profile_name(profile),
            what: "member",
            number: member,
        })
    }

    fn check_group(
        &self,
        profile: Ref<ProfileId>,
        group: u32,
    ) -> Result<&BTreeSet<u32>, EntryError> {
        let members = self.profile_members(profile).ok_or(EntryError::NoProfile)?;
        members
            .groups
            .get(&group)
            .ok_or_else(|| EntryError::NoMember {
                profile: self.profile_name(profile),
                what: "group",
                number: group,
            })
    }

    fn profile_name(&self, profile: Ref<ProfileId>) -> String {
        let gress = self.layout().pipe().gresses.get(profile.gress);
        let declared = gress.and_then(|gress| gress.profiles.get(profile.id));
        declared.map_or_else(|| profile.id.to_string(), |declared| declared.name.clone())
    }

    /// Whether an entry of the table names this.
    fn names(&self, table: Ref<TableId>, target: &EntryTarget) -> bool {
        let entries = self.table(table).ok();
        entries.is_some_and(|entries| entries.iter().any(|(_, entry)| entry.target == *target))
    }

    /// Whether an entry of a table with this implementation names this.
    fn is_named(&self, profile: Ref<ProfileId>, target: &EntryTarget) -> bool {
        let layout = self.layout();
        let gress = &layout.pipe().gresses[profile.gress];
        tables_of(gress, profile.id).any(|(id, _)| {
            let table = Ref {
                gress: profile.gress,
                id,
            };
            self.names(table, target)
        })
    }

    /// Whether an entry of the table can come to run a member, by itself or through a group.
    fn leads_to(&self, profile: Ref<ProfileId>, table: TableId, member: u32) -> bool {
        let table = Ref {
            gress: profile.gress,
            id: table,
        };
        let groups = self.profile_members(profile).map(ProfileMembers::groups);
        let with_member = groups
            .into_iter()
            .flatten()
            .filter(|(_, members)| members.contains(&member));
        self.names(table, &EntryTarget::Member(member))
            || with_member
                .into_iter()
                .any(|(group, _)| self.names(table, &EntryTarget::Group(group)))
    }
}

/// The tables whose implementation a profile is.
pub(crate) fn tables_of(
    gress: &Gress,
    profile: ProfileId,
) -> impl Iterator<Item = (TableId, &Table)> {
    let tables = gress.tables.iter();
    tables.filter(move |(_, table)| table.implementation == Some(profile))
}
