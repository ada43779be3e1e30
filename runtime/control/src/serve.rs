//! A device answers requests.

use std::sync::Arc;

use p4rmt_engine::{
    FilterConfig, MeterConfig, find_counter, find_meter, find_profile, find_register, find_table,
    find_value_set,
};
use p4rmt_pipeline::{Device, DeviceError, GeneratorApp, MirrorSession, MirrorTarget, PortUnit};

use crate::description::describe;
use crate::{
    ControlError, Filter, Node, Number, Rates, Reply, Request, Session, Switch, Timer, Unit,
    resolve,
};

/// One request, with those within it, reads at most so many elements, cells and entries: packets wait meanwhile.
const MAX_READ: u64 = 1 << 17;

impl Switch for Device {
    fn call(&mut self, request: &Request) -> Result<Reply, ControlError> {
        serve(self, request, &mut Allowance(MAX_READ))
    }
}

/// How much more a request may read.
struct Allowance(u64);

impl Allowance {
    fn take(&mut self, count: u64) -> Result<(), ControlError> {
        let left = self.0.checked_sub(count);
        let available = MAX_READ;
        self.0 = left.ok_or(ControlError::TooMuch { available })?;
        Ok(())
    }
}

fn serve(
    device: &mut Device,
    request: &Request,
    allowance: &mut Allowance,
) -> Result<Reply, ControlError> {
    let layout = Arc::clone(device.state().layout());
    let pipe = layout.pipe();
    match request {
        Request::Insert { table, entry } => {
            let table = find_table(pipe, table)?;
            let entry = resolve::entry(pipe, table, entry)?;
            device.state_mut().insert_entry(table, entry)?;
        }
        Request::Modify { table, entry } => {
            let table = find_table(pipe, table)?;
            let entry = resolve::entry(pipe, table, entry)?;
            device.state_mut().modify_entry(table, entry)?;
        }
        Request::Delete {
            table,
            keys,
            priority,
        } => {
            let table = find_table(pipe, table)?;
            let matches = resolve::matches(pipe, table, keys)?;
            device.state_mut().delete_entry(table, matches, *priority)?;
        }
        Request::Clear { table } => {
            let table = find_table(pipe, table)?;
            device.state_mut().clear_entries(table)?;
        }
        Request::SetDefault { table, call } => {
            let table = find_table(pipe, table)?;
            let call = resolve::call(pipe, table, call)?;
            device.state_mut().set_default_action(table, call)?;
        }
        Request::Entries { table } => {
            let table = find_table(pipe, table)?;
            let entries = device.state().table(table)?;
            allowance.take(entries.len() as u64)?;
            let shown = entries
                .iter()
                .map(|(_, entry)| resolve::shown_entry(pipe, table, entry));
            return Ok(Reply::Entries {
                entries: shown.collect(),
                default: resolve::shown_call(&pipe.gresses[table.gress], entries.default_action()),
            });
        }
        Request::ReadRegister {
            register,
            index,
            count,
        } => {
            let id = find_register(pipe, register)?;
            allowance.take(*count)?;
            let elements = indices(register, *index, *count)?.map(|index| {
                let values = device.state().register(id, index)?;
                Ok(values.iter().map(Number::of).collect())
            });
            return elements.collect::<Result<_, _>>().map(Reply::Elements);
        }
        Request::WriteRegister {
            register,
            index,
            values,
        } => {
            let id = find_register(pipe, register)?;
            let fields = &layout
                .gress(id.gress)
                .expect("its register was found")
                .registers[id.id]
                .fields;
            let widths = fields.iter().map(|field| field.width);
            // Too many values or too few are refused by the state.
            let widths = widths.chain(std::iter::repeat(64));
            let values = values
                .iter()
                .zip(widths)
                .map(|(value, width)| resolve::fit(value, width, register))
                .collect::<Result<Vec<_>, _>>()?;
            device.state_mut().write_register(id, *index, &values)?;
        }
        Request::WriteRegisterValue {
            register,
            index,
            position,
            value,
        } => {
            let id = find_register(pipe, register)?;
            let mut values = device.state().register(id, *index)?;
            let available = values.len();
            let Some(written) = values.get_mut(usize::from(*position)) else {
                return Err(ControlError::NoValue {
                    register: register.clone(),
                    position: *position,
                    available,
                });
            };
            *written = resolve::fit(value, written.width(), register)?;
            device.state_mut().write_register(id, *index, &values)?;
        }
        Request::ResetRegister { register } => {
            let id = find_register(pipe, register)?;
            let initial = &pipe.gresses[id.gress].registers[id.id].initial;
            let cells = layout
                .gress(id.gress)
                .map_or(0, |gress| gress.registers[id.id].cells);
            for index in 0..cells {
                device.state_mut().write_register(id, index, initial)?;
            }
        }
        Request::ReadCounter {
            counter,
            index,
            count,
        } => {
            let id = find_counter(pipe, counter)?;
            allowance.take(*count)?;
            let cells = indices(counter, *index, *count)?.map(|index| {
                let counts = device.state().counter(id, index)?;
                Ok((counts.packets, counts.bytes))
            });
            return cells.collect::<Result<_, _>>().map(Reply::Counts);
        }
        Request::WriteCounter {
            counter,
            index,
            packets,
            bytes,
        } => {
            let id = find_counter(pipe, counter)?;
            device
                .state_mut()
                .set_counter(id, *index, *packets, *bytes)?;
        }
        Request::ReadMeter { meter, index } => {
            let id = find_meter(pipe, meter)?;
            let MeterConfig { cir, cbs, pir, pbs } = device.state().meter(id, *index)?;
            return Ok(Reply::Rates(Rates { cir, cbs, pir, pbs }));
        }
        Request::WriteMeter {
            meter,
            index,
            rates,
        } => {
            let id = find_meter(pipe, meter)?;
            let Rates { cir, cbs, pir, pbs } = *rates;
            let config = MeterConfig { cir, cbs, pir, pbs };
            device.state_mut().configure_meter(id, *index, config)?;
        }
        Request::WriteFilter {
            meter,
            index,
            filter,
        } => {
            let id = find_meter(pipe, meter)?;
            let Filter {
                time_constant,
                min,
                max,
                percent,
            } = *filter;
            let config = FilterConfig {
                time_constant,
                min,
                max,
                percent,
            };
            device.state_mut().configure_filter(id, *index, config)?;
        }
        Request::SetMember {
            profile,
            member,
            call,
        } => {
            let id = find_profile(pipe, profile)?;
            let call = resolve::profile_call(pipe, id, call)?;
            device.state_mut().set_member(id, *member, call)?;
        }
        Request::DeleteMember { profile, member } => {
            let id = find_profile(pipe, profile)?;
            device.state_mut().delete_member(id, *member)?;
        }
        Request::SetMemberGroup {
            profile,
            group,
            members,
        } => {
            let id = find_profile(pipe, profile)?;
            device.state_mut().set_group(id, *group, members)?;
        }
        Request::DeleteMemberGroup { profile, group } => {
            let id = find_profile(pipe, profile)?;
            device.state_mut().delete_group(id, *group)?;
        }
        Request::Profile { profile } => {
            let id = find_profile(pipe, profile)?;
            let Some(found) = device.state().profile(id) else {
                return Err(p4rmt_engine::EntryError::NoProfile.into());
            };
            let n_members = found.groups().map(|(_, members)| 1 + members.len());
            allowance.take((found.members().count() + n_members.sum::<usize>()) as u64)?;
            let gress = &pipe.gresses[id.gress];
            return Ok(Reply::Profile {
                members: found
                    .members()
                    .map(|(number, call)| (number, resolve::shown_call(gress, call)))
                    .collect(),
                groups: found
                    .groups()
                    .map(|(number, members)| (number, members.iter().copied().collect()))
                    .collect(),
            });
        }
        Request::InsertValue { set, values } => {
            let id = find_value_set(pipe, set)?;
            let member = resolve::value_set_member(pipe, id, values)?;
            device.state_mut().insert_value(id, member)?;
        }
        Request::ClearValues { set } => {
            let id = find_value_set(pipe, set)?;
            device.state_mut().clear_value_set(id);
        }
        Request::Values { set } => {
            let id = find_value_set(pipe, set)?;
            let members = device.state().value_set(id);
            allowance.take(members.len() as u64)?;
            let shown = members
                .iter()
                .map(|member| member.iter().map(resolve::shown_key_set).collect());
            return Ok(Reply::Values(shown.collect()));
        }
        Request::SetSession { session, to } => {
            device
                .traffic_mut()
                .set_session(*session, of_session(*to))?;
        }
        Request::DeleteSession { session } => device.traffic_mut().delete_session(*session)?,
        Request::Session { session } => {
            let found = device.traffic().session(*session);
            return Ok(Reply::Session(found.map(shown_session)));
        }
        Request::CreateGroup { group } => device.traffic_mut().create_group(*group),
        Request::CreateLooseNode { rid, ports } => {
            let node = device.traffic_mut().create_node(*rid, ports)?;
            return Ok(Reply::Node(node));
        }
        Request::CreateNode { group, rid, ports } => {
            let (group, traffic) = (*group, device.traffic_mut());
            if traffic.group(group).is_none() {
                return Err(DeviceError::NoGroup { group }.into());
            }
            let node = traffic.create_node(*rid, ports)?;
            traffic.associate(group, node)?;
            return Ok(Reply::Node(node));
        }
        Request::UpdateNode { node, ports } => device.traffic_mut().update_node(*node, ports)?,
        Request::AddNode { group, node } => device.traffic_mut().associate(*group, *node)?,
        Request::DeleteNode { node } => device.traffic_mut().delete_node(*node)?,
        Request::DeleteGroup { group } => device.traffic_mut().delete_group(*group)?,
        Request::Group { group } => {
            let nodes = device.traffic().group(*group).map(|nodes| {
                let shown = nodes.map(|(number, node)| Node {
                    node: number,
                    rid: node.rid,
                    ports: node.ports.clone(),
                });
                shown.collect::<Vec<_>>()
            });
            allowance.take(nodes.as_ref().map_or(0, Vec::len) as u64)?;
            return Ok(Reply::Group(nodes));
        }
        Request::SetPortUnit { port, unit } => {
            let unit = unit.map(|unit| match unit {
                Unit::Roce => PortUnit::Roce,
                Unit::TcpChecksum => PortUnit::TcpChecksum,
            });
            device.set_port_unit(*port, unit)?;
        }
        Request::StartGenerator { app, timer } => start(device, *app, timer)?,
        Request::StopGenerator { app } => device.stop_generator(*app)?,
        Request::Send { port, bytes } => device.receive(*port, bytes)?,
        Request::Describe => {
            let description = describe(device);
            allowance.take(description.len())?;
            return Ok(Reply::Description(description));
        }
        Request::Time => {
            let clock = device.clock();
            return Ok(Reply::Time {
                clock,
                ns: device.config().nanoseconds(clock),
            });
        }
        Request::Subscribe(_) => return Err(ControlError::NoEvents),
        Request::All(requests) => {
            let replies = requests
                .iter()
                .map(|request| serve(device, request, allowance));
            return replies.collect::<Result<_, _>>().map(Reply::All);
        }
    }
    Ok(Reply::Done)
}

