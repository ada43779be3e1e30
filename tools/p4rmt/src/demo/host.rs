//! The host behind the switch: an echo server and an HTTP server on libTOE, a thread a connection.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};
use std::thread;
use std::time::Duration;

use p4rmt_libtoe::{Context, Host, TcpListener, TcpStream};
use p4rmt_wire::{ContextSettings, ReceiveRegion};

use super::servers;
use super::station::{HOST_PORT, HostEnds, OWN_IP};

/// Where the servers listen.
pub(super) const HTTP_PORT: u16 = 80;
pub(super) const ECHO_PORT: u16 = 7;

/// Sockets that are there without any connection: the context and both listeners.
pub(super) const N_STAYING: usize = 3;

const BUFFER_BYTES: u32 = 128 << 10;
const N_BUFFERS: u32 = 1024;
/// How long a server waits for more of a peer.
const READ_PATIENCE: Duration = Duration::from_secs(60);

/// A host whose servers listen.
pub(super) struct Servers {
    host: Host,
    context: Context,
}

/// Starts the servers.
///
/// # Errors
/// What the control plane has against it.
pub(super) fn start(ends: HostEnds) -> io::Result<Servers> {
    let HostEnds { packets, messages } = ends;
    let (host, driver) = Host::new(packets, messages);
    // It ends when the host is stopped, or the station is gone: sockets say so.
    let _ = driver.spawn();
    let context = Context::open(
        &host,
        ContextSettings {
            token: 0,
            port: HOST_PORT,
            mac: [2, 0, 0x4c, 0x61, 0x6d, 4],
            ip: Ipv4Addr::new(10, 78, 0, 1).octets(),
            queue_pair: 0x11,
            remote_key: 0x1000,
            reports: 1 << 40,
            receive: ReceiveRegion {
                base: 1 << 32,
                buffer_bytes: BUFFER_BYTES,
                n_buffers: N_BUFFERS,
            },
            transmit_bytes: 256 << 10,
        },
    )?;
    listen(&context, HTTP_PORT, |stream| servers::http(stream))?;
    listen(&context, ECHO_PORT, servers::echo)?;
    Ok(Servers { host, context })
}

impl Servers {
    /// How many connections and listeners are open.
    pub(super) fn n_sockets(&self) -> usize {
        self.host.n_sockets()
    }

    /// Ends all of it.
    pub(super) fn stop(&self) {
        self.context.close();
        self.host.stop();
    }
}

fn listen(
    context: &Context,
    port: u16,
    serve: fn(&mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    let listener = TcpListener::bind(context, SocketAddrV4::new(OWN_IP, port))?;
    thread::spawn(move || {
        // Until the host is stopped.
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                // A peer that goes ends its own connection alone.
                let served = stream
                    .set_read_timeout(Some(READ_PATIENCE))
                    .and_then(|()| serve(&mut stream));
                let _ = served.and_then(|()| stream.shutdown(Shutdown::Write));
            });
        }
    });
    Ok(())
}
