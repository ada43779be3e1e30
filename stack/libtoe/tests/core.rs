//! The core against a scripted pipe: each rule on its own, then everything at random.

mod pipe;

use std::time::Duration;

use p4rmt_libtoe::{ConnectionId, Event, Toe, ToeError};
use p4rmt_wire::{
    ContextSettings, FailReason, HostEvent, HostRequest, ReportReason, SwitchAddress,
};
use proptest::prelude::*;

use pipe::{BUFFER_BYTES, MSS, OUR_IP, PEER, Pipe, SWITCH, settings};

const NOW: Duration = Duration::ZERO;

/// A host with a context, and a pipe.
fn pair() -> (Toe, Pipe) {
    let mut toe = Toe::new();
    let mut pipe = Pipe::new();
    toe.open_context(settings(1))
        .expect("the settings are good");
    settle(&mut toe, &mut pipe);
    let opened = Event::ContextOpened {
        token: 1,
        context: 0,
    };
    assert_eq!(toe.poll_event(), Some(opened));
    (toe, pipe)
}

/// Requests and events go their ways, and all packets.
fn settle(toe: &mut Toe, pipe: &mut Pipe) {
    let mut packet = Vec::new();
    loop {
        let mut is_quiet = true;
        while let Some(request) = toe.poll_request() {
            pipe.handle(request);
            is_quiet = false;
        }
        while let Some(event) = pipe.events.pop_front() {
            toe.handle(event, NOW).expect("the pipe says nothing wrong");
            is_quiet = false;
        }
        while let Some(packet) = pipe.to_host.pop_front() {
            toe.receive(&packet, NOW)
                .expect("the pipe writes nothing wrong");
            is_quiet = false;
        }
        while toe.poll_transmit(&mut packet) {
            pipe.receive(&packet);
            is_quiet = false;
        }
        if is_quiet {
            return;
        }
    }
}

/// A connection that is open on both sides.
fn connect(toe: &mut Toe, pipe: &mut Pipe) -> (ConnectionId, u16) {
    let local = std::net::SocketAddrV4::new(OUR_IP, 0);
    toe.connect(0, 9, PEER, local)
        .expect("the context is there");
    settle(toe, pipe);
    loop {
        match toe.poll_event() {
            Some(Event::Connected { token: 9, id }) => return (id, id.number()),
            Some(_) => {}
            None => panic!("it was not connected"),
        }
    }
}

fn read_all(toe: &mut Toe, id: ConnectionId) -> Vec<u8> {
    let mut all = Vec::new();
    let mut bytes = [0; 1000];
    loop {
        match toe.read(id, &mut bytes) {
            Ok(0) | Err(ToeError::WouldBlock) => return all,
            Ok(n_read) => all.extend(&bytes[..n_read]),
            Err(error) => panic!("{error}"),
        }
    }
}

fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at as u8).wrapping_mul(7).wrapping_add((at >> 8) as u8) ^ seed)
        .collect()
}

