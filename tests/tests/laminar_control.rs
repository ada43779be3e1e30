//! The control plane with the real pipe, libTOE behind it, and a TCP in front that nobody here wrote: connections
//! are opened, used and closed from either side, in all orders, over links that lose and reorder, and beside whatever
//! else comes.

use std::net::SocketAddrV4;

use p4rmt_driver::Compiled;
use p4rmt_laminar_control::Config;
use p4rmt_tests::laminar::rig::PEER_PATH;
use p4rmt_tests::laminar::talk::{Ends, PORT, Side, Talks, bytes};
use p4rmt_tests::laminar::wire::{TcpSegment, flags};
use p4rmt_tests::laminar::world::{Weather, World, config};
use p4rmt_tests::mutation::{Random, mutate};
use p4rmt_tests::rig::{ENGINES, compile_program};

fn laminar() -> Compiled {
    compile_program("laminar.p4")
}

fn world(compiled: &Compiled, weather: Weather) -> World {
    world_with(compiled, weather, config(weather.seed))
}

fn world_with(compiled: &Compiled, weather: Weather, config: Config) -> World {
    // Machine code: what the reference interpreter does with Laminar is tested elsewhere.
    World::new(compiled, ENGINES[1], weather, config)
}

/// Orders in which two sides can end: at least one ends first.
const ORDERS: [[Ends; 2]; 3] = [
    [Ends::First, Ends::Second],
    [Ends::Second, Ends::First],
    [Ends::First, Ends::First],
];

/// Of either direction's length nothing, less than a segment, some, and more than all buffers.
const LENGTHS: [usize; 4] = [0, 1, 5_000, 300_000];

#[track_caller]
fn check_orders(weather: Weather, is_active: bool, seconds: u64) {
    let compiled = laminar();
    let mut world = world(&compiled, weather);
    world.listen(PORT, 1024);
    let mut talks = Talks::default();
    let mut port = 1000;
    for [peer_ends, host_ends] in ORDERS {
        for from_peer in LENGTHS {
            for from_host in LENGTHS {
                let seed = weather.seed + u64::from(port);
                let peer = Side::new(bytes(seed, from_peer), peer_ends);
                let host = Side::new(bytes(!seed, from_host), host_ends);
                if is_active {
                    talks.connect_to(&mut world, port, peer, host);
                } else {
                    let buffer = if port % 2 == 0 { 65_535 } else { 200_000 };
                    talks.connect(&mut world, port, peer, host, buffer);
                }
                port += 1;
            }
        }
    }
    talks.finish(&mut world, seconds);
    let statistics = world.statistics();
    let n_opened = if is_active {
        statistics.connected
    } else {
        statistics.accepted
    };
    assert_eq!((n_opened, statistics.closed), (48, 48));
}

#[test]
fn peers_connect_and_either_side_ends_first() {
    check_orders(Weather::default(), false, 20);
}

#[test]
fn hosts_connect_and_either_side_ends_first() {
    check_orders(
        Weather {
            seed: 2,
            ..Weather::default()
        },
        true,
        20,
    );
}

#[test]
fn all_orders_over_links_that_lose_and_reorder() {
    for (seed, is_active) in [(3, false), (4, true)] {
        let weather = Weather {
            seed,
            loss_per_mille: 50,
            late_per_mille: 100,
            ..Weather::default()
        };
        check_orders(weather, is_active, 600);
    }
}

/// So many connections of so many bytes each way.
fn begin_talks(world: &mut World, talks: &mut Talks, ports: std::ops::Range<u16>, n_bytes: usize) {
    for port in ports {
        let order = ORDERS[usize::from(port) % 3];
        let peer = Side::new(bytes(port.into(), n_bytes), order[0]);
        let host = Side::new(bytes(!u64::from(port), n_bytes), order[1]);
        talks.connect(world, port, peer, host, 65_535);
    }
}

#[test]
fn hundreds_of_connections_one_after_the_other_use_the_same_few_numbers() {
    let compiled = laminar();
    let weather = Weather {
        seed: 5,
        n_buffers: 64,
        ..Weather::default()
    };
    let mut world = world(&compiled, weather);
    world.listen(PORT, 64);
    for round in 0..8 {
        let mut talks = Talks::default();
        begin_talks(
            &mut world,
            &mut talks,
            1000 + round * 50..1050 + round * 50,
            3000,
        );
        talks.finish(&mut world, 20);
    }
    assert_eq!(world.statistics().closed, 400);
}

#[test]
fn more_peers_than_buffers_wait_until_there_are_some() {
    let compiled = laminar();
    let weather = Weather {
        seed: 6,
        n_buffers: 8,
        ..Weather::default()
    };
    let mut config = config(weather.seed);
    config.timing.syn_ns = 1_000_000_000;
    let mut world = world_with(&compiled, weather, config);
    world.listen(PORT, 40);
    let mut talks = Talks::default();
    begin_talks(&mut world, &mut talks, 1000..1040, 3000);
    talks.finish(&mut world, 60);
    let statistics = world.statistics();
    assert!(statistics.refused > 0, "{statistics:?}");
}

