//! The host's side without sockets, threads or clocks: packets and messages in, packets and messages out.
//!
//! * Packets of the pipe come in by [`Toe::receive`], those to it are taken by [`Toe::poll_transmit`].
//! * Messages of the control plane come in by [`Toe::handle`], those to it are taken by [`Toe::poll_request`].
//! * The application does what it wants to by the methods that take a [`ConnectionId`]; none of them waits.
//!   [`Toe::poll_event`] says where something has changed.
//! * Time is that of the caller, from any start; [`Toe::poll`] is to be called at [`Toe::poll_at`].
//!
//! No packet costs a look at connections that it is not about: those that have something to send stand in a list, and
//! take turns of one write each, so that none keeps others waiting.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddrV4;
use std::time::Duration;

use p4rmt_wire::{
    ContextSettings, FailReason, HostEvent, HostRequest, MAX_WRITE_BYTES, Opened, RdmaWrite, Ready,
    Report, SwitchAddress,
};

use crate::connection::{Connection, ConnectionId};
use crate::context::{Buffer, Context, Order, Target};
use crate::error::ToeError;
use crate::inbound::Inbound;
use crate::outbound::Outbound;

/// How long bytes that are ready may be on their way.
const HOLE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a connection that no application has may make no progress.
const ABANDONED_PATIENCE: Duration = Duration::from_secs(60);

/// What an application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A context is there.
    ContextOpened {
        /// As it was asked for.
        token: u64,
        /// Its number.
        context: u16,
    },
    /// A context, or a connection that was asked for, does not come about.
    Failed {
        /// As it was asked for.
        token: u64,
        /// Why.
        reason: FailReason,
    },
    /// A listener is there.
    Listening {
        /// For which context.
        context: u16,
        /// Its address, with its port.
        local: SocketAddrV4,
    },
    /// A listener does not come about.
    NotListening {
        /// Its address, as it was asked for.
        local: SocketAddrV4,
        /// Why.
        reason: FailReason,
    },
    /// A peer has connected to a listener. The application says by [`Toe::take`] that it has it.
    Accepted {
        /// The connection.
        id: ConnectionId,
        /// Of which context.
        context: u16,
        /// The listener's address, as the peer named it.
        local: SocketAddrV4,
    },
    /// A connection that was asked for is there.
    Connected {
        /// As it was asked for.
        token: u64,
        /// The connection.
        id: ConnectionId,
    },
    /// What can be done with a connection has changed. It is not said again before the application has looked, by
    /// [`Toe::readiness`] or by doing something with it.
    Changed(ConnectionId),
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Writes of the pipe that were taken.
    pub n_received: u64,
    /// Packets and messages that were refused, as [`Toe::receive`] and [`Toe::handle`] say.
    pub n_refused: u64,
    /// Reports and messages for connections that this host does not have: on their way when it gave them back.
    pub n_stray: u64,
    /// Writes that are missing, by their packet sequence numbers.
    pub n_missing: u64,
    /// Writes that came after later ones.
    pub n_late: u64,
    /// Connections that failed because bytes were lost between switch and host.
    pub n_holes: u64,
    /// Writes to the pipe.
    pub n_sent: u64,
    /// How often a connection started again from what was not acknowledged.
    pub n_restarts: u64,
}

/// A host's side of Laminar: contexts, and the connections in them.
#[derive(Debug, Default)]
pub struct Toe {
    contexts: Vec<Option<Context>>,
    by_queue_pair: HashMap<u32, usize>,
    by_number: HashMap<u16, usize>,
    /// By their numbers.
    connections: Vec<Option<Box<Connection>>>,
    next_life: u64,
    /// Connections that may have something to send.
    sendable: VecDeque<u16>,
    requests: VecDeque<HostRequest>,
    events: VecDeque<Event>,
    /// Connections with a hole, and where it begins, the oldest first; all wait equally long.
    holes: VecDeque<(Duration, ConnectionId, u64)>,
    /// Connections that no application has, with how far they were acknowledged.
    abandoned: VecDeque<(Duration, ConnectionId, u64)>,
    counters: Counters,
}

