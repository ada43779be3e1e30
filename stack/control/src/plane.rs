//! The control plane as others see it, and which of its parts gets what.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use p4rmt_control::{Request, Switch};
use p4rmt_wire::{FailReason, HostEvent, HostRequest, SwitchSide};

use crate::config::Config;
use crate::connection::{Connection, Tuple};
use crate::ending::TimeWait;
use crate::generator::Rounds;
use crate::handshake::HalfOpen;
use crate::host::{self, Context, Listener};
use crate::neighbours::Neighbours;
use crate::now::Now;
use crate::numbers::Numbers;
use crate::packet::{Frame, Ipv4, Segment, echo_reply, flags};
use crate::registers::Snapshot;
use crate::siphash::SipKey;
use crate::{PlaneError, Statistics, tables};

/// Contexts that the pipe has.
const N_CONTEXTS: u32 = 1024;
/// Connections that the pipe has.
const N_CONNECTIONS: u16 = 32_768;
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_TCP: u8 = 6;

/// The control plane of a switch that runs `laminar.p4`.
pub struct ControlPlane {
    pub(crate) config: Config,
    pub(crate) key: SipKey,
    pub(crate) neighbours: Neighbours,
    pub(crate) context_numbers: Numbers,
    pub(crate) contexts: BTreeMap<u16, Context>,
    pub(crate) listeners: BTreeMap<SocketAddrV4, Listener>,
    pub(crate) half_open: BTreeMap<Tuple, HalfOpen>,
    /// When a SYN was answered with a cookie last.
    pub(crate) cookie_ns: Option<u64>,
    /// How many ports were looked for.
    pub(crate) n_ports_asked: u32,
    pub(crate) connection_numbers: Numbers,
    pub(crate) connections: BTreeMap<u16, Connection>,
    /// Those that are in the tables.
    pub(crate) by_tuple: BTreeMap<Tuple, u16>,
    pub(crate) time_wait: TimeWait,
    pub(crate) rounds: Rounds,
    /// When registers are looked at next.
    pub(crate) watch_ns: u64,
    /// RSTs that may still be sent to strangers in this second, and when it began.
    strays: (u32, u64),
    pub(crate) events: VecDeque<HostEvent>,
    pub(crate) statistics: Statistics,
}

impl ControlPlane {
    /// A control plane that has done nothing yet.
    ///
    /// # Errors
    /// A configuration that the pipe cannot work with.
    pub fn new(config: Config) -> Result<Self, PlaneError> {
        config.check()?;
        let rest_ns = config.timing.rest_ns;
        let n_connections = config.limits.connections.min(N_CONNECTIONS);
        Ok(Self {
            key: SipKey(config.secret),
            neighbours: Neighbours::new(&config),
            context_numbers: Numbers::new(0, N_CONTEXTS, rest_ns),
            contexts: BTreeMap::new(),
            listeners: BTreeMap::new(),
            half_open: BTreeMap::new(),
            cookie_ns: None,
            n_ports_asked: 0,
            connection_numbers: Numbers::new(0, n_connections.into(), rest_ns),
            connections: BTreeMap::new(),
            by_tuple: BTreeMap::new(),
            time_wait: TimeWait::default(),
            rounds: Rounds::default(),
            watch_ns: 0,
            strays: (0, 0),
            events: VecDeque::new(),
            statistics: Statistics::default(),
            config,
        })
    }

    /// Fills in what the switch needs before there is any connection: ports, sessions, addresses. The switch is
    /// fresh; which units its ports have is part of how it was set up (`tcp_checksum` towards networks, `roce`
    /// towards hosts).
    ///
    /// # Errors
    /// What the switch refuses.
    pub fn start(&mut self, switch: &mut dyn Switch) -> Result<(), PlaneError> {
        let requests = tables::begin(&self.config.networks, &self.config.hosts);
        switch.call(&Request::All(requests))?;
        Ok(())
    }

    /// Takes a packet that left the switch on the control plane's port. Whatever is in it, this does not fail for it.
    ///
    /// # Errors
    /// What the switch refuses.
    pub fn packet(
        &mut self,
        now_ns: u64,
        bytes: &[u8],
        switch: &mut dyn Switch,
    ) -> Result<(), PlaneError> {
        let now = &mut Now { ns: now_ns, switch };
        match Frame::read(bytes) {
            Some(Frame::Ipv4(packet)) => self.take_ipv4(now, &packet),
            Some(Frame::Arp(arp)) => self.neighbours.take_arp(now, &arp),
            Some(Frame::Notice(notice)) => self.take_notice(now, &notice),
            None => {
                self.statistics.ignored += 1;
                Ok(())
            }
        }
    }

