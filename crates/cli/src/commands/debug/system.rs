//! `debug info`: what a report of a defect should say. A server tells it to clients whose calls go wrong.

use std::io::{self, Write};

use nanoprobe_repository::host_id;

use crate::{
    Failure,
    commands::Context,
    output::text::{Alphabet, literal},
    placeholders::BORG_VERSION,
};

pub(super) fn info(context: &Context<'_>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text(context))?;
    writeln!(out, "CRC implementation: crc32fast")?;
    let host = host_id(context.environment.text("BORG_HOST_ID").as_deref());
    writeln!(out, "Process ID: ({}, {}, 0)", quoted(host.as_bytes()), std::process::id())?;
    Ok(out.flush()?)
}

/// About machine, program and process; nothing where the user wants it so.
pub(in crate::commands) fn text(context: &Context<'_>) -> String {
    if context.environment.text("BORG_SHOW_SYSINFO").is_some_and(|answer| answer.eq_ignore_ascii_case("no")) {
        return String::new();
    }
    let system = rustix::system::uname();
    let words = [system.sysname(), system.nodename(), system.release(), system.version(), system.machine()];
    let platform = words.map(|word| word.to_string_lossy()).join(" ");
    let own = env!("CARGO_PKG_VERSION");
    let (process, directory) = (std::process::id(), std::env::current_dir().unwrap_or_default());
    let words: Vec<String> = std::env::args_os().map(|word| quoted(word.as_encoded_bytes())).collect();
    let command = context.environment.variable("SSH_ORIGINAL_COMMAND");
    let command = command.map_or_else(|| "None".to_owned(), |command| quoted(command.as_encoded_bytes()));
    format!(
        "Platform: {platform}\nBorg: {BORG_VERSION}  nanoprobe: {own}  Python: none msgpack: own fuse: None\n\
         PID: {process}  CWD: {}\nsys.argv: [{}]\nSSH_ORIGINAL_COMMAND: {command}\n",
        directory.display(),
        words.join(", ")
    )
}

fn quoted(text: &[u8]) -> String {
    literal(text, Alphabet::Unicode)
}
