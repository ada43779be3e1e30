//! The demonstration, as a user runs it: a TCP peer that nobody here wrote gets and puts known bytes through the pipe.
//!
//! With smoltcp as the peer it runs everywhere. With Linux it needs root, `/dev/net/tun`, `ip` and `curl`: where they are
//! not there, it is said that it was not run.

#![expect(
    clippy::print_stderr,
    reason = "who runs the tests is told what was not run"
)]

use std::path::Path;
use std::process::{Command, Output};

fn demo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_p4rmt"))
        .args(["demo", "laminar"])
        .args(args)
        .output()
        .expect("the tool was built")
}

#[track_caller]
fn expect_intact(output: &Output, n_accepted: u64) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("every byte arrived intact"), "{said}");
    let accepted = format!("control plane: {n_accepted} accepted, ");
    assert!(said.contains(&accepted), "{said}");
    assert!(!said.contains("FAILED"), "{said}");
}

#[test]
fn smoltcp_gets_and_puts_bytes_through_the_pipe() {
    let output = demo(&[
        "--peer",
        "smoltcp",
        "--megabytes",
        "1",
        "--connections",
        "4",
    ]);
    expect_intact(&output, 6);
}

#[test]
fn bytes_arrive_although_packets_are_lost_doubled_and_overtaken() {
    let impairment = "loss=1%,duplicate=1%,reorder=1%,delay=200us";
    let output = demo(&[
        "--peer",
        "smoltcp",
        "--megabytes",
        "1",
        "--connections",
        "2",
        "--impair",
        impairment,
    ]);
    expect_intact(&output, 4);
}

#[test]
fn what_cannot_be_is_refused() {
    let output = demo(&["--impair", "loss=200%"]);
    assert_eq!(output.status.code(), Some(2));
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere/a.pcap");
    let nowhere = nowhere.to_string_lossy();
    let output = demo(&["--peer", "smoltcp", "--capture", &nowhere]);
    assert_eq!(output.status.code(), Some(1));
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("a.pcap"), "{complained}");
}

/// Whether the Linux of this machine can be the peer.
fn has_linux() -> bool {
    let runs = |program: &str, arg: &str| {
        let output = Command::new(program).arg(arg).output();
        output.is_ok_and(|output| output.status.success())
    };
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| {
        use std::os::unix::fs::MetadataExt as _;
        process.uid() == 0
    });
    let may_make_namespaces = || {
        let name = format!("p4rmt-test-{}", std::process::id());
        let is_made = Command::new("ip").args(["netns", "add", &name]).output();
        let is_made = is_made.is_ok_and(|output| output.status.success());
        is_made
            && Command::new("ip")
                .args(["netns", "del", &name])
                .status()
                .is_ok()
    };
    is_root
        && Path::new("/dev/net/tun").exists()
        && runs("ip", "-V")
        && runs("curl", "-V")
        && may_make_namespaces()
}

#[test]
fn linux_gets_and_puts_bytes_through_the_pipe() {
    if !has_linux() {
        eprintln!("ignored: the Linux of this machine cannot be the peer here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("network.pcap");
    let capture_name = capture.to_string_lossy();
    let output = demo(&[
        "--peer",
        "linux",
        "--megabytes",
        "4",
        "--connections",
        "100",
        "--capture",
        &capture_name,
    ]);
    expect_intact(&output, 102);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("0 of the host, 0 in the pipe's tables, 0 numbers not given back"),
        "{said}"
    );
    check_with_tshark(&capture);
}

/// What Wireshark says of what passed: no bad checksum, nothing malformed, no acknowledgment of what was not sent.
fn check_with_tshark(capture: &Path) {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
        .args([
            "-Y",
            "tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed || tcp.analysis.ack_lost_segment",
        ])
        .output();
    match output {
        Err(_) => eprintln!("ignored: there is no tshark here"),
        Ok(output) => {
            assert!(
                output.status.success(),
                "tshark ended with {}",
                output.status
            );
            let found = String::from_utf8_lossy(&output.stdout);
            assert!(found.trim().is_empty(), "{found}");
        }
    }
}