impl Toe {
    /// A host without contexts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Asks for a context: [`Event::ContextOpened`] or [`Event::Failed`], with the token of the settings.
    ///
    /// # Errors
    /// Where the pipe could not work with the settings, or another context has the queue pair.
    pub fn open_context(&mut self, settings: ContextSettings) -> Result<(), ToeError> {
        let queue_pair = settings.queue_pair;
        if self.by_queue_pair.contains_key(&queue_pair) {
            return Err(ToeError::BadSettings {
                setting: "queue_pair",
                found: queue_pair.into(),
                rule: "that of another context",
            });
        }
        let context = Context::new(settings.clone())?;
        let free = self.contexts.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            self.contexts.push(None);
            self.contexts.len() - 1
        });
        self.contexts[place] = Some(context);
        self.by_queue_pair.insert(queue_pair, place);
        self.requests.push_back(HostRequest::OpenContext(settings));
        Ok(())
    }

    /// Closes a context. All of its connections are gone, and their peers' are reset.
    ///
    /// # Errors
    /// Where there is no such context.
    pub fn close_context(&mut self, context: u16) -> Result<(), ToeError> {
        let place = self.by_number.remove(&context).ok_or(ToeError::Gone)?;
        self.remove_context(place);
        for slot in &mut self.connections {
            if let Some(connection) = slot.take_if(|connection| connection.context == place) {
                self.events.push_back(Event::Changed(connection.id));
            }
        }
        self.requests
            .push_back(HostRequest::CloseContext { context });
        Ok(())
    }

    /// Asks for connections to an address: [`Event::Listening`] or [`Event::NotListening`], then
    /// [`Event::Accepted`].
    ///
    /// # Errors
    /// Where there is no such context.
    pub fn listen(
        &mut self,
        context: u16,
        local: SocketAddrV4,
        backlog: u32,
    ) -> Result<(), ToeError> {
        self.by_number.get(&context).ok_or(ToeError::Gone)?;
        self.requests.push_back(HostRequest::Listen {
            context,
            local,
            backlog,
        });
        Ok(())
    }

    /// Asks for no more connections to an address.
    pub fn stop_listening(&mut self, local: SocketAddrV4) {
        self.requests
            .push_back(HostRequest::StopListening { local });
    }

    /// Asks for a connection: [`Event::Connected`] or [`Event::Failed`].
    ///
    /// # Errors
    /// Where there is no such context.
    pub fn connect(
        &mut self,
        context: u16,
        token: u64,
        remote: SocketAddrV4,
        local: SocketAddrV4,
    ) -> Result<(), ToeError> {
        self.by_number.get(&context).ok_or(ToeError::Gone)?;
        self.requests.push_back(HostRequest::Connect {
            context,
            token,
            remote,
            local,
        });
        Ok(())
    }

    /// A packet of the pipe arrives.
    ///
    /// # Errors
    /// Where it is not one, or not for memory of this host. It changes nothing then.
    pub fn receive(&mut self, packet: &[u8], now: Duration) -> Result<(), ToeError> {
        let result = self.try_receive(packet, now);
        self.count(&result);
        result
    }

    /// The control plane says something.
    ///
    /// # Errors
    /// Where it speaks of what there is not, or contradicts itself.
    pub fn handle(&mut self, event: HostEvent, now: Duration) -> Result<(), ToeError> {
        let result = self.try_handle(event, now);
        self.count(&result);
        result
    }

    /// Puts the next packet to the pipe into `packet`, in place of what it has; false if there is none.
    pub fn poll_transmit(&mut self, packet: &mut Vec<u8>) -> bool {
        packet.clear();
        while let Some(number) = self.sendable.pop_front() {
            let slot = self.connections.get_mut(usize::from(number));
            let Some(connection) = slot.and_then(Option::as_deref_mut) else {
                continue;
            };
            connection.is_queued = false;
            if connection.failure.is_some() {
                continue;
            }
            let Some(context) = self.contexts[connection.context].as_mut() else {
                continue;
            };
            let is_made = next_write(context, connection, packet);
            self.enqueue(number);
            if is_made {
                self.counters.n_sent += 1;
                return true;
            }
        }
        false
    }

    /// The next message to the control plane.
    pub fn poll_request(&mut self) -> Option<HostRequest> {
        self.requests.pop_front()
    }

    /// What the application is told next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether there are, or may be, packets to the pipe or messages to the control plane.
    #[must_use]
    pub fn wants_to_send(&self) -> bool {
        !self.sendable.is_empty() || !self.requests.is_empty()
    }

    /// When [`Toe::poll`] has something to do.
    #[must_use]
    pub fn poll_at(&self) -> Option<Duration> {
        let hole = self.holes.front().map(|(at, ..)| *at);
        let abandoned = self.abandoned.front().map(|(at, ..)| *at);
        hole.into_iter().chain(abandoned).min()
    }

    /// Time has passed: what waited too long fails.
    pub fn poll(&mut self, now: Duration) {
        while let Some((_, id, hole)) = self.holes.pop_front_if(|(at, ..)| *at <= now) {
            let Ok((connection, inbound)) = self.parts(id) else {
                continue;
            };
            connection.is_watched = inbound.has_hole() && connection.failure.is_none();
            let is_filled = inbound.shown() > hole;
            if connection.is_watched && is_filled {
                let entry = (now + HOLE_PATIENCE, id, inbound.shown());
                self.holes.push_back(entry);
            } else if connection.is_watched {
                self.counters.n_holes += 1;
                self.fail(id.number, ToeError::Lost);
                self.requests.push_back(HostRequest::Abort {
                    connection: id.number,
                });
            }
        }
        while let Some((_, id, acked)) = self.abandoned.pop_front_if(|(at, ..)| *at <= now) {
            let Ok(connection) = self.connection(id) else {
                continue;
            };
            let acked_now = connection.outbound.acked();
            if acked_now > acked {
                let entry = (now + ABANDONED_PATIENCE, id, acked_now);
                self.abandoned.push_back(entry);
            } else {
                self.release(id.number);
            }
        }
    }

    fn count(&mut self, result: &Result<(), ToeError>) {
        match result {
            Ok(()) => {}
            Err(ToeError::UnknownConnection { .. }) => self.counters.n_stray += 1,
            Err(_) => self.counters.n_refused += 1,
        }
    }

    fn try_receive(&mut self, packet: &[u8], now: Duration) -> Result<(), ToeError> {
        let (write, payload) = RdmaWrite::parse(packet)?;
        let place = self.by_queue_pair.get(&write.queue_pair);
        let context = place.and_then(|place| self.contexts[*place].as_mut());
        let Some(context) = context else {
            return Err(ToeError::UnknownQueuePair {
                queue_pair: write.queue_pair,
            });
        };
        if write.path.dst_ip != context.settings.ip {
            return Err(ToeError::OtherHost);
        }
        if write.remote_key != context.settings.remote_key {
            return Err(ToeError::WrongKey {
                found: write.remote_key,
                expected: context.settings.remote_key,
            });
        }
        match context.order(write.sequence) {
            Order::Next => {}
            Order::Gap(n_missing) => self.counters.n_missing += u64::from(n_missing),
            Order::Late => self.counters.n_late += 1,
        }
        match context.target(write.address, payload.len())? {
            Target::Report { connection } => {
                let report = Report::parse(payload)?;
                if report.connection != connection {
                    return Err(ToeError::Contradiction { connection });
                }
                let place = self.by_queue_pair[&write.queue_pair];
                self.take_report(place, report)?;
            }
            Target::Buffer { buffer, place } => {
                let Some(buffer) = context.buffer(buffer) else {
                    return Err(ToeError::OutsideOfMemory {
                        address: write.address,
                        len: payload.len(),
                    });
                };
                let ready = write.immediate.map(Ready::from_immediate);
                let owner = take_payload(buffer, place, payload, ready)?;
                if let Some(number) = owner {
                    self.inform(number, now);
                }
            }
        }
        self.counters.n_received += 1;
        Ok(())
    }

    fn take_report(&mut self, place: usize, report: Report) -> Result<(), ToeError> {
        let number = report.connection;
        let connection = self.numbered(number)?;
        if connection.context != place {
            return Err(ToeError::UnknownConnection { connection: number });
        }
        let n_restarts = connection.outbound.n_restarts();
        let acked = connection.outbound.acked();
        if !connection.outbound.acknowledge(report.next_ack) {
            return Err(ToeError::Contradiction { connection: number });
        }
        connection.outbound.grant(report.granted, report.reason);
        let n_more = connection.outbound.n_restarts() - n_restarts;
        let is_freed = connection.outbound.acked() > acked;
        self.counters.n_restarts += n_more;
        self.enqueue(number);
        if is_freed {
            self.tell(number);
        }
        Ok(())
    }

    fn try_handle(&mut self, event: HostEvent, now: Duration) -> Result<(), ToeError> {
        match event {
            HostEvent::ContextOpened {
                token,
                context,
                switch,
            } => {
                let place = self.waiting_context(token).ok_or(ToeError::Gone)?;
                if let Some(waiting) = self.contexts[place].as_mut() {
                    waiting.number = Some(context);
                    waiting.switch = Some(switch);
                }
                self.by_number.insert(context, place);
                self.events
                    .push_back(Event::ContextOpened { token, context });
            }
            HostEvent::Listening { context, local } => {
                self.events.push_back(Event::Listening { context, local });
            }
            HostEvent::Accepted(opened) => {
                let (context, local) = (opened.context, opened.local);
                let id = self.open(&opened)?;
                self.events
                    .push_back(Event::Accepted { id, context, local });
                self.inform(opened.connection, now);
            }
            HostEvent::Connected { token, opened } => {
                let id = self.open(&opened)?;
                self.events.push_back(Event::Connected { token, id });
                self.inform(opened.connection, now);
            }
            HostEvent::Failed {
                token: Some(token),
                reason,
                ..
            } => {
                if let Some(place) = self.waiting_context(token) {
                    self.remove_context(place);
                }
                self.events.push_back(Event::Failed { token, reason });
            }
            HostEvent::Failed {
                token: None,
                address: Some(local),
                reason,
            } => {
                self.events.push_back(Event::NotListening { local, reason });
            }
            HostEvent::Failed {
                token: None,
                address: None,
                ..
            } => return Err(ToeError::Gone),
            HostEvent::PeerFinished { connection, length } => {
                let id = self.numbered(connection)?.id;
                let (_, inbound) = self.parts(id)?;
                if !inbound.finish(length) {
                    return Err(ToeError::Contradiction { connection });
                }
                self.tell(connection);
            }
            HostEvent::Closed { connection } => {
                let closed = self.numbered(connection)?;
                closed.is_closed = true;
                if closed.is_abandoned {
                    self.release(connection);
                } else {
                    self.tell(connection);
                }
            }
            HostEvent::Reset { connection, reason } => {
                self.numbered(connection)?;
                self.fail(connection, ToeError::Failed(reason));
            }
        }
        Ok(())
    }

    /// A connection is there. One that cannot be used is given back at once, unless its number is that of another.
    fn open(&mut self, opened: &Opened) -> Result<ConnectionId, ToeError> {
        let connection = opened.connection;
        let result = self.try_open(opened);
        if result.is_err() && self.numbered(connection).is_err() {
            self.requests.push_back(HostRequest::Release { connection });
        }
        result
    }

    fn try_open(&mut self, opened: &Opened) -> Result<ConnectionId, ToeError> {
        let number = opened.connection;
        let contradiction = ToeError::Contradiction { connection: number };
        let place = self.by_number.get(&opened.context).copied();
        let context = place.and_then(|place| self.contexts[place].as_mut());
        let (Some(place), Some(context)) = (place, context) else {
            return Err(ToeError::Gone);
        };
        let transmit_bytes = context.settings.transmit_bytes as usize;
        let buffer = context.buffer(opened.buffer).ok_or(contradiction)?;
        let slot = usize::from(number);
        let is_taken = self.connections.get(slot).is_some_and(Option::is_some);
        if number > 0x7fff || is_taken || buffer.owner.is_some() || opened.mss == 0 {
            return Err(contradiction);
        }
        buffer.owner = Some(number);
        buffer.inbound.begin(opened.first_rx_seq);
        if let Some(ready) = buffer.early.take()
            && ready.connection == number
        {
            buffer.inbound.notify(ready.position);
        }
        if self.connections.len() <= slot {
            self.connections.resize_with(slot + 1, || None);
        }
        let id = ConnectionId {
            number,
            life: self.next_life,
        };
        self.next_life += 1;
        // A port's frames are shorter than this; what the control plane says may be anything.
        let mss = opened.mss.min(MAX_WRITE_BYTES as u16);
        self.connections[slot] = Some(Box::new(Connection {
            id,
            context: place,
            buffer: opened.buffer,
            local: opened.local,
            remote: opened.remote,
            outbound: Outbound::new(transmit_bytes, opened.first_tx_seq, mss, opened.credits),
            failure: None,
            is_closed: false,
            is_discarding: false,
            is_abandoned: false,
            is_queued: false,
            is_changed: false,
            is_watched: false,
        }));
        Ok(id)
    }

    /// Bytes of a connection have come, or may have become ready.
    fn inform(&mut self, number: u16, now: Duration) {
        let Ok(id) = self.numbered(number).map(|connection| connection.id) else {
            return;
        };
        let Ok((connection, inbound)) = self.parts(id) else {
            return;
        };
        let is_hole_new = inbound.has_hole() && !connection.is_watched;
        connection.is_watched |= is_hole_new;
        let is_discarding = connection.is_discarding;
        if is_discarding {
            let range = inbound.take(usize::MAX);
            inbound.free(range);
        }
        let is_readable = inbound.n_available() > 0;
        let shown = inbound.shown();
        if is_hole_new {
            self.holes.push_back((now + HOLE_PATIENCE, id, shown));
        }
        if is_discarding {
            self.enqueue(number);
        } else if is_readable {
            self.tell(number);
        }
    }

    /// A connection is no more.
    fn fail(&mut self, number: u16, failure: ToeError) {
        let Ok(connection) = self.numbered(number) else {
            return;
        };
        connection.failure.get_or_insert(failure);
        if connection.is_abandoned {
            self.release(number);
        } else {
            self.tell(number);
        }
    }

    /// Gives a connection back: its number and its buffer may have another stream from now on.
    pub(crate) fn release(&mut self, number: u16) {
        let slot = self.connections.get_mut(usize::from(number));
        let Some(connection) = slot.and_then(Option::take) else {
            return;
        };
        let context = self.contexts[connection.context].as_mut();
        if let Some(buffer) = context.and_then(|context| context.buffer(connection.buffer)) {
            buffer.owner = None;
            buffer.early = None;
            buffer.inbound.reset();
        }
        self.requests
            .push_back(HostRequest::Release { connection: number });
    }

    /// No application has a connection any longer; how long it may take to end is watched.
    pub(crate) fn abandon(&mut self, id: ConnectionId, now: Duration) {
        let Ok(connection) = self.connection(id) else {
            return;
        };
        connection.is_abandoned = true;
        let acked = connection.outbound.acked();
        self.abandoned
            .push_back((now + ABANDONED_PATIENCE, id, acked));
    }

    /// Tells the application, once, that it should look at a connection.
    fn tell(&mut self, number: u16) {
        if let Ok(connection) = self.numbered(number)
            && !connection.is_changed
        {
            connection.is_changed = true;
            let id = connection.id;
            self.events.push_back(Event::Changed(id));
        }
    }

    /// Puts a connection into the list of those that have something to send, if it has.
    pub(crate) fn enqueue(&mut self, number: u16) {
        let slot = self.connections.get_mut(usize::from(number));
        let Some(connection) = slot.and_then(Option::as_deref_mut) else {
            return;
        };
        let context = self.contexts[connection.context].as_ref();
        let buffer = context.and_then(|context| context.used_buffer(connection.buffer));
        let gives_back = buffer.is_some_and(|buffer| buffer.inbound.to_give_back().is_some());
        let has_work = gives_back || connection.outbound.can_send();
        if has_work && connection.failure.is_none() && !connection.is_queued {
            connection.is_queued = true;
            self.sendable.push_back(number);
        }
    }

    pub(crate) fn request(&mut self, request: HostRequest) {
        self.requests.push_back(request);
    }

    fn numbered(&mut self, number: u16) -> Result<&mut Connection, ToeError> {
        let slot = self.connections.get_mut(usize::from(number));
        let connection = slot.and_then(Option::as_deref_mut);
        connection.ok_or(ToeError::UnknownConnection { connection: number })
    }

    pub(crate) fn connection(&mut self, id: ConnectionId) -> Result<&mut Connection, ToeError> {
        let connection = self.numbered(id.number).map_err(|_| ToeError::Gone)?;
        if connection.id != id {
            return Err(ToeError::Gone);
        }
        Ok(connection)
    }

    /// A connection and its receive buffer.
    pub(crate) fn parts(
        &mut self,
        id: ConnectionId,
    ) -> Result<(&mut Connection, &mut Inbound), ToeError> {
        let slot = self.connections.get_mut(usize::from(id.number));
        let connection = slot.and_then(Option::as_deref_mut).ok_or(ToeError::Gone)?;
        if connection.id != id {
            return Err(ToeError::Gone);
        }
        let context = self.contexts[connection.context].as_mut();
        let buffer = context.and_then(|context| context.buffer(connection.buffer));
        let buffer = buffer.ok_or(ToeError::Gone)?;
        Ok((connection, &mut buffer.inbound))
    }

    fn waiting_context(&self, token: u64) -> Option<usize> {
        self.contexts.iter().position(|context| {
            context
                .as_ref()
                .is_some_and(|context| context.settings.token == token && context.number.is_none())
        })
    }

    fn remove_context(&mut self, place: usize) {
        if let Some(context) = self.contexts[place].take() {
            self.by_queue_pair.remove(&context.settings.queue_pair);
        }
    }
}

