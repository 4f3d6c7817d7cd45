//! `[backup.NAME]`: what is backed up, when, how long it is kept, and how it is tried.

use std::path::PathBuf;

use toml::de::DeValue;

use super::{
    Address, Repository,
    reader::{Problems, Section, duration, flag, paths, schedule, text, texts, whole},
    reports,
};
use crate::schedule::Schedule;

/// One backup.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// The name of its repository.
    pub repository: String,
    /// What is backed up: absolute paths.
    pub sources: Vec<PathBuf>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Leave out directories that are caches by their tag.
    pub exclude_caches: bool,
    /// Stay in the file systems of the sources.
    pub one_file_system: bool,
    /// `--compression`
    pub compression: String,
    /// Name of the archives, with a place for the time.
    pub archive: String,
    /// When.
    pub schedule: Schedule,
    /// What prune leaves.
    pub keep: Option<Keep>,
    /// Mount points without which there are no sources.
    pub require_mount: Vec<PathBuf>,
    /// Sources that are empty now and were not before are right.
    pub allow_empty: bool,
    /// A success is too old after so many seconds.
    pub too_old: i64,
    /// Fetch files again and compare.
    pub drill: Option<Drill>,
    /// Told of starts and ends.
    pub ping: Option<Address>,
    /// Where in the file it is.
    place: usize,
}

/// `keep = { daily = 7, weekly = 4 }`: options of prune.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep(pub Vec<(&'static str, String)>);

/// A drill: files of the newest archive are fetched and compared.
#[derive(Clone, Debug)]
pub struct Drill {
    /// When.
    pub schedule: Schedule,
    /// How many.
    pub files: u32,
    /// None that is longer, in MiB.
    pub largest: u32,
}

pub(super) fn read(
    mut section: Section<'_>,
    repositories: &[Repository],
    problems: &mut Problems<'_>,
) -> Option<Backup> {
    let (name, place) = (section.name.clone(), section.place);
    section.name = format!("backup.{name}");
    let repository = section.need("repository", problems, text);
    if let Some(wanted) = repository.as_ref().filter(|wanted| !repositories.iter().any(|one| one.name == **wanted)) {
        problems.add(section.place_of("repository"), format_args!("there is no sound [repository.{wanted}]"));
    }
    let (sources, schedule) = (section.need("sources", problems, paths), section.need("schedule", problems, schedule));
    let keep = section.section("keep", problems).map(|keep| read_keep(keep, problems));
    let drill = section.section("drill", problems).and_then(|drill| read_drill(drill, problems));
    let too_old = section.read("too_old", problems, duration).map(i64::from);
    let optional = |section: &mut Section<'_>, problems: &mut Problems<'_>, key| section.read(key, problems, text);
    let archive = section.read("archive", problems, archive);
    let backup = Backup {
        exclude: section.read("exclude", problems, texts).unwrap_or_default(),
        exclude_caches: section.read("exclude_caches", problems, flag).unwrap_or(false),
        one_file_system: section.read("one_file_system", problems, flag).unwrap_or(false),
        compression: optional(&mut section, problems, "compression").unwrap_or_else(|| "zstd,3".to_owned()),
        archive: archive.unwrap_or_else(|| format!("{{hostname}}-{name}.{{now}}")),
        keep,
        require_mount: section.read("require_mount", problems, paths).unwrap_or_default(),
        allow_empty: section.read("allow_empty", problems, flag).unwrap_or(false),
        too_old: too_old.or(schedule.as_ref().map(|schedule| (3 * schedule.period()).max(86_400))).unwrap_or_default(),
        drill,
        ping: section.read("ping", problems, reports::address),
        repository: repository.unwrap_or_default(),
        sources: sources.unwrap_or_default(),
        name,
        place,
        schedule: schedule?,
    };
    section.finish(problems);
    Some(backup)
}

/// Archives of one backup must not look like those of another: its prune would delete them.
pub(super) fn refuse_overlaps(backups: &[Backup], problems: &mut Problems<'_>) {
    for backup in backups.iter().filter(|backup| backup.keep.is_some()) {
        let prefix = backup.archive_prefix();
        let other = |other: &&Backup| other.name != backup.name && other.repository == backup.repository;
        for other in backups.iter().filter(other).filter(|other| other.archive_prefix().starts_with(prefix)) {
            let reason = format!(
                "prune of [backup.{}] would delete archives of [backup.{}]: \"{}\" begins as \"{prefix}\" does",
                backup.name, other.name, other.archive
            );
            problems.add(backup.place, reason);
        }
    }
}

impl Backup {
    /// What the names of all its archives begin with.
    pub fn archive_prefix(&self) -> &str {
        time_placeholder(&self.archive).map_or(&self.archive, |place| &self.archive[..place])
    }
}

fn archive(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    let place = time_placeholder(&text).ok_or("{now} or {utcnow} must stand in it, so that names differ")?;
    if place == 0 {
        return Err("something must stand before the time, so that prune knows whose archives these are".to_owned());
    }
    if text.contains(['/', '*', '?', '[']) || text.contains("::") {
        return Err("/, ::, *, ? and [ cannot stand in it".to_owned());
    }
    Ok(text)
}

/// Where the time stands in a name of archives.
fn time_placeholder(text: &str) -> Option<usize> {
    text.match_indices('{').map(|(place, _)| place).find(|&place| {
        let inside = &text[place + 1..];
        inside.starts_with("now") || inside.starts_with("utcnow")
    })
}

fn read_keep(mut section: Section<'_>, problems: &mut Problems<'_>) -> Keep {
    const COUNTS: [&str; 6] = ["hourly", "daily", "weekly", "monthly", "yearly", "last"];
    let mut rules = Vec::new();
    if let Some(within) = section.read("within", problems, within) {
        rules.push(("within", within));
    }
    for rule in COUNTS {
        if let Some(count) = section.read(rule, problems, whole(1, 100_000)) {
            rules.push((rule, count.to_string()));
        }
    }
    if rules.is_empty() {
        problems.add(section.place, "keep: without a rule nothing would be kept");
    }
    section.finish(problems);
    Keep(rules)
}

/// What `--keep-within` takes.
fn within(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    let number = text.strip_suffix(['H', 'd', 'w', 'm', 'y']).and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(1..) => Ok(text),
        _ => Err(format!("\"{text}\" is none of 12H, 7d, 4w, 6m, 1y")),
    }
}

fn read_drill(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<Drill> {
    let drill = Drill {
        schedule: section.need("schedule", problems, schedule)?,
        files: section.read("files", problems, whole(1, 1000)).unwrap_or(5),
        largest: section.read("largest", problems, whole(1, 1 << 30)).unwrap_or(1024),
    };
    section.finish(problems);
    Some(drill)
}
