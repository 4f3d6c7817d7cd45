//! Fetches some files of the newest archive again and compares them with their sources, where these did not change since.
//!
//! The files are chosen while the archive's list streams by (reservoir sampling), and compared while they come: nothing is
//! written, and memory holds one piece of each.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::Value;

use super::{Ending, Work};
use crate::{
    Trouble,
    configuration::{Backup, Repository},
    lines::Lines,
    plan::Job,
};

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    path: String,
    size: u64,
    /// Microseconds since 1970.
    modified: i64,
}

/// What came of fetching one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    /// The source changed since the backup: what came has the right size at least.
    Changed,
    Differs,
}

pub(super) fn run(backup: &Backup, repository: &Repository, work: &Work<'_>) -> io::Result<Ending> {
    let of_backup = work.state.jobs.get(&Job::Backup(backup).name());
    let Some(figures) = of_backup.and_then(|record| record.figures.as_ref()) else {
        return Ok(Ending::failed(Trouble::Other, "it is not known which archive is the newest"));
    };
    let archive = format!("::{}", figures.archive);
    let (count, largest) = backup.drill.as_ref().map_or((0, 0), |drill| (drill.files as usize, drill.largest));
    let mut choice = Choice::new(count, u64::from(largest) << 20, seed()?);
    let mut command = work.command("list", repository);
    // In a zone without changes times are what they seem.
    command.env("TZ", "UTC0").args(["--json-lines", "--format", "{type}{size}{isomtime}{path}", &archive]);
    let mut lines = Lines::new(MOST_LINE_BYTES);
    let finished = work.run(&mut command, &mut |bytes| lines.take(bytes, |line| choice.line(line)))?;
    if finished.code != 0 {
        return Ok(Ending::of(&finished));
    }
    let (mut equal, mut changed) = (0, 0);
    for wanted in &choice.chosen {
        let mut command = work.command("extract", repository);
        command.args(["--stdout", &archive]).arg(format!("pp:{}", wanted.path));
        let mut reading = Reading::of(wanted);
        let finished = work.run(&mut command, &mut |bytes| reading.take(bytes))?;
        if finished.code != 0 {
            // A warning of extract is a file that did not come whole.
            let ending = Ending::of(&finished);
            return Ok(Ending { failure: ending.failure.or(Some(Trouble::Damaged)), ..ending });
        }
        match reading.finish() {
            Comparison::Equal => equal += 1,
            Comparison::Changed => changed += 1,
            Comparison::Differs => {
                let words = format!(
                    "{} is not what {archive} has of it, though neither size nor time changed",
                    reading.source.display()
                );
                return Ok(Ending::failed(Trouble::Differs, &words));
            }
        }
    }
    let log =
        format!("{equal} files of {archive} are equal to their sources, {changed} changed since and came whole\n");
    Ok(Ending { log, ..Ending::default() })
}

/// So many of the files that pass, each with the same chance.
struct Choice {
    chosen: Vec<Wanted>,
    most: usize,
    largest: u64,
    seen: u64,
    random: u64,
}

/// Longer lines are no files that anybody wants to fetch.
const MOST_LINE_BYTES: usize = 64 << 10;

impl Choice {
    fn new(most: usize, largest: u64, seed: u64) -> Self {
        Self { chosen: Vec::new(), most, largest, seen: 0, random: seed | 1 }
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(wanted) = wanted(line).filter(|wanted| wanted.size <= self.largest) {
            self.offer(wanted);
        }
    }

    fn offer(&mut self, wanted: Wanted) {
        self.seen += 1;
        if self.chosen.len() < self.most {
            self.chosen.push(wanted);
            return;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let place = usize::try_from(self.random % self.seen).unwrap_or(usize::MAX);
        if let Some(chosen) = self.chosen.get_mut(place) {
            *chosen = wanted;
        }
    }
}

/// A plain file of the list, if its name is text.
fn wanted(line: &[u8]) -> Option<Wanted> {
    let item: Value = serde_json::from_slice(line).ok()?;
    if item["type"] != "-" || item["source"].as_str().is_some_and(|source| !source.is_empty()) {
        return None;
    }
    let time: DateTime = item["isomtime"].as_str()?.parse().ok()?;
    let modified = time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond();
    // A list shows bytes that are no text as question marks: such a name cannot be asked for.
    let path = item["path"].as_str().filter(|path| !path.contains('?'))?;
    Some(Wanted { path: path.to_owned(), size: item["size"].as_u64()?, modified })
}

fn seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// One file that comes, beside its source.
struct Reading {
    source: PathBuf,
    size: u64,
    file: Option<File>,
    /// What its source was when it was opened.
    before: Option<Stamp>,
    came: u64,
    is_equal: bool,
}

/// Size, times of content and of attributes: what changes when somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64, i64, i64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(Stamp(metadata.size(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()))
}