/// The next write of a connection: what it gives back to the pipe, or else the next of its stream.
fn next_write(context: &mut Context, connection: &mut Connection, packet: &mut Vec<u8>) -> bool {
    let number = connection.id.number;
    let inbound = context
        .buffer(connection.buffer)
        .map(|buffer| &mut buffer.inbound);
    if let Some(inbound) = inbound
        && let Some(freed) = inbound.to_give_back()
    {
        let address = SwitchAddress::Sync {
            connection: number,
            freed,
        };
        if let Some(write) = context.next_write(address.address(), None)
            && write.emit([&[], &[]], packet).is_ok()
        {
            if let Some(buffer) = context.buffer(connection.buffer) {
                buffer.inbound.give_back();
            }
            return true;
        }
        return false;
    }
    if context.switch.is_none() {
        return false;
    }
    let Some((offset, payload, is_last)) = connection.outbound.send() else {
        return false;
    };
    let address = SwitchAddress::Transmit {
        connection: number,
        offset,
    };
    let write = context.next_write(address.address(), is_last.then_some(0));
    write.is_some_and(|write| write.emit(payload, packet).is_ok())
}

/// Payload goes to its place; returns whose it is, if that is known.
fn take_payload(
    buffer: &mut Buffer,
    place: u64,
    payload: &[u8],
    ready: Option<Ready>,
) -> Result<Option<u16>, ToeError> {
    match (buffer.owner, ready) {
        (Some(owner), Some(ready)) if ready.connection != owner => {
            return Err(ToeError::Contradiction {
                connection: ready.connection,
            });
        }
        (Some(_), Some(ready)) => {
            buffer.inbound.arrive(place, payload);
            buffer.inbound.notify(ready.position);
        }
        (None, Some(ready)) => {
            buffer.inbound.arrive(place, payload);
            buffer.early = Some(ready);
        }
        (_, None) => buffer.inbound.arrive(place, payload),
    }
    Ok(buffer.owner)
}
