//! Handshakes, both ways.
//!
//! * **Of peers**: a SYN for a listener is remembered and answered; the answer is sent again with backoff. Where
//!   too many are remembered already, the answer's sequence number is a cookie and nothing is remembered. The last
//!   acknowledgment, or a segment behind it, puts the connection into the tables.
//! * **Of hosts**: number and buffer are taken first, then a SYN is sent again with backoff. SYNs that cross are a
//!   connection, too.
//!
//! Only MSS and window scale are negotiated, and ECN where the configuration says so. No connection enters the
//! tables before its peer has shown that it gets what we send.

use std::net::{Ipv4Addr, SocketAddrV4};

use p4rmt_wire::{FailReason, HostEvent, Opened};

use crate::config::Network;
use crate::connection::{Connection, OwnStream, PeerStream, Tuple, distance};
use crate::host::listener_of;
use crate::now::Now;
use crate::packet::{Segment, SynOptions, flags};
use crate::plane::ControlPlane;
use crate::registers::Fresh;
use crate::sequence::{self, Baked};
use crate::tables::Described;
use crate::watch::{FIRST_SEGMENTS, RoundTrip, Watched};
use crate::{PlaneError, congestion, tables};

/// What IPv4 peers take that do not say their MSS (RFC 9293, 3.7.1).
const DEFAULT_MSS: u16 = 536;
/// How long a peer that has answered waits until there may be room for it.
const WAIT_FOR_ROOM_NS: u64 = 2_000_000;
/// ECN bits of data: capable, code point 0.
const ECT_0: u8 = 2;

/// A handshake on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfOpen {
    origin: Origin,
    /// Our initial sequence number.
    first: u32,
    /// What the peer's SYN said, if it has come.
    peer: Option<PeerSyn>,
    n_sent: u32,
    /// The window that the peer's last acknowledgment offered, as it stood there: it has come, and there was no room.
    answered: Option<u16>,
    /// When our SYN left first.
    sent_ns: u64,
    /// When it is sent again, or given up.
    pub(crate) due_ns: u64,
}

#[derive(Clone, Copy, Debug)]
enum Origin {
    Listener(SocketAddrV4),
    Host {
        token: u64,
        context: u16,
        id: u16,
        buffer: u32,
    },
}

/// What a peer's SYN says.
#[derive(Clone, Copy, Debug)]
struct PeerSyn {
    first: u32,
    options: SynOptions,
    has_ecn: bool,
}

impl HalfOpen {
    pub(crate) fn listener(&self) -> Option<SocketAddrV4> {
        match self.origin {
            Origin::Listener(listener) => Some(listener),
            Origin::Host { .. } => None,
        }
    }
}

/// A handshake that is done.
struct Agreed {
    tuple: Tuple,
    context: u16,
    id: u16,
    buffer: u32,
    listener: Option<SocketAddrV4>,
    own_first: u32,
    peer: PeerSyn,
    /// The peer's window, in bytes.
    window: u32,
    rtt: RoundTrip,
}

impl ControlPlane {
    // ---- from peers ----

    /// A SYN of no connection that is known.
    pub(crate) fn take_syn(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        syn: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        if syn.has(flags::RST) || syn.has(flags::FIN) || tuple.remote.port() == 0 {
            return Ok(());
        }
        let Some(local) = listener_of(&self.listeners, tuple.local) else {
            return self.reset_stray(now, syn);
        };
        // One that ended lately may begin anew with larger numbers (RFC 1122, 4.2.2.13).
        if !self.time_wait.yields_to(tuple, syn.seq) {
            return self.take_late(now, tuple, syn);
        }
        let is_cramped = {
            let listener = &self.listeners[&local];
            if listener.n_waiting >= listener.backlog {
                self.statistics.syns_dropped += 1;
                return Ok(());
            }
            listener.n_waiting + listener.n_half_open >= listener.backlog
                || self.half_open.len() >= self.config.limits.half_open
        };
        let options = SynOptions::read(syn.options);
        let wants_ecn = syn.has(flags::ECE) && syn.has(flags::CWR);
        let peer = PeerSyn {
            first: syn.seq,
            options,
            has_ecn: wants_ecn && self.config.has_ecn,
        };
        if is_cramped {
            return self.answer_with_cookie(now, tuple, local, peer);
        }
        let half = HalfOpen {
            origin: Origin::Listener(local),
            first: sequence::initial(self.key, tuple, now.ns),
            peer: Some(peer),
            n_sent: 0,
            answered: None,
            sent_ns: now.ns,
            due_ns: now.ns,
        };
        self.half_open.insert(*tuple, half);
        if let Some(listener) = self.listeners.get_mut(&local) {
            listener.n_half_open += 1;
        }
        self.send_syn(now, tuple)
    }

