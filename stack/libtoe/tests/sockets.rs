//! Sockets as applications use them, with the scripted pipe in a thread of its own, or driven by hand.

mod pipe;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV4};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use p4rmt_libtoe::{
    Context, ControlChannel, Driver, FailReason, Host, HostEvent, HostRequest, Interest, JsonLines,
    Poller, Queue, TcpListener, TcpStream,
};
use p4rmt_wire::ReportReason;

use pipe::{OUR_IP, PEER, Pipe, settings};

/// The pipe's ends of link and channel.
type Ends = (Queue<Vec<u8>, Vec<u8>>, Queue<HostEvent, HostRequest>);
type HandDriver = Driver<Queue<Vec<u8>, Vec<u8>>, Queue<HostRequest, HostEvent>>;

fn pattern(seed: u8, len: usize) -> Vec<u8> {
    let byte = |at: usize| (at as u8).wrapping_mul(7).wrapping_add((at >> 8) as u8) ^ seed;
    (0..len).map(byte).collect()
}

fn host() -> (Host, HandDriver, Ends) {
    let (link, link_end) = Queue::pair();
    let (channel, channel_end) = Queue::pair();
    let (host, driver) = Host::new(link, channel);
    (host, driver, (link_end, channel_end))
}

/// What has come goes through the pipe, and every connection gets its report and the next bytes of its peer.
fn turn(pipe: &mut Pipe, (link, channel): &Ends) {
    while let Some(request) = channel.pop() {
        pipe.handle(request);
    }
    while let Some(packet) = link.pop() {
        pipe.receive(&packet);
    }
    let numbers: Vec<u16> = pipe.flows.keys().copied().collect();
    for number in numbers {
        while pipe.deliver(number, 100) > 0 {}
        pipe.report(number, ReportReason::Generator);
        let flow = &pipe.flows[&number];
        let is_sent = flow.n_delivered == flow.from_peer.len();
        // The peer ends when we do.
        if flow.shutdown.is_some() && is_sent && !flow.is_end_told {
            pipe.finish_peer(number);
        }
    }
    pipe.close_ended();
    for packet in pipe.to_host.drain(..) {
        link.push(packet);
    }
    for event in pipe.events.drain(..) {
        channel.push(event);
    }
}

/// A host with a thread that drives it and one that is the pipe.
struct Running {
    host: Host,
    pipe: Arc<Mutex<Pipe>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Running {
    fn start() -> Self {
        let (host, driver, ends) = host();
        let pipe = Arc::new(Mutex::new(Pipe::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (Arc::clone(&pipe), Arc::clone(&is_over));
        let piping = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                turn(&mut shared.lock().expect("nobody panicked"), &ends);
                std::thread::sleep(Duration::from_micros(200));
            }
            Ok(())
        });
        Self {
            host,
            pipe,
            is_over,
            threads: vec![driver.spawn(), piping],
        }
    }

    fn context(&self) -> Context {
        Context::open(&self.host, settings(0)).expect("the settings are good")
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pipe) -> T) -> T {
        act(&mut self.pipe.lock().expect("nobody panicked"))
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&self, mut holds: impl FnMut(&mut Pipe) -> bool) {
        let start = Instant::now();
        while !self.with(&mut holds) {
            assert!(start.elapsed() < Duration::from_secs(20), "it never is so");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.host.stop();
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let result = thread.join();
            if !std::thread::panicking() {
                result.expect("no thread panics").expect("queues are whole");
            }
        }
    }
}

fn address(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(OUR_IP, port)
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    result.expect_err("it fails").kind()
}

