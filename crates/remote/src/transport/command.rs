//! The system's `ssh`, or whatever the user names: a child process with three pipes.
//!
//! The child does not get Ctrl-C from the terminal: the line is needed to leave a checkpoint and the lock. A shell sees to
//! that (an ignored signal stays ignored in what it executes), because nothing else in a safe language can.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Line, Process, Transport};
use crate::Error;

const IGNORE_INTERRUPT: &str = "trap '' INT; exec \"$@\"";

/// A program that connects standard input and output to a server.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Environment variables that it does not get.
    pub without: Vec<&'static str>,
    /// Environment variables that it gets in addition.
    pub with: Vec<(&'static str, &'static str)>,
}

impl Command {
    /// Whether a shell would find this program.
    pub fn finds(program: &Path) -> bool {
        let executable =
            |path: &Path| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if program.as_os_str().as_encoded_bytes().contains(&b'/') {
            return executable(program);
        }
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        std::env::split_paths(&path).any(|directory| executable(&directory.join(program)))
    }
}

impl Transport for Command {
    fn connect(&self) -> Result<Line, Error> {
        let program = self.words.first().cloned().unwrap_or_default();
        let failed = |reason: &str| Error::Program {
            program: program.to_string_lossy().into_owned(),
            reason: reason.split(" (os error").next().unwrap_or_default().to_owned(),
        };
        // Its absence has a message of its own.
        if !Self::finds(Path::new(&program)) {
            return Err(failed("No such file or directory"));
        }
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", IGNORE_INTERRUPT, "sh"]).args(&self.words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.with.iter().map(|(name, value)| (name, value)));
        for name in &self.without {
            command.env_remove(name);
        }
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(requests), Some(responses), Some(messages)) => Ok(Line {
                requests: Box::new(requests),
                responses: Box::new(responses),
                messages: Box::new(messages),
                process: Box::new(Running(Some(child))),
            }),
            _ => Err(failed("no pipes")),
        }
    }
}

struct Running(Option<Child>);

impl Process for Running {
    fn end(&mut self, patience: Duration) {
        let Some(mut child) = self.0.take() else { return };
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (sender, ended) = mpsc::channel();
        let waiter = thread::Builder::new().name("remote end".into()).stack_size(64 << 10);
        if waiter.spawn(move || sender.send(child.wait().map(drop))).is_err() {
            return;
        }
        for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
            if let (Some(signal), Some(process)) = (signal, process) {
                let _ = kill_process(process, signal); // it may have ended just now
            }
            if ended.recv_timeout(patience).is_ok() {
                break;
            }
        }
    }
}
