//! The entries that Laminar's tables hold, by the names of `testvectors/laminar/README.md`.

use std::net::Ipv4Addr;

use p4rmt_control::{Call, Entry, EntryTarget, KeyMatch, Number, Request, Session};
use p4rmt_wire::ContextSettings;

use crate::config::{HostPort, Network};
use crate::connection::Tuple;
use crate::packet::{BROADCAST, Mac};

/// The control plane's port.
pub(crate) const CONTROL_PORT: u16 = 64;
/// The port of the packet generator.
pub(crate) const GENERATOR_PORT: u16 = 6;
/// The mirror session that leads to the control plane alone.
const SESSION_CONTROL: u16 = 127;
/// Where copies are cut: they are nothing but their header.
const COPY_BYTES: Option<u16> = Some(40);

const NETWORK: u8 = 1;
const HOST: u8 = 2;
const CONTROL: u8 = 3;

/// The bit of a scale that asks for selective acknowledgments (`types.p4`).
const SCALE_SACK: u8 = 0x40;

/// A connection as the tables hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) tuple: Tuple,
    pub(crate) context: u16,
    pub(crate) own_scale: u8,
    /// Whether intervals are named to the peer.
    pub(crate) has_sack: bool,
    pub(crate) peer_scale: u8,
    /// The largest payload that the peer sends.
    pub(crate) mss: u16,
    /// Bits of the IPv4 header of what we send with payload.
    pub(crate) ecn: u8,
    /// Where its receive buffer is, and how large.
    pub(crate) buffer: u64,
    pub(crate) buffer_bytes: u32,
    pub(crate) first_rx: u32,
    pub(crate) first_tx: u32,
}

/// What the switch needs before there is any connection.
pub(crate) fn begin(networks: &[Network], hosts: &[HostPort]) -> Vec<Request> {
    let mut requests = vec![
        Request::SetSession {
            session: SESSION_CONTROL,
            to: Session::Port {
                port: CONTROL_PORT,
                truncate: COPY_BYTES,
            },
        },
        has_role(CONTROL_PORT, CONTROL, 0),
        add_bridge(BROADCAST, to_control()),
    ];
    for network in networks {
        let session = network.port;
        let group = 128 + session;
        requests.extend([
            Request::SetSession {
                session,
                to: Session::Port {
                    port: network.port,
                    truncate: COPY_BYTES,
                },
            },
            Request::CreateGroup { group },
            Request::CreateNode {
                group,
                rid: 0,
                ports: vec![network.port, CONTROL_PORT],
            },
            Request::SetSession {
                session: group,
                to: Session::Group {
                    group,
                    truncate: COPY_BYTES,
                },
            },
            has_role(network.port, NETWORK, session),
        ]);
    }
    for host in hosts {
        requests.push(has_role(host.port, HOST, 0));
    }
    // Two ports may share an address.
    let mut ips: Vec<_> = networks.iter().map(|network| network.ip).collect();
    ips.extend(hosts.iter().map(|host| host.ip));
    ips.sort_unstable();
    ips.dedup();
    requests.extend(ips.into_iter().map(|ip| {
        let key = exact("hdr.ipv4.dst_addr", u32::from(ip));
        insert("local_addresses", vec![key], call("is_ours", vec![]))
    }));
    let mut macs: Vec<_> = networks.iter().map(|network| network.mac).collect();
    macs.extend(hosts.iter().map(|host| host.mac));
    macs.sort_unstable();
    macs.dedup();
    requests.extend(macs.into_iter().map(|mac| add_bridge(mac, to_control())));
    requests
}

fn has_role(port: u16, role: u8, session: u16) -> Request {
    insert(
        "ports",
        vec![exact("ig_intr_md.ingress_port", port)],
        call("has_role", vec![arg("role", role), arg("session", session)]),
    )
}

// ---- bridge ----

fn to_control() -> Call {
    call("to_control", vec![])
}

fn bridge_entry(mac: Mac, action: Call) -> Entry {
    Entry {
        keys: vec![exact("hdr.ethernet.dst_addr", mac_number(mac))],
        priority: 0,
        target: EntryTarget::Action(action),
    }
}

fn add_bridge(mac: Mac, action: Call) -> Request {
    Request::Insert {
        table: "bridge".to_owned(),
        entry: bridge_entry(mac, action),
    }
}