/// Eight connections at once, each served by a thread; when all is over, every number and buffer is free again.
#[test]
fn an_echo_server() {
    let running = Running::start();
    let context = running.context();
    let listener = TcpListener::bind(&context, address(0)).expect("the address is ours");
    assert_eq!(
        listener.local_addr().expect("it listens"),
        address(4000).into()
    );
    let numbers: Vec<u16> = running.with(|pipe| {
        let accept = |nth| {
            let number = pipe.accept();
            let flow = pipe.flows.get_mut(&number).expect("it is open");
            flow.from_peer = pattern(nth, 30_000);
            number
        };
        (0..8).map(accept).collect()
    });
    let servers: Vec<JoinHandle<usize>> = (0..8)
        .map(|_| {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            std::thread::spawn(move || {
                let mut bytes = [0; 700];
                let mut n_echoed = 0;
                while n_echoed < 30_000 {
                    let n_read = stream.read(&mut bytes).expect("it stays open");
                    stream.write_all(&bytes[..n_read]).expect("it stays open");
                    n_echoed += n_read;
                }
                stream.shutdown(Shutdown::Write).expect("it is open");
                assert_eq!(stream.read(&mut bytes).expect("the peer ends, too"), 0);
                n_echoed
            })
        })
        .collect();
    running.until(|pipe| pipe.flows.is_empty());
    for server in servers {
        assert_eq!(server.join().expect("no thread panics"), 30_000);
    }
    for (nth, number) in numbers.iter().enumerate() {
        let is_same = running.with(|pipe| pipe.ended[number] == pattern(nth as u8, 30_000));
        assert!(is_same, "stream {nth} is another");
    }
    drop(listener);
    assert_eq!(running.host.n_sockets(), 0);
    running.until(|pipe| {
        let stopped = HostRequest::StopListening {
            local: address(4000),
        };
        pipe.requests.contains(&stopped) && pipe.free_buffers.len() == 64
    });
    let counters = running.host.counters();
    assert_eq!((counters.n_refused, counters.n_missing), (0, 0));
}

#[test]
fn connections_that_do_not_come_about() {
    let running = Running::start();
    let context = running.context();
    for (reason, expected) in [
        (FailReason::Refused, ErrorKind::ConnectionRefused),
        (FailReason::TimedOut, ErrorKind::TimedOut),
        (FailReason::NoneLeft, ErrorKind::ResourceBusy),
        (FailReason::NoRoute, ErrorKind::HostUnreachable),
    ] {
        running.with(|pipe| pipe.refusal = Some(reason));
        assert_eq!(kind(TcpStream::connect(&context, PEER)), expected);
    }
    let elsewhere = SocketAddrV4::new([9, 9, 9, 9].into(), 80);
    let refused = TcpListener::bind(&context, elsewhere);
    assert_eq!(kind(refused), ErrorKind::AddrNotAvailable);
    let v6: std::net::SocketAddr = "[::1]:80".parse().expect("an address");
    assert_eq!(
        kind(TcpStream::connect(&context, v6)),
        ErrorKind::Unsupported
    );
    let mut bad = settings(0);
    bad.queue_pair = 0x12;
    bad.receive.buffer_bytes = 5000;
    assert_eq!(
        kind(Context::open(&running.host, bad)),
        ErrorKind::InvalidInput
    );
    assert_eq!(running.host.n_sockets(), 0);
}

#[test]
fn reads_and_writes_that_fail() {
    let running = Running::start();
    let context = running.context();
    let mut stream = TcpStream::connect(&context, PEER).expect("the peer answers");
    assert_eq!(stream.peer_addr().expect("it is open"), PEER.into());
    assert_eq!(stream.local_addr().expect("it is open").ip(), OUR_IP);
    stream.set_nonblocking(true).expect("as std has it");
    let mut bytes = [0; 10];
    assert_eq!(kind(stream.read(&mut bytes)), ErrorKind::WouldBlock);
    stream.set_nonblocking(false).expect("as std has it");
    let timeout = Some(Duration::from_millis(5));
    stream.set_read_timeout(timeout).expect("it is not zero");
    assert_eq!(kind(stream.read(&mut bytes)), ErrorKind::TimedOut);
    let zero = stream.set_write_timeout(Some(Duration::ZERO));
    assert_eq!(kind(zero), ErrorKind::InvalidInput);
    stream.shutdown(Shutdown::Write).expect("it is open");
    assert_eq!(kind(stream.write(b"more")), ErrorKind::BrokenPipe);

    let mut other = TcpStream::connect(&context, PEER).expect("the peer answers");
    let number = running.with(|pipe| *pipe.flows.keys().last().expect("it is open"));
    running.with(|pipe| {
        pipe.events.push_back(HostEvent::Reset {
            connection: number,
            reason: FailReason::Refused,
        });
    });
    assert_eq!(kind(other.read(&mut bytes)), ErrorKind::ConnectionReset);
    assert_eq!(kind(other.write(b"more")), ErrorKind::ConnectionReset);
    let error = other.take_error().expect("it is known").expect("it failed");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let mut third = TcpStream::connect(&context, PEER).expect("the peer answers");
    third.abort().expect("it is open");
    assert_eq!(kind(third.read(&mut bytes)), ErrorKind::ConnectionAborted);

    let mut fourth = TcpStream::connect(&context, PEER).expect("the peer answers");
    let mut reader = fourth.try_clone().expect("as std has it");
    let waiting = std::thread::spawn(move || kind(reader.read(&mut [0; 10])));
    context.close();
    assert_eq!(waiting.join().expect("no panic"), ErrorKind::NotConnected);
    assert_eq!(kind(fourth.write(b"more")), ErrorKind::NotConnected);
    assert_eq!(
        kind(TcpStream::connect(&context, PEER)),
        ErrorKind::NotConnected
    );
}