fn indices(name: &str, index: u64, count: u64) -> Result<std::ops::Range<u64>, ControlError> {
    let end = index.checked_add(count);
    let end = end.ok_or_else(|| ControlError::NoElements {
        name: name.to_owned(),
        index,
        count,
    })?;
    Ok(index..end)
}

fn start(device: &mut Device, app: u8, timer: &Timer) -> Result<(), ControlError> {
    // A trigger that makes more than a device lets time make would stop its time for ever.
    let available = device.config().max_generated;
    if u64::from(timer.batches) * u64::from(timer.packets) > available {
        return Err(DeviceError::TooManyGenerated { available }.into());
    }
    let clocks_per_us = device.config().clocks_per_us;
    let period = u128::from(timer.period_ns) * u128::from(clocks_per_us) / 1000;
    let app_of = GeneratorApp {
        port: timer.port,
        period: u64::try_from(period).unwrap_or(u64::MAX),
        is_periodic: timer.is_periodic,
        batches: timer.batches,
        packets: timer.packets,
        payload: timer.payload.clone(),
    };
    Ok(device.start_generator(app, app_of)?)
}

fn of_session(session: Session) -> MirrorSession {
    let (to, truncate) = match session {
        Session::Port { port, truncate } => (MirrorTarget::Port(port), truncate),
        Session::Group { group, truncate } => (MirrorTarget::Group(group), truncate),
    };
    MirrorSession { to, truncate }
}

fn shown_session(session: MirrorSession) -> Session {
    let truncate = session.truncate;
    match session.to {
        MirrorTarget::Port(port) => Session::Port { port, truncate },
        MirrorTarget::Group(group) => Session::Group { group, truncate },
    }
}
