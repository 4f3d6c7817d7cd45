//! `prune`: which archives the rules keep. Deciding touches nothing; deleting is `delete`'s part.
//!
//! A rule goes from the newest archive to the oldest and keeps the newest of each period of local time, unless a rule before
//! kept that one already, until it has kept as many as it may. A rule that finds fewer keeps the oldest archive too.
//! Checkpoints are no archives to a rule: only the newest stays, and only while no archive is newer.
//!
//! RAM: some 200 bytes an archive.

mod period;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use nanoprobe_archive::{ManifestEntry, timestamp};
use nanoprobe_format::Id;
use regex::Regex;

pub use self::period::Period;
use crate::{Error, patterns::NameGlob};

/// How Borg's checkpoints are called, after the archive's own name.
const CHECKPOINT: &str = r"\.checkpoint(\.\d+)?\z";

/// What to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// All archives of the last so many hours.
    pub within_hours: Option<u64>,
    /// Of each period so many; below zero: all.
    pub periods: BTreeMap<Period, i64>,
}

impl Rules {
    /// True when nothing says what to keep.
    pub fn is_empty(&self) -> bool {
        self.within_hours.is_none() && self.periods.values().all(|&count| count == 0)
    }
}

/// Why an archive stays, or that it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A rule keeps it.
    Kept {
        /// Borg's name of the rule.
        rule: &'static str,
        /// It is kept as the oldest archive, because the rule found too few.
        oldest: bool,
        /// As so manieth of the rule.
        number: usize,
    },
    /// It is the newest checkpoint, and no archive is newer.
    KeptCheckpoint,
    /// No rule keeps it.
    Pruned,
}

/// What becomes of the archives that the rules look at, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Each archive and checkpoint.
    pub verdicts: Vec<(ManifestEntry, Verdict)>,
    /// Checkpoints among them.
    pub checkpoints: usize,
}

impl Decision {
    /// How many of those that are checkpoints, or are none, stay or go.
    pub fn count(&self, checkpoints: bool, pruned: bool) -> usize {
        let is_checkpoint = checkpoint_expression();
        let counted = self.verdicts.iter().filter(|(entry, verdict)| {
            is_checkpoint.is_match(&entry.name) == checkpoints && (*verdict == Verdict::Pruned) == pruned
        });
        counted.count()
    }
}

/// Whether a name is that of a checkpoint.
pub fn is_checkpoint(name: &str) -> bool {
    checkpoint_expression().is_match(name)
}

/// Decides about the archives whose names, checkpoint endings aside, match the glob.
pub fn decide(
    archives: &[ManifestEntry],
    glob: Option<&str>,
    rules: &Rules,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Decision, Error> {
    let checkpoint = checkpoint_expression();
    let glob = glob.map(NameGlob::new);
    let mut considered = Vec::new();
    for entry in archives {
        let stem = checkpoint.find(&entry.name).map_or(&*entry.name, |ending| &entry.name[..ending.start()]);
        let matches = match &glob {
            None => true,
            Some(glob) => glob.as_ref().is_some_and(|glob| glob.matches(&entry.name) || glob.matches(stem)),
        };
        if matches {
            let time = timestamp::parse(&entry.time)?;
            considered.push(Considered { entry, time, checkpoint: stem.len() < entry.name.len() });
        }
    }
    // Of archives of one time the last by name counts as the newest.
    considered.sort_by_key(|archive| archive.time);
    considered.reverse();

    let complete: Vec<&Considered<'_>> = considered.iter().filter(|archive| !archive.checkpoint).collect();
    let reasons = apply(&complete, rules, now, zone);
    let verdicts: Vec<(ManifestEntry, Verdict)> = considered
        .iter()
        .enumerate()
        .map(|(place, archive)| {
            let verdict = match (archive.checkpoint, place) {
                (true, 0) => Verdict::KeptCheckpoint,
                (true, _) => Verdict::Pruned,
                (false, _) => reasons.get(&archive.entry.id).copied().unwrap_or(Verdict::Pruned),
            };
            (archive.entry.clone(), verdict)
        })
        .collect();
    let checkpoints = considered.iter().filter(|archive| archive.checkpoint).count();
    Ok(Decision { verdicts, checkpoints })
}

struct Considered<'a> {
    entry: &'a ManifestEntry,
    time: Timestamp,
    checkpoint: bool,
}

/// What each kept archive is kept for; newest first.
fn apply(archives: &[&Considered<'_>], rules: &Rules, now: Timestamp, zone: &TimeZone) -> BTreeMap<Id, Verdict> {
    let mut reasons = BTreeMap::new();
    if let Some(hours) = rules.within_hours {
        let target = i128::from(now.as_microsecond()) - i128::from(hours) * 3_600_000_000;
        let within = archives.iter().filter(|archive| i128::from(archive.time.as_microsecond()) > target);
        for (archive, number) in within.zip(1..) {
            reasons.insert(archive.entry.id, Verdict::Kept { rule: "within", oldest: false, number });
        }
    }
    for (period, &count) in rules.periods.iter().filter(|&(_, &count)| count != 0) {
        split(archives, *period, count, zone, &mut reasons);
    }
    reasons
}

/// One rule.
fn split(
    archives: &[&Considered<'_>],
    period: Period,
    count: i64,
    zone: &TimeZone,
    reasons: &mut BTreeMap<Id, Verdict>,
) {
    let (rule, mut kept, mut last) = (period.name(), 0, None);
    // Below zero no number is ever reached.
    let is_enough = |kept: usize| i64::try_from(kept).is_ok_and(|kept| kept == count);
    for archive in archives {
        let current = Some(period.of(archive.time, zone));
        if current == last {
            continue;
        }
        last = current;
        if let std::collections::btree_map::Entry::Vacant(vacant) = reasons.entry(archive.entry.id) {
            kept += 1;
            vacant.insert(Verdict::Kept { rule, oldest: false, number: kept });
            if is_enough(kept) {
                return;
            }
        }
    }
    if let Some(oldest) = archives.last()
        && i64::try_from(kept).is_ok_and(|kept| kept < count)
    {
        reasons.entry(oldest.entry.id).or_insert(Verdict::Kept { rule, oldest: true, number: kept + 1 });
    }
}

fn checkpoint_expression() -> Regex {
    Regex::new(CHECKPOINT).unwrap_or_else(|_| unreachable!("a constant expression"))
}
