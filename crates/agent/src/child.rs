//! One command of this program as a child process: what it prints, its last words, how it ended.
//!
//! Costs one buffer of 16 KiB, one line of each stream, and the tail of the log.

use std::{
    collections::VecDeque,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process},
};
use serde_json::Value;

use crate::lines::Lines;

/// How a command ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Its exit code; the signal's number, negative, if one killed it.
    pub(crate) code: i32,
    /// It was asked to stop because it had run for as long as it may.
    pub(crate) is_out_of_time: bool,
    /// The last lines of what it logged.
    pub(crate) log: Log,
}

/// The last lines of a log, and whether there were warnings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    tail: VecDeque<String>,
    /// The last line that was a warning or worse.
    last_words: Option<String>,
    pub(crate) has_warnings: bool,
}

/// Lines of the tail.
const MOST_LINES: usize = 30;
/// Of a line, and of standard error that has no line ends.
const MOST_LINE_BYTES: usize = 2048;

/// When a command is asked to stop before it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until<'a> {
    /// This becomes readable, or ends.
    pub(crate) stop: BorrowedFd<'a>,
    /// It has run so long.
    pub(crate) most: Option<Duration>,
    /// It has been silent so long; it is killed when asking does not help.
    pub(crate) patience: Option<Duration>,
}

/// Runs `command` to its end, or until it was asked to stop and has done so. Its standard output goes to `sink`, piece by piece.
pub(crate) fn run(command: &mut Command, until: Until<'_>, sink: &mut dyn FnMut(&[u8])) -> io::Result<Finished> {
    let Until { stop, most, patience } = until;
    // A group of its own: what a terminal sends reaches it once, through us.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let (mut output, mut errors) = (child.stdout.take(), child.stderr.take());
    let (mut log, mut lines, mut buffer) = (Log::default(), Lines::new(MOST_LINE_BYTES), vec![0; 16 << 10]);
    let (began, mut heard) = (Instant::now(), Instant::now());
    let (mut asked, mut is_out_of_time) = (false, false);
    while output.is_some() || errors.is_some() {
        let left = most.filter(|_| !asked).map(|most| most.saturating_sub(began.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            (asked, is_out_of_time) = (true, true);
            ask_to_stop(child.id());
        }
        let look = left.map_or(LOOK, |left| left.min(LOOK));
        let Some(ready) = ready(output.as_ref(), errors.as_ref(), (!asked).then_some(stop), look)? else {
            // Somebody that it started may hold on to its streams: a shared connection of ssh, say.
            if child.try_wait()?.is_some() {
                break;
            }
            match patience {
                Some(patience) if heard.elapsed() > patience + AFTER_ASKING => child.kill()?,
                Some(patience) if heard.elapsed() > patience => ask_to_stop(child.id()),
                _ => {}
            }
            continue;
        };
        heard = Instant::now();
        let [from_output, from_errors, stopped] = ready;
        if stopped {
            asked = true;
            ask_to_stop(child.id());
        }
        if from_output && let Some(stream) = &mut output {
            match read(stream, &mut buffer)? {
                0 => output = None,
                length => sink(&buffer[..length]),
            }
        }
        if from_errors && let Some(stream) = &mut errors {
            match read(stream, &mut buffer)? {
                0 => errors = None,
                length => lines.take(&buffer[..length], |line| log.line(line)),
            }
        }
    }
    log.line(lines.rest());
    let status = child.wait()?;
    Ok(Finished { code: status.code().unwrap_or_else(|| -status.signal().unwrap_or(1)), is_out_of_time, log })
}

pub(crate) fn ask_to_stop(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        // It may just have ended by itself.
        let _ = kill_process(process, Signal::TERM);
    }
}

