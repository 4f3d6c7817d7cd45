//! `debug info`: what a report of a defect should say.

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
    let process = std::process::id();
    let quoted = |text: &[u8]| literal(text, Alphabet::Unicode);
    if context.environment.text("BORG_SHOW_SYSINFO").is_some_and(|answer| answer.eq_ignore_ascii_case("no")) {
        writeln!(out)?;
    } else {
        let system = rustix::system::uname();
        let words = [system.sysname(), system.nodename(), system.release(), system.version(), system.machine()];
        writeln!(out, "Platform: {}", words.map(|word| word.to_string_lossy()).join(" "))?;
        let own = env!("CARGO_PKG_VERSION");
        writeln!(out, "Borg: {BORG_VERSION}  nanoprobe: {own}  Python: none msgpack: own fuse: None")?;
        let directory = std::env::current_dir().unwrap_or_default();
        writeln!(out, "PID: {process}  CWD: {}", directory.display())?;
        let words: Vec<String> = std::env::args_os().map(|word| quoted(word.as_encoded_bytes())).collect();
        writeln!(out, "sys.argv: [{}]", words.join(", "))?;
        let command = context.environment.variable("SSH_ORIGINAL_COMMAND");
        let command = command.map_or_else(|| "None".to_owned(), |command| quoted(command.as_encoded_bytes()));
        writeln!(out, "SSH_ORIGINAL_COMMAND: {command}\n")?;
    }
    writeln!(out, "CRC implementation: crc32fast")?;
    let host = host_id(context.environment.text("BORG_HOST_ID").as_deref());
    writeln!(out, "Process ID: ({}, {process}, 0)", quoted(host.as_bytes()))?;
    Ok(out.flush()?)
}
