//! A device that runs `tiny.p4` answers requests, and what they change is what packets meet.

use std::path::Path;
use std::sync::Arc;

use p4rmt_control::{
    Call, ControlError, Entry, EntryTarget, KeyMatch, Node, Number, Reply, Request, Session,
    Subscription, Switch,
};
use p4rmt_driver::{DiskLoader, Options, compile};
use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::Device;

fn tiny() -> Device {
    device("p4src/examples/tiny.p4")
}

fn device(path: &str) -> Device {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
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

#[test]
fn members_and_groups_of_profiles_come_and_go() {
    let mut device = device("testvectors/v1model/selectors.p4");
    let profile = "paths".to_owned();
    let set_member = |member: u32, port: u16| Request::SetMember {
        profile: profile.clone(),
        member,
        call: Call {
            action: "to".to_owned(),
            args: vec![("port".to_owned(), port.into())],
        },
    };
    let set_group = Request::SetMemberGroup {
        profile: profile.clone(),
        group: 7,
        members: vec![1, 2],
    };
    let requests = vec![set_member(1, 11), set_member(2, 12), set_group];
    device
        .call(&Request::All(requests))
        .expect("all of it is there");
    let delete_member = |member| Request::DeleteMember {
        profile: profile.clone(),
        member,
    };
    assert!(
        device.call(&delete_member(2)).is_err(),
        "the group names it"
    );
    let read = Request::Profile {
        profile: profile.clone(),
    };
    let Ok(Reply::Profile { members, groups }) = device.call(&read) else {
        panic!("a profile was asked for");
    };
    let ports: Vec<_> = members
        .iter()
        .map(|(member, call)| (*member, call.args[0].1.to_u64()))
        .collect();
    assert_eq!(ports, [(1, Some(11)), (2, Some(12))]);
    assert_eq!(groups, [(7, vec![1, 2])]);
    let delete_group = Request::DeleteMemberGroup {
        profile: profile.clone(),
        group: 7,
    };
    let requests = vec![delete_group, delete_member(1), delete_member(2)];
    device
        .call(&Request::All(requests))
        .expect("nothing names them");
    let empty = Reply::Profile {
        members: Vec::new(),
        groups: Vec::new(),
    };
    assert_eq!(device.call(&read).expect("it is there"), empty);
}

#[test]
fn members_of_value_sets_are_what_was_put_in() {
    let mut device = device("testvectors/v1model/value_sets.p4");
    let set = "pairs".to_owned();
    let number = |value: u64| Number::from(value);
    let range = KeyMatch::Range {
        lo: number(0x100),
        hi: number(0x200),
    };
    let insert = |first: KeyMatch| Request::InsertValue {
        set: "pairs".to_owned(),
        values: vec![first, range.clone()],
    };
    let prefix = KeyMatch::Lpm {
        value: number(0x1f),
        prefix_len: 4,
    };
    device.call(&insert(prefix)).expect("there is room");
    device.call(&insert(KeyMatch::Any)).expect("there is room");
    let masked = KeyMatch::Ternary {
        value: number(0x10),
        mask: number(0xf0),
    };
    let expected = vec![
        vec![masked, range.clone()],
        vec![KeyMatch::Any, range.clone()],
    ];
    let read = Request::Values { set: set.clone() };
    assert_eq!(
        device.call(&read).expect("it is there"),
        Reply::Values(expected)
    );
    let wide = insert(KeyMatch::Exact(number(0x100)));
    assert!(device.call(&wide).is_err());
    device
        .call(&Request::ClearValues { set })
        .expect("it is there");
    assert_eq!(
        device.call(&read).expect("it is there"),
        Reply::Values(Vec::new())
    );
}

#[test]
fn nodes_and_groups_come_and_go() {
    let mut device = tiny();
    let ports = || vec![9, 2];
    let node = Request::CreateNode {
        group: 5,
        rid: 1,
        ports: ports(),
    };
    assert!(device.call(&node).is_err(), "no such group");
    let loose = Request::CreateLooseNode {
        rid: 2,
        ports: ports(),
    };
    let requests = vec![
        Request::CreateGroup { group: 5 },
        node,
        loose,
        Request::AddNode { group: 5, node: 1 },
        Request::DeleteNode { node: 0 },
        Request::Group { group: 5 },
        Request::DeleteGroup { group: 5 },
        Request::Group { group: 5 },
    ];
    let Ok(Reply::All(replies)) = device.call(&Request::All(requests)) else {
        panic!("all of it can be done");
    };
    assert_eq!(replies[1..3], [Reply::Node(0), Reply::Node(1)]);
    let left = Node {
        node: 1,
        rid: 2,
        ports: vec![2, 9],
    };
    assert_eq!(replies[5], Reply::Group(Some(vec![left])));
    assert_eq!(replies[7], Reply::Group(None));
}

#[test]
fn a_device_alone_tells_nothing_and_what_it_reads_at_once_is_bounded() {
    let mut device = tiny();
    let subscribe = Request::Subscribe(Subscription::default());
    assert!(matches!(
        device.call(&subscribe),
        Err(ControlError::NoEvents)
    ));
    let read = Request::ReadRegister {
        register: "sent".to_owned(),
        index: 0,
        count: 512,
    };
    let reads = |count| Request::All(vec![read.clone(); count]);
    assert!(device.call(&reads(256)).is_ok());
    assert!(matches!(
        device.call(&reads(257)),
        Err(ControlError::TooMuch { .. })
    ));
    let value = Request::WriteRegisterValue {
        register: "sent".to_owned(),
        index: 4,
        position: 0,
        value: Number::from(5_u8),
    };
    device.call(&value).expect("it is there");
    let values = device.read_registers("sent", 4, 1).expect("it is there");
    assert_eq!(values, [[Number::from(5_u8)]]);
    let reset = Request::ResetRegister {
        register: "sent".to_owned(),
    };
    device.call(&reset).expect("it is there");
    let values = device.read_registers("sent", 4, 1).expect("it is there");
    assert_eq!(values, [[Number::from(0_u8)]]);
}