#[test]
fn whoever_waits_hears_that_the_driver_stops() {
    let running = Running::start();
    let context = running.context();
    let mut stream = TcpStream::connect(&context, PEER).expect("the peer answers");
    let poller = Poller::new(&running.host);
    poller
        .add(&stream, 1, Interest::READ)
        .expect("the same host");
    let reading = std::thread::spawn(move || kind(stream.read(&mut [0; 10])));
    let polling = std::thread::spawn(move || kind(poller.wait(&mut Vec::new(), None)));
    std::thread::sleep(Duration::from_millis(5));
    running.host.stop();
    assert_eq!(
        reading.join().expect("no panic"),
        ErrorKind::ConnectionAborted
    );
    assert_eq!(
        polling.join().expect("no panic"),
        ErrorKind::ConnectionAborted
    );
}

#[test]
fn bytes_in_place() {
    let running = Running::start();
    let context = running.context();
    let stream = TcpStream::connect(&context, PEER).expect("the peer answers");
    let number = running.with(|pipe| {
        let (number, flow) = pipe.flows.iter_mut().next().expect("it is open");
        flow.from_peer = pattern(1, 10_000);
        *number
    });
    let mut received = Vec::new();
    let mut kept = Vec::new();
    while received.len() < 10_000 {
        let n_there = stream
            .recv_slices(|slices| slices.concat().len())
            .expect("it is open");
        let chunk = stream.recv_chunk(333).expect("it is open");
        assert!(chunk.len() == n_there.min(333) || chunk.len() > n_there);
        let show = |slices: [&[u8]; 2]| received.extend(slices.concat());
        stream.chunk_slices(&chunk, show).expect("it is not freed");
        kept.push(chunk);
        if kept.len() == 3 {
            for chunk in kept.drain(..).rev() {
                stream.consume(chunk).expect("it is open");
            }
        }
    }
    assert!(received == pattern(1, 10_000));
    let sent = pattern(2, 10_000);
    let too_many = stream.send_reserve(3001);
    assert_eq!(kind(too_many), ErrorKind::InvalidInput);
    for part in sent.chunks(500).collect::<Vec<_>>().chunks(2) {
        let mut reserved = Vec::new();
        for bytes in part {
            reserved.push((stream.send_reserve(bytes.len()).expect("it is open"), bytes));
        }
        assert_eq!(
            kind(stream.shutdown(Shutdown::Write)),
            ErrorKind::WouldBlock
        );
        for (reservation, bytes) in reserved.into_iter().rev() {
            let fill = |[first, second]: [&mut [u8]; 2]| {
                let (to_first, to_second) = bytes.split_at(first.len());
                first.copy_from_slice(to_first);
                second.copy_from_slice(to_second);
            };
            stream
                .reservation_slices(&reservation, fill)
                .expect("it is not committed");
            stream.send_commit(reservation).expect("it is open");
        }
    }
    running.until(|pipe| pipe.flows[&number].at_peer.len() == 10_000);
    assert!(running.with(|pipe| pipe.flows[&number].at_peer == sent));
}

