//! A TCP peer that nobody here wrote: smoltcp, on a wire of two queues.

use std::collections::VecDeque;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

use super::wire::Path;

/// The peer's end of the wire: frames that wait to be read, and frames that were sent.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) inbound: VecDeque<Vec<u8>>,
    pub(super) outbound: VecDeque<Vec<u8>>,
}

/// A machine with one TCP connection to Laminar.
pub struct Peer {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    /// The peer's clock.
    now: Instant,
}

impl Peer {
    /// A machine at the near end of `path` that connects from and to these ports. Its buffers are
    /// as large as a window without scaling.
    #[must_use]
    pub fn connect(path: Path, ports: [u16; 2], seed: u64) -> Self {
        let mut wire = Wire::default();
        let mac = EthernetAddress(path.macs[0]);
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        let [own, other] = path
            .ips
            .map(|ip| Ipv4Address::new(ip[0], ip[1], ip[2], ip[3]));
        interface.update_ip_addrs(|addresses| {
            let address = IpCidr::new(IpAddress::Ipv4(own), 24);
            addresses
                .push(address)
                .expect("there is room for one address");
        });
        let buffer = || tcp::SocketBuffer::new(vec![0; 65_535]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        // Data are to be acknowledged as they come: a test has no patience.
        socket.set_ack_delay(None);
        socket
            .connect(
                interface.context(),
                (IpAddress::Ipv4(other), ports[1]),
                ports[0],
            )
            .expect("the socket is fresh and the addresses are set");
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(socket);
        Self {
            wire,
            interface,
            sockets,
            socket,
            now: Instant::ZERO,
        }
    }

    /// Lets the peer read what has come and send what it wants to, at this time.
    pub fn poll(&mut self, micros: i64) {
        self.now = Instant::from_micros(micros);
        self.interface
            .poll(self.now, &mut self.wire, &mut self.sockets);
    }

    /// When the peer wants to be polled next, in microseconds, if nothing comes before.
    pub fn next_poll(&mut self) -> Option<i64> {
        let next = self.interface.poll_at(self.now, &self.sockets)?;
        Some(next.total_micros())
    }

    /// Hands a frame to the peer; it is read at the next poll.
    pub fn deliver(&mut self, frame: Vec<u8>) {
        self.wire.inbound.push_back(frame);
    }

    /// Takes the frames that the peer has sent.
    pub fn take_sent(&mut self) -> Vec<Vec<u8>> {
        self.wire.outbound.drain(..).collect()
    }

    /// Queues data for sending; returns how many bytes there was room for.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        if socket.can_send() {
            socket.send_slice(bytes).expect("the socket can send")
        } else {
            0
        }
    }

    /// Takes the data that have arrived in order.
    pub fn read(&mut self) -> Vec<u8> {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let mut bytes = vec![0; socket.recv_queue()];
        if socket.can_recv() {
            let n_read = socket
                .recv_slice(&mut bytes)
                .expect("the socket can receive");
            bytes.truncate(n_read);
            bytes
        } else {
            Vec::new()
        }
    }

    /// Whether the connection stands.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.sockets.get::<tcp::Socket>(self.socket).state() == tcp::State::Established
    }
}

/// A frame on its way in.
pub struct Received(Vec<u8>);

/// Room for a frame on its way out.
pub struct Transmit<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Transmit<'_>)> {
        let frame = self.inbound.pop_front()?;
        Some((Received(frame), Transmit(&mut self.outbound)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Transmit<'_>> {
        Some(Transmit(&mut self.outbound))
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
        self.0.push_back(frame);
        result
    }
}
