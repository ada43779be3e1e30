//! The loop: packets in, through the device, and out; time; control between packets.
//!
//! A turn:
//!
//! 1. What the caller's own doings made leave goes out.
//! 2. It waits for packets at any port, for what is to wake it, for the next trigger of the packet generator, but no
//!    longer than it was told, nor than ports may go unasked whether they are still there.
//! 3. The device's clock goes on to now, and its packet generator makes what is due.
//! 4. Packets that wait are received, at most [`MAX_PACKETS`] a port, and run together; what leaves goes out.
//! 5. Requests of clients are carried out one by one, at most [`MAX_REQUESTS`] a client; what leaves goes out.
//!
//! Each step is bounded, so that nothing keeps others waiting for long: what is left is for the next turn.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use p4rmt_control::{ControlError, Event, Number, Reply, Request, Subscription, Switch};
use p4rmt_pipeline::{Departing, Device, DeviceError, MAX_PORTS, SentDigest};

use crate::events::{Mailbox, Wanted};
use crate::server::{self, Server};
use crate::time::TimeMap;
use crate::wait::{Readiness, wait};
use crate::{Burst, Clock, LiveCounters, LiveError, LivePort, MonotonicClock, PortCounters, Sent};

/// At most so many packets of a port are received in a turn.
const MAX_PACKETS: usize = 64;

/// The packet generator makes at most so many packets in a turn, and those of one trigger more.
const MAX_GENERATED: u64 = 256;

/// At most so many requests of a client are carried out in a turn.
const MAX_REQUESTS: usize = 16;

/// Ports are asked so often whether they are still there.
const CHECK_PERIOD: Duration = Duration::from_secs(1);

/// An interface may be down for so long while packets are to go there.
const DOWN_GRACE: Duration = Duration::from_secs(30);

/// A device that is attached to something.
pub struct Live {
    device: Device,
    /// By number.
    ports: BTreeMap<u16, Attached>,
    clock: Box<dyn Clock>,
    time: TimeMap,
    burst: Burst,
    mailbox: Mailbox,
    server: Server,
    wanted: Wanted,
    waker: Option<UnixStream>,
    down_grace: Duration,
    /// When ports were asked last whether they are still there.
    checked_ns: u64,
    /// The packet generator had more to do than fits into a turn.
    is_behind: bool,
    counters: LiveCounters,
}

/// What stands at a port.
struct Attached {
    port: Box<dyn LivePort>,
    counters: PortCounters,
    /// Since when nothing could be sent because the interface is down.
    down_since_ns: Option<u64>,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Packets that came in.
    pub packets_in: u64,
    /// Packets that left the device, whether or not something is attached where they did.
    pub packets_out: u64,
    /// Packets that the packet generator made.
    pub generated: u64,
    /// Requests of clients that were carried out or refused.
    pub requests: u64,
    /// Something came through the stream of [`Live::wake_on`].
    pub is_woken: bool,
}

impl Live {
    /// Lets a device run in real time, with nothing attached yet.
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self::with_clock(device, Box::new(MonotonicClock::default()))
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(device: Device, clock: Box<dyn Clock>) -> Self {
        let time = TimeMap::new(clock.now_ns(), device.clock());
        Self {
            device,
            ports: BTreeMap::new(),
            clock,
            time,
            burst: Burst::default(),
            mailbox: Mailbox::default(),
            server: Server::default(),
            wanted: Wanted::of(std::iter::empty()),
            waker: None,
            down_grace: DOWN_GRACE,
            checked_ns: 0,
            is_behind: false,
            counters: LiveCounters::default(),
        }
    }

    /// Attaches something to a port.
    ///
    /// # Errors
    /// A port that there is not, or to which something is attached already.
    pub fn attach(&mut self, number: u16, port: Box<dyn LivePort>) -> Result<(), LiveError> {
        if number >= MAX_PORTS {
            let available = MAX_PORTS;
            return Err(DeviceError::NoPort {
                port: number,
                available,
            }
            .into());
        }
        if let Some(taken) = self.ports.get(&number) {
            let name = taken.counters.name.clone();
            return Err(LiveError::PortTaken { port: number, name });
        }
        let counters = PortCounters {
            name: port.name().to_owned(),
            ..PortCounters::default()
        };
        let attached = Attached {
            port,
            counters,
            down_since_ns: None,
        };
        self.ports.insert(number, attached);
        Ok(())
    }

