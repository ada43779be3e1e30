//! Ports in this process around small switches: packets, time, control between packets, events, ports that go.
#![cfg(target_os = "linux")]

mod switches;

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use p4rmt_control::{Event, Number, Request, Subscription, Switch, Timer};
use p4rmt_live::{Live, LiveError, LivePort, ManualClock, PairEnd, Sent, pair};
use p4rmt_pipeline::Device;

use switches::{frame, learning, tiny, to_port};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A device with pairs at ports 1 to 3, by a clock that goes when it is told to.
fn live(device: Device) -> (Live, [PairEnd; 3], ManualClock) {
    let clock = ManualClock::default();
    let mut live = Live::with_clock(device, Box::new(clock.clone()));
    let ends = [1, 2, 3].map(|port| {
        let (inside, outside) = pair(&format!("pair{port}"), 100);
        live.attach(port, Box::new(inside))
            .expect("the port is free");
        outside
    });
    (live, ends, clock)
}

fn send(end: &mut PairEnd, frame: &[u8]) {
    assert_eq!(end.send(frame).expect("it is open"), Sent::Done);
}

#[test]
fn packets_go_from_port_to_port_and_are_counted() {
    let (mut live, [mut one, mut two, three], _) = live(tiny());
    live.insert("switching", to_port(0xa, 2))
        .expect("there is room");
    live.insert("switching", to_port(0xb, 9))
        .expect("there is room");
    for (dst, mark) in [(0xa, 1), (0xb, 2), (0xc, 3), (0xa, 4)] {
        send(&mut one, &frame(dst, 0xd, mark));
    }
    let turn = live.turn(None).expect("nothing breaks");
    assert_eq!((turn.packets_in, turn.packets_out), (4, 3));
    assert_eq!(two.take(), Some(frame(0xa, 0xd, 1)));
    assert_eq!(two.take(), Some(frame(0xa, 0xd, 4)));
    assert_eq!(
        (two.take(), three.n_waiting(), one.n_waiting()),
        (None, 0, 0)
    );
    let counters = live.counters();
    assert_eq!(
        (counters.ports[&1].packets_in, counters.ports[&1].bytes_in),
        (4, 240)
    );
    assert_eq!(
        (counters.ports[&2].packets_out, counters.ports[&2].bytes_out),
        (2, 120)
    );
    assert_eq!(
        counters.unattached.into_iter().collect::<Vec<_>>(),
        [(9, 1)]
    );
    assert_eq!(live.device().counters().dropped.values().sum::<u64>(), 1);
}

#[test]
fn what_does_not_fit_is_lost_and_counted() {
    let (mut live, [mut one, two, _three], _) = live(tiny());
    live.insert("switching", to_port(0xa, 2))
        .expect("there is room");
    for _ in 0..2 {
        for mark in 0..60 {
            send(&mut one, &frame(0xa, 0xd, mark));
        }
        live.turn(NOW).expect("nothing breaks");
    }
    assert_eq!(two.n_waiting(), 100);
    let port = &live.counters().ports[&2];
    assert_eq!((port.packets_out, port.full), (100, 20));
}

#[test]
fn a_turn_is_bounded_and_no_port_waits_for_another() {
    let (mut live, [mut one, mut two, three], _) = live(tiny());
    live.insert("switching", to_port(0xa, 3))
        .expect("there is room");
    for mark in 0..100 {
        send(&mut one, &frame(0xa, 0xd, mark));
    }
    send(&mut two, &frame(0xa, 0xd, 200));
    let turn = live.turn(NOW).expect("nothing breaks");
    assert!((2..100).contains(&turn.packets_in), "{turn:?}");
    let first = turn.packets_in;
    assert_eq!(
        three.n_waiting() as u64,
        first,
        "that of port 2 is among them"
    );
    let turn = live
        .turn(None)
        .expect("what is left does not need to be waited for");
    assert_eq!(turn.packets_in, 101 - first);
}

fn timer(period_us: u64, packets: u32) -> Timer {
    Timer {
        port: 68,
        period_ns: period_us * 1000,
        is_periodic: true,
        batches: 1,
        packets,
        payload: vec![7; 60],
    }
}

