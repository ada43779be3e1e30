//! Who hears what.

use std::collections::VecDeque;

use p4rmt_control::{Event, Subscription};
use p4rmt_pipeline::MAX_PORTS;

/// So many events wait for the caller; older ones are lost.
const MAX_WAITING: usize = 1 << 16;

/// What the caller of a run listens to, and what it has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    pub(crate) subscription: Subscription,
    events: VecDeque<Event>,
}

impl Mailbox {
    pub(crate) fn push(&mut self, event: Event) {
        if self.events.len() == MAX_WAITING {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }
}

/// What anybody listens to.
#[derive(Debug)]
pub(crate) struct Wanted {
    ports: Vec<bool>,
    pub(crate) digests: bool,
}

impl Wanted {
    /// What any of several subscriptions is about.
    pub(crate) fn of<'a>(subscriptions: impl Iterator<Item = &'a Subscription>) -> Self {
        let mut wanted = Self {
            ports: vec![false; usize::from(MAX_PORTS)],
            digests: false,
        };
        for Subscription { ports, digests } in subscriptions {
            wanted.digests |= digests;
            for port in ports {
                if let Some(port) = wanted.ports.get_mut(usize::from(*port)) {
                    *port = true;
                }
            }
        }
        wanted
    }

    /// Whether packets that leave on a port are.
    pub(crate) fn port(&self, port: u16) -> bool {
        self.ports.get(usize::from(port)).copied().unwrap_or(false)
    }
}
