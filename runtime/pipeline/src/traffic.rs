//! The tables of the traffic manager: multicast groups, nodes, mirror sessions.
//!
//! A group is a list of nodes, a node a replication id and ports; a packet sent to a group leaves
//! once for each port of each node, nodes in the order of their association, ports in ascending
//! order. Not modelled: exclusion ids, link aggregation, queues of different priority.

use indexmap::IndexMap;

use crate::DeviceError;

/// What the control plane put into the traffic manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficManager {
    groups: IndexMap<u16, Vec<usize>>,
    /// By number; none for one that is gone.
    nodes: Vec<Option<MulticastNode>>,
    /// By number; none behind the last that is there.
    sessions: Vec<Option<MirrorSession>>,
}

/// A node of a multicast group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MulticastNode {
    /// The replication id of its copies.
    pub rid: u16,
    /// Where they go.
    pub ports: Vec<u16>,
}

/// A mirror session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorSession {
    /// Where copies go.
    pub to: MirrorTarget,
    /// At how many bytes they are cut, mirror header included; none for whole copies.
    pub truncate: Option<u16>,
}

/// Where a mirror session leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorTarget {
    /// To a port.
    Port(u16),
    /// To a multicast group.
    Group(u16),
}

/// A copy that a multicast group makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) port: u16,
    pub(crate) rid: u16,
    pub(crate) is_first: bool,
}

impl Replica {
    /// The only copy for a port.
    pub(crate) fn of_unicast(port: u16) -> Self {
        Self {
            port,
            rid: 0,
            is_first: false,
        }
    }
}

impl TrafficManager {
    /// Makes an empty group; one that is there already keeps its nodes.
    pub fn create_group(&mut self, group: u16) {
        self.groups.entry(group).or_default();
    }

    /// Makes a node and returns its number: they count from 0.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn create_node(&mut self, rid: u16, ports: &[u16]) -> Result<u32, DeviceError> {
        let ports = sorted(ports)?;
        self.nodes.push(Some(MulticastNode { rid, ports }));
        Ok(u32::try_from(self.nodes.len() - 1).expect("a vector has fewer lines than 2^32"))
    }

    /// Gives a node other ports.
    ///
    /// # Errors
    /// A node or a port that there is not.
    pub fn update_node(&mut self, node: u32, ports: &[u16]) -> Result<(), DeviceError> {
        let ports = sorted(ports)?;
        let available = self.nodes.len();
        let found = self.nodes.get_mut(node as usize).and_then(Option::as_mut);
        found.ok_or(DeviceError::NoNode { node, available })?.ports = ports;
        Ok(())
    }

    /// Puts a node into a group.
    ///
    /// # Errors
    /// A group or a node that there is not.
    pub fn associate(&mut self, group: u16, node: u32) -> Result<(), DeviceError> {
        let available = self.nodes.len();
        if self.nodes.get(node as usize).is_none_or(Option::is_none) {
            return Err(DeviceError::NoNode { node, available });
        }
        let nodes = self
            .groups
            .get_mut(&group)
            .ok_or(DeviceError::NoGroup { group })?;
        if !nodes.contains(&(node as usize)) {
            nodes.push(node as usize);
        }
        Ok(())
    }

    /// Removes a node, from all groups. Its number is not given again.
    ///
    /// # Errors
    /// A node that there is not.
    pub fn delete_node(&mut self, node: u32) -> Result<(), DeviceError> {
        let available = self.nodes.len();
        let found = self.nodes.get_mut(node as usize).and_then(Option::take);
        found.ok_or(DeviceError::NoNode { node, available })?;
        for nodes in self.groups.values_mut() {
            nodes.retain(|of_group| *of_group != node as usize);
        }
        Ok(())
    }

    /// Removes a group; its nodes stay.
    ///
    /// # Errors
    /// A group that there is not.
    pub fn delete_group(&mut self, group: u16) -> Result<(), DeviceError> {
        let found = self.groups.shift_remove(&group);
        found.map(|_| ()).ok_or(DeviceError::NoGroup { group })
    }

    /// The nodes of a group by number, in the order of their association; none if there is no such group.
    pub fn group(&self, group: u16) -> Option<impl Iterator<Item = (u32, &MulticastNode)>> {
        let nodes = self.groups.get(&group)?.iter();
        Some(nodes.filter_map(|number| Some((*number as u32, self.nodes[*number].as_ref()?))))
    }

    /// Makes a mirror session, or replaces it.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn set_session(&mut self, session: u16, to: MirrorSession) -> Result<(), DeviceError> {
        match to.to {
            MirrorTarget::Port(port) => crate::check_port(port)?,
            MirrorTarget::Group(_) => {}
        }
        let at = usize::from(session);
        if self.sessions.len() <= at {
            self.sessions.resize(at + 1, None);
        }
        self.sessions[at] = Some(to);
        Ok(())
    }

    /// Removes a mirror session.
    ///
    /// # Errors
    /// A session that there is not.
    pub fn delete_session(&mut self, session: u16) -> Result<(), DeviceError> {
        let found = self.sessions.get_mut(usize::from(session));
        let found = found.and_then(Option::take);
        found.ok_or(DeviceError::NoSession { session })?;
        while self.sessions.pop_if(|last| last.is_none()).is_some() {}
        Ok(())
    }

    /// A mirror session.
    #[must_use]
    #[inline]
    pub fn session(&self, session: u16) -> Option<MirrorSession> {
        self.sessions.get(usize::from(session)).copied().flatten()
    }

    /// The copies that a group makes; none if there is no such group.
    pub(crate) fn replicas(&self, group: u16) -> Option<Vec<Replica>> {
        let mut replicas = Vec::new();
        for (_, MulticastNode { rid, ports }) in self.group(group)? {
            for port in ports {
                replicas.push(Replica {
                    port: *port,
                    rid: *rid,
                    is_first: replicas.is_empty(),
                });
            }
        }
        Some(replicas)
    }
}

