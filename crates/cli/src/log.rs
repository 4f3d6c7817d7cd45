//! Standard error: text for people, or one JSON object a line for programs. Nothing else of this program writes there.
//!
//! Names, levels and shapes are those of Borg's loggers. Under `--log-json` nothing but JSON comes out, also for errors that end
//! the program. Costs one line in RAM.

use std::{
    io::{self, IsTerminal, Write},
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use indicatif::ProgressBar;

pub(crate) use crate::arguments::Verbosity as Level;
use crate::output::{json::Json, text::append_printable};

/// Logger of everything a command says.
pub(crate) const PROGRAM: &str = "borg.archiver";
/// Logger of `--list`.
pub(crate) const LIST: &str = "borg.output.list";
/// Logger of `--stats`.
pub(crate) const STATISTICS: &str = "borg.output.stats";
/// Logger of a server's conversation.
pub(crate) const SERVER: &str = "borg.remote";
/// Logger of what `check` finds in the repository.
pub(crate) const REPOSITORY: &str = "borg.repository";

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Where the log goes; shared by all threads.
pub(crate) struct Log {
    level: Level,
    format: Format,
    /// Lines stand above a progress bar while there is one.
    bar: Mutex<Option<ProgressBar>>,
}

impl Log {
    pub(crate) fn new(level: Level, format: Format) -> Self {
        Self { level, format, bar: Mutex::new(None) }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// A person may be watching.
    pub(crate) fn is_terminal(&self) -> bool {
        self.format == Format::Text && io::stderr().is_terminal()
    }

    pub(crate) fn error(&self, message: impl AsRef<[u8]>, class: Option<&str>) {
        self.message(Level::Error, PROGRAM, class, message);
    }

    pub(crate) fn warning(&self, message: impl AsRef<[u8]>, class: Option<&str>) {
        self.message(Level::Warning, PROGRAM, class, message);
    }

    pub(crate) fn info(&self, message: impl AsRef<[u8]>) {
        self.message(Level::Info, PROGRAM, None, message);
    }

    pub(crate) fn debug(&self, message: impl AsRef<[u8]>) {
        self.message(Level::Debug, PROGRAM, None, message);
    }

    /// A message of this level is wanted.
    pub(crate) fn wants(&self, level: Level) -> bool {
        level <= self.level
    }

    /// A message that is dropped when its level is not wanted.
    pub(crate) fn message(&self, level: Level, name: &str, class: Option<&str>, message: impl AsRef<[u8]>) {
        if self.wants(level) {
            self.always(level, name, class, message);
        }
    }

    /// A message that an option asked for, whatever the level.
    pub(crate) fn always(&self, level: Level, name: &str, class: Option<&str>, message: impl AsRef<[u8]>) {
        match self.format {
            Format::Text => self.text_line(message.as_ref(), "\n"),
            Format::Json => {
                let mut line = Json::map([
                    ("type", Json::text("log_message")),
                    ("time", Json::Float(now())),
                    ("message", Json::text(message)),
                    ("levelname", Json::text(level_name(level))),
                    ("name", Json::text(name)),
                ]);
                if let Some(class) = class {
                    line.set("msgid", Json::text(class));
                }
                self.json(&line);
            }
        }
    }

    /// One JSON object on a line of its own.
    pub(crate) fn json(&self, line: &Json) {
        let mut bytes = Vec::with_capacity(256);
        if line.write_line(&mut bytes).is_ok() {
            bytes.push(b'\n');
            self.write(&bytes);
        }
    }

    /// Text as it may be printed, with an end of its own choice (progress lines end in a carriage return).
    pub(crate) fn text_line(&self, text: &[u8], end: &str) {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        append_printable(text, &mut bytes);
        bytes.extend_from_slice(end.as_bytes());
        self.write(&bytes);
    }

    /// Shows a bar below the log, or takes it away.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }

    /// Nobody is left to tell when standard error fails.
    fn write(&self, bytes: &[u8]) {
        let write = || {
            let _ = io::stderr().lock().write_all(bytes);
        };
        match &*lock(&self.bar) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Critical => "CRITICAL",
        Level::Error => "ERROR",
        Level::Warning => "WARNING",
        Level::Info => "INFO",
        Level::Debug => "DEBUG",
    }
}

/// A thread that panicked while it logged leaves the log usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
