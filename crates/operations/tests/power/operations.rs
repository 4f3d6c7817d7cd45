//! The operations that are interrupted.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use nanoprobe_archive::Manifest;
use nanoprobe_format::Id;
use nanoprobe_key::{Directories, Key, Mode};
use nanoprobe_operations::{
    Budget, Error, Interrupt, Places, Session,
    check::{self, Scope, Subject},
    compact::compact,
    delete::{DeleteOptions, Force, delete},
    patterns::Rule,
    prune::{Period, Rules, Verdict, decide},
    recreate::{Options, Recompress, Recreate, RecreateError},
    rename::rename,
    select::PartFiles,
};
use nanoprobe_repository::{CheckMode, CompactOptions};

use crate::{
    archives::{damage, fill, read_all},
    cuts::{Operation, Steps, interrupt_everywhere, no_archive},
    place::{Answers, Defects, Place},
};

const LONG: Duration = Duration::from_secs(1800);
/// So short that every checkpoint is due.
const SHORT: Duration = Duration::from_nanos(1);

fn operation(name: &'static str, steps: Steps, run: fn(&mut Session) -> Result<(), Error>) -> Operation {
    let budget = Budget::new(Budget::DEFAULT_BYTES);
    Operation { name, steps, damage: None, run, is_temporary: no_archive, mode: Mode::None, budget, sample: 60 }
}

/// In an encrypted repository; deriving its key takes most of the time.
fn encrypted(operation: Operation) -> Operation {
    Operation { mode: Mode::RepokeyBlake2, sample: 8, ..operation }
}

/// Deletes those of the archives that are there.
fn delete_present(session: &mut Session, names: &[&str], checkpoint_interval: Duration) -> Result<(), Error> {
    let present: Vec<&str> = names.iter().filter(|name| session.manifest.archive(name).is_some()).copied().collect();
    if present.is_empty() {
        return Ok(());
    }
    let options = DeleteOptions { force: Force::No, checkpoint_interval, part_files: PartFiles::Skip };
    delete(session, &present, &options, &Defects::default(), &Interrupt::new()).map(drop)
}

fn recreate_archives(
    session: &mut Session,
    names: &[&str],
    target: Option<&str>,
    checkpoint_interval: Duration,
) -> Result<(), Error> {
    let paths = ["tree/1", "tree/8", "tree/12", "tree/13", "tree/25", "tree/31"];
    let options = Options {
        rules: vec![Rule::exclude(b"tree/8").expect("a pattern")],
        paths: paths.map(|path| path.as_bytes().to_vec()).into(),
        exclude_caches: false,
        exclude_if_present: Vec::new(),
        keep_exclude_tags: false,
        recompress: Recompress::Always,
        compression: "zlib,1".parse().expect("a compression"),
        chunker: Some("buzhash,6,9,8,63".parse().expect("parameters")),
        comment: None,
        timestamp: None,
        checkpoint_interval,
        dry_run: false,
        command_line: target.into_iter().flat_map(|name| ["--target".to_owned(), name.to_owned()]).collect(),
        hostname: "box".into(),
        username: "user".into(),
    };
    let (monitor, interrupt) = (Defects::default(), Interrupt::new());
    let mut recreate = Recreate::new(session, &options, &monitor, &interrupt);
    for name in names {
        recreate.archive(name, target).map_err(|error| match error {
            RecreateError::Operation(error) => error,
            error => panic!("{error}"),
        })?;
    }
    recreate.finish().map(drop)
}

#[test]
fn delete_is_all_or_nothing() {
    let run = |session: &mut Session| delete_present(session, &["day2", "day4"], LONG);
    interrupt_everywhere(&operation("delete", Steps::One, run));
}

#[test]
fn delete_with_checkpoints_takes_archives_one_by_one() {
    let run = |session: &mut Session| delete_present(session, &["day1", "day2", "day4", "day5"], SHORT);
    interrupt_everywhere(&operation("delete-checkpoints", Steps::Archives, run));
}

#[test]
fn delete_in_rounds_is_all_or_nothing() {
    let run = |session: &mut Session| delete_present(session, &["day1", "day3", "day5"], LONG);
    let budget = Budget::new(10_000);
    interrupt_everywhere(&Operation { budget, ..operation("delete-rounds", Steps::One, run) });
}

#[test]
fn delete_of_all_archives_of_an_encrypted_repository() {
    let run = |session: &mut Session| delete_present(session, &["day1", "day2", "day3", "day4", "day5"], LONG);
    interrupt_everywhere(&encrypted(operation("delete-all", Steps::One, run)));
}