    /// Does what a host asks for. Answers are among the events.
    ///
    /// # Errors
    /// What the switch refuses.
    pub fn host_request(
        &mut self,
        now_ns: u64,
        request: HostRequest,
        switch: &mut dyn Switch,
    ) -> Result<(), PlaneError> {
        let now = &mut Now { ns: now_ns, switch };
        match request {
            HostRequest::OpenContext(settings) => self.open_context(now, settings),
            HostRequest::CloseContext { context } => self.close_context(now, context),
            HostRequest::Listen {
                context,
                local,
                backlog,
            } => {
                self.listen(context, local, backlog);
                Ok(())
            }
            HostRequest::StopListening { local } => {
                self.stop_listening(local);
                Ok(())
            }
            HostRequest::Connect {
                context,
                token,
                remote,
                local,
            } => self.connect(now, context, token, remote, local),
            HostRequest::Taken { connection } => {
                self.leave_backlog(connection);
                Ok(())
            }
            HostRequest::Shutdown { connection, length } => self.shutdown(now, connection, length),
            HostRequest::Abort { connection } => self.abort(now, connection),
            HostRequest::Release { connection } => self.release(now, connection),
        }
    }

    /// Does what is due, and says when it wants to be polled again; none if not before something else comes.
    ///
    /// # Errors
    /// What the switch refuses.
    pub fn poll(
        &mut self,
        now_ns: u64,
        switch: &mut dyn Switch,
    ) -> Result<Option<u64>, PlaneError> {
        let now = &mut Now { ns: now_ns, switch };
        for silent in self.neighbours.poll(now)? {
            self.fail_unreachable(now.ns, silent);
        }
        self.poll_half_open(now)?;
        self.time_wait.forget_old(now.ns);
        if now.ns >= self.watch_ns {
            self.watch(now)?;
        }
        // Rounds end at a look, too.
        let is_watching = !self.by_tuple.is_empty() || self.rounds.period_ns() > 0;
        let deadlines = [
            self.neighbours.next_ns(),
            self.half_open.values().map(|half| half.due_ns).min(),
            self.time_wait.next_ns(),
            is_watching.then_some(self.watch_ns),
        ];
        Ok(deadlines.into_iter().flatten().min())
    }

    /// Takes what is to be told to hosts since the last time, in order.
    pub fn take_events(&mut self) -> Vec<HostEvent> {
        self.events.drain(..).collect()
    }

    /// What has happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// How many connections are in the tables, and how many more numbers hosts have not let go.
    #[must_use]
    pub fn n_connections(&self) -> (usize, usize) {
        let n_open = self.by_tuple.len();
        (n_open, self.connections.len() - n_open)
    }

    // ---- packets ----

    fn take_ipv4(&mut self, now: &mut Now<'_>, packet: &Ipv4<'_>) -> Result<(), PlaneError> {
        let is_from_us = self.config.is_ours(packet.src);
        let is_unicast = packet.macs[0][0] & 1 == 0;
        if !is_unicast || is_from_us || !self.config.is_ours(packet.dst) {
            self.statistics.ignored += 1;
            return Ok(());
        }
        match packet.protocol {
            PROTOCOL_TCP => match Segment::read(packet) {
                Some(segment) => return self.take_segment(now, &segment),
                None => self.statistics.ignored += 1,
            },
            PROTOCOL_ICMP => {
                if let Some(reply) = echo_reply(packet.payload) {
                    let reply = Ipv4 {
                        macs: [[0; 6]; 2],
                        src: packet.dst,
                        dst: packet.src,
                        tos: packet.tos,
                        protocol: PROTOCOL_ICMP,
                        payload: &reply,
                    };
                    if let Some(frame) = reply.to_frame() {
                        self.neighbours.send(now, packet.src, frame)?;
                    }
                }
            }
            _ => self.statistics.ignored += 1,
        }
        Ok(())
    }

    fn take_segment(&mut self, now: &mut Now<'_>, segment: &Segment<'_>) -> Result<(), PlaneError> {
        let tuple = segment.tuple();
        if let Some(id) = self.by_tuple.get(&tuple).copied() {
            self.take_open(now, id, segment)
        } else if self.half_open.contains_key(&tuple) {
            self.take_half_open(now, &tuple, segment)
        } else if segment.has(flags::SYN) && !segment.has(flags::ACK) {
            self.take_syn(now, &tuple, segment)
        } else if self.time_wait.holds(&tuple) {
            self.take_late(now, &tuple, segment)
        } else if self.take_cookie(now, &tuple, segment)? {
            Ok(())
        } else {
            self.reset_stray(now, segment)
        }
    }

