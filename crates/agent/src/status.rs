//! How things are, job by job: for people, for machines, and as the exit code that monitoring expects. Pure.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{
    clock::{iso, length, shown},
    configuration::Configuration,
    plan::{Job, Plan, Turn, jobs},
    state::{Figures, Outcome, Record, State},
};

/// How bad it is; the exit code of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Fine = 0,
    /// Somebody should look when there is time.
    Warning = 1,
    /// Nothing is backed up, or not what should be.
    Critical = 2,
}

/// How one job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How bad.
    pub level: Level,
    /// `fine`, `not yet`, `warning`, `unfinished`, `skipped`, `too old`, `never ran`, `failed`.
    pub word: &'static str,
    /// Why, where there is more to say.
    pub reason: String,
}

/// Judges a job by what is remembered of it.
pub fn judge(job: &Job<'_>, record: &Record, now: i64) -> Verdict {
    let verdict = |level, word, reason: String| Verdict { level, word, reason };
    let message = || record.message.clone().unwrap_or_default();
    if record.outcome == Some(Outcome::Failed) {
        let trouble = record.trouble.map_or("error", crate::Trouble::name);
        return verdict(Level::Critical, "failed", format!("{trouble}: {}", message()));
    }
    let age = |since: i64| now.saturating_sub(since);
    let is_over = |since: i64| job.too_old().is_some_and(|most| age(since) > most);
    let unfinished = record.message.clone().filter(|_| record.outcome == Some(Outcome::Unfinished));
    let held = record.held.clone();
    let why = || held.as_ref().map(|held| format!("waits: {held}")).or_else(|| unfinished.clone());
    match record.last_success {
        None if matches!(job, Job::Backup(_)) || is_over(record.known_since) => {
            verdict(Level::Critical, "never ran", why().unwrap_or_default())
        }
        Some(success) if is_over(success) => {
            let ago = format!("last success {} ago", length(age(success)));
            verdict(Level::Critical, "too old", why().map_or(ago.clone(), |why| format!("{ago}; {why}")))
        }
        _ if held.is_some() => verdict(Level::Warning, "skipped", held.unwrap_or_default()),
        _ if unfinished.is_some() => verdict(Level::Warning, "unfinished", unfinished.unwrap_or_default()),
        None => verdict(Level::Fine, "not yet", String::new()),
        Some(_) if record.outcome == Some(Outcome::Warning) => verdict(Level::Warning, "warning", message()),
        Some(_) => verdict(Level::Fine, "fine", String::new()),
    }
}

/// One job: what is remembered of it, how it is, when its turn is.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) job: Job<'a>,
    pub(crate) record: Record,
    pub(crate) verdict: Verdict,
    pub(crate) turn: Turn,
}

/// How everything is.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    configuration: &'a Configuration,
    state: &'a State,
    now: i64,
    zone: &'a TimeZone,
    trouble: Vec<String>,
}

impl<'a> Status<'a> {
    /// Of these, now. `trouble` is what else is wrong, such as a configuration that cannot be read.
    pub fn new(
        configuration: &'a Configuration,
        state: &'a State,
        now: i64,
        zone: &'a TimeZone,
        trouble: Option<String>,
    ) -> Self {
        let others = [&state.configuration_problem, &state.set_aside].into_iter().flatten().cloned();
        let mut all: Vec<String> = trouble.into_iter().chain(others).collect();
        all.extend(
            state.undelivered.iter().filter_map(|event| Some(format!("not delivered: {}", event["why"].as_str()?))),
        );
        all.dedup();
        Self { configuration, state, now, zone, trouble: all }
    }

    /// The worst of all.
    pub fn level(&self) -> Level {
        let of_jobs = self.rows().into_iter().map(|row| row.verdict.level).max().unwrap_or(Level::Fine);
        let beside = if self.trouble.is_empty() { Level::Fine } else { Level::Warning };
        let waiting = if self.state.waiting_for.is_some() { Level::Critical } else { Level::Fine };
        of_jobs.max(beside).max(waiting)
    }

