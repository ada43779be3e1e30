//! A device that runs `tiny.p4` answers requests, and what they change is what packets meet.

use std::path::Path;
use std::sync::Arc;

use p4rmt_control::{
    Call, ControlError, Entry, EntryTarget, KeyMatch, Number, Reply, Request, Session, Switch,
};
use p4rmt_driver::{DiskLoader, Options, compile};
use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::Device;

fn tiny() -> Device {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../p4src/examples/tiny.p4");
    let compiled = compile(&path, &Options::default(), &DiskLoader).unwrap_or_else(|rejected| {
        panic!("{} complaints", rejected.diagnostics.len());
    });
    let (program, pipe) = (Arc::clone(&compiled.program), PipeId::from_index(0));
    Device::new(&Interp, program, pipe, Mode::Unplaced).expect("the program has a pipe")
}

fn to_port(port: u16) -> Entry {
    let address = Number::from(0x0200_0000_0001_u64);
    Entry {
        keys: vec![("dst_addr".to_owned(), KeyMatch::Exact(address))],
        priority: 0,
        target: EntryTarget::Action(Call {
            action: "forward".to_owned(),
            args: vec![("port".to_owned(), port.into())],
        }),
    }
}

fn frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0];
    frame.resize(60, 7);
    frame
}

fn ports_of_departures(device: &mut Device) -> Vec<u16> {
    device.take_departures().map(|left| left.port).collect()
}

#[test]
fn entries_come_change_and_go() {
    let mut device = tiny();
    device
        .insert("switching", to_port(3))
        .expect("there is room");
    device.send(1, frame()).expect("the port is there");
    assert_eq!(ports_of_departures(&mut device), [3]);
    let modify = Request::Modify {
        table: "switching".to_owned(),
        entry: to_port(4),
    };
    assert_eq!(device.call(&modify).expect("it is there"), Reply::Done);
    device.send(1, frame()).expect("the port is there");
    assert_eq!(ports_of_departures(&mut device), [4]);
    let read = Request::Entries {
        table: "switching".to_owned(),
    };
    let Ok(Reply::Entries { entries, default }) = device.call(&read) else {
        panic!("entries were asked for");
    };
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].keys[0].1, to_port(4).keys[0].1);
    assert!(default.action.ends_with("drop") && default.args.is_empty());
    // What was read can be written again.
    device
        .delete("switching", entries[0].keys.clone())
        .expect("it is there");
    device.send(1, frame()).expect("the port is there");
    assert!(ports_of_departures(&mut device).is_empty());
    device
        .insert("switching", entries[0].clone())
        .expect("there is room");
    device.send(1, frame()).expect("the port is there");
    assert_eq!(ports_of_departures(&mut device), [4]);
}

#[test]
fn registers_and_sessions_are_read_and_written() {
    let mut device = tiny();
    device
        .insert("switching", to_port(3))
        .expect("there is room");
    let sixteen = [Number::from(16_u8)];
    device
        .write_register("sent", 3, &sixteen)
        .expect("it is there");
    device.send(1, frame()).expect("the port is there");
    let read = device.read_registers("sent", 2, 3).expect("they are there");
    assert_eq!(
        read,
        [[0_u8], [17], [0]].map(|[value]| vec![Number::from(value)])
    );
    let to = Session::Port {
        port: 64,
        truncate: Some(40),
    };
    let requests = vec![
        Request::SetSession { session: 5, to },
        Request::Session { session: 5 },
    ];
    let replies = device.call(&Request::All(requests)).expect("both are fine");
    let expected = vec![Reply::Done, Reply::Session(Some(to))];
    assert_eq!(replies, Reply::All(expected));
    let before = device.now_ns().expect("there is time");
    device.send(1, frame()).expect("the port is there");
    assert!(device.now_ns().expect("there is time") > before);
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let mut device = tiny();
    let refused = |error: Result<(), ControlError>| error.expect_err("it is wrong").to_string();
    assert_eq!(
        refused(device.insert("routing", to_port(3))),
        "there is no table `routing`"
    );
    let mut entry = to_port(3);
    entry.keys.clear();
    assert_eq!(
        refused(device.insert("switching", entry)),
        "table `Ingress.switching` needs its key `hdr.ethernet.dst_addr` once: it came 0 times"
    );
    let mut entry = to_port(3);
    entry.target = EntryTarget::Action(Call {
        action: "forward".to_owned(),
        args: vec![("port".to_owned(), Number::from(512_u16))],
    });
    assert_eq!(
        refused(device.insert("switching", entry)),
        "0x200 does not fit `port`, which has 9 bits"
    );
    let mut entry = to_port(3);
    entry.target = EntryTarget::Action(Call {
        action: "forward".to_owned(),
        args: Vec::new(),
    });
    assert_eq!(
        refused(device.insert("switching", entry)),
        "action `forward` takes port: parameter `port` came 0 times"
    );
    assert!(device.read_registers("sent", 511, 2).is_err());
    assert!(device.read_registers("sent", 0, u64::MAX).is_err());
    assert!(device.write_register("sent", 0, &[]).is_err());
    let read = device
        .read_registers("sent", 0, 512)
        .expect("they are there");
    assert!(read.iter().all(|values| *values == [Number::from(0_u8)]));
}

#[test]
fn requests_are_text_and_text_is_requests() {
    let request = Request::Insert {
        table: "switching".to_owned(),
        entry: to_port(3),
    };
    let text = serde_json::to_string(&request).expect("it is plain data");
    assert_eq!(
        text,
        r#"{"insert":{"table":"switching","entry":{"keys":[["dst_addr",{"exact":"0x20000000001"}]],"priority":0,"target":{"action":{"action":"forward","args":[["port","0x3"]]}}}}}"#
    );
    assert_eq!(
        serde_json::from_str::<Request>(&text).expect("it was written"),
        request
    );
    assert!(serde_json::from_str::<Request>(r#"{"insert":{"table":"t","entry":1}}"#).is_err());
    assert!(serde_json::from_str::<Request>(r#""format_disk""#).is_err());
}