    /// Sends a segment of ours, without payload.
    pub(crate) fn send(
        &mut self,
        now: &mut Now<'_>,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        if let Some(frame) = segment.to_frame([[0; 6]; 2]) {
            self.neighbours.send(now, *segment.dst.ip(), frame)?;
        }
        Ok(())
    }

    /// Acknowledges all that has come on a connection.
    pub(crate) fn acknowledge(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        state: &Snapshot,
    ) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        let ack = Segment::of_ours(
            &connection.tuple,
            state.snd_next(),
            state.rcv_next(),
            flags::ACK,
            state.window(connection.own_scale),
        );
        self.send(now, &ack)
    }

    /// Answers a segment of no connection (RFC 9293, 3.10.7.1), unless there are too many of them.
    pub(crate) fn reset_stray(
        &mut self,
        now: &mut Now<'_>,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        if segment.has(flags::RST) {
            return Ok(());
        }
        let (n_left, since) = &mut self.strays;
        if now.ns.saturating_sub(*since) >= 1_000_000_000 || *since == 0 {
            *since = now.ns.max(1);
            *n_left = self.config.limits.resets_per_second;
        }
        let Some(left) = n_left.checked_sub(1) else {
            return Ok(());
        };
        *n_left = left;
        self.statistics.strays_reset += 1;
        let tuple = segment.tuple();
        let reset = if segment.has(flags::ACK) {
            Segment::of_ours(&tuple, segment.ack, 0, flags::RST, 0)
        } else {
            let ack = segment.seq.wrapping_add(segment.len());
            Segment::of_ours(&tuple, 0, ack, flags::RST | flags::ACK, 0)
        };
        self.send(now, &reset)
    }

    // ---- contexts and listeners ----

    fn open_context(
        &mut self,
        now: &mut Now<'_>,
        settings: p4rmt_wire::ContextSettings,
    ) -> Result<(), PlaneError> {
        let token = settings.token;
        let hosts = self.config.hosts.iter();
        let host = hosts.copied().find(|host| host.port == settings.port);
        let Some(host) = host.filter(|_| host::are_good(&settings, self.config.mss)) else {
            self.fail(Some(token), None, FailReason::BadSettings);
            return Ok(());
        };
        let Some(number) = self.context_numbers.take(now.ns) else {
            self.fail(Some(token), None, FailReason::NoneLeft);
            return Ok(());
        };
        let context = number as u16;
        now.all(tables::add_context(context, &settings, &host).to_vec())?;
        let rest_ns = self.config.timing.rest_ns;
        self.contexts
            .insert(context, Context::new(settings, rest_ns));
        self.events.push_back(HostEvent::ContextOpened {
            token,
            context,
            switch: SwitchSide {
                mac: host.mac,
                ip: host.ip.octets(),
            },
        });
        Ok(())
    }

    fn close_context(&mut self, now: &mut Now<'_>, context: u16) -> Result<(), PlaneError> {
        if !self.contexts.contains_key(&context) {
            return Ok(());
        }
        let listeners = self.listeners.iter();
        let listeners = listeners.filter(|(_, listener)| listener.context == context);
        let listeners: Vec<_> = listeners.map(|(local, _)| *local).collect();
        for local in listeners {
            self.stop_listening(local);
        }
        self.forget_half_open_of(now.ns, context);
        let of_it = self.connections.iter();
        let of_it = of_it.filter(|(_, connection)| connection.context == context);
        let of_it: Vec<u16> = of_it.map(|(id, _)| *id).collect();
        for id in of_it {
            self.release(now, id)?;
        }
        now.all(tables::forget_context(context).to_vec())?;
        self.contexts.remove(&context);
        self.context_numbers.give_back(now.ns, context.into());
        Ok(())
    }

    fn listen(&mut self, context: u16, local: SocketAddrV4, backlog: u32) {
        if !self.contexts.contains_key(&context) {
            return self.fail(None, Some(local), FailReason::BadSettings);
        }
        let is_ours = local.ip().is_unspecified() || self.config.is_ours(*local.ip());
        if !is_ours || self.listeners.contains_key(&local) && local.port() != 0 {
            return self.fail(None, Some(local), FailReason::BadAddress);
        }
        let local = if local.port() == 0 {
            let peer = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            let Some(port) = self.free_port(*local.ip(), peer) else {
                return self.fail(None, Some(local), FailReason::NoneLeft);
            };
            SocketAddrV4::new(*local.ip(), port)
        } else {
            local
        };
        let listener = Listener {
            context,
            backlog: backlog.max(1),
            n_half_open: 0,
            n_waiting: 0,
        };
        self.listeners.insert(local, listener);
        self.events
            .push_back(HostEvent::Listening { context, local });
    }

    /// What is in the handshake goes with the listener; what was accepted stays.
    fn stop_listening(&mut self, local: SocketAddrV4) {
        self.listeners.remove(&local);
        self.half_open
            .retain(|_, half| half.listener() != Some(local));
        for connection in self.connections.values_mut() {
            connection.listener = connection.listener.filter(|listener| *listener != local);
        }
    }

    /// A connection does not count in its listener's backlog any more.
    pub(crate) fn leave_backlog(&mut self, id: u16) {
        let listener = self
            .connections
            .get_mut(&id)
            .and_then(|connection| connection.listener.take());
        if let Some(listener) = listener.and_then(|local| self.listeners.get_mut(&local)) {
            listener.n_waiting = listener.n_waiting.saturating_sub(1);
        }
    }

    pub(crate) fn fail(
        &mut self,
        token: Option<u64>,
        address: Option<SocketAddrV4>,
        reason: FailReason,
    ) {
        self.statistics.failed += 1;
        self.events.push_back(HostEvent::Failed {
            token,
            address,
            reason,
        });
    }
}