    pub(crate) fn rows(&self) -> Vec<Row<'a>> {
        let plan = Plan { configuration: self.configuration, state: self.state, now: self.now, zone: self.zone };
        let row = |job: Job<'a>| {
            let unknown = Record { known_since: self.now, ..Record::default() };
            let record = self.state.jobs.get(&job.name()).cloned().unwrap_or(unknown);
            let (verdict, turn) = (judge(&job, &record, self.now), plan.turn(&job));
            Row { job, record, verdict, turn }
        };
        jobs(self.configuration).into_iter().map(row).collect()
    }

    /// For people: a line for the whole, then one for each job.
    pub fn text(&self) -> String {
        let mut text = match self.level() {
            Level::Fine => "OK\n".to_owned(),
            Level::Warning => "WARNING\n".to_owned(),
            Level::Critical => "CRITICAL\n".to_owned(),
        };
        for line in self.lines() {
            let _ = writeln!(text, "  {line}");
        }
        for Row { job, record, verdict, turn } in self.rows() {
            let _ = write!(text, "{:<9}  {}", verdict.word, job.name());
            if !verdict.reason.is_empty() {
                let _ = write!(text, ": {}", verdict.reason);
            }
            let _ = write!(text, "\n           {}", self.times(&record, turn));
            text.push('\n');
        }
        text
    }

    /// What is wrong beside the jobs.
    pub(crate) fn lines(&self) -> Vec<String> {
        let whole = self.state.waiting_for.iter().map(|what| format!("nothing runs: {what}"));
        whole.chain(self.trouble.iter().cloned()).collect()
    }

    fn times(&self, record: &Record, turn: Turn) -> String {
        let mut parts = Vec::new();
        match record.last_success {
            Some(success) => parts.push(format!("last success {}", shown(success, self.zone))),
            None => parts.push("no success yet".to_owned()),
        }
        if let Some(last) = record.last_try.filter(|last| Some(*last) != record.last_success) {
            parts.push(format!("last try {}", shown(last, self.zone)));
        }
        parts.push(coming(record, turn, &|time| shown(time, self.zone)));
        if let Some(Figures { files, added, .. }) = &record.figures {
            parts.push(format!("{files} files, {added} bytes new"));
        }
        parts.join(", ")
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let rows = self.rows().into_iter().map(|Row { job, record, verdict, turn }| {
            json!({
                "job": job.name(),
                "state": verdict.word,
                "level": verdict.level as u8,
                "reason": verdict.reason,
                "trouble": record.trouble.map(crate::Trouble::name),
                "last_success": record.last_success.map(iso),
                "last_try": record.last_try.map(iso),
                "duration": record.duration,
                "failures": record.failures,
                "skipped": record.held,
                "running_since": record.running_since.map(iso),
                "end_expected": end_expected(&record).map(iso),
                "due": turn == Turn::Due,
                "next_run": if let Turn::At(time) = turn { Some(iso(time)) } else { None },
                "figures": record.figures.as_ref().map(Figures::value),
            })
        });
        json!({
            "level": self.level() as u8,
            "time": iso(self.now),
            "waiting_for": self.state.waiting_for,
            "trouble": self.trouble,
            "jobs": rows.collect::<Vec<_>>(),
        })
    }
}

/// What comes next; `shown` puts times into words.
pub(crate) fn coming(record: &Record, turn: Turn, shown: &dyn Fn(i64) -> String) -> String {
    match (record.running_since, turn) {
        (Some(since), _) => match end_expected(record) {
            Some(end) => format!("running since {}, expected to end {}", shown(since), shown(end)),
            None => format!("running since {}", shown(since)),
        },
        (None, Turn::Due) => "due".to_owned(),
        (None, Turn::At(time)) => format!("next {}", shown(time)),
        (None, Turn::After(what)) => format!("next after {what}"),
    }
}

/// When a try that runs is done, if it takes as long as the last one that was.
fn end_expected(record: &Record) -> Option<i64> {
    record.running_since?.checked_add(record.duration?)
}
