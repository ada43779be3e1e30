//! Sessions, groups and nodes of a vector.

use p4rmt_pipeline::{MirrorSession, MirrorTarget};

use super::Run;
use crate::error::StatementFault;
use crate::report::Place;
use crate::syntax::StatementKind;

impl Run {
    pub(super) fn configure_traffic(
        &mut self,
        place: &Place,
        kind: &StatementKind,
    ) -> Result<(), StatementFault> {
        let traffic = self.device.traffic_mut();
        match kind {
            StatementKind::MirrorAdd {
                session,
                port,
                truncate,
            } => {
                let to = MirrorTarget::Port(*port);
                let truncate = *truncate;
                traffic.set_session(*session, MirrorSession { to, truncate })?;
            }
            StatementKind::MirrorAddGroup {
                session,
                group,
                truncate,
            } => {
                let session_to = MirrorSession {
                    to: MirrorTarget::Group(*group),
                    truncate: *truncate,
                };
                traffic.set_session(*session, session_to)?;
            }
            StatementKind::MirrorGet { session } => {
                let text = match traffic.session(*session) {
                    None => "is not there".to_owned(),
                    Some(MirrorSession { to, .. }) => match to {
                        MirrorTarget::Port(port) => format!("leads to port {port}"),
                        MirrorTarget::Group(group) => format!("leads to group {group}"),
                    },
                };
                self.read(place, format!("mirror session {session} {text}"));
            }
            StatementKind::MirrorDelete { session } => traffic.delete_session(*session)?,
            StatementKind::GroupCreate { group } => traffic.create_group(*group),
            StatementKind::NodeCreate { rid, ports } => {
                traffic.create_node(*rid, ports)?;
            }
            StatementKind::NodeUpdate { node, ports } => traffic.update_node(*node, ports)?,
            StatementKind::NodeAssociate { group, node } => traffic.associate(*group, *node)?,
            _ => {}
        }
        Ok(())
    }
}