#[test]
fn the_packet_generator_goes_by_the_clock_outside() {
    let (mut live, [mut one, _two, _three], clock) = live(tiny());
    // A generated packet begins with its application, batch and number.
    live.insert("switching", to_port(0x0100_0000_0000, 1))
        .expect("there is room");
    let start = Request::StartGenerator {
        app: 1,
        timer: timer(100, 1),
    };
    live.call(&start).expect("there is such an application");
    clock.advance(Duration::from_micros(99));
    assert_eq!(live.turn(NOW).expect("nothing breaks").generated, 0);
    clock.advance(Duration::from_micros(2));
    assert_eq!(live.turn(NOW).expect("nothing breaks").generated, 1);
    clock.advance(Duration::from_micros(999));
    assert_eq!(live.turn(NOW).expect("nothing breaks").generated, 10);
    assert_eq!(one.n_waiting(), 11);
    assert_eq!(
        one.take().map(|packet| packet[6..].to_vec()),
        Some(vec![7; 60])
    );
    let ns = live.now_ns().expect("there is time");
    assert!((1_100_000..1_101_000).contains(&ns), "{ns}");
    live.call(&Request::StopGenerator { app: 1 })
        .expect("it is there");
    clock.advance(Duration::from_secs(1));
    assert_eq!(live.turn(NOW).expect("nothing breaks").generated, 0);
}

#[test]
fn a_trigger_ends_the_waiting() {
    let mut live = Live::new(tiny());
    let start = Request::StartGenerator {
        app: 1,
        timer: timer(20_000, 1),
    };
    live.call(&start).expect("there is such an application");
    let began = Instant::now();
    let turn = live
        .turn(Some(Duration::from_secs(60)))
        .expect("nothing breaks");
    assert_eq!(turn.generated, 1);
    let waited = began.elapsed();
    assert!(
        waited >= Duration::from_millis(15) && waited < Duration::from_secs(20),
        "{waited:?}"
    );
}

#[test]
fn a_generator_that_cannot_be_kept_up_with_stops_nobody() {
    let (mut live, [mut one, mut two, _three], clock) = live(tiny());
    live.insert("switching", to_port(0xa, 2))
        .expect("there is room");
    let start = Request::StartGenerator {
        app: 1,
        timer: timer(1, 10),
    };
    live.call(&start).expect("there is such an application");
    clock.advance(Duration::from_secs(3600));
    send(&mut one, &frame(0xa, 0xd, 1));
    let turn = live.turn(NOW).expect("nothing breaks");
    assert!(turn.generated > 0 && turn.generated < 1000, "{turn:?}");
    assert_eq!(two.take(), Some(frame(0xa, 0xd, 1)));
    let lost = Duration::from_nanos(live.counters().lost_ns);
    assert!(lost > Duration::from_secs(3590), "{lost:?}");
    // Nor does one whose triggers are too large for any time.
    let endless = Timer {
        batches: u32::MAX,
        ..timer(1, u32::MAX)
    };
    let start = Request::StartGenerator {
        app: 2,
        timer: endless,
    };
    assert!(live.call(&start).is_err());
    // From here on it is in time again.
    live.call(&Request::StartGenerator {
        app: 1,
        timer: timer(1000, 1),
    })
    .expect("it is there");
    clock.advance(Duration::from_millis(5));
    let mut generated = 0;
    for _ in 0..10 {
        generated += live.turn(NOW).expect("nothing breaks").generated;
    }
    assert_eq!(generated, 5);
}

#[test]
fn control_stands_between_packets() {
    let (mut live, [mut one, mut two, mut three], _) = live(tiny());
    live.insert("switching", to_port(0xa, 2))
        .expect("there is room");
    send(&mut one, &frame(0xa, 0xd, 1));
    live.turn(NOW).expect("nothing breaks");
    let modify = Request::Modify {
        table: "switching".to_owned(),
        entry: to_port(0xa, 3),
    };
    live.call(&modify).expect("it is there");
    send(&mut one, &frame(0xa, 0xd, 2));
    live.turn(NOW).expect("nothing breaks");
    let sent = live.read_registers("sent", 2, 2).expect("they are there");
    assert_eq!(sent, [[Number::from(1_u8)], [Number::from(1_u8)]]);
    // What is sent by request leaves with the next turn, if there is nothing else to wait for.
    live.send(1, frame(0xa, 0xd, 3)).expect("the port is there");
    live.turn(NOW).expect("nothing breaks");
    assert_eq!(two.take(), Some(frame(0xa, 0xd, 1)));
    assert_eq!(three.take(), Some(frame(0xa, 0xd, 2)));
    assert_eq!(three.take(), Some(frame(0xa, 0xd, 3)));
}