#[track_caller]
fn check_settings(change: impl FnOnce(&mut ContextSettings), setting: &str) {
    let mut settings = settings(2);
    settings.queue_pair = 0x12;
    change(&mut settings);
    match Toe::new().open_context(settings) {
        Err(ToeError::BadSettings { setting: found, .. }) => assert_eq!(found, setting),
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_that_the_pipe_could_not_work_with() {
    check_settings(|s| s.receive.buffer_bytes = 3 << 12, "buffer_bytes");
    check_settings(|s| s.receive.buffer_bytes = 1 << 18, "buffer_bytes");
    check_settings(|s| s.receive.base += 1 << 12, "receive base");
    check_settings(
        |s| s.receive.base = 0u64.wrapping_sub(1 << 13),
        "receive base",
    );
    check_settings(|s| s.receive.n_buffers = 1 << 16, "n_buffers");
    check_settings(|s| s.reports += 1 << 18, "reports");
    check_settings(|s| s.reports = s.receive.base, "reports");
    check_settings(|s| s.transmit_bytes = 0, "transmit_bytes");
    check_settings(|s| s.queue_pair = 1 << 24, "queue_pair");
    let (mut toe, _) = pair();
    assert!(matches!(
        toe.open_context(settings(2)),
        Err(ToeError::BadSettings {
            setting: "queue_pair",
            ..
        })
    ));
}

#[test]
fn writes_that_are_not_for_this_memory() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    let base = pipe.settings.receive.base;
    let reports = pipe.settings.reports;
    let end = base + 64 * 2 * u64::from(BUFFER_BYTES);
    for (address, len) in [
        (base - 1, 1),
        (end, 1),
        (end - 1, 2),
        (base + 2 * u64::from(BUFFER_BYTES) - 1, 2),
        (base, BUFFER_BYTES as usize + 1),
        (u64::MAX, 8),
        (reports + 8, 16),
        (reports, 15),
        (reports + (16 << 15), 16),
    ] {
        let packet = pipe.packet(address, None, &vec![1; len]);
        let refused = toe.receive(&packet, NOW);
        assert_eq!(refused, Err(ToeError::OutsideOfMemory { address, len }));
    }
    let good = pipe.settings.clone();
    pipe.settings.remote_key = 5;
    let packet = pipe.packet(base, None, b"abc");
    let wrong_key = ToeError::WrongKey {
        found: 5,
        expected: 0x1000,
    };
    assert_eq!(toe.receive(&packet, NOW), Err(wrong_key));
    pipe.settings = good.clone();
    pipe.settings.queue_pair = 7;
    let packet = pipe.packet(base, None, b"abc");
    let unknown = ToeError::UnknownQueuePair { queue_pair: 7 };
    assert_eq!(toe.receive(&packet, NOW), Err(unknown));
    pipe.settings = good.clone();
    pipe.settings.ip = [10, 0, 1, 9];
    let packet = pipe.packet(base, None, b"abc");
    assert_eq!(toe.receive(&packet, NOW), Err(ToeError::OtherHost));
    pipe.settings = good;
    // Ready bytes of another connection than the buffer's.
    let buffer = pipe.flows[&number].opened.buffer;
    let address = pipe.settings.receive.address_of(buffer);
    let packet = pipe.packet(address, Some(u32::from(number + 1) << 17), b"abc");
    let contradiction = ToeError::Contradiction {
        connection: number + 1,
    };
    assert_eq!(toe.receive(&packet, NOW), Err(contradiction));
    assert_eq!(toe.counters().n_refused, 13);
    assert_eq!(toe.read(id, &mut [0; 9]), Err(ToeError::WouldBlock));
}

#[test]
fn missing_and_late_writes_are_counted() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 400);
    for _ in 0..4 {
        assert_eq!(pipe.deliver(number, 100), 100);
    }
    pipe.to_host.swap(1, 2);
    settle(&mut toe, &mut pipe);
    assert_eq!((toe.counters().n_missing, toe.counters().n_late), (1, 1));
    assert_eq!(read_all(&mut toe, id), pattern(1, 400), "late is not lost");
}

/// The pipe acknowledges what it writes: nobody would send it again.
#[test]
fn a_lost_write_is_an_error_and_not_wrong_bytes() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 300);
    for _ in 0..3 {
        pipe.deliver(number, 100);
    }
    pipe.to_host.remove(1);
    settle(&mut toe, &mut pipe);
    assert_eq!(read_all(&mut toe, id), pattern(1, 100));
    let at = toe.poll_at().expect("it waits for the rest");
    toe.poll(at - Duration::from_millis(1));
    assert_eq!(toe.read(id, &mut [0; 9]), Err(ToeError::WouldBlock));
    toe.poll(at);
    assert_eq!(toe.read(id, &mut [0; 9]), Err(ToeError::Lost));
    assert_eq!(toe.counters().n_holes, 1);
    let aborted = HostRequest::Abort { connection: number };
    assert_eq!(toe.poll_request(), Some(aborted));
}

