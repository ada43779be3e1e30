//! Action profiles and selectors of TNA, and what else stands in the properties of its tables.

use p4rmt_ir::{ActionProfile, GroupLimits, ProfileId, Selector};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::{Construction, ExternKind};
use crate::lower::Lower;
use crate::scope::{Binding, Object};

/// The most members of a profile, and of a group.
const MAX_SIZE: u64 = 1 << 32;
/// The largest group: 992 words of 120 members (`bf-p4c/mau/resource_estimate.h`, `MAX_POOL_RAMLINES`).
const MAX_GROUP_SIZE: u64 = 992 * 120;
/// The groups of a selector that does not say, as the public compiler takes it.
const DEFAULT_GROUPS: u32 = 4;
/// The members of a group of a selector that does not say: those of one word.
const DEFAULT_GROUP_SIZE: u32 = 120;

impl<'a> Lower<'a> {
    /// `ActionProfile(size)`.
    pub(super) fn make_action_profile(
        &mut self,
        made: &Construction<'a, '_>,
    ) -> Option<ExternKind> {
        let profile = self.push_profile(made, None)?;
        Some(ExternKind::Profile(profile))
    }

    /// A profile whose size is the first argument.
    fn push_profile(
        &mut self,
        made: &Construction<'a, '_>,
        selector: Option<Selector>,
    ) -> Option<ProfileId> {
        let size = self.number_arg(made, 0, MAX_SIZE)?;
        Some(self.gress.profiles.push(ActionProfile {
            name: made.name.clone(),
            size,
            selector,
            span: made.span,
        }))
    }

    fn number_arg(
        &mut self,
        made: &Construction<'a, '_>,
        position: usize,
        most: u64,
    ) -> Option<u64> {
        let value = made.args.get(position).and_then(Arg::value);
        let Some(number) = value.and_then(crate::value::Value::as_number) else {
            self.not_constant(made.span);
            return None;
        };
        self.bounded(&number, made.span, 1, most)
    }

    /// `ActionSelector(profile, hash, mode, [reg,] max_group_size, num_groups)`, and with members of its
    /// own `ActionSelector(size, hash, mode [, reg])`. The register, through which a program can take
    /// members out, is written by `SelectorAction` alone, which is refused where it stands.
    pub(super) fn make_action_selector(
        &mut self,
        made: &Construction<'a, '_>,
    ) -> Option<ExternKind> {
        let hash = match made.args.get(1) {
            Some(Arg::Object(Binding::Object(Object::Extern(object)))) => match object.kind {
                ExternKind::Hash(hash, _) => hash,
                _ => return None,
            },
            _ => return None,
        };
        if let Some("RESILIENT") = self.member_arg(made.args.get(2), made.span).as_deref() {
            self.warning(
                "W5003",
                made.span,
                "members of a group are picked fairly: a member that goes moves the packets of others, too",
            );
        }
        let Some(Arg::Object(Binding::Object(Object::Extern(object)))) = made.args.first() else {
            let groups = GroupLimits {
                max_size: DEFAULT_GROUP_SIZE,
                n_groups: DEFAULT_GROUPS,
            };
            let selector = Selector {
                hash,
                groups: Some(groups),
            };
            let profile = self.push_profile(made, Some(selector))?;
            return Some(ExternKind::Profile(profile));
        };
        let ExternKind::Profile(profile) = object.kind else {
            return None;
        };
        let n_args = made.args.len();
        let max_size = self.number_arg(made, n_args.checked_sub(2)?, MAX_GROUP_SIZE)?;
        let n_groups = self.number_arg(made, n_args.checked_sub(1)?, u64::from(u32::MAX))?;
        let groups = GroupLimits {
            max_size: u32::try_from(max_size).ok()?,
            n_groups: u32::try_from(n_groups).ok()?,
        };
        let of_profile = &mut self.gress.profiles[profile];
        if of_profile.selector.is_some() {
            let profile = of_profile.name.clone();
            self.error(made.span, ErrorKind::SecondSelector { profile });
            return None;
        }
        of_profile.selector = Some(Selector {
            hash,
            groups: Some(groups),
        });
        Some(ExternKind::Profile(profile))
    }
}
