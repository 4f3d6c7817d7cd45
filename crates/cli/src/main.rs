//! Borg's command line. This file turns the outcome into an exit code; `program.rs` does the rest.

mod arguments;
mod commands;
mod environment;
mod failure;
mod location;
mod log;
mod machine;
mod monitor;
mod output;
#[cfg(feature = "builtin-ssh")]
mod person;
mod placeholders;
mod program;
mod progress;
mod prompt;
mod server_lines;
mod shell_words;
mod signals;
mod status;

use std::process::ExitCode;

pub(crate) use failure::Failure;

fn main() -> ExitCode {
    ExitCode::from(program::run())
}
