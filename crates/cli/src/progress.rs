//! How far an operation is: a bar on a terminal, Borg's lines under `--progress`, JSON for programs.
//!
//! On a terminal a bar shows by itself once the work takes longer than a moment; when an earlier archive tells how much there
//! is to do, it shows the time that remains too.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    log::{Format, Log, now},
    output::{json::Json, size::Units, statistics::ArchiveStatistics, text::printable},
};

/// Work shorter than this shows no bar that was not asked for.
const MOMENT: Duration = Duration::from_millis(1500);

/// One command's progress.
pub(crate) struct Progress<'a> {
    log: &'a Log,
    style: Style,
    /// Bytes that an earlier archive held.
    expected_bytes: Option<u64>,
    started: Instant,
    bar: Option<ProgressBar>,
    percent: Option<Percent>,
    /// The operation that told a message last, and its number.
    message: Option<(&'static str, i64)>,
    /// Borg numbers the operations of a process.
    operations: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Nothing,
    Bar,
    /// A bar from the first moment on.
    BarAtOnce,
    Lines,
    Json,
}

/// An operation of known size.
struct Percent {
    operation: &'static str,
    number: i64,
    trigger_at: f64,
    /// At the step before.
    done: u64,
}

impl<'a> Progress<'a> {
    /// `asked`: `--progress` was given.
    pub(crate) fn new(log: &'a Log, asked: bool, expected_bytes: Option<u64>) -> Self {
        let style = match (log.format(), log.is_terminal(), asked) {
            (Format::Json, _, true) => Style::Json,
            (Format::Json, _, false) => Style::Nothing,
            (Format::Text, true, true) => Style::BarAtOnce,
            (Format::Text, true, false) => Style::Bar,
            (Format::Text, false, true) => Style::Lines,
            (Format::Text, false, false) => Style::Nothing,
        };
        Self {
            log,
            style,
            expected_bytes,
            started: Instant::now(),
            bar: None,
            percent: None,
            message: None,
            operations: 0,
        }
    }

    /// Where `create` stands.
    pub(crate) fn archive(&mut self, statistics: &ArchiveStatistics, path: &[u8], units: Units) {
        match self.style {
            Style::Nothing => {}
            Style::Json => self.log.json(&statistics.progress_json(Some(path), now())),
            Style::Lines => {
                let mut line = statistics.progress(units).into_bytes();
                line.extend_from_slice(path);
                self.log.text_line(&line, "\n");
            }
            Style::Bar | Style::BarAtOnce => {
                let expected = self.expected_bytes;
                let Some(bar) = self.bar(expected) else { return };
                bar.set_position(statistics.original_bytes);
                bar.set_message(format!("{}{}", statistics.progress(units), printable(path)));
            }
        }
    }

    /// `create` is done.
    pub(crate) fn finish_archive(&mut self) {
        match self.style {
            Style::Json => self.log.json(&ArchiveStatistics::default().progress_json(None, now())),
            Style::Lines => self.log.text_line(b"", "\n"),
            _ => self.clear(),
        }
    }

    /// What an operation does before it can tell where it stands.
    pub(crate) fn announce(&mut self, operation: &'static str, message: &str) {
        let number = self.begin(operation);
        match self.style {
            Style::Json => self.percent_json(message, (0, 0), Json::Null, number, operation),
            Style::Lines => self.log.text_line(message.as_bytes(), "\r"),
            _ => {}
        }
    }

    /// What an operation without a size is doing.
    pub(crate) fn message(&mut self, operation: &'static str, message: &str) {
        self.operations += 1;
        self.message = Some((operation, self.operations));
        match self.style {
            Style::Json => {
                let mut line = Json::map([("message", Json::text(message))]);
                self.finish_json(&mut line, "progress_message", self.operations, operation, false);
            }
            Style::Lines => self.log.text_line(message.as_bytes(), "\r"),
            _ => {}
        }
    }

    /// Where an operation of known size stands.
    pub(crate) fn percent(&mut self, operation: &'static str, done: u64, total: u64, information: &[u8]) {
        let look = Look::of(operation);
        self.begin(operation);
        // Nothing is done yet, so nothing is told.
        if done == 0 && total > 0 {
            return;
        }
        let Some(percent) = &mut self.percent else { return };
        // Borg's message tells the share before this step, its numbers those after it.
        let before = std::mem::replace(&mut percent.done, done);
        let share = if total == 0 { 100.0 } else { before as f64 * 100.0 / total as f64 };
        if share < percent.trigger_at {
            return;
        }
        percent.trigger_at += look.step;
        let number = percent.number;
        let mut message = look.message(share);
        if look.shows_information {
            message.push_str(&printable(information));
        }
        match self.style {
            Style::Nothing => {}
            Style::Json => {
                let information = match look.shows_information {
                    true => Json::List(vec![Json::text(printable(information))]),
                    false => Json::Null,
                };
                self.percent_json(&message, (done, total), information, number, operation);
            }
            Style::Lines => self.log.text_line(message.as_bytes(), "\r"),
            Style::Bar | Style::BarAtOnce => {
                if let Some(bar) = self.bar(Some(total)) {
                    bar.set_position(done);
                    bar.set_message(message);
                }
            }
        }
    }

