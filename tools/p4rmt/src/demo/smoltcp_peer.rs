//! A peer in this process, for who may not make interfaces: smoltcp, behind a pair of ports.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant as RealInstant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use p4rmt_live::{LivePort as _, PairEnd};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

/// Bytes of its buffers.
const BUFFER: usize = 256 << 10;
/// Without progress for so long, a call fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A machine at the end of a link.
pub(super) struct Peer {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    start: RealInstant,
    next_port: u16,
}

struct Wire(PairEnd);

/// A connection. Calls wait until there is something to say.
pub(super) struct Stream<'p> {
    peer: &'p mut Peer,
    socket: SocketHandle,
}

impl Peer {
    /// A machine with this address.
    pub(super) fn new(link: PairEnd, ip: Ipv4Addr, prefix_len: u8, seed: u64) -> Self {
        let mut wire = Wire(link);
        let mac = EthernetAddress([2, 0, 0x4c, 0x61, 0x6d, 1]);
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        let ip = Ipv4Address::from(ip.octets());
        interface.update_ip_addrs(|addresses| {
            let address = IpCidr::new(IpAddress::Ipv4(ip), prefix_len);
            addresses
                .push(address)
                .expect("there is room for one address");
        });
        Self {
            wire,
            interface,
            sockets: SocketSet::new(Vec::new()),
            start: RealInstant::now(),
            next_port: 40_000,
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// The other side refuses, or does not answer.
    pub(super) fn connect(&mut self, to: SocketAddrV4) -> io::Result<Stream<'_>> {
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        self.next_port = self.next_port.checked_add(1).unwrap_or(40_000);
        let address = IpAddress::Ipv4(Ipv4Address::from(to.ip().octets()));
        let port = self.next_port;
        socket
            .connect(self.interface.context(), (address, to.port()), port)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let socket = self.sockets.add(socket);
        let mut stream = Stream { peer: self, socket };
        stream.wait(|socket| match socket.state() {
            tcp::State::SynSent | tcp::State::SynReceived => None,
            tcp::State::Closed => Some(Err(io::ErrorKind::ConnectionRefused.into())),
            _ => Some(Ok(())),
        })?;
        Ok(stream)
    }

    /// Reads what has come, sends what is to go, and waits for more if nothing has.
    fn pass_time(&mut self) -> io::Result<()> {
        let now = Instant::from_micros(self.start.elapsed().as_micros() as i64);
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
        if self.wire.0.n_waiting() > 0 {
            return Ok(());
        }
        let patience = self.interface.poll_delay(now, &self.sockets);
        let patience = patience
            .map_or(50_000, |delay| delay.total_micros())
            .min(50_000);
        let patience = TimeSpec::from_duration(Duration::from_micros(patience));
        let mut descriptors = [PollFd::new(self.wire.0.descriptor(), PollFlags::POLLIN)];
        match ppoll(&mut descriptors, Some(patience), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Stream<'_> {
    /// Waits until there is an answer.
    fn wait<T>(
        &mut self,
        mut ask: impl FnMut(&mut tcp::Socket<'_>) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let deadline = RealInstant::now() + PATIENCE;
        loop {
            let socket = self.peer.sockets.get_mut::<tcp::Socket>(self.socket);
            if let Some(answer) = ask(socket) {
                return answer;
            }
            if RealInstant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.peer.pass_time()?;
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.wait(|socket| {
            if socket.can_recv() {
                let read = socket.recv_slice(bytes);
                return Some(read.map_err(|error| io::Error::other(error.to_string())));
            }
            match socket.state() {
                tcp::State::Closed => Some(Err(io::ErrorKind::ConnectionReset.into())),
                _ if !socket.may_recv() => Some(Ok(0)),
                _ => None,
            }
        })
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(|socket| {
            if socket.can_send() {
                let sent = socket.send_slice(bytes);
                return Some(sent.map_err(|error| io::Error::other(error.to_string())));
            }
            (!socket.may_send()).then(|| Err(io::ErrorKind::BrokenPipe.into()))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It ends gracefully.
impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.peer
            .sockets
            .get_mut::<tcp::Socket>(self.socket)
            .close();
        // One that does not end is forgotten.
        let _ = self.wait(|socket| {
            let is_over = matches!(socket.state(), tcp::State::Closed | tcp::State::TimeWait);
            is_over.then_some(Ok(()))
        });
        self.peer.sockets.remove(self.socket);
    }
}

/// A frame on its way in.
struct Received(Vec<u8>);

/// Room for a frame on its way out.
struct Transmit<'a>(&'a mut PairEnd);

impl phy::Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Transmit<'_>)> {
        let frame = self.0.take()?;
        Some((Received(frame), Transmit(&mut self.0)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Transmit<'_>> {
        Some(Transmit(&mut self.0))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut frame = vec![0; len];
        let result = write(&mut frame);
        // One that finds no room is lost, as on any link.
        let _ = self.0.send(&frame);
        result
    }
}
