//! Stands in for `ssh` in tests: ignores the host, runs the command, knows Borg's messages, and drops the line at one of them.
//!
//! `SEVER_STATE` is a directory that remembers how many lines there were. `SEVER_AT` says of each line in turn where it drops:
//! `request:7:before` (the seventh request is lost), `request:7:amid` (half of it arrives), `response:7:before`, `response:7:amid`,
//! or `-`. `SEVER_THEN` is a command that is run before the second line is connected. All requests that passed stand in
//! `SEVER_STATE/requests`, one method a line, and objects that were put as segments in `SEVER_STATE/sent`.

use std::{
    env,
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio, exit},
    thread,
};

use nanoprobe_format::rpc::{Call, Request, Splitter};

/// Where a line drops, one way.
#[derive(Clone, Copy)]
struct Place {
    message: usize,
    amid: bool,
}

fn main() {
    let mut words = env::args().skip(1);
    while words.next().is_some_and(|word| word == "-p") {
        words.next();
    }
    let state = env::var("SEVER_STATE").expect("SEVER_STATE");
    let state = Path::new(&state);
    let lines = count(state);
    if let (2, Ok(command)) = (lines, env::var("SEVER_THEN")) {
        let status = Command::new("/bin/sh").args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.expect("a shell").success(), "{command}");
    }
    let at = env::var("SEVER_AT").unwrap_or_default();
    let at = at.split_whitespace().nth(lines - 1).unwrap_or("-").to_owned();
    let place = |way: &str| {
        let (message, how) = at.strip_prefix(way)?.split_once(':')?;
        Some(Place { message: message.parse().expect("a number"), amid: how == "amid" })
    };
    let mut command = Command::new(words.next().expect("a command"));
    let mut server = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server");
    let (requests, responses) = (server.stdin.take().expect("a pipe"), server.stdout.take().expect("a pipe"));
    let mut record = Record::new(state, lines);
    let drops = place("request:");
    thread::spawn(move || pass(std::io::stdin(), requests, drops, |message| record.request(message)));
    pass(responses, std::io::stdout(), place("response:"), |_| {});
    exit(server.wait().ok().and_then(|status| status.code()).unwrap_or(255));
}

/// Number of this line.
fn count(state: &Path) -> usize {
    fs::create_dir_all(state).expect("the state");
    let path = state.join("lines");
    let lines = fs::read_to_string(&path).map_or(0, |text| text.parse().expect("a number")) + 1;
    fs::write(path, lines.to_string()).expect("the number of lines");
    lines
}

/// Messages one way, until the line drops, which ends this process.
fn pass(mut from: impl Read, mut to: impl Write, drops: Option<Place>, mut passed: impl FnMut(&[u8])) {
    let (mut splitter, mut message, mut piece) = (Splitter::default(), Vec::new(), vec![0; 64 << 10]);
    let mut number = 0;
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let end = splitter.feed(rest).expect("messages");
            let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
            message.extend_from_slice(now);
            rest = later;
            if end.is_none() {
                continue;
            }
            number += 1;
            if let Some(place) = drops.filter(|place| place.message == number) {
                let half = if place.amid { message.len() / 2 } else { 0 };
                let _ = to.write_all(&message[..half]).and_then(|()| to.flush());
                exit(255);
            }
            passed(&message);
            if to.write_all(&message).and_then(|()| to.flush()).is_err() {
                return;
            }
            message.clear();
        }
    }
}

/// What passed.
struct Record {
    requests: File,
    sent: File,
}

impl Record {
    fn new(state: &Path, line: usize) -> Self {
        let folder = state.join("sent/data/0");
        fs::create_dir_all(&folder).expect("a folder");
        let mut sent = File::create(folder.join(line.to_string())).expect("a segment");
        sent.write_all(b"BORG_SEG").expect("a segment");
        let requests = File::options().append(true).create(true).open(state.join("requests")).expect("a log");
        Self { requests, sent }
    }

    fn request(&mut self, message: &[u8]) {
        let request = Request::parse(message).expect("a request");
        let mut line = request.method.to_vec();
        line.push(b'\n');
        self.requests.write_all(&line).expect("a log");
        if let Ok(Call::Put(id, object)) = request.call() {
            let size = (41 + object.len() as u32).to_le_bytes();
            let entry = [&[0; 4][..], &size, &[0], &id.0, object].concat();
            self.sent.write_all(&entry).expect("a segment");
        }
    }
}
