//! The configuration file and what it means. Every problem has a line; one file, and nothing outside of it is looked at.

mod backups;
mod limits;
mod reader;
mod reports;
mod repositories;
pub mod sample;
mod web;

use std::{fmt, fs, io::Read, path::Path};

use self::reader::{Problems, Section};
pub use self::{
    backups::{Backup, Drill, Keep},
    limits::{AfterWindow, Hold, Limits, Window},
    reports::{Address, Lights, Mail, Reports},
    repositories::{Check, Reading, Repository, Secret},
    web::Web,
};
use crate::Error;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// What jobs may use, and when.
    pub limits: Limits,
    /// Where to.
    pub repositories: Vec<Repository>,
    /// What is backed up.
    pub backups: Vec<Backup>,
    /// Who is told.
    pub reports: Reports,
    /// The status page, where there is one.
    pub web: Option<Web>,
}

/// Something wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Where in it, from 1; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// A configuration is not longer than that.
const MOST_BYTES: u64 = 1 << 20;

/// Reads and understands a file; gives its text too.
pub fn load(path: &Path) -> Result<(Configuration, String), Vec<Problem>> {
    let file = path.display().to_string();
    let whole = |reason: String| vec![Problem { file: file.clone(), line: 0, reason }];
    let opened = fs::File::open(path).map_err(|error| whole(error.to_string()))?;
    let mut text = String::new();
    opened.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| whole(error.to_string()))?;
    let configuration = parse(&file, &text)?;
    Ok((configuration, text))
}

/// What the agent goes by.
#[derive(Clone, Debug)]
pub struct InUse {
    /// All of it.
    pub configuration: Configuration,
    /// The file's text, when there is nothing wrong with it.
    pub text: Option<String>,
    /// What is wrong with the file, when the last one that was right is in use.
    pub problems: Vec<Problem>,
}

/// Reads the file at `path`; when that has a mistake, the last one that was right.
pub fn in_use(path: &Path, last_good: &Path) -> Result<InUse, Error> {
    match load(path) {
        Ok((configuration, text)) => Ok(InUse { configuration, text: Some(text), problems: Vec::new() }),
        Err(problems) => match load(last_good) {
            Ok((configuration, _)) => Ok(InUse { configuration, text: None, problems }),
            Err(_) => Err(Error::Configuration { problems }),
        },
    }
}

/// Understands a text; `file` is its name in problems.
pub fn parse(file: &str, text: &str) -> Result<Configuration, Vec<Problem>> {
    let mut problems = Problems::new(file, text);
    let (root, errors) = toml::de::DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().map_or(0, |span| span.start), error.message());
    }
    if errors.is_empty() {
        let mut root = Section::new("", root.get_ref(), 0);
        let configuration = understand(&mut root, &mut problems);
        root.finish(&mut problems);
        if problems.is_empty() {
            return Ok(configuration);
        }
    }
    Err(problems.in_order())
}

fn understand(root: &mut Section<'_>, problems: &mut Problems<'_>) -> Configuration {
    let limits = limits::read(root.section("limits", problems), problems);
    let repositories: Vec<Repository> = root
        .named_sections("repository", problems)
        .into_iter()
        .filter_map(|section| repositories::read(section, problems))
        .collect();
    let backups: Vec<Backup> = root
        .named_sections("backup", problems)
        .into_iter()
        .filter_map(|section| backups::read(section, &repositories, problems))
        .collect();
    if backups.is_empty() && problems.is_empty() {
        problems.add(0, "there is nothing to do: no [backup.NAME]");
    }
    backups::refuse_overlaps(&backups, problems);
    let reports = reports::read(root.section("reports", problems), problems);
    let web = root.section("web", problems).map(|section| web::read(section, problems));
    Configuration { limits, repositories, backups, reports, web }
}

impl Configuration {
    /// Whether it holds what others must not read: addresses that let whoever knows them speak in our name.
    pub fn holds_secrets(&self) -> bool {
        let of_backups = self.backups.iter().filter_map(|backup| backup.ping.as_ref());
        let mut all = of_backups.chain(self.repositories.iter().filter_map(|one| one.ping.as_ref()));
        all.next().is_some() || self.reports.webhook.is_some()
    }

    /// The repository of a backup, which is there.
    pub fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.name == name)
    }
}

#[cfg(test)]
mod tests;