fn sorted(ports: &[u16]) -> Result<Vec<u16>, DeviceError> {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports.dedup();
    ports.iter().try_for_each(|port| crate::check_port(*port))?;
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_replicate_nodes_in_order_and_ports_ascending() {
        let mut traffic = TrafficManager::default();
        traffic.create_group(5);
        let far = traffic
            .create_node(400, &[9, 2])
            .expect("the ports are there");
        let near = traffic.create_node(7, &[3]).expect("the port is there");
        traffic.associate(5, near).expect("the node is there");
        traffic.associate(5, far).expect("the node is there");
        let replicas = traffic.replicas(5).expect("the group is there");
        let found: Vec<_> = replicas
            .iter()
            .map(|replica| (replica.port, replica.rid, replica.is_first))
            .collect();
        assert_eq!(found, [(3, 7, true), (2, 400, false), (9, 400, false)]);
        traffic.update_node(near, &[4]).expect("the node is there");
        assert_eq!(
            traffic.replicas(5).map(|replicas| replicas[0].port),
            Some(4)
        );
        assert_eq!(traffic.replicas(6), None);
        traffic.delete_node(near).expect("the node is there");
        assert_eq!(traffic.replicas(5).map(|replicas| replicas.len()), Some(2));
        assert!(traffic.delete_node(near).is_err() && traffic.associate(5, near).is_err());
        assert!(traffic.update_node(near, &[1]).is_err());
        traffic.delete_group(5).expect("the group is there");
        assert_eq!(traffic.replicas(5), None);
        assert!(traffic.delete_group(5).is_err());
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let mut traffic = TrafficManager::default();
        traffic.create_group(1);
        assert!(matches!(
            traffic.associate(1, 0),
            Err(DeviceError::NoNode {
                node: 0,
                available: 0
            })
        ));
        traffic.create_node(0, &[1]).expect("the port is there");
        assert!(matches!(
            traffic.associate(2, 0),
            Err(DeviceError::NoGroup { group: 2 })
        ));
        assert!(matches!(
            traffic.create_node(0, &[512]),
            Err(DeviceError::NoPort { port: 512, .. })
        ));
        assert!(matches!(
            traffic.delete_session(3),
            Err(DeviceError::NoSession { session: 3 })
        ));
    }
}