impl Reading {
    fn of(wanted: &Wanted) -> Self {
        let source = Path::new("/").join(&wanted.path);
        let before = stamp(&source).filter(|&Stamp(size, second, nanosecond, ..)| {
            // Archives' times are shown rounded.
            let modified = second.saturating_mul(1_000_000).saturating_add(nanosecond / 1000);
            size == wanted.size && modified.abs_diff(wanted.modified) <= 1
        });
        let file = before.and_then(|_| File::open(&source).ok());
        Self { source, size: wanted.size, file, before, came: 0, is_equal: true }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.came += bytes.len() as u64;
        let Some(file) = self.file.as_mut().filter(|_| self.is_equal) else { return };
        let mut own = vec![0; bytes.len()];
        self.is_equal = file.read_exact(&mut own).is_ok() && own == bytes;
    }

    fn finish(&self) -> Comparison {
        let is_whole = self.came == self.size;
        match (&self.file, self.before == stamp(&self.source)) {
            (Some(_), true) if is_whole && self.is_equal => Comparison::Equal,
            (Some(_), true) => Comparison::Differs,
            _ if is_whole => Comparison::Changed,
            _ => Comparison::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_the_same_chance() {
        let line = |n: u64| {
            format!(
                "{{\"type\": \"-\", \"path\": \"{n}\", \"source\": \"\", \"size\": 1, \"isomtime\": \"2026-11-23T09:59:02.389729\"}}\n"
            )
        };
        let text: String = (0..20).map(line).collect();
        let mut counts = [0; 20];
        for seed in 0..2000 {
            let mut choice = Choice::new(5, 1, seed * 7919 + 12_345);
            let mut lines = Lines::new(MOST_LINE_BYTES);
            let mut take = |piece: &[u8]| lines.take(piece, |line| choice.line(line));
            text.as_bytes().chunks(100).for_each(&mut take);
            take(b"{\"type\": \"d\", \"path\": \"x\"}\nno JSON\n");
            assert_eq!((choice.chosen.len(), choice.seen), (5, 20));
            choice.chosen.iter().for_each(|wanted| counts[wanted.path.parse::<usize>().expect("a number")] += 1);
        }
        assert!(counts.iter().all(|count| (350..650).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_changed_byte_is_told_from_a_changed_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("file");
        fs::write(&source, b"twelve bytes").expect("a file");
        let metadata = fs::metadata(&source).expect("a file");
        let modified = metadata.mtime() * 1_000_000 + metadata.mtime_nsec() / 1000;
        let wanted = |size, modified| Wanted { path: source.to_str().expect("text")[1..].to_owned(), size, modified };
        let compare = |wanted: &Wanted, pieces: &[&[u8]]| {
            let mut reading = Reading::of(wanted);
            pieces.iter().for_each(|piece| reading.take(piece));
            reading.finish()
        };
        let same = wanted(12, modified);
        assert_eq!(compare(&same, &[b"twelve ", b"bytes"]), Comparison::Equal);
        assert_eq!(compare(&same, &[b"twelve ", b"bytez"]), Comparison::Differs);
        assert_eq!(compare(&same, &[b"twelve "]), Comparison::Differs);
        assert_eq!(compare(&wanted(12, modified - 5), &[b"12 old bytes"]), Comparison::Changed);
        assert_eq!(compare(&wanted(13, modified), &[b"12 old bytes"]), Comparison::Differs, "it did not come whole");
        let mut reading = Reading::of(&same);
        reading.take(b"something");
        fs::write(&source, b"other bytes!").expect("a file");
        reading.take(b"els");
        assert_eq!(reading.finish(), Comparison::Changed, "written meanwhile");
    }
}
