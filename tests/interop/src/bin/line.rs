//! Stands in for `ssh` in tests: ignores the host, runs the command, and is a bad line where the environment says so.
//!
//! `LINE_DELAY` in milliseconds each way; `LINE_CUT_REQUESTS`, `LINE_CUT_RESPONSES`: the line ends behind so many bytes that way;
//! `LINE_KILL_REQUESTS`: the server is killed there instead; `LINE_LOG` is a file that gets the number of bytes each way.

use std::{
    env, fs,
    io::{Read, Write},
    process::{Child, Command, Stdio, exit},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

static BYTES: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().and_then(|text| text.parse().ok())
}

fn main() {
    let mut words = env::args().skip(1);
    while words.next().is_some_and(|word| word == "-p") {
        words.next();
    }
    let program = words.next().expect("a command");
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        eprintln!("{error}");
        exit(127)
    });
    let (requests, responses) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let child = Arc::new(Mutex::new(child));
    let server = Arc::clone(&child);
    let (cut, killed) = (number("LINE_CUT_REQUESTS"), number("LINE_KILL_REQUESTS"));
    let there = thread::spawn(move || {
        forward(0, std::io::stdin(), requests, cut.or(killed), move || match killed {
            Some(_) => kill(&server),
            None => exit(255),
        });
    });
    forward(1, responses, std::io::stdout(), number("LINE_CUT_RESPONSES"), || exit(255));
    let _ = there; // the server has ended, whatever the client still says
    let status = child.lock().expect("the server").wait().expect("its end");
    if let Ok(path) = env::var("LINE_LOG") {
        let [sent, received] = [0, 1].map(|way| BYTES[way].load(Ordering::Relaxed));
        fs::write(path, format!("{sent} {received}\n")).expect("the log");
    }
    exit(status.code().unwrap_or(255));
}

fn kill(server: &Mutex<Child>) {
    let _ = server.lock().expect("the server").kill();
}

/// One way: bytes arrive after the delay, until there are no more or the line ends.
fn forward(
    way: usize,
    mut from: impl Read + Send,
    mut to: impl Write + Send,
    most: Option<u64>,
    end: impl Fn() + Send,
) {
    let delay = Duration::from_millis(number("LINE_DELAY").unwrap_or(0));
    let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(4096);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut piece = vec![0; 64 << 10];
            while let Ok(length @ 1..) = from.read(&mut piece) {
                if sender.send((Instant::now() + delay, piece[..length].to_vec())).is_err() {
                    return;
                }
            }
        });
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let before = BYTES[way].fetch_add(bytes.len() as u64, Ordering::Relaxed);
            let left = most.map_or(u64::MAX, |most| most.saturating_sub(before));
            let now = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            if to.write_all(now).and_then(|()| to.flush()).is_err() {
                break;
            }
            if now.len() < bytes.len() {
                end();
            }
        }
        // What is still being read has nowhere to go.
        drop(to);
    });
}
