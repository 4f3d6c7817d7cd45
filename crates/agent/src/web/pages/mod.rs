//! What pages look like. Each is a function of what was read for it; nothing here asks anybody.

mod archive;
mod job;
mod overview;
mod repository;

use std::fmt;

use jiff::tz::TimeZone;

pub(super) use self::{
    archive::archive,
    job::{Shown, job},
    overview::overview,
    repository::repository,
};
use super::{html::Html, sessions::Session};
use crate::{
    clock::{length, shown},
    configuration::Configuration,
    reports::host,
    state::State,
    status::{Level, Row, Status, coming},
};

/// What all pages go by.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) configuration: Configuration,
    pub(super) state: State,
    /// What is wrong with the configuration's file.
    pub(super) trouble: Option<String>,
    /// Jobs that were asked for and did not begin yet.
    pub(super) asked: Vec<String>,
    pub(super) now: i64,
    pub(super) zone: TimeZone,
}

impl Situation {
    pub(super) fn status(&self) -> Status<'_> {
        Status::new(&self.configuration, &self.state, self.now, &self.zone, self.trouble.clone())
    }

    /// Something is going on, so that the page will soon be another one.
    pub(super) fn is_moving(&self) -> bool {
        !self.asked.is_empty() || self.state.jobs.values().any(|record| record.running_since.is_some())
    }

    fn shown(&self, time: i64) -> String {
        shown(time, &self.zone)
    }

    /// What comes next; times of what is running are those of a clock on the wall, where they are of today.
    fn coming(&self, row: &Row<'_>) -> String {
        let today = self.shown(self.now).get(..10).map(str::to_owned);
        coming(&row.record, row.turn, &|time| {
            let whole = self.shown(time);
            let is_today = row.record.running_since.is_some() && whole.get(..10) == today.as_deref();
            whole.get(11..).filter(|_| is_today).unwrap_or(&whole).to_owned()
        })
    }

    /// `3 h ago`, `in 5 min`.
    fn distance(&self, time: i64) -> String {
        match time <= self.now {
            true => format!("{} ago", length(self.now.saturating_sub(time))),
            false => format!("in {}", length(time.saturating_sub(self.now))),
        }
    }
}

/// A whole page.
pub(super) fn page(title: &str, who: Option<&Session>, body: &Html) -> Html {
    let mut page = Html::default();
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"stylesheet\" href=\"/style.css\">");
    page.raw("<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">");
    page.within("<title>", title, " – ").within("", host(), "</title></head>\n<body>");
    page.raw("<header><a class=\"name\" href=\"/\">Nanoprobe</a>").within("<span class=\"host\">", host(), "</span>");
    if let Some(who) = who {
        page.raw("<form method=\"post\" action=\"/logout\">").part(&secret(who)).raw("<button>Log out</button></form>");
    }
    page.raw("</header>\n<main>").part(body).raw("</main></body></html>\n");
    page
}

/// The form that asks for the token; `words` say why it is shown again.
pub(super) fn login(words: &str) -> Html {
    let mut body = Html::default();
    body.raw("<form class=\"login\" method=\"post\" action=\"/login\"><h1>Backups of ").text(host()).raw("</h1>");
    if !words.is_empty() {
        body.within("<p class=\"critical\" role=\"alert\">", words, "</p>");
    }
    // What keeps passwords asks for a name.
    body.raw("<input name=\"user\" value=\"nanoprobe\" autocomplete=\"username\" hidden>");
    body.raw(
        "<label for=\"token\">Token</label><input id=\"token\" name=\"token\" type=\"password\" required autofocus ",
    );
    body.raw("autocomplete=\"current-password\"><button class=\"main\">Log in</button>");
    body.raw("<p class=\"quiet\">It stands on the machine in the file that the configuration names as token_file.</p></form>");
    page("Log in", None, &body)
}

/// A page that says one thing.
pub(super) fn notice(title: &str, words: &str, who: Option<&Session>) -> Html {
    let mut body = Html::default();
    body.within("<h1>", title, "</h1>").within("<p>", words, "</p>").raw("<p><a href=\"/\">All jobs</a></p>");
    page(title, who, &body)
}

/// What forms of a session hold.
fn secret(who: &Session) -> Html {
    let mut html = Html::default();
    html.raw("<input type=\"hidden\" name=\"form\" value=\"").text(&who.form).raw("\">");
    html
}

/// The word for how a job is.
fn badge(row: &Row<'_>) -> Html {
    let mut html = Html::default();
    match row.record.running_since {
        Some(_) => html.raw("<span class=\"badge running\">running</span>"),
        None => {
            html.raw("<span class=\"badge ").raw(class(row.verdict.level)).within("\">", row.verdict.word, "</span>")
        }
    };
    html
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

/// A button that asks for the job, where it can be asked for.
fn run_now(row: &Row<'_>, situation: &Situation, who: Option<&Session>) -> Html {
    let (mut html, name) = (Html::default(), row.job.name());
    let Some(who) = who.filter(|_| row.job.schedule().is_some() && row.record.running_since.is_none()) else {
        return html;
    };
    match situation.asked.contains(&name) {
        true => html.raw("<span class=\"quiet\">asked for</span>"),
        false => html
            .within("<form method=\"post\" action=\"", job_address(&name), "/run\">")
            .part(&secret(who))
            .within("<button aria-label=\"Run ", &name, " now\">Run now</button></form>"),
    };
    html
}

fn job_address(name: &str) -> String {
    format!("/job/{}", name.replace(' ', "/"))
}

/// Bytes for people: `12.3 GB`, a thousand each.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
        let (mut value, mut unit) = (self.0 as f64, 0);
        // What would be rounded to 1000 is 1 of the next.
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        let digits = if unit == 0 || value >= 99.95 { 0 } else { 1 };
        write!(f, "{value:.digits$} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        let shown = [0, 999, 1000, 1049, 99_940, 99_960, 999_499, 999_500, 12_345_678_901, u64::MAX]
            .map(|n| Bytes(n).to_string());
        let wanted =
            ["0 B", "999 B", "1.0 kB", "1.0 kB", "99.9 kB", "100 kB", "999 kB", "1.0 MB", "12.3 GB", "18447 PB"];
        assert_eq!(shown, wanted);
    }
}