/// Packets may be faster than the control plane.
#[test]
fn bytes_that_come_before_their_connection() {
    let (mut toe, mut pipe) = pair();
    let local = std::net::SocketAddrV4::new(OUR_IP, 80);
    let opened = pipe.open(local, PEER);
    let number = opened.connection;
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(3, 250);
    pipe.deliver(number, 100);
    pipe.deliver(number, 100);
    settle(&mut toe, &mut pipe);
    pipe.events.push_back(HostEvent::Accepted(opened));
    settle(&mut toe, &mut pipe);
    let Some(Event::Accepted { id, .. }) = toe.poll_event() else {
        panic!("it is accepted");
    };
    assert_eq!(read_all(&mut toe, id), pattern(3, 200));
    pipe.deliver(number, 100);
    settle(&mut toe, &mut pipe);
    assert_eq!(read_all(&mut toe, id), pattern(3, 250)[200..]);
}

#[test]
fn room_is_given_back_a_quarter_at_a_time() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 5000);
    while pipe.deliver(number, 100) > 0 {}
    settle(&mut toe, &mut pipe);
    let mut packet = Vec::new();
    let mut bytes = [0; 1023];
    assert_eq!(toe.read(id, &mut bytes), Ok(1023));
    assert!(!toe.poll_transmit(&mut packet));
    assert_eq!(toe.read(id, &mut bytes[..1]), Ok(1));
    assert!(toe.poll_transmit(&mut packet));
    let expected = SwitchAddress::Sync {
        connection: number,
        freed: 1024,
    };
    assert_eq!(pipe.receive(&packet), expected);
    assert!(!toe.poll_transmit(&mut packet));
}

#[test]
fn chunks_are_freed_in_any_order() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 3000);
    while pipe.deliver(number, 100) > 0 {}
    settle(&mut toe, &mut pipe);
    let mut first = toe.take_received(id, 1100).expect("they are there");
    let second = toe.take_received(id, 1100).expect("they are there");
    let start = first.split_to(10);
    assert_eq!(
        (start.len(), first.len(), second.position()),
        (10, 1090, 1100)
    );
    let mut packet = Vec::new();
    toe.free(second).expect("it is open");
    toe.free(first).expect("it is open");
    assert!(
        !toe.poll_transmit(&mut packet),
        "ten bytes are still in use"
    );
    let bytes = toe.chunk_slices(&start).expect("it is not freed");
    assert_eq!(bytes.concat(), pattern(1, 10));
    toe.free(start).expect("it is open");
    assert!(toe.poll_transmit(&mut packet));
    let expected = SwitchAddress::Sync {
        connection: number,
        freed: 2200,
    };
    assert_eq!(pipe.receive(&packet), expected);
    assert_eq!(read_all(&mut toe, id), pattern(1, 3000)[2200..]);
}

#[test]
fn connections_take_turns() {
    let (mut toe, mut pipe) = pair();
    let ids: Vec<ConnectionId> = (0..3).map(|_| connect(&mut toe, &mut pipe).0).collect();
    for id in &ids {
        assert_eq!(toe.write(*id, &[1; 300]), Ok(300));
    }
    let mut packet = Vec::new();
    let mut order = Vec::new();
    while toe.poll_transmit(&mut packet) {
        match pipe.receive(&packet) {
            SwitchAddress::Transmit { connection, .. } => order.push(connection),
            sync @ SwitchAddress::Sync { .. } => panic!("{sync:?}"),
        }
    }
    let numbers: Vec<u16> = ids.iter().map(|id| id.number()).collect();
    assert_eq!(order, numbers.repeat(3));
}

#[test]
fn end_of_the_peers_stream() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 150);
    pipe.deliver(number, 100);
    pipe.finish_peer(number);
    settle(&mut toe, &mut pipe);
    assert!(toe.readiness(id).is_ok_and(|ready| ready.is_readable));
    assert_eq!(toe.read(id, &mut [0; 200]), Ok(100));
    assert_eq!(toe.read(id, &mut [0; 200]), Err(ToeError::WouldBlock));
    pipe.deliver(number, 100);
    settle(&mut toe, &mut pipe);
    assert_eq!(toe.read(id, &mut [0; 200]), Ok(50));
    assert_eq!(toe.read(id, &mut [0; 200]), Ok(0));
    assert_eq!(toe.read(id, &mut [0; 200]), Ok(0));
    assert_eq!(toe.write(id, b"still"), Ok(5), "the other way stays open");
}

