//! `with-lock`: somebody else's command, while nobody else can use the repository.
//!
//! Borg also rewrites the manifest, for the sake of servers that lock nothing before the first write; a repository opened
//! here is locked from the start, so nothing is written.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::Duration,
};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_repository::Locking;
use rustix::process::{Pid, Signal, kill_process};

use super::{Context, context::Archive};
use crate::{
    Failure,
    arguments::WithLock,
    environment::SECRETS,
    output::text::{Alphabet, literal},
    placeholders::BORG_VERSION,
    signals::{self, INTERRUPT},
};

/// How often a signal is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// After a signal, which a terminal sends to the command as well: before it is told to end, and before it is made to.
const PATIENCE: [(Duration, Signal); 2] =
    [(Duration::from_millis(250), Signal::TERM), (Duration::from_secs(10), Signal::KILL)];

pub(super) fn run(arguments: &WithLock, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let session = context.session(repository, FeatureOperation::Check)?;
    signals::stoppable();
    let mut command = Command::new(&arguments.command);
    command.args(&arguments.arguments).env("BORG_VERSION", BORG_VERSION);
    SECRETS.iter().for_each(|secret| {
        command.env_remove(secret);
    });
    let status = command.spawn().and_then(wait).map_err(|error| {
        let program = arguments.command.as_encoded_bytes();
        let reason = match error.raw_os_error() {
            Some(2) => format!("[Errno 2] No such file or directory: {}", literal(program, Alphabet::Unicode)),
            Some(13) => format!("[Errno 13] Permission denied: {}", literal(program, Alphabet::Unicode)),
            _ => error.to_string(),
        };
        let program = String::from_utf8_lossy(program);
        Failure::command(format_args!("Error while trying to run '{program}': {reason}"))
    })?;
    drop(session);
    if INTERRUPT.requested() {
        return Err(Failure::interrupted());
    }
    match status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)) {
        0 => Ok(()),
        code => Err(Failure::silent(code as u8)),
    }
}

/// Waits for the command, which must have ended before the lock is released.
fn wait(mut child: Child) -> io::Result<ExitStatus> {
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, ended) = mpsc::channel();
    thread::Builder::new().name("wait".into()).stack_size(64 << 10).spawn(move || sender.send(child.wait()))?;
    let until = |limit: Option<Duration>| {
        let mut waited = Duration::ZERO;
        loop {
            match ended.recv_timeout(LOOK) {
                Ok(status) => return Some(status),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Some(Err(io::ErrorKind::Other.into())),
                Err(mpsc::RecvTimeoutError::Timeout) => waited += LOOK,
            }
            let over = limit.map_or_else(|| INTERRUPT.requested(), |limit| waited >= limit);
            if over {
                return None;
            }
        }
    };
    if let Some(status) = until(None) {
        return status;
    }
    for (limit, signal) in PATIENCE {
        if let Some(status) = until(Some(limit)) {
            return status;
        }
        if let Some(process) = process {
            let _ = kill_process(process, signal); // it may have ended just now
        }
    }
    ended.recv().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}
