//! Clients on the socket of a run: who asks is answered between packets, and nobody holds up anybody.
#![cfg(target_os = "linux")]

mod switches;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use p4rmt_control::{
    Client, ControlError, Event, Message, Number, Reply, Request, Subscription, Switch,
};
use p4rmt_live::{Live, LiveCounters, LiveError, LivePort as _, PairEnd, Sent, pair};
use p4rmt_pipeline::Device;

use switches::{frame, learning, tiny, to_port};

/// A run in a thread of its own.
struct Run {
    folder: tempfile::TempDir,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<LiveCounters>>,
    ends: [PairEnd; 3],
}

impl Run {
    fn new(device: impl FnOnce() -> Device + Send + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let stops = Arc::new(AtomicBool::new(false));
        let (inside, ends): (Vec<_>, Vec<_>) = (1..4)
            .map(|port| pair(&format!("pair{port}"), 1 << 16))
            .unzip();
        let (hears, is_up) = (Arc::clone(&stops), std::sync::mpsc::channel());
        let up = is_up.0;
        let thread = std::thread::spawn(move || {
            let mut live = Live::new(device());
            for (port, end) in (1..).zip(inside) {
                live.attach(port, Box::new(end)).expect("the port is free");
            }
            live.listen(&path).expect("nobody listens there");
            up.send(()).expect("somebody waits");
            while !hears.load(Ordering::Relaxed) {
                live.turn(Some(Duration::from_millis(20)))
                    .expect("nothing breaks");
            }
            live.counters()
        });
        is_up.1.recv().expect("it comes up");
        Self {
            folder,
            stops,
            thread: Some(thread),
            ends: ends.try_into().expect("there are three"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn client(&self) -> Client {
        Client::connect(&self.path()).expect("it listens")
    }

    fn stop(mut self) -> LiveCounters {
        self.stops.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ran");
        let counters = thread.join().expect("nothing broke");
        assert!(!self.path().exists(), "the socket is gone");
        counters
    }

    /// A packet comes through, and soon.
    #[track_caller]
    fn expect_service(&mut self, mark: u8) {
        let packet = frame(0xa, 0xd, mark);
        assert_eq!(self.ends[0].send(&packet).expect("it is open"), Sent::Done);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.ends[1].take() {
                Some(found) if found == packet => return,
                Some(_) => {}
                None if Instant::now() > deadline => panic!("packet {mark} does not come through"),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

#[test]
fn a_client_is_a_switch() {
    let mut run = Run::new(tiny);
    let mut client = run.client();
    client
        .insert("switching", to_port(0xa, 2))
        .expect("there is room");
    run.expect_service(1);
    let sent = client.read_registers("sent", 2, 1).expect("it is there");
    assert_eq!(sent, [[Number::from(1_u8)]]);
    let error = client
        .insert("routing", to_port(0xa, 2))
        .expect_err("there is none");
    assert_eq!(error.to_string(), "there is no table `routing`");
    let replies = client.call(&Request::All(vec![Request::DeleteSession { session: 3 }]));
    assert!(replies.is_err());
    let description = client.describe().expect("it has something to say");
    assert_eq!(description.tables[0].name, "Ingress.switching");
    assert_eq!(
        (description.tables[0].size, description.tables[0].entries),
        (1024, 1)
    );
    assert_eq!(description.tables[0].keys[0].width, 48);
    assert_eq!(description.registers[0].size, 512);
    drop(client);
    assert_eq!(run.stop().requests, 5);
}

#[test]
fn several_clients_hear_what_they_listen_to() {
    let mut run = Run::new(learning);
    let (mut all, mut port, mut nothing) = (run.client(), run.client(), run.client());
    let subscribe = |client: &mut Client, ports: &[u16], digests| {
        let ports = ports.to_vec();
        let reply = client.call(&Request::Subscribe(Subscription { ports, digests }));
        assert_eq!(reply.expect("it may listen"), Reply::Done);
    };
    subscribe(&mut all, &[2], true);
    subscribe(&mut port, &[2, 3], false);
    run.expect_service(1);
    let second = Some(Duration::from_secs(20));
    let next = |client: &mut Client| {
        client
            .next_event(second)
            .expect("it is open")
            .expect("in time")
    };
    let Event::Packet { port: 2, bytes, .. } = next(&mut all) else {
        panic!("a packet left")
    };
    assert_eq!(bytes, frame(0xa, 0xd, 1));
    assert!(matches!(next(&mut all), Event::Digest { .. }));
    assert!(matches!(next(&mut port), Event::Packet { port: 2, .. }));
    assert!(matches!(next(&mut port), Event::Packet { port: 3, .. }));
    let soon = Some(Duration::from_millis(50));
    assert!(port.next_event(soon).expect("it is open").is_none());
    assert!(nothing.next_event(soon).expect("it is open").is_none());
    // Events that come before a reply are kept.
    port.send(1, frame(0xa, 0xd, 2)).expect("the port is there");
    port.send(1, frame(0xa, 0xd, 3)).expect("the port is there");
    for mark in [2, 2, 3, 3] {
        let Event::Packet { bytes, .. } = next(&mut port) else {
            panic!("a packet left")
        };
        assert_eq!(bytes.last(), Some(&mark));
    }
    let nested = Request::All(vec![Request::Subscribe(Subscription::default())]);
    assert!(all.call(&nested).is_err());
    run.stop();
}

/// The next line, and nothing behind it.
fn line(mut stream: &UnixStream) -> Message {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a line comes");
        line.push(byte[0]);
    }
    serde_json::from_slice(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

fn error_of(message: Message) -> String {
    match message {
        Message::Error(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn garbage_is_refused_line_by_line_and_stops_nobody() {
    let mut run = Run::new(tiny);
    run.client()
        .insert("switching", to_port(0xa, 2))
        .expect("there is room");
    let mut garbage = UnixStream::connect(run.path()).expect("it listens");
    for text in [
        "hello\n",
        "{\"insert\": 3}\n",
        "[[[[\n",
        "\"format_disk\"\n",
    ] {
        garbage.write_all(text.as_bytes()).expect("it is open");
        let error = error_of(line(&garbage));
        assert!(error.starts_with("this is no request: "), "{error}");
    }
    garbage
        .write_all(b"\xff\xfe\n\n  \n\"time\"\n")
        .expect("it is open");
    assert!(error_of(line(&garbage)).starts_with("this is no request"));
    assert!(matches!(line(&garbage), Message::Reply(Reply::Time { .. })));
    run.expect_service(1);
    // A line without an end.
    let flood = vec![b'['; 3 << 20];
    let _ = garbage.write_all(&flood);
    let error = error_of(line(&garbage));
    assert_eq!(error, "a line is longer than 1048576 bytes");
    let mut rest = Vec::new();
    let _ = garbage.read_to_end(&mut rest);
    assert!(rest.is_empty(), "it is closed");
    run.expect_service(2);
    run.stop();
}

#[test]
fn what_a_client_said_before_it_went_is_carried_out() {
    let mut run = Run::new(tiny);
    let mut stream = UnixStream::connect(run.path()).expect("it listens");
    let request = Request::Insert {
        table: "switching".to_owned(),
        entry: to_port(0xa, 2),
    };
    let text = serde_json::to_string(&request).expect("it is plain data");
    stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(b"\n"))
        .expect("it is open");
    drop(stream);
    run.client().now_ns().expect("a turn has passed");
    run.expect_service(1);
    // Who sends no more may read on.
    let mut stream = UnixStream::connect(run.path()).expect("it listens");
    stream
        .write_all(b"\"time\"\n\"time\"\n")
        .expect("it is open");
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("it is open");
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .expect("it is closed at the end");
    assert_eq!(text.lines().count(), 2);
    run.stop();
}

#[test]
fn a_client_that_does_not_read_events_is_told_and_let_go() {
    let mut run = Run::new(tiny);
    run.client()
        .insert("switching", to_port(0xa, 2))
        .expect("there is room");
    let mut slow = UnixStream::connect(run.path()).expect("it listens");
    slow.write_all(b"{\"subscribe\":{\"ports\":[2]}}\n")
        .expect("it is open");
    assert_eq!(line(&slow), Message::Reply(Reply::Done));
    let mut packet = frame(0xa, 0xd, 1);
    packet.resize(9000, 7);
    for _ in 0..400 {
        run.ends[0].send(&packet).expect("it is open");
    }
    run.expect_service(2);
    assert_eq!(run.ends[1].n_waiting(), 0);
    let mut text = String::new();
    slow.read_to_string(&mut text)
        .expect("what it was told is text");
    let lines: Vec<&str> = text.lines().collect();
    let (last, events) = lines.split_last().expect("there is a last word");
    assert_eq!(
        *last,
        r#"{"error":"events come faster than you read them"}"#
    );
    assert!((10..300).contains(&events.len()), "{}", events.len());
    assert!(
        events
            .iter()
            .all(|event| event.starts_with(r#"{"event":{"packet""#))
    );
    run.expect_service(3);
    run.stop();
}

#[test]
fn a_client_that_does_not_read_replies_is_not_served_and_stops_nobody() {
    let mut run = Run::new(tiny);
    run.client()
        .insert("switching", to_port(0xa, 2))
        .expect("there is room");
    let mut slow = UnixStream::connect(run.path()).expect("it listens");
    slow.set_nonblocking(true).expect("it is a stream");
    let request = b"{\"read_register\":{\"register\":\"sent\",\"index\":0,\"count\":512}}\n";
    // Until neither side takes any more.
    let mut idle = 0;
    let mut n_requests = 0;
    while idle < 20 {
        match slow.write(request) {
            Ok(n_bytes) if n_bytes == request.len() => (n_requests, idle) = (n_requests + 1, 0),
            Ok(n_bytes) => panic!("{n_bytes} of a request were written"),
            Err(_) => {
                idle += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        assert!(n_requests < 1 << 20, "somebody keeps all of this");
    }
    run.expect_service(1);
    run.client().now_ns().expect("others are served");
    slow.set_nonblocking(false).expect("it is a stream");
    let mut replies = BufReader::new(slow).lines();
    for _ in 0..n_requests {
        let reply = replies
            .next()
            .expect("each is answered")
            .expect("it is open");
        assert!(reply.starts_with(r#"{"reply":{"elements":"#));
    }
    run.stop();
}

#[test]
fn a_request_reads_no_more_than_it_may() {
    let run = Run::new(tiny);
    let mut client = run.client();
    let read = Request::ReadRegister {
        register: "sent".to_owned(),
        index: 0,
        count: 512,
    };
    let reads = |count| Request::All(vec![read.clone(); count]);
    assert!(client.call(&reads(200)).is_ok());
    let error = client.call(&reads(300)).expect_err("that is too much");
    assert!(
        error
            .to_string()
            .starts_with("a request may read 131072 elements"),
        "{error}"
    );
    let error = client.call(&reads(30_000)).expect_err("it is too long");
    assert!(matches!(error, ControlError::RequestTooLong { .. }));
    client
        .now_ns()
        .expect("the connection is as good as before");
    run.stop();
}

#[test]
fn there_is_an_end_of_clients() {
    let run = Run::new(tiny);
    let mut clients: Vec<_> = (0..64).map(|_| run.client()).collect();
    for client in &mut clients {
        client.now_ns().expect("it is served");
    }
    let error = error_of(line(&UnixStream::connect(run.path()).expect("it listens")));
    assert_eq!(error, "64 clients are connected already");
    clients.pop();
    let deadline = Instant::now() + Duration::from_secs(20);
    while run.client().now_ns().is_err() {
        assert!(
            Instant::now() < deadline,
            "its place is not given to another"
        );
    }
    run.stop();
}

#[test]
fn a_socket_has_one_switch_and_one_that_is_gone_leaves_none_behind() {
    let run = Run::new(tiny);
    let mut second = Live::new(tiny());
    let error = second
        .listen(&run.path())
        .expect_err("another listens there");
    assert!(matches!(error, LiveError::SocketInUse { .. }), "{error}");
    let file = run.folder.path().join("file");
    std::fs::write(&file, "mine").expect("there is room");
    let error = second.listen(&file).expect_err("that is no socket");
    assert!(matches!(error, LiveError::NoSocket { .. }), "{error}");
    assert_eq!(std::fs::read(&file).expect("it is there"), b"mine");
    let nowhere = run.folder.path().join("no/folder/socket");
    assert!(matches!(
        second.listen(&nowhere),
        Err(LiveError::Socket { .. })
    ));
    // What a process leaves behind that is killed.
    let stale = run.folder.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).expect("nobody listens there"));
    assert!(stale.exists());
    second.listen(&stale).expect("nobody listens there");
    assert!(Client::connect(&stale).is_ok());
    drop(second);
    assert!(!stale.exists());
    assert!(matches!(
        Client::connect(&stale),
        Err(ControlError::Unreachable { .. })
    ));
    run.stop();
}