    fn answer_with_cookie(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        local: SocketAddrV4,
        peer: PeerSyn,
    ) -> Result<(), PlaneError> {
        let baked = Baked {
            mss: peer.options.mss.unwrap_or(DEFAULT_MSS),
            scale: peer.options.scale,
        };
        let cookie = sequence::bake(self.key, tuple, peer.first, baked, now.ns);
        let Some(first) = cookie else {
            self.statistics.syns_dropped += 1;
            return Ok(());
        };
        self.cookie_ns = Some(now.ns);
        self.statistics.cookies_sent += 1;
        let context = self.listeners[&local].context;
        // A cookie does not hold that ECN or selective acknowledgments were agreed on.
        let peer = PeerSyn {
            has_ecn: false,
            options: SynOptions {
                permits_sack: false,
                ..peer.options
            },
            ..peer
        };
        self.send_syn_of(now, tuple, context, first, Some(&peer))
    }

    /// A segment of no connection may bring a cookie back. Whether it did.
    pub(crate) fn take_cookie(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        segment: &Segment<'_>,
    ) -> Result<bool, PlaneError> {
        let is_late = self
            .cookie_ns
            .is_none_or(|sent| now.ns.saturating_sub(sent) > sequence::longest_life());
        let is_plain = segment.has(flags::ACK) && !segment.has(flags::SYN | flags::RST);
        if is_late || !is_plain {
            return Ok(false);
        }
        let Some(local) = listener_of(&self.listeners, tuple.local) else {
            return Ok(false);
        };
        let own_first = segment.ack.wrapping_sub(1);
        let first = segment.seq.wrapping_sub(1);
        let Some(baked) = sequence::eat(self.key, tuple, first, own_first, now.ns) else {
            return Ok(false);
        };
        let peer = PeerSyn {
            first,
            options: SynOptions {
                mss: Some(baked.mss),
                scale: baked.scale,
                permits_sack: false,
            },
            has_ecn: false,
        };
        let is_open = self.open(
            now,
            tuple,
            local,
            own_first,
            peer,
            RoundTrip::default(),
            segment,
        )?;
        if is_open {
            self.statistics.cookies_taken += 1;
        }
        Ok(true)
    }

    /// A segment of a handshake.
    pub(crate) fn take_half_open(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        let Some(half) = self.half_open.get(tuple).copied() else {
            return Ok(());
        };
        let is_answer = segment.has(flags::ACK) && segment.ack == half.first.wrapping_add(1);
        if segment.has(flags::RST) {
            let is_right = match half.peer {
                Some(peer) => segment.seq == peer.first.wrapping_add(1),
                None => is_answer,
            };
            if is_right {
                self.drop_half_open(now.ns, tuple, FailReason::Refused);
            }
            return Ok(());
        }
        if segment.has(flags::ACK) && !is_answer {
            return self.reset_stray(now, segment);
        }
        match (half.peer, segment.has(flags::SYN)) {
            (Some(peer), true) if segment.seq == peer.first && !segment.has(flags::ACK) => {
                // It has not got our answer.
                self.send_syn_again(now, tuple)
            }
            // Another SYN: a real peer that began anew answers this with an RST.
            (Some(peer), true) if segment.seq != peer.first => {
                let seq = half.first.wrapping_add(1);
                let ack = peer.first.wrapping_add(1);
                self.send(now, &Segment::of_ours(tuple, seq, ack, flags::ACK, 0))
            }
            (Some(peer), _) => {
                let behind = distance(segment.seq, peer.first.wrapping_add(1));
                if !is_answer || !segment.has(flags::SYN) && !(0..1 << 17).contains(&behind) {
                    return Ok(());
                }
                self.finish(now, tuple, &half, peer, segment)
            }
            (None, true) => {
                let agrees = segment.has(flags::ECE) && !segment.has(flags::CWR);
                let asks = segment.has(flags::ECE) && segment.has(flags::CWR);
                let peer = PeerSyn {
                    first: segment.seq,
                    options: SynOptions::read(segment.options),
                    has_ecn: self.config.has_ecn && if is_answer { agrees } else { asks },
                };
                if is_answer {
                    return self.finish(now, tuple, &half, peer, segment);
                }
                // The SYNs have crossed: both are answered.
                if let Some(half) = self.half_open.get_mut(tuple) {
                    half.peer = Some(peer);
                }
                self.send_syn_again(now, tuple)
            }
            (None, false) => Ok(()),
        }
    }

