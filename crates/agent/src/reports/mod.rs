//! Somebody is told: once when something begins to be wrong, once when it is right again, and pings for each run.
//!
//! What cannot be delivered is kept in the state and tried again in later rounds, so that a line that is down does not swallow
//! the message that it is down. Addresses are secrets: reasons never repeat them.

mod lights;
mod mail;
mod ping;
mod prometheus;
mod webhook;

use serde_json::{Value, json};

use crate::{
    configuration::Configuration,
    plan::{Job, jobs},
    state::{Record, State},
    status::{Level, Verdict, judge},
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A run begins.
    Start,
    /// It ended well.
    Success,
    /// It ended well but for something.
    Warning,
    /// It did not end well.
    Failed,
    /// It was due and waits for something.
    Skipped,
    /// Its last success is too long ago.
    TooOld,
    /// It should have run by now.
    NeverRan,
    /// What was wrong is right again.
    Recovered,
    /// The configuration, the clock or the state is wrong.
    Agent,
}

const KINDS: [(Kind, &str); 9] = [
    (Kind::Start, "start"),
    (Kind::Success, "success"),
    (Kind::Warning, "warning"),
    (Kind::Failed, "failed"),
    (Kind::Skipped, "skipped"),
    (Kind::TooOld, "too old"),
    (Kind::NeverRan, "never ran"),
    (Kind::Recovered, "recovered"),
    (Kind::Agent, "agent"),
];

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name of the job; empty for the agent itself.
    pub job: String,
    /// What happened.
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// The end of the log.
    pub text: String,
}

/// A way to tell somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Ping,
    Mail,
    Webhook,
}

const CHANNELS: [(Channel, &str); 3] =
    [(Channel::Ping, "ping"), (Channel::Mail, "mail"), (Channel::Webhook, "webhook")];

/// Messages that wait for delivery, at most.
const MOST_UNDELIVERED: usize = 16;

impl Channel {
    fn name(self) -> &'static str {
        CHANNELS.iter().find(|(channel, _)| *channel == self).map_or("", |(_, name)| name)
    }
}

impl Kind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// For people, beside pings: what they want to be woken for.
    fn is_for_people(self) -> bool {
        !matches!(self, Self::Start | Self::Success)
    }
}

impl Event {
    /// A message about a job.
    pub fn of_job(job: &str, kind: Kind, reason: &str, text: &str) -> Self {
        let host = host();
        let title = match reason {
            "" => format!("{host}: {job}: {}", kind.word()),
            reason => format!("{host}: {job}: {}: {reason}", kind.word()),
        };
        Self { job: job.to_owned(), kind, title, text: text.to_owned() }
    }

    /// A message about the agent itself.
    pub fn of_agent(reason: &str) -> Self {
        Self {
            job: String::new(),
            kind: Kind::Agent,
            title: format!("{}: backup agent: {reason}", host()),
            text: String::new(),
        }
    }

    fn body(&self) -> String {
        format!("{}\n\n{}", self.title, self.text)
    }
}

/// The name of this machine.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Tells everybody who wants to know, and keeps what could not be delivered.
pub(crate) fn tell(event: &Event, configuration: &Configuration, state: &mut State) {
    for (channel, name) in CHANNELS {
        if let Err(why) = deliver(channel, event, configuration) {
            // The end of a run says that it began.
            if event.kind != Kind::Start {
                // What is newest counts most.
                if state.undelivered.len() == MOST_UNDELIVERED {
                    state.undelivered.remove(0);
                }
                state.undelivered.push(json!({
                    "channel": name, "why": format!("{name}: {why}"), "job": event.job, "kind": event.kind.word(),
                    "title": event.title, "text": event.text,
                }));
            }
        }
    }
    if let Some(lights) = &configuration.reports.lights {
        lights::beep(lights, event.kind);
    }
}

/// Tells everybody of what keeps the agent from remembering anything: nothing runs, and what cannot be delivered is lost. Gives
/// whom it did not reach.
pub(crate) fn alarm(reason: &str, configuration: &Configuration) -> Vec<String> {
    let backups = configuration.backups.iter().map(|backup| Job::Backup(backup).name());
    let failed = backups.map(|job| (Channel::Ping, Event::of_job(&job, Kind::Failed, reason, "")));
    let people = [Channel::Mail, Channel::Webhook].map(|channel| (channel, Event::of_agent(reason)));
    let mut unreached: Vec<String> = failed
        .chain(people)
        .filter_map(|(channel, event)| {
            let why = deliver(channel, &event, configuration).err()?;
            Some(format!("not delivered: {}: {why}", channel.name()))
        })
        .collect();
    if let Some(lights) = &configuration.reports.lights {
        lights::beep(lights, Kind::Failed);
        unreached.extend(lights::show(lights, Level::Critical));
    }
    unreached
}

/// Tries again what could not be delivered.
pub(crate) fn deliver_late(configuration: &Configuration, state: &mut State) {
    let mut silent = Vec::new();
    state.undelivered.retain_mut(|value| {
        let Some((channel, event)) = waiting(value) else { return false };
        // Who does not answer once is not asked sixteen times.
        if silent.contains(&channel) {
            return true;
        }
        match deliver(channel, &event, configuration) {
            Ok(()) => false,
            Err(why) => {
                value["why"] = format!("{}: {why}", value["channel"].as_str().unwrap_or_default()).into();
                silent.push(channel);
                true
            }
        }
    });
}

fn waiting(value: &Value) -> Option<(Channel, Event)> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let channel = CHANNELS.iter().find(|(_, name)| value["channel"] == *name)?.0;
    let kind = KINDS.iter().find(|(_, word)| value["kind"] == *word)?.0;
    Some((channel, Event { job: text("job")?, kind, title: text("title")?, text: text("text")? }))
}

fn deliver(channel: Channel, event: &Event, configuration: &Configuration) -> Result<(), String> {
    let reports = &configuration.reports;
    match channel {
        Channel::Ping => {
            let job = jobs(configuration).into_iter().find(|job| job.name() == event.job);
            let address =
                job.and_then(|job| Some((job.ping(configuration)?, matches!(job, Job::Backup(_) | Job::Check(_)))));
            address.map_or(Ok(()), |(address, own)| ping::send(address, own, event))
        }
        Channel::Mail => {
            reports.mail.as_ref().filter(|_| event.kind.is_for_people()).map_or(Ok(()), |to| mail::send(to, event))
        }
        Channel::Webhook => {
            let address = reports.webhook.as_ref().filter(|_| event.kind.is_for_people());
            address.map_or(Ok(()), |address| webhook::send(address, event))
        }
    }
}

/// What shows how things are, rather than telling what happened: metrics and lights. Gives what could not be written.
pub(crate) fn show(configuration: &Configuration, state: &State, now: i64) -> Vec<String> {
    let rows: Vec<(String, Record, Verdict)> = jobs(configuration)
        .into_iter()
        .filter_map(|job| {
            let record = state.jobs.get(&job.name())?.clone();
            let verdict = judge(&job, &record, now);
            Some((job.name(), record, verdict))
        })
        .collect();
    let worst = rows.iter().map(|(_, _, verdict)| verdict.level).max().unwrap_or(Level::Fine);
    let worst = if state.waiting_for.is_some() { Level::Critical } else { worst };
    let mut failed = Vec::new();
    if let Some(path) = &configuration.reports.prometheus
        && let Err(error) = prometheus::write(path, &rows, now)
    {
        failed.push(format!("{}: {error}", path.display()));
    }
    if let Some(lights) = &configuration.reports.lights {
        failed.extend(lights::show(lights, worst));
    }
    failed
}
