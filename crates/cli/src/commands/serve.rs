//! `serve`: one repository to a client at the other end of standard input and output. Who may do what is the command line's to
//! say; log lines go to standard error as JSON, for the client to pass on.

use std::{
    ffi::OsStr,
    io::{stdin, stdout},
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::PathBuf,
    time::Duration,
};

use nanoprobe_operations::{Event as OperationEvent, Monitor};
use nanoprobe_remote::serve::{Attendant, Event, Farewell, Policy, Streams, serve};
use nanoprobe_repository::{CheckReport, CompactReport, Locking};

use super::{Context, debug::system_text};
use crate::{
    Failure,
    arguments::Serve,
    environment::Environment,
    log::{Level, REPOSITORY, SERVER},
    monitor::{CommandMonitor, Listing},
    placeholders::BORG_VERSION,
    progress::Progress,
    signals,
};

const CHECK: &str = "repository.check";
const COMPACT: &str = "repository.compact_segments";

pub(super) fn run(arguments: &Serve, context: &Context<'_>) -> Result<(), Failure> {
    let policy = Policy {
        restrict_to_paths: arguments.restrict_to_path.clone(),
        restrict_to_repositories: arguments.restrict_to_repository.clone(),
        append_only: arguments.append_only,
        storage_quota: arguments.storage_quota,
        lock_wait: u64::try_from(context.common.lock_wait()).ok().map(Duration::from_secs),
    };
    let wake = signals::waker()?;
    signals::stoppable();
    let (input, output) = (stdin(), stdout());
    let streams = Streams { input: input.as_fd(), output: output.as_fd(), wake: wake.as_fd() };
    // Whether progress is shown is the client's choice.
    let progress = Progress::new(context.log, true, None);
    let monitor = CommandMonitor::new(context.log, context.status, Listing::Off, progress, context.units());
    let host = Host { context, monitor: monitor.named(REPOSITORY) };
    match serve(&policy, &context.open_options(Locking::Exclusive), streams, &host)? {
        Farewell::Closed => Ok(()),
        Farewell::NeverOpened => {
            let text = format!("Borg {BORG_VERSION}: Got connection close before repository was opened.");
            context.log.text_line(text.as_bytes(), "\n");
            Ok(())
        }
        Farewell::Woken => Err(Failure::interrupted()),
    }
}

/// This process, as the server's owner.
struct Host<'a> {
    context: &'a Context<'a>,
    monitor: CommandMonitor<'a>,
}

impl Attendant for Host<'_> {
    fn event(&self, event: Event<'_>) {
        let progress = |operation, done, total| {
            self.monitor.event(OperationEvent::Progress { operation, done, total, information: b"" });
        };
        let finished = |operation| self.monitor.event(OperationEvent::ProgressFinished { operation });
        match event {
            Event::Check(CheckReport::Progress { done, total }) => progress(CHECK, done, total),
            Event::Check(CheckReport::Information(text)) => self.monitor.event(OperationEvent::Information(text)),
            Event::Check(CheckReport::Defect(text)) => self.monitor.event(OperationEvent::Defect(text)),
            Event::CheckFinished => finished(CHECK),
            Event::Compact(CompactReport::Progress { done, total }) => progress(COMPACT, done, total),
            Event::Compact(CompactReport::Information(text)) => {
                finished(COMPACT);
                self.monitor.event(OperationEvent::Information(text));
            }
            Event::Compact(CompactReport::Remark(text)) => self.monitor.event(OperationEvent::Remark(text)),
            Event::CompactFinished => finished(COMPACT),
            Event::Debug(text) => self.context.log.message(Level::Debug, SERVER, None, text),
            _ => {}
        }
    }

    fn home(&self, user: Option<&OsStr>) -> Option<PathBuf> {
        match user {
            None => Some(self.context.environment.base_directory()),
            Some(user) => Environment::home_of_user(user.as_bytes()),
        }
    }

    fn scratch(&self) -> std::io::Result<PathBuf> {
        let caches = self.context.environment.cache_directory();
        std::fs::create_dir_all(&caches)?;
        Ok(caches)
    }

    fn system(&self) -> String {
        system_text(self.context)
    }

    fn leave(&self) -> ! {
        std::process::exit(signals::received().map_or(0, |signal| i32::from(signal.exit_code())))
    }
}