#[test]
fn who_listens_hears_packets_and_digests() {
    let (mut live, [mut one, mut two, _three], _) = live(learning());
    send(&mut one, &frame(0xa, 0xb, 1));
    live.turn(NOW).expect("nothing breaks");
    assert!(live.take_events().is_empty(), "nobody listened");
    live.subscribe(Subscription {
        ports: vec![3],
        digests: true,
    });
    send(&mut two, &frame(0xa, 0xc, 2));
    live.turn(NOW).expect("nothing breaks");
    let events = live.take_events();
    let [
        Event::Packet { port: 3, bytes, .. },
        Event::Digest { digest, fields, .. },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*bytes, frame(0xa, 0xc, 2));
    assert!(digest.ends_with("source_t"), "{digest}");
    assert_eq!(*fields, [Number::from(0xc_u8), Number::from(2_u8)]);
    live.subscribe(Subscription::default());
    send(&mut two, &frame(0xa, 0xe, 3));
    live.turn(NOW).expect("nothing breaks");
    assert!(live.take_events().is_empty());
}

#[test]
fn a_packet_that_breaks_a_claim_is_refused_and_the_others_go_on() {
    let (mut live, [mut one, two, _three], _) = live(learning());
    for dst in [0xa, 0, 0xa, 0, 0, 0xa] {
        send(&mut one, &frame(dst, 0xd, 1));
    }
    live.turn(NOW).expect("packets are to blame");
    assert_eq!(two.n_waiting(), 3);
    let refused = live.counters().refused;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].packets, 3);
    assert!(
        refused[0].reason.contains("assert") && refused[0].span.is_some(),
        "{refused:?}"
    );
}

#[test]
fn a_port_that_is_gone_is_an_error_with_its_name() {
    let (mut live, [one, _two, _three], _) = live(tiny());
    drop(one);
    let error = live.turn(None).expect_err("its other end is gone");
    assert!(matches!(error, LiveError::PortGone { port: 1, .. }));
    assert!(
        error.to_string().starts_with("port 1: `pair1` is gone: "),
        "{error}"
    );
}

/// A port whose interface is down.
struct Down(PairEnd);

impl LivePort for Down {
    fn name(&self) -> &str {
        "down"
    }
    fn receive(&mut self, burst: &mut p4rmt_live::Burst, max: usize) -> std::io::Result<()> {
        self.0.receive(burst, max)
    }
    fn send(&mut self, _: &[u8]) -> std::io::Result<Sent> {
        Ok(Sent::Down)
    }
    fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.descriptor()
    }
}

#[test]
fn an_interface_may_be_down_for_a_while_but_not_for_good() {
    let (mut live, [mut one, _two, _three], clock) = live(tiny());
    let (inside, mut outside) = pair("nine", 100);
    live.attach(9, Box::new(Down(inside)))
        .expect("the port is free");
    live.insert("switching", to_port(0xa, 9))
        .expect("there is room");
    let mut second = |live: &mut Live| {
        clock.advance(Duration::from_secs(1));
        send(&mut one, &frame(0xa, 0xd, 1));
        live.turn(NOW)
    };
    for _ in 0..25 {
        second(&mut live).expect("it may come up again");
    }
    // A sign of life.
    send(&mut outside, &frame(0xf, 0xd, 1));
    for _ in 0..30 {
        second(&mut live).expect("it may come up again");
    }
    assert_eq!(live.counters().ports[&9].down, 55);
    let errors: Vec<_> = (0..5).filter_map(|_| second(&mut live).err()).collect();
    let text = errors.first().map(ToString::to_string);
    assert_eq!(
        text.as_deref(),
        Some("port 9: `down` has been down for 31 seconds")
    );
}

#[test]
fn who_wakes_a_turn_ends_its_waiting() {
    let (mut live, _ends, _) = live(tiny());
    let (mut ours, theirs) = UnixStream::pair().expect("the system has descriptors");
    live.wake_on(theirs).expect("it is a stream");
    let waker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        ours.write_all(&[1]).expect("it is open");
        ours
    });
    assert!(live.turn(None).expect("nothing breaks").is_woken);
    assert!(!live.turn(NOW).expect("nothing breaks").is_woken, "once");
    drop(waker.join().expect("it ends"));
    assert!(
        live.turn(None).expect("nothing breaks").is_woken,
        "nobody is left"
    );
    assert!(!live.turn(NOW).expect("nothing breaks").is_woken);
}

#[test]
fn ports_are_attached_once_and_where_they_are() {
    let (mut live, _ends, _) = live(tiny());
    let attach = |live: &mut Live, port| live.attach(port, Box::new(pair("again", 1).0));
    let error = attach(&mut live, 2).expect_err("something is attached");
    assert_eq!(error.to_string(), "port 2 is attached to `pair2` already");
    let error = attach(&mut live, 512).expect_err("there is no such port");
    assert_eq!(
        error.to_string(),
        "there is no port 512: they are numbered from 0 to 511"
    );
}