/// A segment of somebody else on the machine's network.
fn forged(random: &mut Random, src: [u8; 4], ports: [u16; 2], flags: u8) -> TcpSegment {
    let mut path = PEER_PATH;
    path.ips[0] = src;
    TcpSegment {
        path,
        ports,
        seq: random.any() as u32,
        ack: random.any() as u32,
        flags,
        window: random.any() as u16,
        ecn: 0,
        options: Vec::new(),
        payload: Vec::new(),
    }
}

#[test]
fn a_listener_lives_through_a_flood_of_syns() {
    let compiled = laminar();
    let mut world = world(
        &compiled,
        Weather {
            seed: 7,
            ..Weather::default()
        },
    );
    world.listen(PORT, 128);
    let mut random = Random::new(7);
    let mut talks = Talks::default();
    begin_talks(&mut world, &mut talks, 1000..1010, 20_000);
    let mut next = 1010;
    let until = 60_000_000;
    let is_done = world.run_until(until, |world| {
        for _ in 0..20 {
            // Most are of the machine's own address, whose answers it resets; others of nobody.
            let src = [
                10,
                0,
                0,
                if random.happens(500) {
                    1
                } else {
                    100 + random.below(100) as u8
                },
            ];
            let port = 20_000 + random.below(40_000) as u16;
            let mut syn = forged(&mut random, src, [port, PORT], flags::SYN);
            syn.options = vec![2, 4, 5, 0xb4, 1, 3, 3, 7];
            world.inject(&syn.to_bytes());
        }
        if next < 1040 && world.now() / 2000 > u64::from(next - 1010) {
            begin_talks(world, &mut talks, next..next + 1, 20_000);
            next += 1;
        }
        talks.go_on(world) && next == 1040
    });
    let summary = talks.summary(&world);
    println!("{summary}");
    assert!(is_done, "{summary}");
    talks.check(&summary);
    let statistics = world.statistics();
    assert!(statistics.cookies_sent > 1000, "{summary}");
    assert!(statistics.cookies_taken > 0, "{summary}");
    assert_eq!(world.plane.n_connections().1, 0, "{summary}");
}

/// What somebody may send who knows addresses and ports, but not what is on its way.
fn wrong_segment(random: &mut Random, ports: [u16; 2]) -> TcpSegment {
    let kinds = [
        flags::RST,
        flags::RST | flags::ACK,
        flags::SYN,
        flags::SYN | flags::ACK,
        flags::FIN | flags::ACK,
        flags::FIN,
        flags::ACK,
        0,
        0xff,
    ];
    let kind = kinds[random.below(kinds.len())];
    let mut segment = forged(random, [10, 0, 0, 1], ports, kind);
    // Far from any window: what lies in it by chance would be the peer's own.
    segment.seq = 0x4000_0000 + (random.any() as u32 & 0x0fff_ffff);
    if random.happens(300) {
        segment.options = vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    }
    if random.happens(300) {
        segment.payload = bytes(random.any(), 1 + random.below(1400));
    }
    segment
}

#[test]
fn forged_segments_change_no_connection() {
    let compiled = laminar();
    let mut world = world(
        &compiled,
        Weather {
            seed: 8,
            ..Weather::default()
        },
    );
    world.listen(PORT, 128);
    let mut talks = Talks::default();
    begin_talks(&mut world, &mut talks, 1000..1020, 400_000);
    let mut random = Random::new(8);
    let is_done = world.run_until(120_000_000, |world| {
        let n_injected = if world.statistics().accepted == 20 {
            10
        } else {
            0
        };
        for _ in 0..n_injected {
            // Sequence numbers of a machine's connections are anywhere: one that may be near is left out.
            let ports = [1000 + random.below(20) as u16, PORT];
            let segment = wrong_segment(&mut random, ports);
            if talks.is_far(world, ports[0], segment.seq) {
                world.inject(&segment.to_bytes());
            }
        }
        talks.go_on(world)
    });
    let summary = talks.summary(&world);
    println!("{summary}");
    assert!(is_done, "{summary}");
    talks.check(&summary);
    let statistics = world.statistics();
    assert_eq!(
        (statistics.reset_by_peer, statistics.timed_out),
        (0, 0),
        "{summary}"
    );
    assert!(
        statistics.mended_acks > 0 && statistics.challenges > 0,
        "{summary}"
    );
}

