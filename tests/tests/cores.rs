//! Several cores do what one does: Laminar, programs for each way in which a key is found, refused, or found
//! wrong, and random packets and entries.

mod cores {
    pub(super) mod programs;
    pub(super) mod replays;
}

use p4rmt_pipeline::{OneCore, ReplayClock};
use p4rmt_shard::{Cause, NoKey};
use p4rmt_tests::mutation::Random;
use p4rmt_tests::rig::root;

use cores::programs::{Tofino, V1};
use cores::replays::{Replay, Subject, check_same};

/// Replays on one core, two and three, and compares everything. Returns why the last was on one core.
fn reason(subject: &Subject, replay: &Replay) -> Option<OneCore> {
    check_same(subject, replay, &[2, 3])
}

/// The setup of the exchange, with connections over so many contexts.
fn laminar_setup(n_contexts: u32) -> String {
    let path = root().join("testvectors/laminar/setup/exchange.stf");
    let mut setup = String::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let connection = line.strip_prefix("add connections meta.connection:");
        let number = connection.and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        let context = number.map_or(0, |number| number % n_contexts);
        setup += &line.replace("(context:0,", &format!("(context:{context},"));
        setup.push('\n');
        if line.starts_with("add contexts") || line.starts_with("add reports") {
            for context in 1..n_contexts {
                let of = format!("meta.context:{context} ");
                setup += &line.replace("meta.context:0 ", &of);
                setup.push('\n');
            }
        }
    }
    setup
}

fn laminar_replay() -> Replay {
    let capture = |side: &str| {
        let path = format!("testvectors/laminar/exchange-{side}.pcap");
        std::fs::read(root().join(path)).unwrap()
    };
    Replay::new(vec![(1, capture("network")), (2, capture("host"))])
}

#[test]
fn laminar_goes_by_context_and_is_what_it_is_on_one_core() {
    let subject = Subject::of_file("laminar.p4", Some("tofino2"), &laminar_setup(4));
    let replay = laminar_replay();
    assert_eq!(reason(&subject, &replay), None);
    // Where packets come so close together that they wait, times may turn out other than foreseen.
    for (clock, rounds) in [
        (ReplayClock::LineRate, 1),
        (ReplayClock::PacketsPerSecond(1_000_000), 1),
        (ReplayClock::Timestamps, 3),
    ] {
        let replay = Replay {
            clock,
            rounds,
            ..laminar_replay()
        };
        let reason = reason(&subject, &replay);
        let is_expected = matches!(reason, None | Some(OneCore::Waits { .. }));
        assert!(is_expected, "{clock:?}: {reason:?}");
    }
}

#[test]
fn laminar_with_one_context_has_one_key() {
    let subject = Subject::of_file("laminar.p4", Some("tofino2"), &laminar_setup(1));
    assert_eq!(
        reason(&subject, &laminar_replay()),
        Some(OneCore::NoKey(NoKey::OneKey))
    );
}

/// Packets of the programs, one a hundred nanoseconds: Ethernet, then two numbers and room for what is told.
fn packets(seed: u64, n_packets: u64, a_below: usize, b_below: usize) -> Replay {
    let mut random = Random::new(seed);
    let packets = (0..n_packets).map(|number| {
        let [a, b] = [a_below, b_below].map(|below| (random.below(below) as u16).to_be_bytes());
        let mut packet = vec![2; 12];
        packet.extend([0x88, 0xb5, a[0], a[1], b[0], b[1], 0, 0, 0, 0]);
        packet.extend(vec![7; random.below(40)]);
        (number * 100, packet)
    });
    Replay::of_packets(1, packets)
}

#[test]
fn a_field_of_the_packet_is_a_key() {
    let subject = Subject::tofino(&Tofino::default(), "mirroring_add 5 3");
    assert_eq!(reason(&subject, &packets(1, 3000, 200, 4)), None);
}

