//! Looks at packets that enter a gress of one of several cores: none may touch memory of another.

use std::sync::Arc;

use p4rmt_ir::GressId;
use p4rmt_shard::{Finder, Key};

use crate::DeviceError;

/// What looks.
pub(crate) struct Guard {
    key: Arc<Key>,
    finder: Finder,
    shard: u32,
}

impl Guard {
    /// The guard of a core.
    pub(crate) fn new(key: Arc<Key>, shard: u32) -> Self {
        Self {
            finder: key.finder(),
            key,
            shard,
        }
    }

    /// A packet enters a gress, with what the device puts in front of it.
    #[inline]
    pub(super) fn check(&mut self, gress: GressId, bytes: &[u8]) -> Result<(), DeviceError> {
        let checked = self.key.check(&mut self.finder, self.shard, gress, bytes);
        Ok(checked?)
    }
}