fn change_bridge(mac: Mac, action: Call) -> Request {
    Request::Modify {
        table: "bridge".to_owned(),
        entry: bridge_entry(mac, action),
    }
}

/// Frames to an address leave on a port.
pub(crate) fn bridge_to(mac: Mac, port: u16) -> Request {
    add_bridge(mac, call("forward", vec![arg("port", port)]))
}

/// No frame to an address leaves.
pub(crate) fn unbridge(mac: Mac) -> Request {
    delete(
        "bridge",
        vec![exact("hdr.ethernet.dst_addr", mac_number(mac))],
    )
}

/// A frame to everybody leaves on one port: with no packet in between, all such frames do.
pub(crate) fn broadcast(port: u16, frame: Vec<u8>) -> Vec<Request> {
    vec![
        change_bridge(BROADCAST, call("forward", vec![arg("port", port)])),
        Request::Send {
            port: CONTROL_PORT,
            bytes: frame,
        },
        change_bridge(BROADCAST, to_control()),
    ]
}

// ---- next hops ----

/// Where a next hop is, in both of its tables: new there, or changed.
pub(crate) fn next_hop(hop: u16, mac: Mac, network: &Network, is_new: bool) -> [Request; 2] {
    let macs = || {
        vec![
            arg("dst_mac", mac_number(mac)),
            arg("src_mac", mac_number(network.mac)),
        ]
    };
    let with = |name: &str, more: (String, Number)| {
        let mut args = macs();
        args.push(more);
        call(name, args)
    };
    [
        ("next_hops", with("reach", arg("port", network.port))),
        (
            "reply_hops",
            with("reply_over", arg("session", network.port)),
        ),
    ]
    .map(|(table, action)| {
        let entry = Entry {
            keys: vec![exact("meta.next_hop", hop)],
            priority: 0,
            target: EntryTarget::Action(action),
        };
        let table = table.to_owned();
        if is_new {
            Request::Insert { table, entry }
        } else {
            Request::Modify { table, entry }
        }
    })
}

/// A next hop is no more.
pub(crate) fn forget_hop(hop: u16) -> [Request; 2] {
    ["next_hops", "reply_hops"].map(|table| delete(table, vec![exact("meta.next_hop", hop)]))
}

/// The way to an address, or to all that have none of their own (`len` 0).
pub(crate) fn route(ip: Ipv4Addr, len: u32, hop: u16) -> Request {
    insert(
        "routes",
        vec![route_key(ip, len)],
        call("via", vec![arg("next_hop", hop)]),
    )
}

/// The way to an address is no more.
pub(crate) fn forget_route(ip: Ipv4Addr, len: u32) -> Request {
    delete("routes", vec![route_key(ip, len)])
}

fn route_key(ip: Ipv4Addr, prefix_len: u32) -> (String, KeyMatch) {
    let value = Number::from(u32::from(ip));
    let key = KeyMatch::Lpm { value, prefix_len };
    ("meta.peer_ip".to_owned(), key)
}

// ---- contexts ----

/// A context is there.
pub(crate) fn add_context(
    context: u16,
    settings: &ContextSettings,
    host: &HostPort,
) -> [Request; 2] {
    let key = || vec![exact("meta.context", context)];
    let [top, mid, low] = address_args(settings.reports);
    [
        insert(
            "contexts",
            key(),
            call(
                "address_host",
                vec![
                    arg("host_mac", mac_number(settings.mac)),
                    arg("own_mac", mac_number(host.mac)),
                    arg("host_ip", u32::from_be_bytes(settings.ip)),
                    arg("own_ip", u32::from(host.ip)),
                    arg("queue_pair", settings.queue_pair),
                    arg("remote_key", settings.remote_key),
                    arg("port", settings.port),
                ],
            ),
        ),
        insert("reports", key(), call("report_to", vec![top, mid, low])),
    ]
}

/// A context is no more.
pub(crate) fn forget_context(context: u16) -> [Request; 2] {
    ["contexts", "reports"].map(|table| delete(table, vec![exact("meta.context", context)]))
}

// ---- connections ----