#[test]
fn action_data_of_an_entry_is_a_key_and_entries_join_what_they_name_together() {
    let program = Tofino {
        ingress: "flows.apply(); hdr.bridge.key = meta.id; hdr.bridge.other = meta.group;",
        egress: "count(); count_other();",
        ..Tofino::default()
    };
    let mut setup = "mirroring_add 5 3\n".to_owned();
    for a in 0..100 {
        let (id, group) = (a * 7 % 100, a * 7 % 100 / 10);
        setup +=
            &format!("add Ingress.flows hdr.data.a:{a} Ingress.named(id:{id}, group:{group})\n");
    }
    let subject = Subject::tofino(&program, &setup);
    // Some have no entry: they all have number 0, whose group is 0.
    assert_eq!(reason(&subject, &packets(2, 3000, 110, 4)), None);

    let one_group: String = setup
        .lines()
        .map(|line| match line.split_once("group:") {
            Some((front, _)) => format!("{front}group:3)\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let subject = Subject::tofino(&program, &one_group);
    assert_eq!(
        reason(&subject, &packets(2, 300, 100, 4)),
        Some(OneCore::NoKey(NoKey::OneKey))
    );
}

#[test]
fn random_entries_and_packets_come_to_the_same() {
    let program = Tofino {
        ingress: "flows.apply(); hdr.bridge.key = meta.id; hdr.bridge.other = meta.group;",
        egress: "count(); count_other();",
        ..Tofino::default()
    };
    let mut on_several = 0;
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut setup = "mirroring_add 5 3\n".to_owned();
        let n_groups = 1 + random.below(12);
        let group: Vec<usize> = (0..64).map(|_| random.below(n_groups)).collect();
        for a in 0..64 {
            // Several keys may have one number; sometimes a number has two groups.
            let id = random.below(64);
            let group = if random.happens(2) {
                random.below(n_groups)
            } else {
                group[id]
            };
            setup += &format!(
                "add Ingress.flows hdr.data.a:{a} Ingress.named(id:{id}, group:{group})\n"
            );
        }
        let subject = Subject::tofino(&program, &setup);
        let reason = reason(&subject, &packets(seed, 1500, 64, 3));
        on_several += u32::from(reason.is_none());
    }
    assert!(on_several >= 4, "{on_several} of 12 had a key");
}

/// The reason for which a program has no key, and the text of the line that it names.
#[track_caller]
fn check_refused(program: &Tofino, expected: &str, line: &str) {
    let subject = Subject::tofino(program, "mirroring_add 5 3");
    let found = reason(&subject, &packets(3, 300, 50, 4));
    let Some(OneCore::NoKey(why)) = found else {
        panic!("it has a key: {found:?}");
    };
    assert_eq!(why.to_string(), expected);
    let at = why
        .span()
        .map(|span| subject.line(span))
        .unwrap_or_default();
    assert!(at.contains(line), "at `{at}`, not `{line}`");
}

#[test]
fn what_a_register_returns_is_no_key() {
    let program = Tofino {
        egress: "count(); meta.index = (bit<16>)meta.count; count_at();",
        ..Tofino::default()
    };
    check_refused(
        &program,
        "the index of `Egress.at` is what register `Egress.seen` returns",
        "count_one_at.execute(meta.index)",
    );
}

#[test]
fn an_element_of_all_packets_is_no_key() {
    let program = Tofino {
        egress: "count(); meta.index = 5; count_at();",
        ..Tofino::default()
    };
    check_refused(
        &program,
        "all packets share element 5 of `Egress.at`",
        "count_one_at.execute(meta.index)",
    );
}

#[test]
fn a_random_index_is_no_key() {
    let program = Tofino {
        declared: "Random<bit<16>>() draw;",
        egress: "meta.index = draw.get(); count_at();",
        ..Tofino::default()
    };
    check_refused(
        &program,
        "the index of `Egress.at` is a random value",
        "count_one_at.execute(meta.index)",
    );
}

#[test]
fn two_fields_of_which_no_entry_says_what_belongs_together_are_no_key() {
    let program = Tofino {
        ingress: "hdr.bridge.key = hdr.data.a; hdr.bridge.other = hdr.data.b;",
        egress: "count(); count_other();",
        ..Tofino::default()
    };
    check_refused(
        &program,
        "no entry says which index of `Egress.seen` comes with which index of `Egress.seen_other`",
        "execute(hdr.bridge",
    );
}

#[test]
fn what_only_the_egress_sees_is_no_key_of_an_arriving_packet() {
    let program = Tofino {
        egress: "meta.index = 7w0 ++ eg_intr_md.egress_port; count_at();",
        ..Tofino::default()
    };
    check_refused(
        &program,
        "the egress takes the index of `Egress.at` from a header that the ingress does not send it",
        "count_one_at.execute(meta.index)",
    );
}

#[test]
fn a_copy_that_crosses_to_another_key_is_seen_before_it_touches_anything() {
    let program = Tofino {
        mirrored: "hdr.bridge.other",
        ingress: "hdr.bridge.key = hdr.data.a; hdr.bridge.other = hdr.data.a + 1;",
        ..Tofino::default()
    };
    let subject = Subject::tofino(&program, "mirroring_add 5 3");
    let found = reason(&subject, &packets(4, 3000, 50, 400));
    match found {
        Some(OneCore::Crosses { packet, crossing }) => {
            assert!(packet > 0 && packet < 3000);
            assert_eq!(crossing.array, "Egress.seen");
        }
        other => panic!("it does not cross: {other:?}"),
    }
    // Without a copy nothing does.
    assert_eq!(reason(&subject, &packets(4, 3000, 50, 1)), None);
}

#[test]
fn whoever_asks_for_the_time_waits_for_nobody_unforeseen() {
    let program = Tofino {
        egress: "count(); meta.time = eg_intr_md.enq_tstamp; note_time();",
        ..Tofino::default()
    };
    let subject = Subject::tofino(&program, "mirroring_add 5 3");
    // Now and then a copy makes a third pass, which nothing about the packet's length says.
    assert_eq!(reason(&subject, &packets(5, 2000, 50, 9)), None);
    let dense = Replay {
        clock: ReplayClock::PacketsPerSecond(u64::MAX),
        ..packets(5, 2000, 50, 9)
    };
    let found = reason(&subject, &dense);
    assert!(matches!(found, Some(OneCore::Waits { .. })), "{found:?}");
    // Who does not ask need not wait.
    let subject = Subject::tofino(&Tofino::default(), "mirroring_add 5 3");
    assert_eq!(reason(&subject, &dense), None);
}

#[test]
fn v1model_goes_by_fields_hashes_and_ports() {
    for index in [
        "index = (bit<32>)hdr.data.a;",
        "index = (bit<32>)standard_metadata.ingress_port;",
        "hash(index, HashAlgorithm.crc32, 32w0, { hdr.data.a, hdr.data.b }, 32w64);",
    ] {
        let program = V1 {
            index,
            ..V1::default()
        };
        let subject = Subject::v1model(&program);
        assert_eq!(reason(&subject, &packets(6, 1500, 60, 60)), None, "{index}");
    }
}

#[test]
fn v1model_sends_back_what_may_have_another_key() {
    let program = V1 {
        egress: "if (hdr.data.b == 3) { recirculate_preserving_field_list(0); }",
        ..V1::default()
    };
    let subject = Subject::v1model(&program);
    let found = reason(&subject, &packets(7, 30, 60, 3));
    let Some(OneCore::NoKey(why)) = found else {
        panic!("it has a key: {found:?}");
    };
    assert_eq!(
        why.to_string(),
        "a recirculation may have another key than the packet that it is made of"
    );
    let at = why
        .span()
        .map(|span| subject.line(span))
        .unwrap_or_default();
    assert!(at.contains("recirculate_preserving"), "{at}");
}

#[test]
fn v1model_does_not_foresee_what_the_switch_decides() {
    let program = V1 {
        index: "index = 0;",
        egress: "at.read(count, (bit<32>)standard_metadata.egress_rid); \
                 at.write((bit<32>)standard_metadata.egress_rid, count + 1);",
        is_counted: false,
    };
    let subject = Subject::v1model(&program);
    let found = reason(&subject, &packets(7, 30, 60, 3));
    let Some(OneCore::NoKey(NoKey::Index { array, cause, .. })) = found else {
        panic!("it has a key: {found:?}");
    };
    assert_eq!(array, "MyEgress.at");
    assert!(matches!(cause, Cause::Machine { .. }), "{cause}");
}
