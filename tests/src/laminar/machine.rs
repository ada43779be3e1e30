//! A machine with many TCP connections, all of smoltcp: some that it opens, some that it waits for.

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

use super::peer::Wire;
use super::wire::Path;

/// A socket of a machine.
pub type Socket = SocketHandle;

/// A machine.
pub struct Machine {
    path: Path,
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    now: Instant,
}

impl Machine {
    /// A machine at the near end of `path`.
    #[must_use]
    pub fn new(path: Path, seed: u64) -> Self {
        let mut wire = Wire::default();
        let mac = EthernetAddress(path.macs[0]);
        let mut config = Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        let [a, b, c, d] = path.ips[0];
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::Ipv4(Ipv4Address::new(a, b, c, d)), 24);
            addresses.push(own).expect("there is room for one address");
        });
        Self {
            path,
            wire,
            interface,
            sockets: SocketSet::new(Vec::new()),
            now: Instant::ZERO,
        }
    }

    fn socket(buffer_bytes: usize) -> tcp::Socket<'static> {
        let buffer = || tcp::SocketBuffer::new(vec![0; buffer_bytes]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_ack_delay(None);
        // Retransmissions of its own are given up some time, and tests do not wait for ever.
        socket.set_timeout(Some(Duration::from_secs(600)));
        socket
    }

    /// A connection to the far end of the path, from and to these ports, with buffers of this size.
    ///
    /// # Panics
    /// If the machine cannot begin with it.
    pub fn connect(&mut self, ports: [u16; 2], buffer_bytes: usize) -> Socket {
        let mut socket = Self::socket(buffer_bytes);
        let [a, b, c, d] = self.path.ips[1];
        let remote = IpAddress::Ipv4(Ipv4Address::new(a, b, c, d));
        socket
            .connect(self.interface.context(), (remote, ports[1]), ports[0])
            .expect("the socket is fresh and the addresses are set");
        self.sockets.add(socket)
    }

    /// A socket that waits for one connection.
    ///
    /// # Panics
    /// If the port is 0.
    pub fn listen(&mut self, port: u16, buffer_bytes: usize) -> Socket {
        let mut socket = Self::socket(buffer_bytes);
        socket.listen(port).expect("the socket is fresh");
        self.sockets.add(socket)
    }

    /// The socket itself.
    pub fn tcp(&mut self, socket: Socket) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(socket)
    }

    /// A socket that is closed is no more.
    pub fn remove(&mut self, socket: Socket) {
        self.sockets.remove(socket);
    }

    /// Writes what there is room for; returns how much it was.
    ///
    /// # Panics
    /// If the socket refuses what it has room for.
    pub fn write(&mut self, socket: Socket, bytes: &[u8]) -> usize {
        let socket = self.tcp(socket);
        if !socket.can_send() {
            return 0;
        }
        socket.send_slice(bytes).expect("the socket can send")
    }

    /// Reads what is there, at most so much.
    ///
    /// # Panics
    /// If the socket refuses to give what it has.
    pub fn read(&mut self, socket: Socket, limit: usize) -> Vec<u8> {
        let socket = self.tcp(socket);
        let mut bytes = vec![0; socket.recv_queue().min(limit)];
        if bytes.is_empty() || !socket.can_recv() {
            return Vec::new();
        }
        let n_read = socket.recv_slice(&mut bytes).expect("it can receive");
        bytes.truncate(n_read);
        bytes
    }

    /// Lets the machine read what has come and send what it wants to, at this time.
    pub fn poll(&mut self, micros: u64) {
        self.now = Instant::from_micros(micros.cast_signed());
        self.interface
            .poll(self.now, &mut self.wire, &mut self.sockets);
    }

    /// When the machine wants to be polled next, in microseconds, if nothing comes before.
    pub fn next_poll(&mut self) -> Option<u64> {
        let next = self.interface.poll_at(self.now, &self.sockets)?;
        Some(next.total_micros().cast_unsigned())
    }

    /// Hands a frame to the machine; it is read at the next poll.
    pub fn deliver(&mut self, frame: Vec<u8>) {
        self.wire.inbound.push_back(frame);
    }

    /// Takes the frames that the machine has sent.
    pub fn take_sent(&mut self) -> Vec<Vec<u8>> {
        self.wire.outbound.drain(..).collect()
    }
}