#[test]
fn a_closed_connection_sends_what_was_written_and_is_given_back() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    pipe.flows.get_mut(&number).expect("open").from_peer = pattern(1, 20_000);
    assert_eq!(toe.write(id, &pattern(2, 2500)), Ok(2500));
    toe.close(id, NOW);
    assert_eq!(
        toe.read(id, &mut [0; 9]),
        Ok(0),
        "nothing is read any longer"
    );
    for _ in 0..300 {
        pipe.deliver(number, 100);
        pipe.report(number, ReportReason::Generator);
        settle(&mut toe, &mut pipe);
    }
    let flow = &pipe.flows[&number];
    assert_eq!(flow.at_peer, pattern(2, 2500));
    assert_eq!(flow.shutdown, Some(2500));
    assert_eq!(
        flow.n_delivered, 20_000,
        "what comes is taken, and thrown away"
    );
    pipe.finish_peer(number);
    pipe.close_ended();
    settle(&mut toe, &mut pipe);
    let released = HostRequest::Release { connection: number };
    assert_eq!(pipe.requests.last(), Some(&released));
    assert_eq!(toe.readiness(id), Err(ToeError::Gone));
}

#[test]
fn a_peer_that_never_ends_is_given_up() {
    let (mut toe, mut pipe) = pair();
    let (id, number) = connect(&mut toe, &mut pipe);
    assert_eq!(toe.write(id, &[1; 200]), Ok(200));
    toe.close(id, NOW);
    let first = toe.poll_at().expect("it is watched");
    settle(&mut toe, &mut pipe);
    pipe.report(number, ReportReason::Generator);
    settle(&mut toe, &mut pipe);
    toe.poll(first);
    assert_eq!(toe.poll_request(), None, "something was acknowledged");
    let second = toe.poll_at().expect("it is watched");
    assert!(second > first);
    toe.poll(second);
    let released = HostRequest::Release { connection: number };
    assert_eq!(toe.poll_request(), Some(released));
}

#[test]
fn numbers_are_used_again_and_lives_are_not() {
    let (mut toe, mut pipe) = pair();
    let (old, number) = connect(&mut toe, &mut pipe);
    pipe.events.push_back(HostEvent::Reset {
        connection: number,
        reason: FailReason::Refused,
    });
    settle(&mut toe, &mut pipe);
    let failed = ToeError::Failed(FailReason::Refused);
    assert_eq!(toe.read(old, &mut [0; 9]), Err(failed));
    assert_eq!(toe.write(old, b"more"), Err(failed));
    toe.close(old, NOW);
    settle(&mut toe, &mut pipe);
    pipe.next_number = number;
    let (new, again) = connect(&mut toe, &mut pipe);
    assert_eq!(again, number);
    assert_eq!(toe.write(old, b"more"), Err(ToeError::Gone));
    assert_eq!(toe.write(new, b"more"), Ok(4));
    toe.close(old, NOW);
    assert_eq!(toe.write(new, b"more"), Ok(4), "another life");
}

#[test]
fn closing_a_context_ends_its_connections() {
    let (mut toe, mut pipe) = pair();
    let (id, _) = connect(&mut toe, &mut pipe);
    toe.close_context(0).expect("it is open");
    assert_eq!(toe.read(id, &mut [0; 9]), Err(ToeError::Gone));
    assert_eq!(toe.close_context(0), Err(ToeError::Gone));
    settle(&mut toe, &mut pipe);
    let closed = HostRequest::CloseContext { context: 0 };
    assert_eq!(pipe.requests.last(), Some(&closed));
    toe.open_context(settings(3))
        .expect("its queue pair is free");
}