/// Whoever reads late closes the window of the other side; all goes on when it reads.
#[test]
fn closed_windows_open_again_on_both_sides() {
    let compiled = laminar();
    for (seed, loss_per_mille) in [(9, 0), (10, 30)] {
        let weather = Weather {
            seed,
            loss_per_mille,
            ..Weather::default()
        };
        let mut world = world(&compiled, weather);
        world.listen(PORT, 16);
        let mut talks = Talks::default();
        for port in 1000..1004_u16 {
            let late = 10_000_000;
            let [peer_from, host_from] = if port % 2 == 0 { [late, 0] } else { [0, late] };
            let peer = Side::new(bytes(port.into(), 300_000), Ends::First);
            let host = Side::new(bytes(!u64::from(port), 300_000), Ends::First);
            let (peer, host) = (peer.reading_from(peer_from), host.reading_from(host_from));
            talks.connect(&mut world, port, peer, host, 65_535);
        }
        talks.finish(&mut world, 60);
        assert!(world.statistics().probes > 0, "a window was closed");
        assert_eq!(world.statistics().timed_out, 0);
    }
}

#[test]
fn a_peer_that_vanishes_is_given_up_and_all_is_given_back() {
    let compiled = laminar();
    let mut world = world(
        &compiled,
        Weather {
            seed: 11,
            ..Weather::default()
        },
    );
    world.listen(PORT, 16);
    let mut talks = Talks::default();
    let peer = Side::new(Vec::new(), Ends::Second);
    let host = Side::new(bytes(1, 3_000_000), Ends::First);
    talks.connect(&mut world, 1000, peer, host, 65_535);
    assert!(world.run_until(30_000, |world| {
        talks.go_on(world);
        world.statistics().accepted == 1
    }));
    world.cut();
    let is_over = world.run_until(60_000_000, |world| {
        talks.go_on(world);
        world.plane.n_connections() == (0, 0)
    });
    assert!(is_over, "{}", talks.summary(&world));
    assert_eq!(world.statistics().timed_out, 1);
    assert_eq!(talks.failures.len(), 1, "{:?}", talks.failures);
}

#[test]
fn nobody_listens_and_nobody_is_there() {
    let compiled = laminar();
    let mut world = world(
        &compiled,
        Weather {
            seed: 12,
            ..Weather::default()
        },
    );
    let socket = world.machine.connect([1000, PORT], 1000);
    let is_refused = world.run_until(5_000_000, |world| !world.machine.tcp(socket).is_open());
    assert!(
        is_refused,
        "an RST answers a SYN for a port that nobody listens on"
    );
    // A port of the machine on which nobody listens, and an address that nobody has.
    let remotes = ["10.0.0.1:9", "10.0.0.77:9", "192.0.2.1:9"];
    for (token, remote) in (0..).zip(remotes) {
        let remote: SocketAddrV4 = remote.parse().expect("an address");
        let any = SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0);
        world
            .toe
            .connect(0, token, remote, any)
            .expect("the context is there");
    }
    let mut reasons = Vec::new();
    world.run_until(5_000_000, |world| {
        while let Some(event) = world.events.pop_front() {
            reasons.push(format!("{event:?}"));
        }
        reasons.len() == 3
    });
    reasons.sort();
    let expected = [(0, "Refused"), (1, "NoRoute"), (2, "NoRoute")];
    let expected =
        expected.map(|(token, why)| format!("Failed {{ token: {token}, reason: {why} }}"));
    assert_eq!(reasons, expected);
    assert_eq!(world.plane.n_connections(), (0, 0));
}

/// Broken packets at the control plane's port and at the network port: nothing panics, and what goes on goes on.
#[test]
fn broken_packets_do_no_harm() {
    let compiled = laminar();
    let mut world = world(
        &compiled,
        Weather {
            seed: 13,
            ..Weather::default()
        },
    );
    world.listen(PORT, 128);
    let mut talks = Talks::default();
    begin_talks(&mut world, &mut talks, 1000..1004, 100_000);
    let mut random = Random::new(13);
    let is_done = world.run_until(60_000_000, |world| {
        for _ in 0..10 {
            let segment = wrong_segment(&mut random, [2000, PORT]);
            let mut frame = segment.to_bytes();
            if random.happens(300) {
                // ARP, notices, and whatever else.
                let kind = [[8, 6], [0x88, 0xb5], [0x86, 0xdd]][random.below(3)];
                frame[12..14].copy_from_slice(&kind);
            }
            let broken = mutate(&mut random, &frame, &[]);
            let now_ns = world.now() * 1000;
            let World { plane, device, .. } = &mut *world;
            plane
                .packet(now_ns, &broken, device)
                .expect("the switch takes all");
            if random.happens(100) && broken.len() < 1600 {
                world.inject(&broken);
            }
        }
        talks.go_on(world)
    });
    let summary = talks.summary(&world);
    println!("{summary}");
    assert!(is_done, "{summary}");
    talks.check(&summary);
    assert!(world.statistics().ignored > 100, "{summary}");
}