    /// A turn ends, and says so, when something can be read from this stream: what stops a run, or tells its caller
    /// that there is something else to do.
    ///
    /// # Errors
    /// The stream cannot be made non-blocking.
    pub fn wake_on(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        self.waker = Some(stream);
        Ok(())
    }

    /// Lets clients connect to a socket of this path, which is removed when the run ends. They are served between packets.
    ///
    /// # Errors
    /// Another switch listens there, or it cannot be made.
    pub fn listen(&mut self, path: &Path) -> Result<(), LiveError> {
        self.server.listen(path)
    }

    /// How long an interface may be down while packets are to go there; 30 seconds unless said here.
    pub fn set_down_grace(&mut self, grace: Duration) {
        self.down_grace = grace;
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same, to change: between two packets. What leaves because of it goes out with the next turn.
    pub fn device_mut(&mut self) -> &mut Device {
        &mut self.device
    }

    /// What the caller listens to from now on.
    pub fn subscribe(&mut self, subscription: Subscription) {
        self.mailbox.subscription = subscription;
        self.find_wanted();
    }

    /// What happened of that to which the caller listens, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.mailbox.take()
    }

    /// What has been counted.
    #[must_use]
    pub fn counters(&self) -> LiveCounters {
        let ports = self.ports.iter();
        LiveCounters {
            ports: ports
                .map(|(number, attached)| (*number, attached.counters.clone()))
                .collect(),
            lost_ns: self.time.lost_ns,
            ..self.counters.clone()
        }
    }

    /// Waits until there is something to do, at most as long as given, and does it. Without a time it still returns now
    /// and then with nothing done.
    ///
    /// # Errors
    /// A port is gone, or its interface does not come up again; the device goes on no more.
    pub fn turn(&mut self, timeout: Option<Duration>) -> Result<Turn, LiveError> {
        let mut turn = Turn::default();
        self.let_out(&mut turn)?;
        let ready = self.wait(timeout)?;
        turn.is_woken = ready.is_woken;
        self.check_ports()?;
        self.pass_time(&mut turn)?;
        self.burst.clear();
        for number in ready.ports {
            self.receive(number)?;
        }
        turn.packets_in = self.burst.len() as u64;
        self.run()?;
        self.let_out(&mut turn)?;
        self.serve(&ready.clients, &mut turn)?;
        Ok(turn)
    }

    fn find_wanted(&mut self) {
        let own = std::iter::once(&self.mailbox.subscription);
        self.wanted = Wanted::of(own.chain(self.server.subscriptions()));
        self.device.keep_digests(self.wanted.digests);
    }

