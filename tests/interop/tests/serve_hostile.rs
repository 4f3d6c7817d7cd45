//! Clients that are none: garbage, endless messages, calls out of order. The server's memory is bounded whatever comes.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::Duration,
};

use nanoprobe_format::{
    Id,
    msgpack::Writer,
    rpc::{Call, Open, Outcome, Response, Splitter, Version},
};
use nanoprobe_interop::{Program, World, wait_until};

/// A server whose other end we are.
struct Conversation {
    server: Child,
    output: ChildStdout,
    number: u64,
}

impl Conversation {
    fn new(world: &World, options: &[&str]) -> Self {
        let mut command = world.command(Program::Nanoprobe, ["serve"].iter().chain(options));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().expect("a server");
        let output = server.stdout.take().expect("its output");
        Self { server, output, number: 0 }
    }

    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.server.stdin.as_mut().expect("its input").write_all(bytes)
    }

    /// The class of the exception, or the packed result.
    fn call(&mut self, call: &Call<'_>) -> Result<Vec<u8>, String> {
        self.number += 1;
        let mut bytes = Vec::new();
        call.emit(self.number, &mut Writer::new(&mut bytes)).expect("a message");
        self.send(&bytes).expect("a server that listens");
        self.answer()
    }

    fn answer(&mut self) -> Result<Vec<u8>, String> {
        let (mut splitter, mut message, mut piece) = (Splitter::default(), Vec::new(), vec![0; 1 << 16]);
        loop {
            let read = self.output.read(&mut piece).expect("an answer");
            assert_ne!(read, 0, "the server has gone");
            message.extend_from_slice(&piece[..read]);
            if let Some(end) = splitter.feed(&piece[..read]).expect("msgpack") {
                assert_eq!(end, read, "one answer");
                break;
            }
        }
        let response = Response::parse(&message).expect("an answer");
        assert_eq!(response.number, self.number);
        match response.outcome {
            Outcome::Result(result) => Ok(result.to_vec()),
            Outcome::Exception(exception) => Err(String::from_utf8_lossy(exception.class).into_owned()),
        }
    }

    /// `VmHWM` or `VmRSS`, in KiB.
    fn memory(&self, which: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).expect("a status");
        let line = status.lines().find(|line| line.starts_with(which)).expect("a line");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }

    fn end(mut self) -> i32 {
        drop(self.server.stdin.take());
        self.server.wait().expect("its end").code().expect("a code")
    }
}

fn open<'a>(path: &'a str, create: bool) -> Call<'a> {
    Call::Open(Open {
        path: path.as_bytes(),
        create,
        lock_wait: Some(1),
        lock: true,
        exclusive: true,
        append_only: false,
        make_parent_dirs: false,
    })
}

const LIMIT: u64 = 64 << 10;

