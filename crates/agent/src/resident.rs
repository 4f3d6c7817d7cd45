//! The process that stays: it sleeps until something is due, starts a round, and says that it is alive.
//!
//! It reads neither configuration nor state, and holds nothing but a pipe to the round and a bell for who asks for a job: that is what keeps it below 4 MiB. The
//! round answers on its standard output, a line each: `status TEXT`, what goes on; `idle TEXT`, what does when it has ended; and `wake SECONDS`, when the next one begins.

use std::{
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{child::ask_to_stop, clock, lines::Lines, notify::Watcher, state::requests};

/// What the process that stays needs.
#[derive(Debug)]
pub struct Resident {
    /// Our own executable.
    pub program: PathBuf,
    /// What a round is started with.
    pub arguments: Vec<std::ffi::OsString>,
    /// The directory of the state, where somebody may ask for a job.
    pub state: PathBuf,
    /// Readable when the configuration is to be read anew (SIGHUP).
    pub reload: OwnedFd,
    /// Readable when it is to end (SIGTERM, SIGINT).
    pub stop: OwnedFd,
    /// Who is told that it lives.
    pub watcher: Watcher,
}

/// A clock that jumps, or a machine that slept, is noticed after so many seconds.
const LONGEST_SLEEP: Duration = Duration::from_secs(10 * 60);
/// After a round that did not say when the next one is.
const AFTER_FAILURE: i64 = 5 * 60;
/// Who was told that the state cannot be written is told again after so many seconds.
const ALARM_AGAIN: i64 = 24 * 60 * 60;
/// Of a line of a round.
const MOST_LINE_BYTES: usize = 4096;

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    ByTime,
    ByRound,
    ToReload,
    ToStop,
}

impl Resident {
    /// Stays until it is stopped; gives the exit code. A first round that cannot use the configuration ends it.
    pub fn run(&self, narrate: &mut dyn FnMut(&str)) -> io::Result<u8> {
        let mut is_first = true;
        // Since the last round that ended well.
        let mut alarmed: Option<i64> = None;
        // The first round may have to make it.
        let mut bell = requests::listen(&self.state);
        loop {
            let alarm = alarmed.is_none_or(|alarmed| clock::now() >= alarmed + ALARM_AGAIN);
            let (status, wake, stopped) = self.round(is_first, alarm, bell.as_ref(), narrate)?;
            alarmed = match status.success() {
                true => None,
                false if alarm => Some(clock::now()),
                false => alarmed,
            };
            if stopped {
                self.watcher.tell("STOPPING=1");
                return Ok(0);
            }
            if is_first && status.code() == Some(i32::from(UNUSABLE)) {
                return Ok(2);
            }
            if is_first {
                self.watcher.tell("READY=1");
            }
            is_first = false;
            bell = requests::listen(&self.state).or(bell);
            let wake = wake.unwrap_or_else(|| clock::now() + AFTER_FAILURE);
            while clock::now() < wake {
                let rest = u64::try_from(wake - clock::now()).map_or(Duration::ZERO, Duration::from_secs);
                match self.wait(bell.as_ref(), None, rest.min(LONGEST_SLEEP))? {
                    Woken::ByTime | Woken::ByRound => {}
                    Woken::ToReload => break,
                    Woken::ToStop => {
                        self.watcher.tell("STOPPING=1");
                        return Ok(0);
                    }
                }
            }
        }
    }

    /// Starts a round and listens to it: how it ended, when the next one is, and whether all is to end.
    fn round(
        &self,
        is_first: bool,
        alarm: bool,
        bell: Option<&OwnedFd>,
        narrate: &mut dyn FnMut(&str),
    ) -> io::Result<(ExitStatus, Option<i64>, bool)> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        if alarm {
            command.arg("--alarm");
        }
        // Who watches us does not watch it.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        // What a terminal sends reaches it once, through us.
        command.process_group(0);
        let mut child = command.spawn()?;
        let process = child.id();
        let (mut wake, mut stopped) = (None, false);
        let (mut lines, mut piece) = (Lines::new(MOST_LINE_BYTES), [0; 512]);
        let mut is_ready = !is_first;
        while let Some(output) = &mut child.stdout {
            match self.wait(bell, Some(output.as_fd()), LONGEST_SLEEP)? {
                Woken::ByRound => {}
                Woken::ByTime => continue,
                // It may have passed by what is asked now: another one follows.
                Woken::ToReload => {
                    wake = Some(0);
                    continue;
                }
                Woken::ToStop => {
                    stopped = true;
                    ask_to_stop(process);
                    break;
                }
            }
            let length = output.read(&mut piece)?;
            if length == 0 {
                break;
            }
            lines.take(&piece[..length], |line| {
                let line = String::from_utf8_lossy(line);
                let line = line.trim_end();
                if let Some(text) = line.strip_prefix("status ") {
                    // A first backup may take days; it is alive before that.
                    if !is_ready {
                        self.watcher.tell("READY=1");
                        is_ready = true;
                    }
                    self.watcher.tell(&format!("STATUS={text}"));
                    narrate(text);
                } else if let Some(text) = line.strip_prefix("idle ") {
                    self.watcher.tell(&format!("STATUS={text}"));
                } else if let Some(seconds) = line.strip_prefix("wake ") {
                    wake = wake.or(seconds.parse().ok());
                }
            });
        }
        drop(child.stdout.take());
        Ok((child.wait()?, wake, stopped))
    }

    /// Sleeps until something happens, telling who watches that it lives.
    fn wait(&self, bell: Option<&OwnedFd>, round: Option<BorrowedFd<'_>>, longest: Duration) -> io::Result<Woken> {
        let timeout = self.watcher.patience.map_or(longest, |patience| patience.min(longest));
        // What is less than a millisecond would be no sleep at all.
        let timeout = timeout.max(Duration::from_millis(1));
        let timespec = Timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos() as _ };
        let calls = [Some(self.stop.as_fd()), Some(self.reload.as_fd()), bell.map(AsFd::as_fd), round];
        let mut streams: Vec<PollFd<'_>> =
            calls.iter().flatten().map(|stream| PollFd::from_borrowed_fd(*stream, PollFlags::IN)).collect();
        match poll(&mut streams, Some(&timespec)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut answers = streams.iter().map(|stream| !stream.revents().is_empty());
        let ready = calls.map(|call| call.filter(|_| answers.next().unwrap_or(false)));
        self.watcher.tell("WATCHDOG=1");
        Ok(match ready {
            [Some(_), ..] => Woken::ToStop,
            [_, Some(call), ..] | [_, _, Some(call), _] => {
                // However often it was called, what is wanted is the same.
                let _ = rustix::io::read(call, &mut [0_u8; 512]);
                Woken::ToReload
            }
            [_, _, _, Some(_)] => Woken::ByRound,
            _ => Woken::ByTime,
        })
    }
}

/// Exit code of a round that has no configuration to go on with.
pub const UNUSABLE: u8 = 78;
