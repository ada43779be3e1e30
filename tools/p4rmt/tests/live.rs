//! `p4rmt run` and `p4rmt ctl` on interfaces of this machine. What needs the right to make interfaces and namespaces
//! is counted as ignored where there is none, so this has a `main` of its own; part of it runs as a server and as a
//! client within the namespaces.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "what runs tests reads their results from the output"
    )
)]

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt as _;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Output, Stdio};
    use std::time::{Duration, Instant};

    /// A test and whether it needs the right to administer the network.
    type Test = (&'static str, bool, fn(&mut Bench));

    const TESTS: [Test; 6] = [
        (
            "a_run_without_ports_is_controlled_and_ends_clean",
            false,
            controlled,
        ),
        ("two_runs_want_two_sockets", false, two_runs),
        ("who_may_not_is_told_what_to_do", true, no_right),
        (
            "two_namespaces_talk_through_a_program",
            true,
            two_namespaces,
        ),
        (
            "an_interface_that_is_deleted_ends_the_run_with_its_name",
            true,
            deleted,
        ),
        (
            "frames_of_an_interface_come_and_go_by_packet_sockets",
            true,
            packet_sockets,
        ),
    ];

    pub(crate) fn main() {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        match arguments.first().map(String::as_str) {
            Some("--serve") => return serve(&arguments[1]),
            Some("--fetch") => return fetch(&arguments[1]),
            Some("--list") => {
                for (name, ..) in TESTS {
                    println!("{name}: test");
                }
                return;
            }
            Some(_) | None => {}
        }
        let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
        let is_wanted = |test: &&Test| filter.is_none_or(|filter| test.0.contains(filter));
        let tests: Vec<&Test> = TESTS.iter().filter(is_wanted).collect();
        println!("\nrunning {} tests", tests.len());
        let may = may_administer();
        let (mut passed, mut failed, mut ignored) = (0, 0, 0);
        for (name, needs_right, test) in &tests {
            if *needs_right && !may {
                println!("test {name} ... ignored, needs root, /dev/net/tun and `ip netns`");
                ignored += 1;
                continue;
            }
            let mut bench = Bench::new();
            let result = catch_unwind(AssertUnwindSafe(|| test(&mut bench)));
            drop(bench);
            let is_ok = result.is_ok();
            println!("test {name} ... {}", if is_ok { "ok" } else { "FAILED" });
            if is_ok { passed += 1 } else { failed += 1 }
        }
        let result = if failed == 0 { "ok" } else { "FAILED" };
        println!(
            "\ntest result: {result}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {} filtered out\n",
            TESTS.len() - tests.len()
        );
        if failed > 0 {
            std::process::exit(101);
        }
    }

    /// Whether namespaces and interfaces can be made here.
    fn may_administer() -> bool {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        let name = format!("p4rmt{}probe", std::process::id());
        let ip = |arguments: &[&str]| {
            let output = Command::new("ip").args(arguments).output();
            output.is_ok_and(|output| output.status.success())
        };
        is_root
            && Path::new("/dev/net/tun").exists()
            && ip(&["netns", "add", &name])
            && ip(&["netns", "del", &name])
    }

    /// What a test makes, and what is taken away behind it.
    struct Bench {
        folder: tempfile::TempDir,
        children: Vec<Child>,
        namespaces: Vec<String>,
        links: Vec<String>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().expect("a folder"),
                children: Vec::new(),
                namespaces: Vec::new(),
                links: Vec::new(),
            }
        }

        fn socket(&self) -> PathBuf {
            self.folder.path().join("socket")
        }

        /// A name that nobody else has.
        fn name(&self, what: &str) -> String {
            format!("p{}{what}", std::process::id())
        }

        fn namespace(&mut self, what: &str) -> String {
            let name = self.name(what);
            ip(&["netns", "add", &name]);
            self.namespaces.push(name.clone());
            name
        }

        /// Starts `p4rmt run` of the bridge, and waits until it can be controlled.
        fn run(&mut self, arguments: &[&str]) -> usize {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../p4src/examples");
            let child = Command::new(env!("CARGO_BIN_EXE_p4rmt"))
                .arg("run")
                .arg(root.join("bridge.p4"))
                .arg("--setup")
                .arg(root.join("bridge.stf"))
                .arg("--control")
                .arg(self.socket())
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it was built");
            self.children.push(child);
            let at = self.children.len() - 1;
            let socket = self.socket();
            let child = &mut self.children[at];
            until("it can be controlled", || {
                socket.exists() || child.try_wait().expect("it is our child").is_some()
            });
            at
        }

        /// What a child said until it ended.
        fn end(&mut self, at: usize) -> Output {
            let child = &mut self.children[at];
            until("it ends", || {
                child.try_wait().expect("it is our child").is_some()
            });
            let status = child.wait().expect("it has ended");
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            if let (Some(out), Some(err)) = (&mut child.stdout, &mut child.stderr) {
                out.read_to_end(&mut stdout).expect("it is a pipe");
                err.read_to_end(&mut stderr).expect("it is a pipe");
            }
            Output {
                status,
                stdout,
                stderr,
            }
        }

        /// Interrupts a run, which ends well and leaves no socket.
        fn interrupt(&mut self, at: usize) -> String {
            let command = format!("kill -INT {}", self.children[at].id());
            let sent = Command::new("sh").args(["-c", &command]).status();
            assert!(sent.is_ok_and(|status| status.success()));
            let output = self.end(at);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            assert!(!self.socket().exists(), "the socket is left behind");
            text(&output.stdout)
        }

        fn ctl(&self, arguments: &[&str]) -> Output {
            Command::new(env!("CARGO_BIN_EXE_p4rmt"))
                .args(["ctl", "--socket"])
                .arg(self.socket())
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .expect("it was built")
        }

        #[track_caller]
        fn ctl_says(&self, arguments: &[&str], expected: &str) {
            let output = self.ctl(arguments);
            assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
            assert!(output.status.success());
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            for child in &mut self.children {
                let _ = child.kill();
                let _ = child.wait();
            }
            // What a test has already taken away itself is gone.
            let gone = |arguments: &[&str]| drop(Command::new("ip").args(arguments).output());
            self.links
                .iter()
                .for_each(|link| gone(&["link", "del", link]));
            self.namespaces
                .iter()
                .for_each(|name| gone(&["netns", "del", name]));
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[track_caller]
    fn ip(arguments: &[&str]) {
        let output = Command::new("ip")
            .args(arguments)
            .output()
            .expect("`ip` is there");
        assert!(
            output.status.success(),
            "ip {arguments:?}: {}",
            text(&output.stderr)
        );
    }

    fn has_link(name: &str) -> bool {
        let output = Command::new("ip").args(["link", "show", name]).output();
        output.expect("`ip` is there").status.success()
    }

    #[track_caller]
    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}: not within two minutes");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn controlled(bench: &mut Bench) {
        let run = bench.run(&["--engine", "jit"]);
        bench.ctl_says(
            &["add", "switching", "dst_addr:0x0a", "forward(port:2)"],
            "",
        );
        bench.ctl_says(&["add switching dst_addr:11 forward(port:0x1ff)"], "");
        bench.ctl_says(&["modify switching dst_addr:11 forward(port:3)"], "");
        bench.ctl_says(
            &["table_dump", "switching"],
            "add BridgeIngress.switching hdr.ethernet.dst_addr:0xa BridgeIngress.forward(port:0x2)\n\
             add BridgeIngress.switching hdr.ethernet.dst_addr:0xb BridgeIngress.forward(port:0x3)\n\
             setdefault BridgeIngress.switching BridgeIngress.flood()\n",
        );
        bench.ctl_says(&["delete switching dst_addr:11"], "");
        bench.ctl_says(&["packet 1 00000000000a 00000000000b 0800 0102"], "");
        bench.ctl_says(&["counter_read sent 2"], "sent(2) = 1 packets 16 bytes\n");
        bench.ctl_says(
            &["--format", "json", "counter_read sent 1..2"],
            "{\"counts\":[[0,0],[1,16]]}\n",
        );
        bench.ctl_says(
            &["--json", r#"{"read_counter":{"counter":"sent","index":2}}"#],
            "sent(2) = 1 packets 16 bytes\n",
        );
        bench.ctl_says(&["mirroring_add 5 3 truncate 64"], "");
        bench.ctl_says(&["mirroring_get 5"], "leads to port 3, cut at 64 bytes\n");
        bench.ctl_says(&["mc_mgrp_get 1"], "node 0: rid 0, ports 1 2 3 4\n");
        // What is wrong with the statement is usage, what the switch refuses is not.
        for (arguments, status, why) in [
            (&["add switching"][..], 2, "statement:1"),
            (
                &["add routing x:1 forward(port:1)"],
                2,
                "there is no single table `routing`",
            ),
            (&["expect 1 00"], 2, "belongs into a vector"),
            (&["counter_read sent 512"], 1, "sent"),
            (&["delete switching dst_addr:77"], 1, ""),
        ] {
            let output = bench.ctl(arguments);
            assert_eq!(output.status.code(), Some(status), "{arguments:?}");
            assert!(
                text(&output.stderr).contains(why),
                "{}",
                text(&output.stderr)
            );
        }
        let watch = Command::new(env!("CARGO_BIN_EXE_p4rmt"))
            .args(["ctl", "--socket"])
            .arg(bench.socket())
            .args(["--events", "2", "watch", "2", "digests"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        bench.children.push(watch.expect("it was built"));
        let watch = bench.children.len() - 1;
        // Until it listens, nobody hears.
        while bench.children[watch]
            .try_wait()
            .expect("it is ours")
            .is_none()
        {
            bench.ctl_says(&["packet 1 00000000000a 00000000000b 0800 0102"], "");
        }
        let events = text(&bench.end(watch).stdout);
        let lines: Vec<&str> = events.lines().collect();
        assert!(
            lines[0].starts_with("packet 2 00000000000a00000000000b08000102  # "),
            "{events}"
        );
        assert!(lines[1].contains("source_t 0xb 0x1  # "), "{events}");
        let summary = bench.interrupt(run);
        assert!(summary.contains("nothing is attached"), "{summary}");
        assert!(summary.contains("BridgeIngress.switching"), "{summary}");
        let output = bench.ctl(&["time"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("no switch listens at"));
    }

    fn two_runs(bench: &mut Bench) {
        let first = bench.run(&[]);
        let second = bench.run(&[]);
        let output = bench.end(second);
        assert_eq!(output.status.code(), Some(1));
        let stderr = text(&output.stderr);
        assert!(stderr.contains("another switch listens at"), "{stderr}");
        bench.ctl_says(&["counter_read sent 0"], "sent(0) = 0 packets 0 bytes\n");
        bench.interrupt(first);
        // What a killed one leaves behind stops nobody.
        let killed = bench.run(&[]);
        bench.children[killed].kill().expect("it is ours");
        bench.end(killed);
        assert!(bench.socket().exists());
        let next = bench.run(&[]);
        until("it answers", || bench.ctl(&["time"]).status.success());
        bench.interrupt(next);
    }

    fn no_right(bench: &mut Bench) {
        let port = format!("1=tap:{}", bench.name("x"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../p4src/examples/bridge.p4");
        let output = Command::new("setpriv")
            .args(["--bounding-set", "-all", "--inh-caps", "-all"])
            .arg(env!("CARGO_BIN_EXE_p4rmt"))
            .arg("run")
            .arg(root)
            .args(["--port", &port, "--control"])
            .arg(bench.socket())
            .output()
            .expect("`setpriv` is there");
        assert_eq!(output.status.code(), Some(1));
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains("cannot attach `tap:") && stderr.contains("run as root"),
            "{stderr}"
        );
        assert!(!bench.socket().exists());
    }

    /// A run between two namespaces, each with an end of it.
    fn between(bench: &mut Bench) -> (usize, [String; 2], [String; 2]) {
        let taps = [bench.name("a"), bench.name("b")];
        let namespaces = [bench.namespace("na"), bench.namespace("nb")];
        let ports = [1, 2].map(|port| format!("{port}=tap:{}", taps[port - 1]));
        let run = bench.run(&["--engine", "jit", "--port", &ports[0], "--port", &ports[1]]);
        for ((tap, namespace), address) in taps.iter().zip(&namespaces).zip(["1", "2"]) {
            ip(&["link", "set", tap, "netns", namespace]);
            let address = format!("10.77.0.{address}/24");
            ip(&["-n", namespace, "addr", "add", &address, "dev", tap]);
            ip(&["-n", namespace, "link", "set", tap, "up"]);
        }
        (run, taps, namespaces)
    }

    fn within(namespace: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]);
        command.arg(std::env::current_exe().expect("it runs"));
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn two_namespaces(bench: &mut Bench) {
        let (run, taps, [here, there]) = between(bench);
        let server = within(&there, &["--serve", "10.77.0.2:7"]).spawn();
        bench.children.push(server.expect("it runs"));
        let client = within(&here, &["--fetch", "10.77.0.2:7"])
            .output()
            .expect("it runs");
        assert!(client.status.success(), "{}", text(&client.stderr));
        let counted = text(&bench.ctl(&["counter_read sent 2"]).stdout);
        assert!(
            counted.starts_with("sent(2) = ") && !counted.contains(" 0 packets"),
            "{counted}"
        );
        let summary = bench.interrupt(run);
        for tap in taps {
            assert!(summary.contains(&format!("tap:{tap}")), "{summary}");
            for namespace in [&here, &there] {
                let left = Command::new("ip")
                    .args(["-n", namespace, "link", "show", &tap])
                    .output();
                assert!(
                    !left.expect("`ip` is there").status.success(),
                    "{tap} is left behind"
                );
            }
        }
    }

    fn deleted(bench: &mut Bench) {
        let (run, [tap, _], [namespace, _]) = between(bench);
        ip(&["-n", &namespace, "link", "del", &tap]);
        let output = bench.end(run);
        assert_eq!(output.status.code(), Some(1));
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains(&format!("error: port 1: `tap:{tap}` is gone")),
            "{stderr}"
        );
        assert!(
            text(&output.stdout).contains("packets in"),
            "there is a summary all the same"
        );
        assert!(!bench.socket().exists());
    }

    fn packet_sockets(bench: &mut Bench) {
        let [near, far, tap] = ["v", "w", "t"].map(|what| bench.name(what));
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far]);
        bench.links.push(near.clone());
        for link in [&near, &far] {
            ip(&["link", "set", link, "up"]);
        }
        let ports = [
            format!("1=packet:{near}"),
            format!("2=packet:{far}"),
            format!("3=tap:{tap}"),
        ];
        let mut arguments = Vec::new();
        ports
            .iter()
            .for_each(|port| arguments.extend(["--port", port]));
        let run = bench.run(&arguments);
        // What leaves at one end comes in at the other, and from there goes to port 3 and nowhere else.
        bench.ctl_says(&["add switching dst_addr:0x0a forward(port:1)"], "");
        bench.ctl_says(&["packet 3 00000000000a 00000000000b 88b5 01020304"], "");
        // The other end knows no such address: it is forwarded to port 1 again, and so on.
        until("it goes round", || {
            let counted = text(&bench.ctl(&["counter_read sent 1"]).stdout);
            let packets = counted
                .split_whitespace()
                .nth(2)
                .and_then(|n| n.parse::<u64>().ok());
            packets.is_some_and(|packets| packets > 3)
        });
        ip(&["link", "del", &near]);
        let output = bench.end(run);
        assert_eq!(output.status.code(), Some(1));
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains("is gone") && stderr.contains("packet:"),
            "{stderr}"
        );
        assert!(!has_link(&tap), "the TAP interface is left behind");
        // One that is not there.
        let missing = format!("1=packet:{near}");
        let run = bench.run(&["--port", &missing]);
        let output = bench.end(run);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("there is no such interface"));
    }

    /// So many bytes go each way.
    const N_BYTES: usize = 1 << 20;

    fn pattern() -> Vec<u8> {
        (0..N_BYTES as u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    /// Gives everything back, to one client.
    fn serve(address: &str) {
        let listener = TcpListener::bind(address).expect("the address is ours");
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("all of it comes");
        stream.write_all(&bytes).expect("all of it goes");
    }

    /// Sends bytes to a server and gets them back.
    fn fetch(address: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let sent = pattern();
        stream.write_all(&sent).expect("all of it goes");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut found = Vec::new();
        stream.read_to_end(&mut found).expect("all of it comes");
        if found != sent {
            eprintln!("{} bytes came back, not those that were sent", found.len());
            std::process::exit(1);
        }
    }
}
