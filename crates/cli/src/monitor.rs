//! Shows what an operation reports: file lines, warnings, progress. The only listener to `operations::Event`.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use nanoprobe_archive::text;
use nanoprobe_operations::{Event, Monitor};

use crate::{
    log::{self, Format, LIST, Level, Log, lock},
    output::{json::Json, size::Units, statistics::ArchiveStatistics, text::printable},
    progress::Progress,
    status::{Status, warning_class},
};

/// What `--list` shows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// No `--list`.
    Off,
    /// `create`: letter and path, perhaps of some letters only (`--filter`).
    Status(Option<String>),
    /// `extract`: the path.
    Path,
}

/// Listens for one command.
pub(crate) struct CommandMonitor<'a> {
    log: &'a Log,
    status: &'a Status,
    listing: Listing,
    units: Units,
    /// Logger of defects and information.
    logger: &'static str,
    progress: Mutex<Progress<'a>>,
    /// When the archive's progress was shown last.
    shown: Mutex<Option<Instant>>,
}

/// Borg shows the archive's progress five times a second.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(200);

impl<'a> CommandMonitor<'a> {
    pub(crate) fn new(
        log: &'a Log,
        status: &'a Status,
        listing: Listing,
        progress: Progress<'a>,
        units: Units,
    ) -> Self {
        let (progress, shown) = (Mutex::new(progress), Mutex::new(None));
        Self { log, status, listing, units, logger: log::PROGRAM, progress, shown }
    }

    /// Messages come from this logger.
    pub(crate) fn named(self, logger: &'static str) -> Self {
        Self { logger, ..self }
    }

    /// What an operation does before it can tell where it stands.
    pub(crate) fn announce(&self, operation: &'static str, message: &str) {
        lock(&self.progress).announce(operation, message);
    }

    /// The operation is over: takes its progress off the screen.
    pub(crate) fn finish(&self) {
        lock(&self.progress).finish();
    }

    /// `create` is over: Borg's last line of progress.
    pub(crate) fn finish_archive(&self) {
        lock(&self.progress).finish_archive();
    }

    fn file(&self, status: char, path: &[u8]) {
        match &self.listing {
            Listing::Off => {}
            Listing::Path => self.log.always(Level::Info, LIST, None, printable(path)),
            Listing::Status(Some(letters)) if !letters.contains(status) => {}
            Listing::Status(_) => match self.log.format() {
                Format::Text => {
                    let mut line = vec![status as u8, b' '];
                    line.extend_from_slice(path);
                    self.log.always(Level::Info, LIST, None, line);
                }
                Format::Json => self.log.json(&Json::map([
                    ("type", Json::text("file_status")),
                    ("status", Json::text(status.to_string())),
                    ("path", Json::text(printable(path))),
                ])),
            },
        }
    }

    fn archive_progress(&self, statistics: ArchiveStatistics, path: &[u8]) {
        let mut shown = lock(&self.shown);
        if shown.is_some_and(|shown| shown.elapsed() < BETWEEN_PROGRESS) {
            return;
        }
        *shown = Some(Instant::now());
        lock(&self.progress).archive(&statistics, path, self.units);
    }
}

impl Monitor for CommandMonitor<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::File { status, path } => self.file(status, path),
            Event::Warning { message, exit_code } => {
                self.status.warn(exit_code);
                self.log.warning(text::encode(message), warning_class(exit_code));
            }
            Event::Defect(message) => self.log.message(Level::Error, self.logger, None, message),
            Event::Remark(message) => self.log.message(Level::Warning, self.logger, None, text::encode(message)),
            Event::Information(message) => self.log.message(Level::Info, self.logger, None, message),
            Event::ArchiveProgress { files, original_bytes, compressed_bytes, deduplicated_bytes, path } => {
                let statistics = ArchiveStatistics { original_bytes, compressed_bytes, deduplicated_bytes, files };
                self.archive_progress(statistics, path);
            }
            Event::Progress { operation, done, total, information } => {
                lock(&self.progress).percent(operation, done, total, information);
            }
            Event::ProgressMessage { operation, message } => lock(&self.progress).message(operation, message),
            Event::ProgressFinished { operation } => lock(&self.progress).finish_percent(operation),
            _ => {}
        }
    }
}
