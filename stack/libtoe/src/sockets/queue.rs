//! Both ends of a queue each way, for a host that lives in one process with the pipe, or with the control plane.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p4rmt_wire::{HostEvent, HostRequest};

use super::link::{ControlChannel, PacketLink, Waker};

/// One end: what it sends arrives at the other.
#[derive(Debug)]
pub struct Queue<S, R> {
    outbound: Arc<Mutex<Half<S>>>,
    inbound: Arc<Mutex<Half<R>>>,
}

#[derive(Debug)]
struct Half<T> {
    items: VecDeque<T>,
    /// Who reads it.
    waker: Option<Waker>,
    is_cut: bool,
}

impl<T> Default for Half<T> {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            waker: None,
            is_cut: false,
        }
    }
}

fn locked<T>(half: &Mutex<Half<T>>) -> MutexGuard<'_, Half<T>> {
    // What a queue holds is whole whatever a thread that had it was doing.
    half.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S, R> Queue<S, R> {
    /// Both ends.
    #[must_use]
    pub fn pair() -> (Self, Queue<R, S>) {
        let outbound = Arc::new(Mutex::new(Half::default()));
        let inbound = Arc::new(Mutex::new(Half::default()));
        let other = Queue {
            outbound: Arc::clone(&inbound),
            inbound: Arc::clone(&outbound),
        };
        (Self { outbound, inbound }, other)
    }

    /// Sends something to the other end; it is lost if that is gone.
    pub fn push(&self, item: S) {
        let mut half = locked(&self.outbound);
        if half.is_cut {
            return;
        }
        half.items.push_back(item);
        let waker = half.waker.clone();
        drop(half);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What the other end sent next.
    #[must_use]
    pub fn pop(&self) -> Option<R> {
        locked(&self.inbound).items.pop_front()
    }

    /// Whom to call when the other end sends something, or is gone.
    pub fn call(&self, waker: Waker) {
        locked(&self.inbound).waker = Some(waker);
    }

    /// The next, or that there will be none.
    fn next(&self) -> io::Result<Option<R>> {
        let mut half = locked(&self.inbound);
        let item = half.items.pop_front();
        if item.is_none() && half.is_cut {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(item)
    }
}

impl<S, R> Drop for Queue<S, R> {
    fn drop(&mut self) {
        locked(&self.inbound).is_cut = true;
        let mut half = locked(&self.outbound);
        half.is_cut = true;
        let waker = half.waker.take();
        drop(half);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl PacketLink for Queue<Vec<u8>, Vec<u8>> {
    fn receive(&mut self, packet: &mut Vec<u8>) -> io::Result<bool> {
        let next = self.next()?;
        let is_there = next.is_some();
        *packet = next.unwrap_or_default();
        Ok(is_there)
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.push(packet.to_vec());
        Ok(())
    }

    fn set_waker(&mut self, waker: Waker) -> bool {
        self.call(waker);
        true
    }
}

impl ControlChannel for Queue<HostRequest, HostEvent> {
    fn receive(&mut self) -> io::Result<Option<HostEvent>> {
        self.next()
    }

    fn send(&mut self, request: HostRequest) -> io::Result<()> {
        self.push(request);
        Ok(())
    }

    fn set_waker(&mut self, waker: Waker) -> bool {
        self.call(waker);
        true
    }
}