#[test]
fn what_cannot_be_used_is_given_back() {
    let (mut toe, mut pipe) = pair();
    let (_, number) = connect(&mut toe, &mut pipe);
    let local = std::net::SocketAddrV4::new(OUR_IP, 80);
    let mut opened = pipe.open(local, PEER);
    opened.buffer = pipe.flows[&number].opened.buffer;
    let taken = opened.connection;
    let refused = toe.handle(HostEvent::Accepted(opened), NOW);
    assert_eq!(refused, Err(ToeError::Contradiction { connection: taken }));
    let released = HostRequest::Release { connection: taken };
    assert_eq!(toe.poll_request(), Some(released));
    for event in [
        HostEvent::Closed { connection: 999 },
        HostEvent::PeerFinished {
            connection: 999,
            length: 1,
        },
        HostEvent::ContextOpened {
            token: 77,
            context: 1,
            switch: SWITCH,
        },
    ] {
        assert!(toe.handle(event, NOW).is_err());
    }
}

/// How an exchange goes.
#[derive(Clone, Debug)]
struct Course {
    seed: u64,
    /// Of 256 transmissions, so many are lost between host and switch.
    loss: u8,
    first_seqs: [u32; 2],
    is_zero_copy: bool,
}

fn course() -> impl Strategy<Value = Course> {
    let seqs = prop_oneof![
        any::<u32>(),
        (0..30_000_u32).prop_map(|back| u32::MAX - back)
    ];
    (
        any::<u64>(),
        prop_oneof![Just(0_u8), 0..60_u8],
        [seqs.clone(), seqs],
        any::<bool>(),
    )
        .prop_map(|(seed, loss, first_seqs, is_zero_copy)| Course {
            seed,
            loss,
            first_seqs,
            is_zero_copy,
        })
}

/// A small generator, after Marsaglia.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two streams of two connections each way, in pieces of any size, with losses, restarts, a peer that takes
    /// little at a time, and an application that keeps chunks and reservations for a while.
    #[test]
    fn streams_arrive_whole(course in course()) {
        let (mut toe, mut pipe) = pair();
        pipe.first_seqs = course.first_seqs;
        let mut random = Random(course.seed | 1);
        let mut ends: Vec<End> = (0..2).map(|nth| {
            let (id, number) = connect(&mut toe, &mut pipe);
            let flow = pipe.flows.get_mut(&number).expect("open");
            flow.from_peer = pattern(nth, 12_000 + random.below(5000));
            End {
                id,
                number,
                at_host: Vec::new(),
                to_peer: pattern(0x80 + nth, 9000 + random.below(5000)),
                n_written: 0,
                chunks: Vec::new(),
                reservations: Vec::new(),
            }
        }).collect();
        let mut packet = Vec::new();
        let mut rounds = 0;
        while !ends.iter().all(|end| end.is_done(&pipe)) {
            rounds += 1;
            prop_assert!(rounds < 20_000, "it stalls: {ends:?}");
            for end in &mut ends {
                end.act(&mut toe, &mut pipe, &mut random, course.is_zero_copy);
                let flow = pipe.flows.get_mut(&end.number).expect("open");
                flow.peer_limit = flow.at_peer.len() + random.below(1500);
                if rounds % 8 == 0 {
                    pipe.report(end.number, ReportReason::Generator);
                }
                if rounds % 64 == 0 {
                    pipe.report(end.number, ReportReason::Timeout);
                }
            }
            while toe.poll_transmit(&mut packet) {
                let is_sync = packet[14 + 20 + 8 + 12] & 0x80 != 0;
                if is_sync || random.below(256) >= course.loss.into() {
                    pipe.receive(&packet);
                }
            }
            while let Some(packet) = pipe.to_host.pop_front() {
                toe.receive(&packet, NOW)?;
            }
        }
        for end in &ends {
            let flow = &pipe.flows[&end.number];
            prop_assert!(end.at_host == flow.from_peer, "what the host has read");
            prop_assert!(flow.at_peer == end.to_peer, "what the peer has read");
        }
        prop_assert_eq!(toe.counters().n_refused, 0);
        prop_assert_eq!(toe.counters().n_missing, 0);
    }
}