    /// That operation is done.
    pub(crate) fn finish_percent(&mut self, operation: &'static str) {
        let percent = self.percent.take_if(|percent| percent.operation == operation);
        let message = self.message.take_if(|message| message.0 == operation);
        let (kind, number) = match (percent, message) {
            (Some(percent), _) => ("progress_percent", percent.number),
            (None, Some((_, number))) => ("progress_message", number),
            (None, None) => return,
        };
        match self.style {
            Style::Json => self.finish_json(&mut Json::map([]), kind, number, operation, true),
            Style::Lines => self.log.text_line(b"", "\r"),
            _ => self.clear(),
        }
    }

    /// Everything is done, also what was interrupted: takes the bar off the screen.
    pub(crate) fn finish(&mut self) {
        if let Some(operation) = self.percent.as_ref().map(|percent| percent.operation) {
            self.finish_percent(operation);
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.log.set_bar(None);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// The operation's number; it gets one when it is new.
    fn begin(&mut self, operation: &'static str) -> i64 {
        match &self.percent {
            Some(percent) if percent.operation == operation => percent.number,
            _ => {
                self.operations += 1;
                self.percent = Some(Percent { operation, number: self.operations, trigger_at: 0.0, done: 0 });
                self.operations
            }
        }
    }

    fn percent_json(
        &self,
        message: &str,
        (current, total): (u64, u64),
        information: Json,
        number: i64,
        operation: &str,
    ) {
        let mut line = Json::map([
            ("message", Json::text(message)),
            ("current", Json::integer(current)),
            ("total", Json::integer(total)),
            ("info", information),
        ]);
        self.finish_json(&mut line, "progress_percent", number, operation, false);
    }

    fn finish_json(&self, line: &mut Json, kind: &str, number: i64, operation: &str, finished: bool) {
        line.set("operation", Json::integer(number));
        line.set("msgid", Json::text(operation));
        line.set("type", Json::text(kind));
        line.set("finished", Json::Boolean(finished));
        line.set("time", Json::Float(now()));
        self.log.json(line);
    }

    fn bar(&mut self, total: Option<u64>) -> Option<&ProgressBar> {
        if self.bar.is_none() {
            if self.style == Style::Bar && self.started.elapsed() < MOMENT {
                return None;
            }
            let template = match total {
                Some(_) => "{wide_bar} {percent:>3} % {eta} left\n{wide_msg}",
                None => "{spinner} {elapsed} {wide_msg}",
            };
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()));
            self.log.set_bar(Some(bar.clone()));
            self.bar = Some(bar);
        }
        self.bar.as_ref()
    }
}

/// How Borg words the progress of an operation, and how often it tells.
struct Look {
    before: &'static str,
    decimals: usize,
    width: usize,
    after: &'static str,
    step: f64,
    shows_information: bool,
}

impl Look {
    fn of(operation: &str) -> Self {
        let look = |before, width, decimals, after, step, shows_information| Self {
            before,
            decimals,
            width,
            after,
            step,
            shows_information,
        };
        match operation {
            "extract" => look("", 5, 1, " Extracting: ", 0.1, true),
            "extract.permissions" => look("Setting directory permissions ", 3, 0, "", 5.0, false),
            "repository.check" => look("Checking segments ", 3, 1, "", 0.1, false),
            "repository.compact_segments" => look("Compacting segments ", 3, 0, "", 1.0, false),
            "repository.replay_segments" => look("Replaying segments ", 3, 0, "", 5.0, false),
            "archive.delete" => look("Decrementing references ", 3, 0, "", 5.0, false),
            "check.verify_data" => look("Verifying data ", 6, 2, "", 0.01, false),
            "check.rebuild_refcounts" => look("Checking archives ", 3, 1, "", 0.1, false),
            "check.rebuild_manifest" => look("Rebuilding manifest ", 6, 2, "", 0.01, false),
            _ => look("", 3, 0, "", 5.0, false),
        }
    }

    fn message(&self, share: f64) -> String {
        format!("{}{share:width$.decimals$}%{}", self.before, self.after, width = self.width, decimals = self.decimals)
    }
}
