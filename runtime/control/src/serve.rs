//! A device answers requests.

use std::sync::Arc;

use p4rmt_engine::{MeterConfig, find_counter, find_meter, find_register, find_table};
use p4rmt_pipeline::{Device, GeneratorApp, MirrorSession, MirrorTarget};

use crate::{ControlError, Number, Rates, Reply, Request, Session, Switch, Timer, resolve};

/// At most so many elements of a register or cells of a counter are read at once.
const MAX_READ: u64 = 1 << 20;

impl Switch for Device {
    fn call(&mut self, request: &Request) -> Result<Reply, ControlError> {
        serve(self, request)
    }
}

fn serve(device: &mut Device, request: &Request) -> Result<Reply, ControlError> {
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
            let shown = entries
                .iter()
                .map(|(_, entry)| resolve::shown_entry(pipe, table, entry));
            return Ok(Reply::Entries {
                entries: shown.collect(),
                default: resolve::shown_call(pipe, table, entries.default_action()),
            });
        }
        Request::ReadRegister {
            register,
            index,
            count,
        } => {
            let id = find_register(pipe, register)?;
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
        Request::ReadCounter {
            counter,
            index,
            count,
        } => {
            let id = find_counter(pipe, counter)?;
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
        Request::CreateNode { group, rid, ports } => {
            let traffic = device.traffic_mut();
            let node = traffic.create_node(*rid, ports)?;
            traffic.associate(*group, node)?;
            return Ok(Reply::Node(node));
        }
        Request::StartGenerator { app, timer } => start(device, *app, timer)?,
        Request::StopGenerator { app } => device.stop_generator(*app)?,
        Request::Send { port, bytes } => device.receive(*port, bytes)?,
        Request::Time => {
            let clock = device.clock();
            return Ok(Reply::Time {
                clock,
                ns: device.config().nanoseconds(clock),
            });
        }
        Request::Subscribe(_) => return Err(ControlError::NoEvents),
        Request::All(requests) => {
            let replies = requests.iter().map(|request| serve(device, request));
            return replies.collect::<Result<_, _>>().map(Reply::All);
        }
    }
    Ok(Reply::Done)
}

fn indices(name: &str, index: u64, count: u64) -> Result<std::ops::Range<u64>, ControlError> {
    let end = index.checked_add(count).filter(|_| count <= MAX_READ);
    let end = end.ok_or_else(|| ControlError::NoElements {
        name: name.to_owned(),
        index,
        count,
    })?;
    Ok(index..end)
}

fn start(device: &mut Device, app: u8, timer: &Timer) -> Result<(), ControlError> {
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