fn read(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// One that was asked to stop does so within this time.
const AFTER_ASKING: Duration = Duration::from_secs(10);
/// A look at whether it still runs, while it says nothing.
const LOOK: Duration = Duration::from_secs(5);

/// Waits for the first of them, and no longer than `most`; says which have something, or have ended. `None`: none.
fn ready(
    output: Option<&impl AsFd>,
    errors: Option<&impl AsFd>,
    stop: Option<BorrowedFd<'_>>,
    most: Duration,
) -> io::Result<Option<[bool; 3]>> {
    let streams = [output.map(AsFd::as_fd), errors.map(AsFd::as_fd), stop];
    let mut waited: Vec<PollFd<'_>> =
        streams.iter().flatten().map(|stream| PollFd::from_borrowed_fd(*stream, PollFlags::IN)).collect();
    let limit = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: i64::from(most.subsec_nanos()) };
    match poll(&mut waited, Some(&limit)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut answers = waited.iter().map(|waited| !waited.revents().is_empty());
    Ok(Some(streams.map(|stream| stream.is_some() && answers.next().unwrap_or(false))))
}

impl Log {
    /// A line as `--log-json` writes it, or whatever else came.
    fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        let shown = match serde_json::from_str::<Value>(text) {
            Ok(value) if value["type"] == "log_message" => {
                let level = value["levelname"].as_str().unwrap_or("INFO");
                let message = value["message"].as_str().unwrap_or_default().to_owned();
                if matches!(level, "WARNING" | "ERROR" | "CRITICAL") {
                    self.has_warnings = true;
                    self.last_words = Some(message.clone());
                }
                format!("{level} {message}")
            }
            // Progress, prompts.
            Ok(Value::Object(_)) => return,
            _ => {
                self.last_words = Some(text.to_owned());
                text.to_owned()
            }
        };
        if self.tail.len() == MOST_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(shown);
    }

    /// The tail, for letters.
    pub(crate) fn text(&self) -> String {
        self.tail.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn contains(&self, words: &str) -> bool {
        self.tail.iter().any(|line| line.contains(words))
    }

    /// The last warning or error, on one line.
    pub(crate) fn last_words(&self) -> String {
        let words = self.last_words.as_deref().or(self.tail.back().map(String::as_str)).unwrap_or("it said nothing");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    fn pipe() -> (OwnedFd, OwnedFd) {
        let (reader, writer) = io::pipe().expect("a pipe");
        (reader.into(), writer.into())
    }

    fn until(stop: &OwnedFd) -> Until<'_> {
        Until { stop: stop.as_fd(), most: None, patience: None }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_log_and_code_are_told_apart() {
        let (stop, _open) = pipe();
        let message = r#"{"type":"log_message","levelname":"ERROR","message":"no  room\nleft","msgid":"x"}"#;
        let script = format!("echo one; printf '%s\n' '{message}' '{{\"type\":\"progress_percent\"}}' >&2; exit 14");
        let mut output = Vec::new();
        let finished = run(&mut shell(&script), until(&stop), &mut |bytes| output.extend_from_slice(bytes));
        let finished = finished.expect("it ran");
        assert_eq!((finished.code, output.as_slice()), (14, b"one\n".as_slice()));
        assert_eq!(finished.log.last_words(), "no room left");
        assert!(finished.log.has_warnings && finished.log.text().starts_with("ERROR no"));
    }

    #[test]
    fn the_tail_is_bounded_and_a_signal_is_a_negative_code() {
        let (stop, _open) = pipe();
        let script =
            "i=0; while [ $i -lt 100 ]; do echo $i >&2; i=$((i+1)); done; head -c 9999 /dev/zero >&2; kill -9 $$";
        let finished = run(&mut shell(script), until(&stop), &mut |_| {}).expect("it ran");
        assert_eq!(finished.code, -9);
        assert_eq!(finished.log.tail.len(), MOST_LINES);
        assert!(finished.log.text().len() < 8192);
    }

    #[test]
    fn silence_has_an_end() {
        let (stop, _open) = pipe();
        let until = Until { patience: Some(Duration::ZERO), ..until(&stop) };
        let finished = run(&mut shell("exec sleep 60"), until, &mut |_| {});
        assert_eq!(finished.expect("it ran").code, -15);
    }

    #[test]
    fn so_has_time() {
        let (stop, _open) = pipe();
        let until = Until { most: Some(Duration::from_millis(300)), ..until(&stop) };
        // Whether it talks or not.
        for script in ["exec sleep 60", "trap 'exit 143' TERM; while :; do echo; sleep 0.01; done"] {
            let finished = run(&mut shell(script), until, &mut |_| {}).expect("it ran");
            assert!([143, -15].contains(&finished.code) && finished.is_out_of_time, "{script}: {}", finished.code);
        }
        assert!(!run(&mut shell("exit 0"), until, &mut |_| {}).expect("it ran").is_out_of_time);
    }

    #[test]
    fn it_is_asked_to_stop() {
        let (stop, open) = pipe();
        drop(open);
        let script = "trap 'exit 143' TERM; while :; do sleep 0.01; done";
        let finished = run(&mut shell(script), until(&stop), &mut |_| {}).expect("it ran");
        assert!([143, -15].contains(&finished.code), "{}", finished.code);
    }
}
