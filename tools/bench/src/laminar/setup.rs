//! What a control plane does before the first packet: tables, registers, ports, mirror sessions.

use p4rmt_engine::State;
use p4rmt_pipeline::{Device, MirrorSession, MirrorTarget, PortUnit};

use super::connection::{
    BUFFER_MASK, CREDITS, Connection, Context, FREE, LOCAL_IP, MSS, N_CONTEXTS, OWN_MAC, PEER_MAC,
    REMOTE_WINDOW, WINDOW_SCALE, mac,
};
use super::{CONTROL_PORT, HOST_PORT, NETWORK_PORT};
use crate::BenchError;
use crate::tables::{Filler, Wanted, write_register};

/// Everything for so many connections.
pub(super) fn fill(device: &mut Device, n_connections: u32) -> Result<(), BenchError> {
    device.set_port_unit(NETWORK_PORT, Some(PortUnit::TcpChecksum))?;
    device.set_port_unit(HOST_PORT, Some(PortUnit::Roce))?;
    sessions(device)?;
    let connections: Vec<_> = (0..n_connections).map(Connection::new).collect();
    let state = device.state_mut();
    ports(state)?;
    ways(state)?;
    contexts(state)?;
    identities(state, &connections)?;
    registers(state, &connections)
}

/// Session n leads to network port n, 128 + n to that and the control plane, 127 to the latter alone.
fn sessions(device: &mut Device) -> Result<(), BenchError> {
    let traffic = device.traffic_mut();
    let group = 128 + NETWORK_PORT;
    traffic.create_group(group);
    let node = traffic.create_node(0, &[NETWORK_PORT, CONTROL_PORT])?;
    traffic.associate(group, node)?;
    for (session, to) in [
        (NETWORK_PORT, MirrorTarget::Port(NETWORK_PORT)),
        (127, MirrorTarget::Port(CONTROL_PORT)),
        (group, MirrorTarget::Group(group)),
    ] {
        // A copy is nothing but its header.
        let truncate = Some(40);
        traffic.set_session(session, MirrorSession { to, truncate })?;
    }
    Ok(())
}

fn ports(state: &mut State) -> Result<(), BenchError> {
    let table = Filler::new(state, "ports", "has_role")?;
    for (port, role, session) in [
        (NETWORK_PORT, 1, u64::from(NETWORK_PORT)),
        (HOST_PORT, 2, 0),
        (CONTROL_PORT, 3, 0),
    ] {
        table.add(state, &[Wanted::Is(port.into())], 0, &[role, session])?;
    }
    let table = Filler::new(state, "local_addresses", "is_ours")?;
    let host = Context::new(0).own_ip;
    for address in [LOCAL_IP, host] {
        table.add(state, &[Wanted::Is(address.into())], 0, &[])?;
    }
    Ok(())
}

fn ways(state: &mut State) -> Result<(), BenchError> {
    let (peer, own) = (mac(PEER_MAC), mac(OWN_MAC));
    let table = Filler::new(state, "routes", "via")?;
    table.add(state, &[Wanted::Prefix(0x0a01_0000, 16)], 0, &[1])?;
    let table = Filler::new(state, "next_hops", "reach")?;
    let port = u64::from(NETWORK_PORT);
    table.add(state, &[Wanted::Is(1)], 0, &[peer, own, port])?;
    let table = Filler::new(state, "reply_hops", "reply_over")?;
    table.add(state, &[Wanted::Is(1)], 0, &[peer, own, port])
}

fn contexts(state: &mut State) -> Result<(), BenchError> {
    let hosts = Filler::new(state, "contexts", "address_host")?;
    let reports = Filler::new(state, "reports", "report_to")?;
    for number in 0..N_CONTEXTS {
        let context = Context::new(number);
        let key = [Wanted::Is(number.into())];
        let args = [
            mac(context.host_mac),
            mac(OWN_MAC),
            context.host_ip.into(),
            context.own_ip.into(),
            context.queue_pair.into(),
            context.remote_key.into(),
            HOST_PORT.into(),
        ];
        hosts.add(state, &key, 0, &args)?;
        reports.add(state, &key, 0, &parts(context.reports))?;
    }
    Ok(())
}

fn identities(state: &mut State, connections: &[Connection]) -> Result<(), BenchError> {
    let segments = Filler::new(state, "segments", "known")?;
    let described = Filler::new(state, "connections", "describe")?;
    let buffers = Filler::new(state, "receive_buffers", "receive_into")?;
    let streams = Filler::new(state, "transmit_streams", "transmit_as")?;
    for connection in connections {
        let number = u64::from(connection.number);
        let path = connection.path();
        let five_tuple = [
            Wanted::Is(path.src_ip.into()),
            Wanted::Is(path.dst_ip.into()),
            Wanted::Is(path.src_port.into()),
            Wanted::Is(path.dst_port.into()),
        ];
        segments.add(state, &five_tuple, 0, &[number])?;
        let key = [Wanted::Is(number)];
        let scale = u64::from(WINDOW_SCALE);
        let args = [connection.context.into(), scale, scale, MSS.into(), 0, 0];
        described.add(state, &key, 0, &args)?;
        let [top, mid, low] = parts(connection.buffer);
        let args = [
            top,
            mid,
            low,
            BUFFER_MASK.into(),
            connection.first_rx.into(),
        ];
        buffers.add(state, &key, 0, &args)?;
        let args = [
            path.dst_ip.into(),
            path.src_ip.into(),
            path.dst_port.into(),
            path.src_port.into(),
            connection.first_tx.into(),
        ];
        streams.add(state, &key, 0, &args)?;
    }
    Ok(())
}

fn registers(state: &mut State, connections: &[Connection]) -> Result<(), BenchError> {
    type Initial = fn(&Connection) -> u32;
    let registers: [(&str, Initial); 5] = [
        ("rx_next_seq", |connection| connection.first_rx),
        ("rx_avail", |_| FREE),
        ("tx_next_ack", |connection| connection.first_tx),
        ("tx_credits", |_| CREDITS),
        ("tx_remote_avail", |_| REMOTE_WINDOW),
    ];
    for (name, initial) in registers {
        let values = connections.iter().enumerate();
        let values = values.map(|(index, connection)| (index, initial(connection)));
        write_register(state, name, values)?;
    }
    Ok(())
}

/// An address in 16, 16 and 32 bits.
fn parts(address: u64) -> [u64; 3] {
    [address >> 48, address >> 32 & 0xffff, address & 0xffff_ffff]
}