    /// The peer has shown that it has our SYN.
    fn finish(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        half: &HalfOpen,
        peer: PeerSyn,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        let mut rtt = RoundTrip::default();
        if half.n_sent == 1 && half.answered.is_none() {
            rtt.sample(now.ns.saturating_sub(half.sent_ns));
        }
        match half.origin {
            Origin::Listener(local) => {
                // In the backlog it counts once.
                self.forget_half_open(tuple);
                if !self.open(now, tuple, local, half.first, peer, rtt, segment)? {
                    let waiting = HalfOpen {
                        answered: Some(segment.window),
                        due_ns: now.ns + WAIT_FOR_ROOM_NS,
                        ..*half
                    };
                    self.half_open.insert(*tuple, waiting);
                    if let Some(listener) = self.listeners.get_mut(&local) {
                        listener.n_half_open += 1;
                    }
                }
                Ok(())
            }
            Origin::Host {
                token,
                context,
                id,
                buffer,
            } => {
                let agreed = Agreed {
                    tuple: *tuple,
                    context,
                    id,
                    buffer,
                    listener: None,
                    own_first: half.first,
                    window: window_of(segment, &peer),
                    peer,
                    rtt,
                };
                self.forget_half_open(tuple);
                let Some(opened) = self.install(now, &agreed)? else {
                    self.give_back(now.ns, context, id, buffer);
                    self.fail(Some(token), Some(tuple.remote), FailReason::NoneLeft);
                    return Ok(());
                };
                self.statistics.connected += 1;
                self.events
                    .push_back(HostEvent::Connected { token, opened });
                self.take_rest(now, id, segment)
            }
        }
    }

