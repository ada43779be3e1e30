//! Neighbours: whose MAC address is known, who is being asked for, and which next hop of the pipe each has.
//!
//! * A packet to an address goes to that address in its network, or to a gateway. Who is not known is asked for by
//!   ARP; a few packets wait. After three requests without an answer they are dropped.
//! * Learned is what was asked for, and who asks for us. A MAC address that is old is asked for again, and used
//!   meanwhile.
//! * There are as many as the pipe has next hops: one that no connection uses makes room for a new one.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use p4rmt_control::Request;

use crate::config::{Config, Network};
use crate::now::Now;
use crate::numbers::Numbers;
use crate::packet::{Arp, ArpOperation, BROADCAST, Mac};
use crate::{PlaneError, tables};

/// Packets that wait for one address.
const MAX_WAITING: usize = 4;
/// Requests for one address without an answer.
const MAX_ASKED: u32 = 3;

/// All neighbours.
#[derive(Debug)]
pub(crate) struct Neighbours {
    networks: Vec<Network>,
    by_ip: BTreeMap<Ipv4Addr, Neighbour>,
    /// How many addresses a MAC address has, of those that the bridge knows.
    bridged: BTreeMap<Mac, u32>,
    hops: Numbers,
    arp_ns: u64,
    keep_ns: u64,
    limit: usize,
}

#[derive(Debug)]
struct Neighbour {
    network: usize,
    hop: u16,
    mac: Option<Mac>,
    /// When the address was last confirmed, or came up.
    since_ns: u64,
    /// Requests since then, and when the next is due; none while it is not being asked for.
    asking: Option<(u32, u64)>,
    /// Packets without their MAC addresses.
    waiting: Vec<Vec<u8>>,
    /// Connections to the neighbour itself, and those through it as a gateway.
    n_users: [u32; 2],
}