    /// Step 2.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<Ready, LiveError> {
        let mut readiness = Readiness::default();
        let ports = self.ports.iter().map(|(number, attached)| {
            let at = readiness.read(attached.port.descriptor());
            (*number, at)
        });
        let ports: Vec<(u16, usize)> = ports.collect();
        let waker = self
            .waker
            .as_ref()
            .map(|waker| readiness.read(waker.as_fd()));
        let clients = self.server.wait_for(&mut readiness);
        wait(&mut readiness, self.patience(timeout)).map_err(LiveError::Wait)?;
        let clients = clients.ready(&readiness);
        let ports = ports.into_iter();
        let ports = ports.filter(|(_, at)| readiness.is_ready(*at));
        let ports = ports.map(|(number, _)| number).collect();
        let is_woken = waker.is_some_and(|at| readiness.is_ready(at));
        if is_woken {
            self.hear_waker();
        }
        Ok(Ready {
            ports,
            clients,
            is_woken,
        })
    }

    /// How long to wait.
    fn patience(&self, timeout: Option<Duration>) -> Option<Duration> {
        if self.is_behind || self.server.is_busy() {
            return Some(Duration::ZERO);
        }
        let now_ns = self.clock.now_ns();
        let trigger = self.device.next_trigger();
        let trigger = trigger.map(|clock| self.time.until(clock, now_ns, self.device.config()));
        let deadline = self.server.deadline_ns();
        let deadline = deadline.map(|ns| Duration::from_nanos(ns.saturating_sub(now_ns)));
        let check = (!self.ports.is_empty()).then_some(CHECK_PERIOD);
        let others = timeout.into_iter().chain(trigger).chain(deadline);
        others.chain(check).min()
    }

    /// Ports that are gone say so.
    fn check_ports(&mut self) -> Result<(), LiveError> {
        let now_ns = self.clock.now_ns();
        if now_ns.saturating_sub(self.checked_ns) < CHECK_PERIOD.as_nanos() as u64 {
            return Ok(());
        }
        self.checked_ns = now_ns;
        for (number, attached) in &mut self.ports {
            let Attached { port, counters, .. } = attached;
            port.check()
                .map_err(|source| gone(*number, counters, source))?;
        }
        Ok(())
    }

    /// What was sent to wake us says nothing more.
    fn hear_waker(&mut self) {
        let mut bytes = [0; 64];
        while let Some(waker) = &mut self.waker {
            match waker.read(&mut bytes) {
                Ok(n_bytes) if n_bytes == bytes.len() => {}
                // Nobody is left to wake us.
                Ok(0) => self.waker = None,
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Step 3.
    fn pass_time(&mut self, turn: &mut Turn) -> Result<(), LiveError> {
        let now = self.time.clock(self.clock.now_ns(), self.device.config());
        let before = self.device.counters().generated;
        self.is_behind = false;
        while let Some(trigger) = self.device.next_trigger().filter(|trigger| *trigger <= now) {
            turn.generated = self.device.counters().generated - before;
            if turn.generated >= MAX_GENERATED {
                self.is_behind = true;
                let reached = self.device.clock().max(trigger);
                self.time.give_up(reached, now, self.device.config());
                return Ok(());
            }
            self.device.advance_to(trigger)?;
        }
        turn.generated = self.device.counters().generated - before;
        self.device.advance_to(now)?;
        Ok(())
    }

    /// Receives from a port.
    fn receive(&mut self, number: u16) -> Result<(), LiveError> {
        let Some(Attached {
            port,
            counters,
            down_since_ns,
        }) = self.ports.get_mut(&number)
        else {
            return Ok(());
        };
        let received = self
            .burst
            .receive(number, |burst| port.receive(burst, MAX_PACKETS));
        let (packets, bytes) = received.map_err(|source| gone(number, counters, source))?;
        counters.packets_in += packets;
        counters.bytes_in += bytes;
        if packets > 0 {
            *down_since_ns = None;
        }
        Ok(())
    }

    /// Runs the packets that were received.
    fn run(&mut self) -> Result<(), LiveError> {
        let packets = self.burst.arriving(self.device.clock());
        let mut packets = &packets[..];
        while let Err(refused) = self.device.receive_all(packets) {
            packets = &packets[refused.index + 1..];
            match *refused.cause {
                // What a packet is to blame for does not end the run.
                cause @ (DeviceError::WrongClaim { .. } | DeviceError::PacketTooLong { .. }) => {
                    self.counters.refuse(cause.to_string(), cause.span());
                }
                cause => return Err(cause.into()),
            }
        }
        Ok(())
    }

    /// Step 5.
    fn serve(&mut self, ready: &server::Ready, turn: &mut Turn) -> Result<(), LiveError> {
        let now_ns = self.clock.now_ns();
        self.server.read(ready, now_ns);
        for client in 0..self.server.n_clients() {
            for _ in 0..MAX_REQUESTS {
                let Some(request) = self.server.take_request(client, now_ns) else {
                    break;
                };
                turn.requests += 1;
                let answer = match request {
                    Request::Subscribe(subscription) => {
                        self.server.subscribe(client, subscription);
                        self.find_wanted();
                        Ok(Reply::Done)
                    }
                    request => self.device.call(&request),
                };
                self.server.answer(client, answer);
                self.let_out(turn)?;
            }
        }
        self.counters.requests += turn.requests;
        if self.server.write(now_ns) {
            self.find_wanted();
        }
        Ok(())
    }

    /// What left the device goes out, and who listens hears of it.
    fn let_out(&mut self, turn: &mut Turn) -> Result<(), LiveError> {
        let Self {
            device,
            ports,
            wanted,
            mailbox,
            server,
            counters,
            ..
        } = self;
        let (now_ns, grace) = (self.clock.now_ns(), self.down_grace);
        let mut result = Ok(());
        device.show_departures(|departure| {
            turn.packets_out += 1;
            let port = departure.port;
            if wanted.port(port) {
                let is_of = |subscription: &Subscription| subscription.ports.contains(&port);
                tell(mailbox, server, is_of, packet_event(departure), now_ns);
            }
            match ports.get_mut(&port) {
                None => *counters.unattached.entry(port).or_default() += 1,
                Some(attached) if result.is_ok() => {
                    result = attached.send(departure, now_ns, grace);
                }
                Some(_) => {}
            }
        });
        result?;
        if self.wanted.digests {
            let digests: Vec<SentDigest> = self.device.take_digests().collect();
            for digest in digests {
                let event = self.digest_event(&digest);
                let is_of = |subscription: &Subscription| subscription.digests;
                tell(&mut self.mailbox, &mut self.server, is_of, event, now_ns);
            }
        }
        Ok(())
    }

    fn digest_event(&self, sent: &SentDigest) -> Event {
        let gresses = &self.device.state().layout().pipe().gresses;
        let clock = self.device.clock();
        Event::Digest {
            digest: gresses[sent.gress].digests[sent.message.digest]
                .name
                .clone(),
            fields: sent.message.fields.iter().map(Number::of).collect(),
            ns: self.device.config().nanoseconds(clock),
        }
    }
}

/// What is ready.
struct Ready {
    ports: Vec<u16>,
    clients: server::Ready,
    is_woken: bool,
}

impl Attached {
    fn send(
        &mut self,
        departure: Departing<'_>,
        now_ns: u64,
        grace: Duration,
    ) -> Result<(), LiveError> {
        let sent = self.port.send(departure.bytes);
        let counters = &mut self.counters;
        match sent.map_err(|source| gone(departure.port, counters, source))? {
            Sent::Done => {
                counters.packets_out += 1;
                counters.bytes_out += departure.bytes.len() as u64;
                self.down_since_ns = None;
            }
            Sent::Full => counters.full += 1,
            Sent::Refused => counters.unfit += 1,
            Sent::Down => {
                counters.down += 1;
                let since_ns = *self.down_since_ns.get_or_insert(now_ns);
                let down = Duration::from_nanos(now_ns.saturating_sub(since_ns));
                if down > grace {
                    return Err(LiveError::PortDown {
                        port: departure.port,
                        name: counters.name.clone(),
                        seconds: down.as_secs(),
                    });
                }
            }
        }
        Ok(())
    }
}

fn gone(port: u16, counters: &PortCounters, source: io::Error) -> LiveError {
    LiveError::PortGone {
        port,
        name: counters.name.clone(),
        source,
    }
}

/// Tells an event to all who listen to it.
fn tell(
    mailbox: &mut Mailbox,
    server: &mut Server,
    is_of: impl Fn(&Subscription) -> bool,
    event: Event,
    now_ns: u64,
) {
    server.tell(&is_of, &event, now_ns);
    if is_of(&mailbox.subscription) {
        mailbox.push(event);
    }
}

fn packet_event(departure: Departing<'_>) -> Event {
    Event::Packet {
        port: departure.port,
        bytes: departure.bytes.to_vec(),
        ns: departure.timestamp_ns(),
    }
}

impl Switch for Live {
    /// As a device answers; time is that of the world, and a subscription is the caller's.
    fn call(&mut self, request: &Request) -> Result<Reply, ControlError> {
        if let Request::Subscribe(subscription) = request {
            self.subscribe(subscription.clone());
            return Ok(Reply::Done);
        }
        self.device.call(request)
    }
}