/// Something that is done to a host, sensible or not.
#[derive(Clone, Debug)]
enum Deed {
    Packet {
        nth_buffer: u32,
        place: u64,
        immediate: Option<u32>,
        len: usize,
    },
    Report([u32; 4]),
    Anything(Vec<u8>, u64),
    Event(HostEvent),
    Read(usize),
    Take(usize),
    Free,
    Write(usize),
    Reserve(usize),
    Commit,
    Shutdown,
    Close,
    Later(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = 4_u16..8;
    let opened = (number.clone(), 0_u32..66, any::<[u32; 3]>(), any::<u16>());
    let event = prop_oneof![
        opened.prop_map(|(connection, buffer, [rx, tx, credits], mss)| {
            HostEvent::Accepted(p4rmt_wire::Opened {
                connection,
                context: 0,
                local: PEER,
                remote: PEER,
                buffer,
                first_rx_seq: rx,
                first_tx_seq: tx,
                mss,
                credits,
            })
        }),
        (number.clone(), any::<u32>())
            .prop_map(|(connection, length)| HostEvent::PeerFinished { connection, length }),
        number
            .clone()
            .prop_map(|connection| HostEvent::Closed { connection }),
        number.prop_map(|connection| HostEvent::Reset {
            connection,
            reason: FailReason::TimedOut,
        }),
    ];
    let word = prop_oneof![0_u32..9, any::<u32>()];
    let words = [word.clone(), word.clone(), word.clone(), word];
    let near = prop_oneof![0..400_u32, any::<u32>()];
    let packet = (
        0_u32..2,
        0..8200_u64,
        proptest::option::of((4_u32..8, near)),
        0..200_usize,
    );
    prop_oneof![
        8 => packet.prop_map(|(nth, place, ready, len)| Deed::Packet {
            nth_buffer: 63 - nth,
            place,
            immediate: ready.map(|(connection, position)| connection << 17 | position & 0x1_ffff),
            len,
        }),
        2 => words.prop_map(Deed::Report),
        1 => (proptest::collection::vec(any::<u8>(), 0..40), any::<u64>())
            .prop_map(|(payload, address)| Deed::Anything(payload, address)),
        2 => event.prop_map(Deed::Event),
        2 => (0..900_usize).prop_map(Deed::Read),
        2 => (0..900_usize).prop_map(Deed::Take),
        2 => Just(Deed::Free),
        2 => (0..4000_usize).prop_map(Deed::Write),
        1 => (0..4000_usize).prop_map(Deed::Reserve),
        1 => Just(Deed::Commit),
        1 => Just(Deed::Shutdown),
        1 => Just(Deed::Close),
        1 => (0_u64..100).prop_map(Deed::Later),
    ]
}

proptest! {
    /// Whatever pipe, control plane and application do: all is refused or done, and what goes out can be read.
    #[test]
    fn nothing_panics(deeds in proptest::collection::vec(deed(), 0..120)) {
        let (mut toe, mut pipe) = pair();
        let mut ids = vec![connect(&mut toe, &mut pipe).0, connect(&mut toe, &mut pipe).0];
        let (mut chunks, mut reservations) = (Vec::new(), Vec::new());
        let mut now = NOW;
        let mut out = Vec::new();
        for (nth, deed) in deeds.into_iter().enumerate() {
            let id = ids[nth % ids.len()];
            match deed {
                Deed::Packet { nth_buffer, place, immediate, len } => {
                    let address = pipe.settings.receive.address_of(nth_buffer) + place;
                    let packet = pipe.packet(address, immediate, &vec![7; len]);
                    let _ = toe.receive(&packet, now);
                }
                Deed::Report(words) => {
                    let payload: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
                    let address = pipe.settings.reports + 16 * u64::from(words[0]);
                    let packet = pipe.packet(address, None, &payload);
                    let _ = toe.receive(&packet, now);
                }
                Deed::Anything(payload, address) => {
                    let packet = pipe.packet(address, None, &payload);
                    let _ = toe.receive(&packet, now);
                    let _ = toe.receive(&payload, now);
                }
                Deed::Event(event) => drop(toe.handle(event, now)),
                Deed::Read(len) => drop(toe.read(id, &mut vec![0; len])),
                Deed::Take(len) => chunks.extend(toe.take_received(id, len)),
                Deed::Free => {
                    if let Some(chunk) = chunks.pop() {
                        let _ = toe.chunk_slices(&chunk);
                        let _ = toe.free(chunk);
                    }
                }
                Deed::Write(len) => drop(toe.write(id, &vec![1; len])),
                Deed::Reserve(len) => reservations.extend(toe.reserve(id, len)),
                Deed::Commit => {
                    if let Some(reservation) = reservations.pop() {
                        let _ = toe.reservation_slices(&reservation);
                        let _ = toe.commit(reservation);
                    }
                }
                Deed::Shutdown => drop(toe.shutdown_write(id)),
                Deed::Close => toe.close(id, now),
                Deed::Later(seconds) => {
                    now += Duration::from_secs(seconds);
                    toe.poll(now);
                }
            }
            let _ = toe.readiness(id);
            while let Some(event) = toe.poll_event() {
                if let Event::Accepted { id, .. } = event {
                    ids.push(id);
                }
            }
            while toe.poll_transmit(&mut out) {
                let (write, payload) = p4rmt_wire::RdmaWrite::parse(&out)?;
                SwitchAddress::from_address(write.address)?;
                prop_assert!(payload.len() <= 3000);
            }
            while toe.poll_request().is_some() {}
        }
    }
}

/// The application's end of a connection.
#[derive(Debug)]
struct End {
    id: ConnectionId,
    number: u16,
    at_host: Vec<u8>,
    to_peer: Vec<u8>,
    n_written: usize,
    chunks: Vec<p4rmt_libtoe::Chunk>,
    reservations: Vec<p4rmt_libtoe::Reservation>,
}

impl End {
    fn is_done(&self, pipe: &Pipe) -> bool {
        let flow = &pipe.flows[&self.number];
        self.at_host.len() >= flow.from_peer.len() && flow.at_peer.len() >= self.to_peer.len()
    }

