//! What pages show of repositories: commands of this program, one at a time, whose output streams by.
//!
//! A command ends when whoever asked goes away, or when it is silent for long. Memory is the command's own, and one page here.

use std::{
    collections::VecDeque,
    ffi::OsString,
    net::TcpStream,
    os::{fd::AsFd, unix::ffi::OsStringExt},
    path::Path,
    process::Command,
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use super::{
    answer::{Answer, Flow},
    listing::{FORMAT, Listing, MOST_LINE_BYTES},
};
use crate::{
    Trouble,
    child::{self, Finished, Until},
    configuration::{Limits, Repository},
    job::command,
    lines::Lines,
};

/// Starts commands, one at a time: memory is for one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    turn: Mutex<()>,
}

/// A repository, or an archive of it, that somebody who waits at the other end of `client` wants to see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) program: &'a Path,
    pub(super) limits: &'a Limits,
    pub(super) repository: &'a Repository,
    pub(super) client: &'a TcpStream,
}

/// Why there is nothing to show.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// Another page reads.
    Busy,
    /// The command said so.
    Because(Trouble, String),
    /// There is nothing of that name.
    Nothing,
}

/// A page of a repository's archives, the newest first.
#[derive(Clone, Debug)]
pub(super) struct Archives {
    pub(super) list: Vec<Archive>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<usize>,
}

/// An archive in the list of a repository.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    pub(super) name: Vec<u8>,
    pub(super) began: i64,
}

/// Seconds to wait for a lock: who looks at a page does not wait for a backup to end.
const LOCK_WAIT: u32 = 2;
/// For another page.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// With a command that says nothing.
const PATIENCE: Duration = Duration::from_secs(300);
/// Archives of a page.
const MOST_ARCHIVES: usize = 100;
/// Of an archive's line: names are short.
const MOST_ARCHIVE_BYTES: usize = 8 << 10;

impl Reader {
    /// The newest archives behind the first `skipped`.
    pub(super) fn archives(&self, wanted: &Wanted<'_>, skipped: usize) -> Result<Archives, Failed> {
        // One more, to know whether there are more.
        let last = skipped + MOST_ARCHIVES + 1;
        let mut command = wanted.command("list");
        command.args(["--last", &last.to_string(), "--format", "{start:%s} {barchive}{NL}"]);
        let (mut list, mut count) = (VecDeque::new(), 0_usize);
        let mut lines = Lines::new(MOST_ARCHIVE_BYTES);
        self.run(wanted, &mut command, &mut |bytes| {
            lines.take(bytes, |line| {
                count += 1;
                // The oldest come first; those of newer pages come last.
                if list.len() <= MOST_ARCHIVES {
                    list.extend(archive(line));
                }
            });
        })?;
        list.truncate(count.saturating_sub(skipped));
        let next = (count == last).then_some(skipped + MOST_ARCHIVES);
        if next.is_some() {
            list.pop_front();
        }
        list.truncate(MOST_ARCHIVES);
        Ok(Archives { list: list.into_iter().rev().collect(), next })
    }

    /// A page of a directory.
    pub(super) fn directory(
        &self,
        wanted: &Wanted<'_>,
        archive: &[u8],
        path: &[u8],
        mut listing: Listing,
    ) -> Result<Listing, Failed> {
        let mut list = wanted.command("list");
        list.args(["--format", FORMAT]).arg(location(archive));
        if !path.is_empty() {
            list.arg(below(path));
        }
        let mut lines = Lines::new(MOST_LINE_BYTES);
        self.run(wanted, &mut list, &mut |bytes| lines.take(bytes, |line| listing.line(line)))?;
        Ok(listing)
    }

    /// Sends a file's content.
    pub(super) fn file(&self, wanted: &Wanted<'_>, archive: &[u8], path: &[u8], head: Answer) -> Result<(), Failed> {
        let mut extract = wanted.command("extract");
        // Of a path that matches nothing it says so; of a `pf:` it would not.
        extract.arg("--stdout").arg(location(archive)).arg(below(path));
        self.stream(wanted, &mut extract, head)
    }

    /// Sends a directory as a tar.
    pub(super) fn tar(&self, wanted: &Wanted<'_>, archive: &[u8], path: &[u8], head: Answer) -> Result<(), Failed> {
        let mut export = wanted.command("export-tar");
        export.arg(location(archive)).arg("-").arg(below(path));
        self.stream(wanted, &mut export, head)
    }

    fn stream(&self, wanted: &Wanted<'_>, command: &mut Command, head: Answer) -> Result<(), Failed> {
        let mut flow = Flow::new(wanted.client, head);
        let ended = self.run(wanted, command, &mut |bytes| flow.piece(bytes));
        match ended {
            Ok(()) => flow.finish(),
            Err(_) if flow.has_begun() => flow.cut(),
            Err(Failed::Because(_, words)) if words.contains("never matched") => return Err(Failed::Nothing),
            Err(failed) => return Err(failed),
        }
        Ok(())
    }

    fn run(&self, wanted: &Wanted<'_>, command: &mut Command, sink: &mut dyn FnMut(&[u8])) -> Result<(), Failed> {
        let _turn = self.turn().ok_or(Failed::Busy)?;
        let until = Until { stop: wanted.client.as_fd(), most: None, patience: Some(PATIENCE) };
        let finished = child::run(command, until, sink);
        match finished {
            Ok(Finished { code: 0, .. }) => Ok(()),
            Ok(Finished { code, log, .. }) => Err(Failed::Because(Trouble::of(code, &log.text()), log.last_words())),
            Err(error) => Err(Failed::Because(Trouble::Other, error.to_string())),
        }
    }

    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let began = Instant::now();
        loop {
            match self.turn.try_lock() {
                Ok(turn) => return Some(turn),
                Err(_) if began.elapsed() > TURN_WAIT => return None,
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Wanted<'_> {
    fn command(&self, name: &str) -> Command {
        command(self.program, name, self.repository, self.limits, LOCK_WAIT)
    }
}

fn archive(line: &[u8]) -> Option<Archive> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let space = line.iter().position(|&byte| byte == b' ')?;
    let began = str::from_utf8(&line[..space]).ok()?.parse().ok()?;
    Some(Archive { name: line[space + 1..].to_vec(), began })
}

/// `::archive`, in which braces stand for themselves.
fn location(archive: &[u8]) -> OsString {
    let mut text = b"::".to_vec();
    for &byte in archive {
        text.extend(std::iter::repeat_n(byte, if b"{}".contains(&byte) { 2 } else { 1 }));
    }
    OsString::from_vec(text)
}

/// A path and what is below it, whatever its bytes mean elsewhere.
fn below(path: &[u8]) -> OsString {
    OsString::from_vec([&b"pp:"[..], path].concat())
}
