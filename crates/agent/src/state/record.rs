//! What is remembered of one job.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Trouble;

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a word.
    Success,
    /// Done, and something should be looked at.
    Warning,
    /// Stopped in order before it was done, to go on another time.
    Unfinished,
    /// Not done.
    Failed,
}

/// One job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// When it was first met.
    pub known_since: i64,
    /// When a try that ended well began.
    pub last_success: Option<i64>,
    /// When the last try began.
    pub last_try: Option<i64>,
    /// When the try that runs now began.
    pub running_since: Option<i64>,
    /// How the last try ended.
    pub outcome: Option<Outcome>,
    /// What it ran into.
    pub trouble: Option<Trouble>,
    /// Its last words, when they were not good.
    pub message: Option<String>,
    /// Failures since the last success.
    pub failures: u32,
    /// Seconds that the last success took.
    pub duration: Option<i64>,
    /// Why it does not run although it should.
    pub held: Option<String>,
    /// Since when.
    pub held_since: Option<i64>,
    /// The last bad thing that was reported, so that it is not again.
    pub reported: Option<String>,
    /// What the last backup stored.
    pub figures: Option<Figures>,
    /// Sources that were not empty when they were last backed up.
    pub sources_with_files: Vec<PathBuf>,
    /// How far a check in slices is.
    pub round: Option<Round>,
}

/// What a backup stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Name of the archive.
    pub archive: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub original: u64,
    /// Bytes that were new to the repository.
    pub added: u64,
}

/// A check in slices, from the first byte to the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// When it began.
    pub started: i64,
    /// Seconds that its slices took so far.
    pub seconds: i64,
    /// Seconds of the round before.
    pub last_seconds: Option<i64>,
    /// What was found, until a whole round finds nothing.
    pub damage: Option<String>,
    /// It was found in this round.
    pub is_fresh: bool,
}

const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Success, "success"),
    (Outcome::Warning, "warning"),
    (Outcome::Unfinished, "unfinished"),
    (Outcome::Failed, "failed"),
];

impl Outcome {
    /// Its word in state and status.
    pub fn word(self) -> &'static str {
        OUTCOMES.iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, word)| word)
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        OUTCOMES.iter().find(|(_, one)| *one == word).map(|(outcome, _)| *outcome)
    }
}

impl Record {
    /// A try begins.
    pub fn begin(&mut self, now: i64) {
        (self.last_try, self.running_since) = (Some(now), Some(now));
        (self.held, self.held_since) = (None, None);
    }

    /// It ended well, with or without warnings.
    pub fn succeed(&mut self, now: i64, warnings: Option<String>) {
        let began = self.running_since.take().unwrap_or(now);
        self.last_success = Some(began);
        self.duration = Some(now.saturating_sub(began));
        self.outcome = Some(if warnings.is_some() { Outcome::Warning } else { Outcome::Success });
        (self.failures, self.trouble, self.message) = (0, None, warnings);
    }

    /// It stopped in order, and goes on another time.
    pub fn put_off(&mut self, why: String) {
        self.running_since = None;
        self.outcome = Some(Outcome::Unfinished);
        (self.failures, self.trouble, self.message) = (0, None, Some(why));
    }

    /// It failed.
    pub fn fail(&mut self, trouble: Trouble, message: String) {
        self.running_since = None;
        self.outcome = Some(Outcome::Failed);
        self.failures = self.failures.saturating_add(1);
        (self.trouble, self.message) = (Some(trouble), Some(message));
    }

    /// A slice of a check ended: what was found in this round or the one before makes it a failure, which is not tried again
    /// before its time.
    pub fn slice(&mut self, now: i64, round: Round) {
        self.succeed(now, None);
        if let Some(damage) = &round.damage {
            self.fail(Trouble::Damaged, damage.clone());
        }
        self.round = Some(round);
    }

    /// It is due and waits.
    pub fn hold(&mut self, now: i64, reason: String) {
        self.held_since = self.held_since.or(Some(now));
        self.held = Some(reason);
    }

    pub(super) fn value(&self) -> Value {
        json!({
            "known_since": self.known_since,
            "last_success": self.last_success,
            "last_try": self.last_try,
            "running_since": self.running_since,
            "outcome": self.outcome.map(Outcome::word),
            "trouble": self.trouble.map(Trouble::name),
            "message": self.message,
            "failures": self.failures,
            "duration": self.duration,
            "held": self.held,
            "held_since": self.held_since,
            "reported": self.reported,
            "figures": self.figures.as_ref().map(Figures::value),
            "sources_with_files": self.sources_with_files.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "round": self.round.as_ref().map(|round| json!({
                "started": round.started, "seconds": round.seconds, "last_seconds": round.last_seconds,
                "damage": round.damage, "is_fresh": round.is_fresh,
            })),
        })
    }

    pub(super) fn of_value(value: &Value) -> Self {
        let time = |name: &str| value[name].as_i64();
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let sources = value["sources_with_files"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let round = &value["round"];
        Self {
            known_since: time("known_since").unwrap_or_default(),
            last_success: time("last_success"),
            last_try: time("last_try"),
            running_since: time("running_since"),
            outcome: value["outcome"].as_str().and_then(Outcome::of_word),
            trouble: value["trouble"].as_str().map(Trouble::named),
            message: text("message"),
            failures: value["failures"].as_u64().and_then(|number| number.try_into().ok()).unwrap_or_default(),
            duration: time("duration"),
            held: text("held"),
            held_since: time("held_since"),
            reported: text("reported"),
            figures: Figures::of_value(&value["figures"]),
            sources_with_files: sources.map(PathBuf::from).collect(),
            round: round["started"].as_i64().map(|started| Round {
                started,
                seconds: round["seconds"].as_i64().unwrap_or_default(),
                last_seconds: round["last_seconds"].as_i64(),
                damage: round["damage"].as_str().map(str::to_owned),
                is_fresh: round["is_fresh"].as_bool().unwrap_or_default(),
            }),
        }
    }
}

impl Figures {
    pub(crate) fn value(&self) -> Value {
        json!({ "archive": self.archive, "files": self.files, "original": self.original, "added": self.added })
    }

    pub(super) fn of_value(value: &Value) -> Option<Self> {
        let number = |name: &str| value[name].as_u64();
        Some(Self {
            archive: value["archive"].as_str()?.to_owned(),
            files: number("files")?,
            original: number("original")?,
            added: number("added")?,
        })
    }
}