    fn act(&mut self, toe: &mut Toe, pipe: &mut Pipe, random: &mut Random, is_zero_copy: bool) {
        for _ in 0..random.below(4) {
            pipe.deliver(self.number, 1 + random.below(MSS.into()));
        }
        if is_zero_copy {
            self.act_in_place(toe, random);
            return;
        }
        let mut bytes = vec![0; 1 + random.below(700)];
        match toe.read(self.id, &mut bytes) {
            Ok(n_read) => self.at_host.extend(&bytes[..n_read]),
            Err(error) => assert_eq!(error, ToeError::WouldBlock),
        }
        let end = self.to_peer.len().min(self.n_written + random.below(900));
        match toe.write(self.id, &self.to_peer[self.n_written..end]) {
            Ok(n_written) => self.n_written += n_written,
            Err(error) => assert_eq!(error, ToeError::WouldBlock),
        }
    }

    fn act_in_place(&mut self, toe: &mut Toe, random: &mut Random) {
        match toe.take_received(self.id, 1 + random.below(700)) {
            Ok(chunk) => {
                let bytes = toe.chunk_slices(&chunk).expect("it is not freed");
                self.at_host.extend(bytes.concat());
                self.chunks.push(chunk);
            }
            Err(error) => assert_eq!(error, ToeError::WouldBlock),
        }
        while self.chunks.len() > random.below(4) {
            let chunk = self.chunks.swap_remove(random.below(self.chunks.len()));
            toe.free(chunk).expect("it is open");
        }
        let len = (self.to_peer.len() - self.n_written).min(1 + random.below(500));
        match toe.reserve(self.id, len) {
            Ok(reservation) => {
                self.n_written += len;
                self.reservations.push(reservation);
            }
            Err(error) => assert_eq!(error, ToeError::WouldBlock),
        }
        while self.reservations.len() > random.below(4) {
            let nth = random.below(self.reservations.len());
            let reservation = self.reservations.swap_remove(nth);
            let start = reservation.position() as usize;
            let [first, second] = toe
                .reservation_slices(&reservation)
                .expect("it is not committed");
            let (from_first, from_second) =
                self.to_peer[start..start + first.len() + second.len()].split_at(first.len());
            first.copy_from_slice(from_first);
            second.copy_from_slice(from_second);
            toe.commit(reservation).expect("it is open");
        }
    }
}
