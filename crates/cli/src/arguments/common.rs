//! Options that every command takes, before or after its name.

use std::ffi::OsString;

use clap::Args;

use super::values;

/// As typed in one of the two places.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonOptions {
    /// Log nothing below CRITICAL
    #[arg(long, overrides_with_all = ["error", "warning", "info", "debug"])]
    critical: bool,
    /// Log errors and worse
    #[arg(long, overrides_with_all = ["critical", "warning", "info", "debug"])]
    error: bool,
    /// Log warnings and worse (default)
    #[arg(long, overrides_with_all = ["critical", "error", "info", "debug"])]
    warning: bool,
    /// Log what is going on
    #[arg(short = 'v', long, visible_alias = "verbose", overrides_with_all = ["critical", "error", "warning", "debug"])]
    info: bool,
    /// Log everything
    #[arg(long, overrides_with_all = ["critical", "error", "warning", "info"])]
    debug: bool,
    /// Debug one topic (may be repeated)
    #[arg(long = "debug-topic", value_name = "TOPIC")]
    pub(crate) debug_topics: Vec<String>,
    /// Show progress
    #[arg(short, long)]
    pub(crate) progress: bool,
    /// Powers of 1024 in sizes (KiB, MiB …)
    #[arg(long)]
    pub(crate) iec: bool,
    /// One JSON object a log line
    #[arg(long)]
    pub(crate) log_json: bool,
    /// How long to wait for a lock [default: 1]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    lock_wait: Option<i64>,
    /// Use the repository without locking it
    #[arg(long)]
    pub(crate) bypass_lock: bool,
    /// Log the version
    #[arg(long)]
    pub(crate) show_version: bool,
    /// Log the exit code
    #[arg(long)]
    pub(crate) show_rc: bool,
    /// Permissions that new files do not get, in octal [default: 0077]
    #[arg(long, value_name = "M", value_parser = values::octal)]
    umask: Option<u32>,
    /// Program to run on the remote side
    #[arg(long, value_name = "PATH")]
    pub(crate) remote_path: Option<OsString>,
    /// Upload limit in KiB a second [default: 0, none]
    #[arg(long, value_name = "RATE", alias = "remote-ratelimit")]
    pub(crate) upload_ratelimit: Option<i64>,
    /// Upload buffer in MiB, at most an eighth of the memory limit [default: 0, none to speak of]
    #[arg(long, value_name = "UPLOAD_BUFFER", alias = "remote-buffer")]
    pub(crate) upload_buffer: Option<i64>,
    /// Treat parts of unfinished files as files
    #[arg(long)]
    pub(crate) consider_part_files: bool,
    /// Accepted for compatibility; there is no profile in Borg's format
    #[arg(long, value_name = "FILE")]
    debug_profile: Option<OsString>,
    /// Command that connects to a remote repository, or builtin [default: ssh, or builtin where there is none]
    #[arg(long, value_name = "RSH", allow_hyphen_values = true)]
    pub(crate) rsh: Option<OsString>,
    /// Memory for everything (e.g. 32M) [default: 48M, less on a small machine]
    #[arg(long, value_name = "SIZE", value_parser = values::memory)]
    memory_limit: Option<usize>,
}

/// What is logged, from little to much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Critical,
    Error,
    #[default]
    Warning,
    Info,
    Debug,
}

impl CommonOptions {
    /// What was typed after the command, with `before` where nothing was.
    pub(crate) fn over(self, before: Self) -> Self {
        let levels = if self.level().is_some() { self.clone() } else { before.clone() };
        Self {
            critical: levels.critical,
            error: levels.error,
            warning: levels.warning,
            info: levels.info,
            debug: levels.debug,
            debug_topics: before.debug_topics.into_iter().chain(self.debug_topics).collect(),
            progress: self.progress || before.progress,
            iec: self.iec || before.iec,
            log_json: self.log_json || before.log_json,
            lock_wait: self.lock_wait.or(before.lock_wait),
            bypass_lock: self.bypass_lock || before.bypass_lock,
            show_version: self.show_version || before.show_version,
            show_rc: self.show_rc || before.show_rc,
            umask: self.umask.or(before.umask),
            remote_path: self.remote_path.or(before.remote_path),
            upload_ratelimit: self.upload_ratelimit.or(before.upload_ratelimit),
            upload_buffer: self.upload_buffer.or(before.upload_buffer),
            consider_part_files: self.consider_part_files || before.consider_part_files,
            debug_profile: self.debug_profile.or(before.debug_profile),
            rsh: self.rsh.or(before.rsh),
            memory_limit: self.memory_limit.or(before.memory_limit),
        }
    }

    /// What a client of a server may choose comes from `client`, also where it did not choose.
    pub(crate) fn for_client(self, client: Self) -> Self {
        Self {
            critical: client.critical,
            error: client.error,
            warning: client.warning,
            info: client.info,
            debug: client.debug,
            debug_topics: client.debug_topics,
            lock_wait: client.lock_wait,
            ..self
        }
    }

    pub(crate) fn verbosity(&self) -> Verbosity {
        self.level().unwrap_or_default()
    }

    /// Seconds to wait for a lock; below zero waits for ever.
    pub(crate) fn lock_wait(&self) -> i64 {
        self.lock_wait.unwrap_or(1)
    }

    pub(crate) fn umask(&self) -> u32 {
        self.umask.unwrap_or(0o077)
    }

    pub(crate) fn memory_limit(&self) -> Option<usize> {
        self.memory_limit
    }

    fn level(&self) -> Option<Verbosity> {
        [
            (self.critical, Verbosity::Critical),
            (self.error, Verbosity::Error),
            (self.warning, Verbosity::Warning),
            (self.info, Verbosity::Info),
            (self.debug, Verbosity::Debug),
        ]
        .into_iter()
        .find_map(|(typed, level)| typed.then_some(level))
    }
}