impl Neighbours {
    pub(crate) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            networks: config.networks.clone(),
            by_ip: BTreeMap::new(),
            bridged: BTreeMap::new(),
            hops: Numbers::new(1, 1024, config.timing.rest_ns),
            arp_ns: config.timing.arp_ns,
            keep_ns: config.timing.neighbour_ns,
            limit: limits.neighbours.clamp(1, 1000).into(),
        }
    }

    /// The network of a packet to an address, and who takes it there.
    pub(crate) fn route(&self, ip: Ipv4Addr) -> Option<(&Network, Ipv4Addr)> {
        let (at, via) = self.way(ip)?;
        Some((&self.networks[at], via))
    }

    fn way(&self, ip: Ipv4Addr) -> Option<(usize, Ipv4Addr)> {
        if ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast() || ip.is_loopback() {
            return None;
        }
        let direct = self.networks.iter().enumerate();
        let direct = direct.filter(|(_, network)| network.holds(ip));
        match direct.max_by_key(|(_, network)| network.prefix_len) {
            Some((at, _)) => Some((at, ip)),
            None => {
                let mut networks = self.networks.iter().enumerate();
                networks.find_map(|(at, network)| Some((at, network.gateway?)))
            }
        }
    }

    /// Sends a frame to an address, now or when its MAC address is known. Its MAC addresses are filled in here. False
    /// if there is no way.
    pub(crate) fn send(
        &mut self,
        now: &mut Now<'_>,
        to: Ipv4Addr,
        mut frame: Vec<u8>,
    ) -> Result<bool, PlaneError> {
        let Some((network, via)) = self.way(to) else {
            return Ok(false);
        };
        if let Some(mac) = self.by_ip.get(&via).and_then(|neighbour| neighbour.mac) {
            address(&mut frame, mac, self.networks[network].mac);
            now.switch.send(tables::CONTROL_PORT, frame)?;
            return Ok(true);
        }
        if let Some(neighbour) = self.ask(now, network, via)?
            && neighbour.waiting.len() < MAX_WAITING
        {
            neighbour.waiting.push(frame);
        }
        Ok(true)
    }

    /// Whether the pipe can send to an address at once; if not, it is asked for.
    pub(crate) fn is_reachable(
        &mut self,
        now: &mut Now<'_>,
        to: Ipv4Addr,
    ) -> Result<bool, PlaneError> {
        let Some((network, via)) = self.way(to) else {
            return Ok(false);
        };
        let neighbour = self.ask(now, network, via)?;
        Ok(neighbour.is_some_and(|neighbour| neighbour.mac.is_some()))
    }

    /// The network and the MAC address that packets of an address come from, if they are known.
    pub(crate) fn neighbour(&self, ip: Ipv4Addr) -> Option<(&Network, Mac)> {
        let (network, via) = self.way(ip)?;
        Some((&self.networks[network], self.by_ip.get(&via)?.mac?))
    }

    /// A connection to an address begins: the pipe has a way there.
    pub(crate) fn add_user(&mut self, now: &mut Now<'_>, to: Ipv4Addr) -> Result<(), PlaneError> {
        let Some((_, via)) = self.way(to) else {
            return Ok(());
        };
        let Some(neighbour) = self.by_ip.get_mut(&via) else {
            return Ok(());
        };
        let n_users = &mut neighbour.n_users[usize::from(via != to)];
        *n_users += 1;
        if *n_users > 1 {
            return Ok(());
        }
        let (ip, len) = route_to(to, via);
        now.all(vec![tables::route(ip, len, neighbour.hop)])
    }

    /// A connection to an address has ended.
    pub(crate) fn remove_user(
        &mut self,
        now: &mut Now<'_>,
        to: Ipv4Addr,
    ) -> Result<(), PlaneError> {
        let Some((_, via)) = self.way(to) else {
            return Ok(());
        };
        let Some(neighbour) = self.by_ip.get_mut(&via) else {
            return Ok(());
        };
        let n_users = &mut neighbour.n_users[usize::from(via != to)];
        match n_users.checked_sub(1) {
            Some(left) => *n_users = left,
            None => return Ok(()),
        }
        if *n_users > 0 {
            return Ok(());
        }
        let (ip, len) = route_to(to, via);
        now.all(vec![tables::forget_route(ip, len)])
    }

    /// Somebody asks, or answers.
    pub(crate) fn take_arp(&mut self, now: &mut Now<'_>, arp: &Arp) -> Result<(), PlaneError> {
        let networks = self.networks.iter().enumerate();
        let at = networks
            .filter(|(_, network)| network.holds(arp.sender_ip) && network.ip == arp.target_ip)
            .map(|(at, _)| at)
            .next();
        let is_group = arp.sender_mac[0] & 1 != 0;
        let is_ours = self
            .networks
            .iter()
            .any(|network| network.ip == arp.sender_ip || network.mac == arp.sender_mac);
        let Some(at) = at.filter(|_| !is_group && !is_ours) else {
            return Ok(());
        };
        match arp.operation {
            ArpOperation::Reply => {
                let was_asked = self.by_ip.get(&arp.sender_ip);
                if was_asked.is_some_and(|neighbour| neighbour.asking.is_some()) {
                    self.learn(now, at, arp.sender_ip, arp.sender_mac)?;
                }
                Ok(())
            }
            ArpOperation::Request => {
                if !self.learn(now, at, arp.sender_ip, arp.sender_mac)? {
                    return Ok(());
                }
                let reply = Arp {
                    operation: ArpOperation::Reply,
                    sender_mac: self.networks[at].mac,
                    sender_ip: arp.target_ip,
                    target_mac: arp.sender_mac,
                    target_ip: arp.sender_ip,
                };
                let frame = reply.to_frame(arp.sender_mac);
                Ok(now.switch.send(tables::CONTROL_PORT, frame)?)
            }
        }
    }

    /// Asks again where it is time, and returns who does not answer.
    pub(crate) fn poll(&mut self, now: &mut Now<'_>) -> Result<Vec<Ipv4Addr>, PlaneError> {
        let mut silent = Vec::new();
        let mut requests = Vec::new();
        for (ip, neighbour) in &mut self.by_ip {
            let network = &self.networks[neighbour.network];
            match neighbour.asking {
                Some((n_asked, due)) if due <= now.ns => {
                    if n_asked < MAX_ASKED {
                        neighbour.asking = Some((n_asked + 1, now.ns + self.arp_ns));
                        requests.extend(request(network, *ip));
                    } else if neighbour.is_used() {
                        // It may be back some time. Connections have their own timers.
                        neighbour.asking = None;
                        neighbour.since_ns = now.ns;
                    } else {
                        silent.push(*ip);
                    }
                }
                None if now.ns.saturating_sub(neighbour.since_ns) >= self.keep_ns => {
                    neighbour.asking = Some((1, now.ns + self.arp_ns));
                    requests.extend(request(network, *ip));
                }
                _ => {}
            }
        }
        now.all(requests)?;
        for ip in &silent {
            self.forget(now, *ip)?;
        }
        Ok(silent)
    }

    /// When to poll next.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        let due = |neighbour: &Neighbour| match neighbour.asking {
            Some((_, due)) => due,
            None => neighbour.since_ns + self.keep_ns,
        };
        self.by_ip.values().map(due).min()
    }

    /// The neighbour at an address, which is asked for if it is not known; none if there is no room.
    fn ask(
        &mut self,
        now: &mut Now<'_>,
        network: usize,
        ip: Ipv4Addr,
    ) -> Result<Option<&mut Neighbour>, PlaneError> {
        if !self.by_ip.contains_key(&ip) {
            if !self.add(now, network, ip)? {
                return Ok(None);
            }
            now.all(request(&self.networks[network], ip))?;
            if let Some(neighbour) = self.by_ip.get_mut(&ip) {
                neighbour.asking = Some((1, now.ns + self.arp_ns));
            }
        }
        Ok(self.by_ip.get_mut(&ip))
    }

    /// A new neighbour, whose MAC address is not known. False if there is no room.
    fn add(&mut self, now: &mut Now<'_>, network: usize, ip: Ipv4Addr) -> Result<bool, PlaneError> {
        if self.by_ip.len() >= self.limit {
            let idle = self.by_ip.iter().filter(|(_, other)| !other.is_used());
            // Who never answered first, then who has been silent for longest.
            let oldest = idle.min_by_key(|(_, other)| (other.mac.is_some(), other.since_ns));
            match oldest.map(|(ip, _)| *ip) {
                Some(ip) => self.forget(now, ip)?,
                None => return Ok(false),
            }
        }
        let Some(hop) = self.hops.take(now.ns) else {
            return Ok(false);
        };
        let neighbour = Neighbour {
            network,
            hop: hop as u16,
            mac: None,
            since_ns: now.ns,
            asking: None,
            waiting: Vec::new(),
            n_users: [0; 2],
        };
        self.by_ip.insert(ip, neighbour);
        Ok(true)
    }

    /// The MAC address of an address is this. False if there is no room to know it.
    fn learn(
        &mut self,
        now: &mut Now<'_>,
        network: usize,
        ip: Ipv4Addr,
        mac: Mac,
    ) -> Result<bool, PlaneError> {
        if !self.by_ip.contains_key(&ip) && !self.add(now, network, ip)? {
            return Ok(false);
        }
        let Some(neighbour) = self.by_ip.get_mut(&ip) else {
            return Ok(false);
        };
        neighbour.since_ns = now.ns;
        neighbour.asking = None;
        let before = neighbour.mac.replace(mac);
        let waiting = std::mem::take(&mut neighbour.waiting);
        let own = &self.networks[network];
        let mut requests = Vec::new();
        if before != Some(mac) {
            requests.extend(tables::next_hop(neighbour.hop, mac, own, before.is_none()));
            requests.extend(before.and_then(|before| release(&mut self.bridged, before)));
            let n_ips = self.bridged.entry(mac).or_insert(0);
            *n_ips += 1;
            if *n_ips == 1 {
                requests.push(tables::bridge_to(mac, own.port));
            }
        }
        requests.extend(waiting.into_iter().map(|mut frame| {
            address(&mut frame, mac, own.mac);
            Request::Send {
                port: tables::CONTROL_PORT,
                bytes: frame,
            }
        }));
        now.all(requests)?;
        Ok(true)
    }

    fn forget(&mut self, now: &mut Now<'_>, ip: Ipv4Addr) -> Result<(), PlaneError> {
        let Some(neighbour) = self.by_ip.remove(&ip) else {
            return Ok(());
        };
        self.hops.give_back(now.ns, neighbour.hop.into());
        let Some(mac) = neighbour.mac else {
            return Ok(());
        };
        let mut requests = tables::forget_hop(neighbour.hop).to_vec();
        requests.extend(release(&mut self.bridged, mac));
        now.all(requests)
    }
}