#[test]
fn prune_is_all_or_nothing() {
    let run = |session: &mut Session| {
        let rules = Rules { within_hours: None, periods: [(Period::Day, 2)].into() };
        let now = Timestamp::from_second(1_780_000_000).expect("a time");
        let decision = decide(session.manifest.archives(), None, &rules, now, &TimeZone::UTC)?;
        let pruned = decision.verdicts.into_iter().filter(|(_, verdict)| *verdict == Verdict::Pruned);
        let names: Vec<String> = pruned.map(|(entry, _)| entry.name).collect();
        delete_present(session, &names.iter().map(String::as_str).collect::<Vec<_>>(), LONG)
    };
    interrupt_everywhere(&operation("prune", Steps::One, run));
}

#[test]
fn rename_is_all_or_nothing() {
    let run = |session: &mut Session| match session.manifest.archive("day3") {
        Some(_) => rename(session, "day3", "third", &Defects::default(), &Interrupt::new()),
        None => Ok(()),
    };
    interrupt_everywhere(&operation("rename", Steps::One, run));
}

#[test]
fn recreate_in_place_is_all_or_nothing() {
    let run = |session: &mut Session| recreate_archives(session, &["day2", "day3"], None, LONG);
    let is_temporary = |name: &str| name.contains(".recreate");
    interrupt_everywhere(&Operation { is_temporary, ..operation("recreate", Steps::One, run) });
}

#[test]
fn recreate_in_place_with_checkpoints_is_all_or_nothing() {
    let run = |session: &mut Session| recreate_archives(session, &["day5"], None, SHORT);
    let is_temporary = |name: &str| name.contains(".recreate");
    let operation = Operation { is_temporary, ..operation("recreate-checkpoints", Steps::One, run) };
    interrupt_everywhere(&encrypted(operation));
}

/// Recreating removes what it has left itself, and no archive that somebody named so.
#[test]
fn recreate_leaves_archives_alone_that_only_look_like_its_own() {
    for name in ["day2.recreate", "day2.recreate.checkpoint"] {
        let (_place, _disk, mut session) = Place::new("temporary", Mode::None, Budget::new(Budget::DEFAULT_BYTES));
        fill(&mut session);
        recreate_archives(&mut session, &["day2"], Some(name), LONG).expect("recreated");
        let before = read_all(&session).expect("read");
        let done = recreate_archives(&mut session, &["day2"], None, LONG);
        let in_the_way = matches!(&done, Err(Error::ArchiveExists(there)) if there == name);
        assert_eq!((in_the_way, done.is_ok()), (name == "day2.recreate", name != "day2.recreate"), "{done:?}");
        assert_eq!(read_all(&session).expect("read").0[name], before.0[name]);
    }
}

#[test]
fn recreate_to_a_target_is_all_or_nothing() {
    let run = |session: &mut Session| match session.manifest.archive("target") {
        Some(_) => Ok(()),
        None => recreate_archives(session, &["day4"], Some("target"), LONG),
    };
    interrupt_everywhere(&operation("recreate-target", Steps::One, run));
}

#[test]
fn compact_behind_a_delete_loses_nothing() {
    let run = |session: &mut Session| {
        delete_present(session, &["day1", "day3"], LONG)?;
        let options = CompactOptions { threshold_percent: 0, ..CompactOptions::default() };
        compact(&*session.repository, &options, &Defects::default(), &Interrupt::new())
    };
    interrupt_everywhere(&operation("compact", Steps::One, run));
}

/// Until the commit every archive is as damaged as it was.
#[test]
fn repair_is_all_or_nothing() {
    let run = |session: &mut Session| {
        let places = places_of(session);
        let repository = Arc::clone(&session.repository);
        let unlock = &mut |object: &[u8]| Ok(Key::unlock(&*repository, object, &places.directories, &mut Answers)?);
        let subject =
            Subject { repository: Arc::clone(&session.repository), unlock, places: &places, budget: session.budget };
        let options = check::Options { scope: Scope::Archives, mode: CheckMode::Repair, ..check::Options::default() };
        check::check(subject, &options, &Defects::default(), &Interrupt::new())?;
        let mut object = Vec::new();
        session.repository.get(&Id::MANIFEST, &mut object)?;
        session.manifest = Manifest::open(&object, &session.key, &mut session.key.opener())?;
        Ok(())
    };
    interrupt_everywhere(&Operation { damage: Some(damage), ..operation("repair", Steps::One, run) });
}

/// The directories of a session whose key is none.
fn places_of(session: &Session) -> Places {
    let caches = session.cache.parent().expect("a parent").to_owned();
    let [keys, security] = ["keys", "security"].map(|name| caches.with_file_name(name));
    Places { directories: Directories { keys, security, key_file: None }, caches }
}