    /// A connection for a listener. False if there is no room for it.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that a handshake has brought together"
    )]
    fn open(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        local: SocketAddrV4,
        own_first: u32,
        peer: PeerSyn,
        rtt: RoundTrip,
        segment: &Segment<'_>,
    ) -> Result<bool, PlaneError> {
        let listener = self.listeners.get(&local).copied();
        let Some(listener) = listener.filter(|listener| listener.n_waiting < listener.backlog)
        else {
            self.statistics.refused += 1;
            return Ok(false);
        };
        if !self.neighbours.is_reachable(now, *tuple.remote.ip())? {
            self.statistics.refused += 1;
            return Ok(false);
        }
        let Some((id, buffer)) = self.take_numbers(now.ns, listener.context) else {
            self.statistics.refused += 1;
            return Ok(false);
        };
        let agreed = Agreed {
            tuple: *tuple,
            context: listener.context,
            id,
            buffer,
            listener: Some(local),
            own_first,
            window: window_of(segment, &peer),
            peer,
            rtt,
        };
        let Some(opened) = self.install(now, &agreed)? else {
            self.give_back(now.ns, listener.context, id, buffer);
            self.statistics.refused += 1;
            return Ok(false);
        };
        if let Some(listener) = self.listeners.get_mut(&local) {
            listener.n_waiting += 1;
        }
        self.statistics.accepted += 1;
        self.events.push_back(HostEvent::Accepted(opened));
        self.take_rest(now, id, segment)?;
        Ok(true)
    }

    /// What else the segment brought that ended a handshake.
    fn take_rest(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        if segment.has(flags::SYN) {
            let rest = Segment {
                seq: segment.seq.wrapping_add(1),
                flags: segment.flags & !(flags::SYN | flags::ECE | flags::CWR),
                ..*segment
            };
            let state = crate::registers::Snapshot::read(now, id)?;
            self.acknowledge(now, id, &state)?;
            if rest.len() == 0 {
                return Ok(());
            }
            return self.take_open(now, id, &rest);
        }
        if segment.len() > 0 {
            self.take_open(now, id, segment)?;
        }
        Ok(())
    }

    // ---- from hosts ----

    pub(crate) fn connect(
        &mut self,
        now: &mut Now<'_>,
        context: u16,
        token: u64,
        remote: SocketAddrV4,
        local: SocketAddrV4,
    ) -> Result<(), PlaneError> {
        let fail = |plane: &mut Self, reason| {
            plane.fail(Some(token), Some(remote), reason);
            Ok(())
        };
        if !self.contexts.contains_key(&context) {
            return fail(self, FailReason::BadSettings);
        }
        let way = self.neighbours.route(*remote.ip());
        let own_ip = way.map(|(Network { ip, .. }, _)| *ip);
        let Some(own_ip) = own_ip.filter(|_| !self.config.is_ours(*remote.ip())) else {
            return fail(self, FailReason::NoRoute);
        };
        let ip = if local.ip().is_unspecified() {
            own_ip
        } else {
            *local.ip()
        };
        if !self.config.is_ours(ip) || remote.port() == 0 {
            return fail(self, FailReason::BadAddress);
        }
        let port = match local.port() {
            0 => self.free_port(ip, remote),
            port => Some(port),
        };
        let Some(port) = port else {
            return fail(self, FailReason::NoneLeft);
        };
        let tuple = Tuple {
            local: SocketAddrV4::new(ip, port),
            remote,
        };
        if self.is_in_use(&tuple) {
            return fail(self, FailReason::BadAddress);
        }
        let Some((id, buffer)) = self.take_numbers(now.ns, context) else {
            return fail(self, FailReason::NoneLeft);
        };
        let half = HalfOpen {
            origin: Origin::Host {
                token,
                context,
                id,
                buffer,
            },
            first: sequence::initial(self.key, &tuple, now.ns),
            peer: None,
            n_sent: 0,
            answered: None,
            sent_ns: now.ns,
            due_ns: now.ns,
        };
        self.half_open.insert(tuple, half);
        self.send_syn(now, &tuple)
    }

    /// A port that nobody uses towards a peer.
    pub(crate) fn free_port(&mut self, ip: Ipv4Addr, remote: SocketAddrV4) -> Option<u16> {
        // The range of RFC 6335, from a place that depends on the peer on (RFC 6056).
        const FIRST: u16 = 49_152;
        const COUNT: u16 = 16_384;
        let mut tuple = Tuple {
            local: SocketAddrV4::new(ip, 0),
            remote,
        };
        self.n_ports_asked = self.n_ports_asked.wrapping_add(1);
        let start = sequence::first_port(self.key, &tuple, self.n_ports_asked) % COUNT;
        (0..COUNT)
            .map(|at| FIRST + (start + at) % COUNT)
            .find(|port| {
                tuple.local.set_port(*port);
                !self.is_in_use(&tuple) && listener_of(&self.listeners, tuple.local).is_none()
            })
    }

    fn is_in_use(&self, tuple: &Tuple) -> bool {
        self.by_tuple.contains_key(tuple)
            || self.half_open.contains_key(tuple)
            || self.time_wait.holds(tuple)
    }

    // ---- SYNs on their way out ----

    /// Sends our SYN, and sets the time when it is sent again.
    fn send_syn(&mut self, now: &mut Now<'_>, tuple: &Tuple) -> Result<(), PlaneError> {
        if let Some(half) = self.half_open.get_mut(tuple) {
            let wait = self.config.timing.syn_ns << half.n_sent.min(6);
            half.n_sent += 1;
            half.due_ns = now.ns + wait;
        }
        self.send_syn_again(now, tuple)
    }

    fn send_syn_again(&mut self, now: &mut Now<'_>, tuple: &Tuple) -> Result<(), PlaneError> {
        let Some(half) = self.half_open.get(tuple).copied() else {
            return Ok(());
        };
        let context = match half.origin {
            Origin::Listener(local) => self.listeners.get(&local).map(|it| it.context),
            Origin::Host { context, .. } => Some(context),
        };
        match context {
            Some(context) => self.send_syn_of(now, tuple, context, half.first, half.peer.as_ref()),
            None => Ok(()),
        }
    }

    fn send_syn_of(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        context: u16,
        first: u32,
        peer: Option<&PeerSyn>,
    ) -> Result<(), PlaneError> {
        let Some(context) = self.contexts.get(&context) else {
            return Ok(());
        };
        let may_scale = peer.is_none_or(|peer| peer.options.scale.is_some());
        let options = SynOptions {
            mss: Some(self.config.mss),
            scale: may_scale.then_some(context.scale()),
            permits_sack: self.config.has_sack && peer.is_none_or(|peer| peer.options.permits_sack),
        };
        let window = context.free_bytes(self.config.mss);
        let window = u16::try_from(window).unwrap_or(u16::MAX);
        let mut syn_flags = flags::SYN;
        let ack = match peer {
            None => {
                if self.config.has_ecn {
                    syn_flags |= flags::ECE | flags::CWR;
                }
                0
            }
            Some(peer) => {
                syn_flags |= flags::ACK;
                if peer.has_ecn {
                    syn_flags |= flags::ECE;
                }
                peer.first.wrapping_add(1)
            }
        };
        let options = options.to_bytes();
        let syn = Segment {
            options: &options,
            ..Segment::of_ours(tuple, first, ack, syn_flags, window)
        };
        self.send(now, &syn)
    }

    /// Sends again what was not answered, and gives up what was not for too long. Who has answered gets the room that
    /// there is by now, the eldest first.
    pub(crate) fn poll_half_open(&mut self, now: &mut Now<'_>) -> Result<(), PlaneError> {
        let due = self
            .half_open
            .iter()
            .filter(|(_, half)| half.due_ns <= now.ns);
        let mut due: Vec<(Tuple, HalfOpen)> = due.map(|(tuple, half)| (*tuple, *half)).collect();
        due.sort_unstable_by_key(|(tuple, half)| (half.sent_ns, *tuple));
        let longest_ns = self.config.timing.syn_ns << self.config.limits.syn_tries.min(16);
        for (tuple, half) in due {
            match (half.answered, half.peer) {
                (Some(_), _) if now.ns.saturating_sub(half.sent_ns) > longest_ns => {
                    self.drop_half_open(now.ns, &tuple, FailReason::TimedOut);
                }
                (Some(window), Some(peer)) => {
                    let answer = Segment {
                        src: tuple.remote,
                        dst: tuple.local,
                        window,
                        seq: peer.first.wrapping_add(1),
                        ack: half.first.wrapping_add(1),
                        ..Segment::of_ours(&tuple, 0, 0, flags::ACK, 0)
                    };
                    self.finish(now, &tuple, &half, peer, &answer)?;
                }
                _ if half.n_sent >= self.config.limits.syn_tries => {
                    self.drop_half_open(now.ns, &tuple, FailReason::TimedOut);
                }
                _ => self.send_syn(now, &tuple)?,
            }
        }
        Ok(())
    }

    /// A neighbour does not answer: nobody who is asked for through it can be reached.
    pub(crate) fn fail_unreachable(&mut self, now_ns: u64, silent: Ipv4Addr) {
        let through = self.half_open.keys().copied().filter(|tuple| {
            let way = self.neighbours.route(*tuple.remote.ip());
            way.is_some_and(|(_, via)| via == silent)
        });
        let through: Vec<Tuple> = through.collect();
        for tuple in through {
            self.drop_half_open(now_ns, &tuple, FailReason::NoRoute);
        }
    }

    /// The handshakes of a context are no more.
    pub(crate) fn forget_half_open_of(&mut self, now_ns: u64, gone: u16) {
        let of_it = self
            .half_open
            .iter()
            .filter_map(|(tuple, half)| match half.origin {
                Origin::Host {
                    context,
                    id,
                    buffer,
                    ..
                } if context == gone => Some((*tuple, id, buffer)),
                Origin::Host { .. } | Origin::Listener(_) => None,
            });
        let of_it: Vec<_> = of_it.collect();
        for (tuple, id, buffer) in of_it {
            self.half_open.remove(&tuple);
            self.give_back(now_ns, gone, id, buffer);
        }
    }

    fn drop_half_open(&mut self, now_ns: u64, tuple: &Tuple, reason: FailReason) {
        let Some(half) = self.forget_half_open(tuple) else {
            return;
        };
        if let Origin::Host {
            token,
            context,
            id,
            buffer,
        } = half.origin
        {
            self.give_back(now_ns, context, id, buffer);
            self.fail(Some(token), Some(tuple.remote), reason);
        }
    }

    fn forget_half_open(&mut self, tuple: &Tuple) -> Option<HalfOpen> {
        let half = self.half_open.remove(tuple)?;
        let listener = half
            .listener()
            .and_then(|local| self.listeners.get_mut(&local));
        if let Some(listener) = listener {
            listener.n_half_open = listener.n_half_open.saturating_sub(1);
        }
        Some(half)
    }

    // ---- numbers and tables ----

    /// A number and a buffer of a context.
    fn take_numbers(&mut self, now_ns: u64, context: u16) -> Option<(u16, u32)> {
        let buffers = &mut self.contexts.get_mut(&context)?.buffers;
        let buffer = buffers.take(now_ns)?;
        let Some(id) = self.connection_numbers.take(now_ns) else {
            buffers.give_back(now_ns, buffer);
            return None;
        };
        Some((id as u16, buffer))
    }

    pub(crate) fn give_back(&mut self, now_ns: u64, context: u16, id: u16, buffer: u32) {
        self.connection_numbers.give_back(now_ns, id.into());
        if let Some(context) = self.contexts.get_mut(&context) {
            context.buffers.give_back(now_ns, buffer);
        }
    }

    /// Puts a connection into registers and tables, in this order and all at once; none if the tables do not take it.
    fn install(
        &mut self,
        now: &mut Now<'_>,
        agreed: &Agreed,
    ) -> Result<Option<Opened>, PlaneError> {
        let Agreed {
            tuple, id, peer, ..
        } = *agreed;
        let Some(context) = self.contexts.get(&agreed.context) else {
            return Ok(None);
        };
        let (own_scale, peer_scale) = match peer.options.scale {
            Some(scale) => (context.scale(), scale),
            None => (0, 0),
        };
        let mss = peer
            .options
            .mss
            .unwrap_or(DEFAULT_MSS)
            .clamp(1, self.config.mss);
        let (first_rx, first_tx) = (peer.first.wrapping_add(1), agreed.own_first.wrapping_add(1));
        let receive = context.settings.receive;
        let credits = (FIRST_SEGMENTS * u32::from(mss)).min(context.settings.transmit_bytes);
        let fresh = Fresh {
            rx_next_seq: first_rx,
            rx_avail: context.free_bytes(self.config.mss),
            tx_next_ack: first_tx,
            tx_credits: credits,
            tx_remote_avail: agreed.window,
        };
        let described = Described {
            tuple,
            context: agreed.context,
            own_scale,
            has_sack: self.config.has_sack && peer.options.permits_sack,
            peer_scale,
            mss: self.config.mss,
            ecn: if peer.has_ecn { ECT_0 } else { 0 },
            buffer: receive.address_of(agreed.buffer),
            buffer_bytes: receive.buffer_bytes,
            first_rx,
            first_tx,
        };
        let mut requests: Vec<_> = fresh.requests(id).collect();
        requests.extend(tables::add_connection(id, &described));
        if now.all(requests).is_err() {
            // What came before the refusal stays done: it is taken back, as far as it was.
            for request in tables::forget_connection(id, &tuple) {
                let _ = now.switch.call(&request);
            }
            return Ok(None);
        }
        self.neighbours.add_user(now, *tuple.remote.ip())?;
        let watched = Watched::new(now.ns, first_tx, mss, agreed.rtt);
        let congestion = congestion::begin(self.config.congestion, watched.rate);
        let connection = Connection {
            tuple,
            context: agreed.context,
            buffer: agreed.buffer,
            listener: agreed.listener,
            first_rx,
            first_tx,
            mss,
            own_scale,
            is_over: false,
            peer: PeerStream::Open,
            own: OwnStream::Open,
            ended_first: false,
            challenged_ns: None,
            watched,
            congestion,
        };
        self.by_tuple.insert(tuple, id);
        self.connections.insert(id, connection);
        self.time_wait.remove(&tuple);
        self.watch_soon(now.ns);
        Ok(Some(Opened {
            connection: id,
            context: agreed.context,
            local: tuple.local,
            remote: tuple.remote,
            buffer: agreed.buffer,
            first_rx_seq: first_rx,
            first_tx_seq: first_tx,
            mss,
            credits,
        }))
    }
}

/// The window that a segment at the end of a handshake offers, in bytes: a SYN's has no scale.
fn window_of(segment: &Segment<'_>, peer: &PeerSyn) -> u32 {
    let scale = match peer.options.scale {
        Some(scale) if !segment.has(flags::SYN) => scale,
        _ => 0,
    };
    u32::from(segment.window) << scale.min(14)
}
