//! `[repository.NAME]`: where archives are, how they are opened, and how they are looked after.

use std::path::PathBuf;

use super::{
    Address,
    reader::{Problems, Section, choice, duration, flag, path, paths, schedule, text, whole},
    reports,
};
use crate::schedule::Schedule;

/// One repository.
#[derive(Clone, Debug)]
pub struct Repository {
    /// As backups call it.
    pub name: String,
    /// As the command line takes it.
    pub location: String,
    /// How it is unlocked.
    pub secret: Option<Secret>,
    /// `--rsh`
    pub rsh: Option<String>,
    /// `--remote-path`
    pub remote_path: Option<String>,
    /// Mount points without which it is not there.
    pub require_mount: Vec<PathBuf>,
    /// Compact it after a prune.
    pub compact: bool,
    /// Read it all, night after night.
    pub check: Option<Check>,
    /// Told of checks.
    pub ping: Option<Address>,
}

/// Where the passphrase comes from; the passphrase itself has no place in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The first line of a file.
    File(PathBuf),
    /// What a command prints.
    Command(String),
}

/// A check in slices.
#[derive(Clone, Debug)]
pub struct Check {
    /// When a slice begins.
    pub schedule: Schedule,
    /// Everything is read in so many days.
    pub days: u32,
    /// Seconds of a slice, at least.
    pub slice: u32,
    /// What is read.
    pub reading: Reading,
}

/// How deep a check looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All data is fetched, decrypted and authenticated, and all archives are gone through.
    Data,
    /// The repository's own files, where they are: nothing goes over the line.
    Repository,
}

const READING: &[(&str, Reading)] = &[("data", Reading::Data), ("repository", Reading::Repository)];

pub(super) fn read(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<Repository> {
    let name = section.name.clone();
    section.name = format!("repository.{name}");
    if section.read("passphrase", problems, |_| Ok(())).is_some() {
        let place = section.place_of("passphrase");
        problems.add(place, "a passphrase does not belong here: write passphrase_file or passphrase_command");
    }
    let file = section.read("passphrase_file", problems, path).map(Secret::File);
    let command = section.read("passphrase_command", problems, text).map(Secret::Command);
    if file.is_some() && command.is_some() {
        problems.add(section.place_of("passphrase_command"), "there is a passphrase_file already");
    }
    let location = section.need("location", problems, text);
    if location.as_ref().is_some_and(|location| location.contains("::")) {
        problems.add(section.place_of("location"), "location: a repository is expected, not an archive");
    }
    let check = section.section("check", problems);
    let repository = Repository {
        name,
        location: location.unwrap_or_default(),
        secret: file.or(command),
        rsh: section.read("rsh", problems, text),
        remote_path: section.read("remote_path", problems, text),
        require_mount: section.read("require_mount", problems, paths).unwrap_or_default(),
        compact: section.read("compact", problems, flag).unwrap_or(true),
        check: check.and_then(|section| read_check(section, problems)),
        ping: section.read("ping", problems, reports::address),
    };
    section.finish(problems);
    Some(repository)
}

fn read_check(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<Check> {
    let check = Check {
        schedule: section.need("schedule", problems, schedule)?,
        days: section.read("days", problems, whole(1, 366)).unwrap_or(30),
        slice: section.read("slice", problems, duration).unwrap_or(600).max(1),
        reading: section.read("reading", problems, choice(READING)).unwrap_or(Reading::Data),
    };
    section.finish(problems);
    Some(check)
}