/// Many connections in one thread that never waits: what is written to each is read from the next.
#[test]
fn one_thread_that_polls() {
    const N_STREAMS: usize = 60;
    let (host, mut driver, ends) = host();
    let mut pipe = Pipe::new();
    let context = Context::start(&host, settings(0)).expect("the settings are good");
    let listener = TcpListener::start(&context, address(80)).expect("the context is open");
    let poller = Poller::new(&host);
    poller
        .add(&listener, usize::MAX, Interest::READ)
        .expect("the same host");
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut received = vec![Vec::<u8>::new(); N_STREAMS];
    let mut n_written = [0; N_STREAMS];
    let mut is_begun = false;
    let mut ready = Vec::new();
    let mut n_rounds = 0;
    while received.iter().any(|bytes| bytes.len() < 3000) || n_written.iter().any(|n| *n < 5000) {
        n_rounds += 1;
        assert!(n_rounds < 10_000, "it stalls");
        turn(&mut pipe, &ends);
        while driver.drive().expect("the queues are whole") {}
        if pipe.listener.is_some() && !is_begun {
            is_begun = true;
            for nth in 0..N_STREAMS {
                let number = pipe.accept();
                let flow = pipe.flows.get_mut(&number).expect("it is open");
                flow.from_peer = pattern(nth as u8, 3000);
            }
        }
        poller
            .wait(&mut ready, Some(Duration::ZERO))
            .expect("the driver is there");
        for (key, readiness) in &ready {
            if *key == usize::MAX {
                let (stream, _) = listener.accept().expect("it is ready");
                stream.set_nonblocking(true).expect("as std has it");
                poller
                    .add(&stream, streams.len(), Interest::BOTH)
                    .expect("the same host");
                streams.push(stream);
                continue;
            }
            let stream = &mut streams[*key];
            if readiness.is_readable {
                let mut bytes = [0; 600];
                let n_read = stream.read(&mut bytes).expect("it is ready");
                received[*key].extend(&bytes[..n_read]);
            }
            if readiness.is_writable && n_written[*key] < 5000 {
                let bytes = pattern(!(*key as u8), 5000);
                n_written[*key] += stream
                    .write(&bytes[n_written[*key]..])
                    .expect("it is ready");
                if n_written[*key] == 5000 {
                    poller
                        .add(&*stream, *key, Interest::READ)
                        .expect("the same host");
                }
            }
        }
    }
    for (nth, bytes) in received.iter().enumerate() {
        assert!(
            *bytes == pattern(nth as u8, 3000),
            "stream {nth} is another"
        );
    }
    drop(streams);
    for _ in 0..200 {
        turn(&mut pipe, &ends);
        while driver.drive().expect("the queues are whole") {}
    }
    assert_eq!(pipe.flows.len(), 0, "all are closed and given back");
    assert_eq!(host.n_sockets(), 1, "the listener");
    assert_eq!(host.counters().n_refused, 0);
    poller
        .wait(&mut ready, Some(Duration::ZERO))
        .expect("the driver is there");
    assert_eq!(ready, []);
}

/// A connection that nobody accepts is reset when its listener goes; one that is begun and dropped, too.
#[test]
fn what_nobody_wants_is_given_back() {
    let (host, mut driver, ends) = host();
    let mut pipe = Pipe::new();
    let context = Context::start(&host, settings(0)).expect("the settings are good");
    let listener = TcpListener::start(&context, address(80)).expect("the context is open");
    let mut settle = |pipe: &mut Pipe| {
        for _ in 0..5 {
            while driver.drive().expect("the queues are whole") {}
            turn(pipe, &ends);
        }
    };
    settle(&mut pipe);
    pipe.accept();
    settle(&mut pipe);
    let begun = TcpStream::start(&context, PEER).expect("the context is open");
    assert_eq!(kind((&begun).read(&mut [0; 9])), ErrorKind::WouldBlock);
    drop(begun);
    settle(&mut pipe);
    drop(listener);
    settle(&mut pipe);
    assert_eq!(pipe.flows.len(), 0);
    assert_eq!(host.n_sockets(), 0);
}

#[test]
fn a_control_plane_in_another_process() {
    let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
    ours.set_nonblocking(true).expect("it is open");
    let mut channel = JsonLines::new(ours);
    let mut theirs = theirs;
    assert_eq!(channel.receive().expect("it is open"), None);
    channel
        .send(HostRequest::Taken { connection: 7 })
        .expect("it is open");
    let mut line = [0; 27];
    theirs.read_exact(&mut line).expect("a line has come");
    assert_eq!(&line, b"{\"taken\":{\"connection\":7}}\n");
    theirs
        .write_all(b"{\"closed\":{\"conn")
        .expect("it is open");
    assert_eq!(channel.receive().expect("it is open"), None);
    theirs
        .write_all(b"ection\":8}}\n{\"closed\":{\"connection\":9}}\n")
        .expect("it is open");
    for connection in [8, 9] {
        let event = channel.receive().expect("it is open");
        assert_eq!(event, Some(HostEvent::Closed { connection }));
    }
    theirs.write_all(b"nonsense\n").expect("it is open");
    assert_eq!(kind(channel.receive()), ErrorKind::InvalidData);
    drop(theirs);
    assert_eq!(kind(channel.receive()), ErrorKind::ConnectionAborted);
}