/// A connection is there, in all of its tables but `rates`. The last entry lets its segments in.
pub(crate) fn add_connection(id: u16, described: &Described) -> [Request; 4] {
    let key = || vec![exact("meta.connection", id)];
    let Tuple { local, remote } = described.tuple;
    let [top, mid, low] = address_args(described.buffer);
    let sack_bit = if described.has_sack { SCALE_SACK } else { 0 };
    [
        insert(
            "connections",
            key(),
            call(
                "describe",
                vec![
                    arg("context", described.context),
                    arg("own_scale", described.own_scale | sack_bit),
                    arg("peer_scale", described.peer_scale),
                    arg("mss", described.mss),
                    arg("dscp", 0_u8),
                    arg("ecn", described.ecn),
                ],
            ),
        ),
        insert(
            "receive_buffers",
            key(),
            call(
                "receive_into",
                vec![
                    top,
                    mid,
                    low,
                    arg("mask", described.buffer_bytes - 1),
                    arg("first_seq", described.first_rx),
                ],
            ),
        ),
        insert(
            "transmit_streams",
            key(),
            call(
                "transmit_as",
                vec![
                    arg("local_ip", u32::from(*local.ip())),
                    arg("peer_ip", u32::from(*remote.ip())),
                    arg("local_port", local.port()),
                    arg("peer_port", remote.port()),
                    arg("first_seq", described.first_tx),
                ],
            ),
        ),
        insert(
            "segments",
            segment_key(&described.tuple),
            call("known", vec![arg("connection", id)]),
        ),
    ]
}

/// A connection is no more. The first that goes is what lets its segments in.
pub(crate) fn forget_connection(id: u16, tuple: &Tuple) -> [Request; 4] {
    let key = || vec![exact("meta.connection", id)];
    [
        delete("segments", segment_key(tuple)),
        delete("connections", key()),
        delete("receive_buffers", key()),
        delete("transmit_streams", key()),
    ]
}

fn segment_key(tuple: &Tuple) -> Vec<(String, KeyMatch)> {
    vec![
        exact("hdr.ipv4.src_addr", u32::from(*tuple.remote.ip())),
        exact("hdr.ipv4.dst_addr", u32::from(*tuple.local.ip())),
        exact("hdr.tcp.src_port", tuple.remote.port()),
        exact("hdr.tcp.dst_port", tuple.local.port()),
    ]
}

/// What a connection is granted each round, while it has at most `limit`: new there, or changed.
pub(crate) fn rate(id: u16, credit: u32, limit: u32, is_new: bool) -> Request {
    let entry = Entry {
        keys: vec![exact("meta.connection", id)],
        priority: 0,
        target: EntryTarget::Action(call(
            "grant",
            vec![arg("credit", credit), arg("limit", limit)],
        )),
    };
    let table = "rates".to_owned();
    if is_new {
        Request::Insert { table, entry }
    } else {
        Request::Modify { table, entry }
    }
}

/// A connection is passed by.
pub(crate) fn forget_rate(id: u16) -> Request {
    delete("rates", vec![exact("meta.connection", id)])
}

// ---- pieces ----

/// An address in 16, 16 and 32 bits.
fn address_args(address: u64) -> [(String, Number); 3] {
    [
        arg("top", address >> 48),
        arg("mid", address >> 32 & 0xffff),
        arg("low", address & 0xffff_ffff),
    ]
}

fn mac_number(mac: Mac) -> u64 {
    mac.iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn exact(key: &str, value: impl Into<Number>) -> (String, KeyMatch) {
    (key.to_owned(), KeyMatch::Exact(value.into()))
}

fn arg(param: &str, value: impl Into<Number>) -> (String, Number) {
    (param.to_owned(), value.into())
}

fn call(action: &str, args: Vec<(String, Number)>) -> Call {
    Call {
        action: action.to_owned(),
        args,
    }
}

fn insert(table: &str, keys: Vec<(String, KeyMatch)>, action: Call) -> Request {
    Request::Insert {
        table: table.to_owned(),
        entry: Entry {
            keys,
            priority: 0,
            target: EntryTarget::Action(action),
        },
    }
}

fn delete(table: &str, keys: Vec<(String, KeyMatch)>) -> Request {
    Request::Delete {
        table: table.to_owned(),
        keys,
        priority: 0,
    }
}