impl Neighbour {
    fn is_used(&self) -> bool {
        self.n_users != [0; 2]
    }
}

/// What a route is for: one neighbour, or everybody behind a gateway.
fn route_to(to: Ipv4Addr, via: Ipv4Addr) -> (Ipv4Addr, u32) {
    if via == to {
        (to, 32)
    } else {
        (Ipv4Addr::UNSPECIFIED, 0)
    }
}

/// One address less has a MAC address: the bridge forgets it with the last one.
fn release(bridged: &mut BTreeMap<Mac, u32>, mac: Mac) -> Option<Request> {
    let n_ips = bridged.get_mut(&mac)?;
    *n_ips -= 1;
    if *n_ips > 0 {
        return None;
    }
    bridged.remove(&mac);
    Some(tables::unbridge(mac))
}

/// Asks everybody on a network for an address.
fn request(network: &Network, ip: Ipv4Addr) -> Vec<Request> {
    let arp = Arp {
        operation: ArpOperation::Request,
        sender_mac: network.mac,
        sender_ip: network.ip,
        target_mac: [0; 6],
        target_ip: ip,
    };
    tables::broadcast(network.port, arp.to_frame(BROADCAST))
}

/// Fills in destination and source of a frame.
fn address(frame: &mut [u8], dst: Mac, src: Mac) {
    if let Some(macs) = frame.get_mut(..12) {
        macs[..6].copy_from_slice(&dst);
        macs[6..].copy_from_slice(&src);
    }
}