#[test]
fn what_is_no_conversation_ends_it() {
    let world = World::new();
    for (what, bytes) in [
        ("a request of a browser", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n".repeat(1000)),
        ("a declared string of 4 GiB", b"\xdb\xff\xff\xff\xff".to_vec()),
        ("a declared list of 4 G", b"\xdd\xff\xff\xff\xff".to_vec()),
        ("lists in lists", vec![0x91; 1 << 20]),
        ("an unknown marker", vec![0xc1]),
        ("no request", b"\x93\x01\x02\x03".to_vec()),
        ("a list of 20 MiB", [&b"\xdd\x01\x3f\xff\xff"[..], &vec![0; 0x013f_ffff]].concat()),
        ("arguments that are none", b"\x83\xa1i\x01\xa1m\xa4open\xa1a\xc0".to_vec()),
    ] {
        let mut conversation = Conversation::new(&world, &[]);
        let _ = conversation.send(&bytes); // it may be gone before the end
        let mut rest = Vec::new();
        drop(conversation.server.stdin.take());
        conversation.output.read_to_end(&mut rest).expect("its output");
        assert!(rest.is_empty(), "{what}");
        assert_eq!(conversation.end(), 2, "{what}");
    }
}

#[test]
fn calls_out_of_order_and_with_wrong_arguments_are_refused() {
    let world = World::new();
    let path = world.repository();
    let mut client = Conversation::new(&world, &[]);
    let version = Some(Version::from(&Version::OURS[..]));
    assert_eq!(client.call(&Call::Negotiate { version }), Ok(b"\x81\xaeserver_version\x94\x01\x04\x05\xff".to_vec()));
    for call in [Call::Get(Id([1; 32])), Call::Rollback, Call::Destroy, Call::BreakLock, Call::LoadKey, Call::Length] {
        assert_eq!(client.call(&call), Err("AttributeError".to_owned()), "{call:?}");
    }
    assert_eq!(client.call(&open(&path, false)), Err("DoesNotExist".to_owned()));
    assert_eq!(client.call(&open(&path, true)).map(|id| id.len()), Ok(35), "a raw string of 32 bytes");
    assert_eq!(client.call(&open(&path, true)), Err("Error".to_owned()), "one repository a conversation");
    assert_eq!(client.call(&Call::Scan { limit: Some(0), marker: None }), Err("ValueError".to_owned()));
    assert_eq!(client.call(&Call::List { limit: None, marker: Some(Id([9; 32])) }), Err("ObjectNotFound".to_owned()));
    for blob in [&b"key\rappend_only = 0"[..], b"\xff", &[b'x'; 100_000]] {
        assert_eq!(client.call(&Call::SaveKey(blob)), Err("ValueError".to_owned()));
    }
    let reserve = |next_free, expected| Call::ReserveNonces { next_free, expected };
    assert_eq!(client.call(&reserve(1 << 30, None)), Ok(vec![0xc0]));
    assert_eq!(client.call(&reserve(1 << 29, Some(1 << 30))), Err("ValueError".to_owned()), "backwards");
    assert_eq!(client.call(&reserve(u64::MAX, Some(1 << 30))), Err("ValueError".to_owned()), "out of sight");
    assert_eq!(client.call(&reserve(1 << 31, None)), Err("Exception".to_owned()), "somebody else was faster");
    for (message, class) in [
        (&b"\x83\xa1i\x01\xa1m\xa7__del__\xa1a\x80"[..], "InvalidRPCMethod"),
        (b"\x83\xa1i\x01\xa1m\xb0inject_exception\xa1a\x81\xa4kind\xa6divide", "InvalidRPCMethod"),
        (b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x81\xa2id\x2a", "ValueError"),
        (b"\x83\xa1i\x01\xa1m\xa3put\xa1a\x81\xa2id\xda\x00\x20................................", "ValueError"),
        (b"\x94\x01\x01\xa3get\x91\xa1x", "InvalidRPCMethod"),
    ] {
        client.number = 1;
        client.send(message).expect("a server that listens");
        assert_eq!(client.answer(), Err(class.to_owned()), "{message:?}");
    }
    assert_eq!(client.call(&Call::Destroy), Ok(vec![0xc0]));
    assert_eq!(client.call(&Call::Rollback), Ok(vec![0xc0]), "of a client that gave up amid `init`");
    assert_eq!(client.call(&Call::Length), Err("AttributeError".to_owned()));
    assert_eq!(client.end(), 0);
    assert!(!world.path("repo").exists());
}

#[test]
fn memory_is_bounded_and_given_back() {
    let world = World::new();
    let path = world.repository();
    let mut client = Conversation::new(&world, &[]);
    client.call(&Call::Negotiate { version: None }).expect("a number");
    assert!(client.memory("VmRSS") <= 10 << 10, "{} KiB before anything", client.memory("VmRSS"));
    client.call(&open(&path, true)).expect("an id");
    let object = vec![7; 20_971_479];
    for number in 0..4 {
        client.call(&Call::Put(Id([number; 32]), &object)).expect("nothing");
        let read = client.call(&Call::Get(Id([number; 32]))).expect("the object");
        assert_eq!(read.len(), object.len() + 5);
    }
    let larger = [&object[..], b"."].concat();
    assert_eq!(client.call(&Call::Put(Id([9; 32]), &larger)), Err("IntegrityError".to_owned()));
    client.call(&Call::Commit { compact: true, threshold: f64::NAN, cleanup_commits: true }).expect("nothing");
    // An argument that nobody knows, as large as a message may be.
    let known = b"\x83\xa1i\x01\xa1m\xa8rollback\xa1a\x81\xa1x\xdd\x01\x40\x00\x00";
    client.number = 1;
    client.send(&[&known[..], &vec![0xc0; 0x0140_0000]].concat()).expect("a server that listens");
    client.answer().expect("nothing");
    assert!(client.memory("VmHWM") <= LIMIT, "{} KiB at most", client.memory("VmHWM"));
    thread::sleep(Duration::from_secs(3));
    assert!(client.memory("VmRSS") <= 10 << 10, "{} KiB when idle", client.memory("VmRSS"));
    assert_eq!(client.end(), 0);
}

#[test]
fn a_client_that_does_not_read_does_not_hold_the_server() {
    let world = World::new();
    let path = world.repository();
    for is_told in [true, false] {
        let mut client = Conversation::new(&world, &[]);
        client.call(&open(&path, is_told)).expect("an id");
        client.call(&Call::Put(Id([1; 32]), &vec![7; 5_000_000])).expect("nothing");
        client.call(&Call::Commit { compact: false, threshold: 0.1, cleanup_commits: false }).expect("nothing");
        // Far more than a pipe holds, and nobody takes it.
        let mut bytes = Vec::new();
        Call::Get(Id([1; 32])).emit(9, &mut Writer::new(&mut bytes)).expect("a message");
        client.send(&bytes).expect("a server that listens");
        thread::sleep(Duration::from_millis(500));
        let Conversation { mut server, output, .. } = client;
        let _output = if is_told {
            let process = rustix::process::Pid::from_child(&server);
            rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("a server");
            Some(output)
        } else {
            drop(output); // whoever read is gone, but what is asked of the server stays open
            None
        };
        wait_until("it runs", || !Path::new("/proc").join(server.id().to_string()).join("exe").exists());
        server.wait().expect("its end");
        assert!(!world.path("repo/lock.exclusive").exists(), "the lock is free");
    }
}

#[test]
fn nobody_gets_past_a_restriction_by_moving_links() {
    let world = World::new();
    for folder in ["allowed", "outside", "allowed/a"] {
        fs::create_dir(world.path(folder)).expect("a folder");
    }
    world
        .run(Program::Nanoprobe, ["init", "-e", "none", world.path("outside/repo").to_str().expect("UTF-8")])
        .success();
    world
        .run(Program::Nanoprobe, ["init", "-e", "none", world.path("allowed/a/repo").to_str().expect("UTF-8")])
        .success();
    let identity = |path: &str| {
        let config = fs::read_to_string(world.path(path)).expect("a configuration");
        let line = config.lines().find(|line| line.starts_with("id = ")).expect("an id").to_owned();
        (0..32).map(|at| u8::from_str_radix(&line[5 + 2 * at..7 + 2 * at], 16).expect("digits")).collect::<Vec<u8>>()
    };
    let (inside, outside) = (identity("allowed/a/repo/config"), identity("outside/repo/config"));
    let shown = world.path("allowed/a");
    std::os::unix::fs::symlink(world.path("outside"), world.path("allowed/link")).expect("a link");
    fs::rename(world.path("allowed/a"), world.path("allowed/real")).expect("another name");
    // Now `a` is in turn the real folder and a link to the outside.
    let mover = {
        let (shown, real, link) = (shown.clone(), world.path("allowed/real"), world.path("allowed/link"));
        let stop = world.path("stop");
        thread::spawn(move || {
            while !stop.exists() {
                for other in [&real, &link] {
                    fs::rename(other, &shown).expect("another name");
                    fs::rename(&shown, other).expect("its own name");
                }
            }
        })
    };
    let restrict = format!("--restrict-to-path={}", world.path("allowed").display());
    let mut client = Conversation::new(&world, &[&restrict]);
    let path = shown.join("repo");
    let path = path.to_str().expect("UTF-8");
    let mut opened = 0;
    for _ in 0..4000 {
        // Without a lock, so that nothing but the place decides.
        let Call::Open(open) = open(path, false) else { unreachable!() };
        if let Ok(id) = client.call(&Call::Open(Open { lock: false, ..open })) {
            assert!(id.ends_with(&inside) && !id.ends_with(&outside));
            opened += 1;
            assert_eq!(client.end(), 0);
            client = Conversation::new(&world, &[&restrict]);
        }
    }
    fs::write(world.path("stop"), "").expect("a file");
    mover.join().expect("a mover without trouble");
    assert!(opened > 0, "the race was never won by the right folder");
}
