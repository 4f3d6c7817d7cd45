//! What `export-tar` and `import-tar` share: the file, and the program it is piped through.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{fd::AsFd, unix::ffi::OsStrExt},
};

use nanoprobe_operations::tar::{Filter, Way, automatic_filter};

use crate::{Failure, shell_words};

/// The file that was typed, made or opened; `-` is a standard stream.
pub(super) fn open(typed: &OsStr, way: Way) -> Result<File, Failure> {
    let opened = match (typed == "-", way) {
        (true, Way::Out) => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        (true, Way::In) => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        (false, Way::Out) => File::create(typed),
        (false, Way::In) => File::open(typed),
    };
    opened.map_err(|error| {
        let shown = error.to_string();
        let reason = shown.split(" (os error").next().unwrap_or_default();
        let number = error.raw_os_error().unwrap_or(0);
        Failure::unforeseen(format_args!("[Errno {number}] {reason}: '{}'", typed.to_string_lossy()))
    })
}

/// The filter that was typed, or that the file's name asks for.
pub(super) fn filter(typed: &str, file: &OsStr, way: Way) -> Result<Option<Filter>, Failure> {
    let command = match typed {
        "auto" => automatic_filter(file.as_bytes(), way).unwrap_or_default(),
        typed => typed,
    };
    if command.is_empty() {
        return Ok(None);
    }
    let words = shell_words::split(command).ok_or_else(|| {
        Failure::error(format_args!("filter-process: No closing quotation; filter {command}: process creation failed"))
    })?;
    Ok(Some(Filter { command: command.to_owned(), words }))
}
