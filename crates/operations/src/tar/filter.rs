//! The file that a tar archive is in, and the program it is piped through (`--tar-filter`).
//!
//! ```text
//! export: us → filter → file or standard output        import: file or standard input → filter → us
//! ```

use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::CommandExt,
    },
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{Error, Event, Monitor};

/// Programs by the endings of tar archives' names, and what makes them unpack.
const FILTERS: [(&[&str], &str, &str); 5] = [
    (&[".tar.gz", ".tgz"], "gzip", "gzip -d"),
    (&[".tar.bz2", ".tbz"], "bzip2", "bzip2 -d"),
    (&[".tar.xz", ".txz"], "xz", "xz -d"),
    (&[".tar.lz4"], "lz4", "lz4 -d"),
    (&[".tar.zstd", ".tar.zst"], "zstd", "zstd -d"),
];

/// Secrets that no other program is to know.
const SECRETS: [&str; 4] = ["BORG_PASSPHRASE", "BORG_NEW_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_PASSPHRASE_FD"];

/// Which way a tar archive goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Written.
    Out,
    /// Read.
    In,
}

/// The filter that a name asks for.
pub fn automatic_filter(name: &[u8], way: Way) -> Option<&'static str> {
    let (_, out, inward) =
        FILTERS.iter().find(|(endings, ..)| endings.iter().any(|ending| name.ends_with(ending.as_bytes())))?;
    Some(if way == Way::Out { out } else { inward })
}

/// A filter as typed, and its words.
#[derive(Clone, Debug)]
pub struct Filter {
    /// For messages.
    pub command: String,
    /// Program and arguments.
    pub words: Vec<String>,
}

impl Filter {
    fn spawn(&self, input: Stdio, output: Stdio, monitor: &dyn Monitor) -> Result<Child, Error> {
        let failed = |reason: &str| {
            monitor.event(Event::Defect(&format!("filter-process: {reason}")));
            Error::Filter(format!("filter {}: process creation failed", self.command))
        };
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(failed("an empty command line is not permitted"));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(input).stdout(output);
        for name in SECRETS {
            command.env_remove(name);
        }
        // In a group of its own an interrupt from the keyboard does not reach it: it ends when its input does.
        command.process_group(0).spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => failed(&format!("executable not found: {program}")),
            io::ErrorKind::PermissionDenied => failed(&format!("permission denied: {program}")),
            _ => failed(&error.to_string()),
        })
    }
}

/// Waits for a filter that has got everything, or given everything.
fn wait(mut child: Child, filter: &str) -> Result<(), Error> {
    use std::os::unix::process::ExitStatusExt;
    let status = child.wait().map_err(Error::local("wait for", "filter"))?;
    match status.code().unwrap_or_else(|| -status.signal().unwrap_or(1)) {
        0 => Ok(()),
        code => Err(Error::Filter(format!("filter {filter} failed, rc={code}"))),
    }
}

fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Where a tar archive is written to.
pub struct TarOutput {
    sink: Sink,
    filter: String,
    child: Option<Child>,
}

enum Sink {
    File(File),
    Filter(ChildStdin),
}

impl TarOutput {
    /// To a file, a pipe or a terminal, through a filter if there is one.
    pub fn create(file: File, filter: Option<&Filter>, monitor: &dyn Monitor) -> Result<Self, Error> {
        let Some(filter) = filter else {
            return Ok(Self { sink: Sink::File(file), filter: String::new(), child: None });
        };
        let mut child = filter.spawn(Stdio::piped(), file.into(), monitor)?;
        let Some(input) = child.stdin.take() else { return Err(Error::Filter(filter.command.clone())) };
        Ok(Self { sink: Sink::Filter(input), filter: filter.command.clone(), child: Some(child) })
    }

    /// Everything is written; waits until the filter is done with it.
    pub fn finish(mut self) -> Result<(), Error> {
        let child = self.child.take();
        let filter = std::mem::take(&mut self.filter);
        drop(self);
        child.map_or(Ok(()), |child| wait(child, &filter))
    }
}

impl Write for TarOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::File(file) => file.write(bytes),
            Sink::Filter(input) => input.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TarOutput {
    fn drop(&mut self) {
        self.child.iter_mut().for_each(kill);
    }
}

/// Where a tar archive is read from.
pub struct TarInput {
    source: Source,
    filter: String,
    child: Option<Child>,
}

enum Source {
    File(File),
    Filter(ChildStdout),
}

impl TarInput {
    /// From a file or a pipe, through a filter if there is one.
    pub fn open(file: File, filter: Option<&Filter>, monitor: &dyn Monitor) -> Result<Self, Error> {
        let Some(filter) = filter else {
            return Ok(Self { source: Source::File(file), filter: String::new(), child: None });
        };
        let mut child = filter.spawn(file.into(), Stdio::piped(), monitor)?;
        let Some(output) = child.stdout.take() else { return Err(Error::Filter(filter.command.clone())) };
        Ok(Self { source: Source::Filter(output), filter: filter.command.clone(), child: Some(child) })
    }

    /// The archive is read to its end; what is behind it is passed over, so that the filter can end.
    pub fn finish(mut self) -> Result<(), Error> {
        let Some(child) = self.child.take() else { return Ok(()) };
        let filter = std::mem::take(&mut self.filter);
        if let Source::Filter(output) = &mut self.source {
            io::copy(output, &mut io::sink()).map_err(Error::local("read", "filter"))?;
        }
        drop(self);
        wait(child, &filter)
    }
}

impl AsFd for TarInput {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::File(file) => file.as_fd(),
            Source::Filter(output) => output.as_fd(),
        }
    }
}

impl Drop for TarInput {
    fn drop(&mut self) {
        self.child.iter_mut().for_each(kill);
    }
}
