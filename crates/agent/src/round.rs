//! One round: everything that is due now, one job after another, in a process that ends when nothing is due any more.
//!
//! The state is durable before a job begins and after it ended, so that whoever comes after a power cut knows what was cut off.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    process::{Command, Stdio},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    Error, Trouble,
    clock::{Clock, length, sane_from, shown},
    conditions,
    configuration::{Configuration, InUse, Limits, Problem, in_use},
    job::{self, Ending, Work},
    plan::{Job, Plan, RECHECK, Turn, jobs},
    reports::{self, Event, Kind},
    state::{
        self, Directory, Figures, Outcome, State,
        history::{self, Run, Totals},
        requests,
    },
    status::{Level, Status, judge},
};

/// What a round needs.
#[derive(Debug)]
pub struct Round {
    /// Our own executable: jobs are commands of it.
    pub program: PathBuf,
    /// The configuration file.
    pub configuration: PathBuf,
    /// The directory of the state.
    pub state: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Becomes readable, or ends, when the round is to end.
    pub stop: OwnedFd,
    /// Whether those who are told of reports are told, too, that the state cannot be read or written: there is nothing in which
    /// to remember that they were.
    pub alarm: bool,
}

/// How a round ended.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// When the next one is to begin.
    pub wake: i64,
    /// How things are.
    pub level: Level,
}

/// A clock that is not set yet is looked at again after so many seconds.
const CLOCK_RECHECK: i64 = 60;

impl Round {
    /// Runs what is due; `narrate` is told what goes on, a line each.
    pub fn run(&self, narrate: &mut dyn FnMut(&str)) -> Result<Finished, Error> {
        let finished = self.due(narrate);
        if let Err(error @ Error::File { .. }) = &finished
            && self.alarm
            && let Ok(InUse { configuration, .. }) = in_use(&self.configuration, &state::last_good(&self.state))
        {
            reports::alarm(&format!("nothing runs: {error}"), &configuration).iter().for_each(|line| narrate(line));
        }
        finished
    }

    fn due(&self, narrate: &mut dyn FnMut(&str)) -> Result<Finished, Error> {
        let directory = Directory::open(&self.state)?;
        let mut state = directory.load()?;
        let InUse { configuration, text, problems } = in_use(&self.configuration, &state::last_good(directory.path()))?;
        if let Some(text) = text {
            directory.save_configuration(&text)?;
        }
        modest(&configuration.limits);
        let mut night = Night { round: self, configuration: &configuration, directory, state: &mut state, narrate };
        night.agent_trouble(&problems);
        if let Some(finished) = night.wait_for_clock()? {
            return Ok(finished);
        }
        night.cut_off()?;
        reports::deliver_late(&configuration, night.state);
        night.jobs()?;
        night.overdue();
        night.finish()
    }
}

/// Jobs inherit what this process is content with.
fn modest(limits: &Limits) {
    // Where that is not allowed jobs are as quick as others.
    let _ = rustix::process::nice(i32::try_from(limits.nice).unwrap_or(0));
    if limits.idle_io {
        let mut command = Command::new("ionice");
        command.args(["-c", "3", "-p", &std::process::id().to_string()]);
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A round at work.
struct Night<'a> {
    round: &'a Round,
    configuration: &'a Configuration,
    directory: Directory,
    state: &'a mut State,
    narrate: &'a mut dyn FnMut(&str),
}

impl<'a> Night<'a> {
    fn now(&self) -> i64 {
        self.round.clock.now()
    }

    fn shown(&self, seconds: i64) -> String {
        shown(seconds, self.round.clock.zone())
    }

    fn save(&mut self) -> Result<(), Error> {
        self.state.newest = self.state.newest.max(self.now());
        self.directory.save(self.state)
    }

    fn tell(&mut self, event: &Event) {
        reports::tell(event, self.configuration, self.state);
    }

    /// What is wrong with configuration and state, told when it is new.
    fn agent_trouble(&mut self, problems: &[Problem]) {
        let problem = problems.iter().map(ToString::to_string).reduce(|all, one| format!("{all}\n{one}"));
        if let Some(text) = problem.as_ref().filter(|_| self.state.configuration_problem != problem) {
            (self.narrate)(&format!("{text}\nthe last good configuration stays in use"));
            self.tell(&Event::of_agent(&format!("configuration not used, the last good one stays: {text}")));
        }
        self.state.configuration_problem = problem;
        if let Some(text) = self.state.set_aside.clone() {
            (self.narrate)(&text);
            self.tell(&Event::of_agent(&text));
        }
    }

    /// Ends the round where the clock cannot be right.
    fn wait_for_clock(&mut self) -> Result<Option<Finished>, Error> {
        let (now, sane) = (self.now(), sane_from(self.state.newest));
        if now >= sane {
            self.state.waiting_for = None;
            return Ok(None);
        }
        let why = format!(
            "the clock says {}, but it is {} or later (if the clock is right, remove {})",
            self.shown(now),
            self.shown(sane),
            self.directory.path().join("state").display()
        );
        (self.narrate)(&why);
        if self.state.waiting_for.is_none() {
            self.tell(&Event::of_agent(&format!("nothing runs: {why}")));
        }
        self.state.waiting_for = Some(why);
        self.directory.save(self.state)?;
        reports::show(self.configuration, self.state, now);
        Ok(Some(Finished { wake: now + CLOCK_RECHECK, level: Level::Critical }))
    }

    /// What ran when the last round was killed.
    fn cut_off(&mut self) -> Result<(), Error> {
        for job in jobs(self.configuration) {
            let name = job.name();
            let Some(record) = self.state.jobs.get_mut(&name) else { continue };
            if let Some(began) = record.running_since {
                record.fail(Trouble::Interrupted, "it was cut off: power, or a kill".to_owned());
                self.remember(&name, began, None, None);
                self.report_failure(&name, "");
            }
        }
        self.save()
    }

    /// Runs what is due until nothing is.
    fn jobs(&mut self) -> Result<(), Error> {
        let mut held = Vec::new();
        while !self.is_stopped()
            && let Some(job) = self.next(&mut held)
        {
            self.try_once(&job)?;
        }
        Ok(())
    }

    /// The first job that is due and that nothing speaks against; `held` are those that wait for something.
    fn next(&mut self, held: &mut Vec<String>) -> Option<Job<'a>> {
        let now = self.now();
        for job in jobs(self.configuration) {
            let name = job.name();
            self.state.record(&name, now);
            if held.contains(&name) {
                continue;
            }
            let is_asked = job.schedule().is_some() && requests::is_asked(self.directory.path(), &name);
            let is_due = is_asked || self.plan(now).turn(&job) == Turn::Due;
            let record = self.state.record(&name, now);
            if !is_due {
                (record.held, record.held_since) = (None, None);
                continue;
            }
            let Some(reason) = conditions::against(&job, self.configuration, record) else { return Some(job) };
            record.hold(now, reason.clone());
            (self.narrate)(&format!("{name} waits: {reason}"));
            self.report(&name, Kind::Skipped, &reason, "");
            held.push(name);
        }
        None
    }

    fn plan(&self, now: i64) -> Plan<'_> {
        Plan { configuration: self.configuration, state: self.state, now, zone: self.round.clock.zone() }
    }

    fn try_once(&mut self, job: &Job<'a>) -> Result<(), Error> {
        let (name, began) = (job.name(), self.now());
        let record = self.state.record(&name, began);
        record.begin(began);
        let expected = record.duration.map(|duration| format!(", {} last time", length(duration))).unwrap_or_default();
        self.save()?;
        requests::forget(self.directory.path(), &name);
        (self.narrate)(&format!("{name} runs{expected}"));
        self.tell(&Event::of_job(&name, Kind::Start, "", ""));
        let left = self.configuration.limits.window.and_then(|window| window.left(began, self.round.clock.zone()));
        let work = Work {
            program: &self.round.program,
            configuration: self.configuration,
            state: self.state,
            now: began,
            left,
            stop: self.round.stop.as_fd(),
        };
        let ending = job::run(job, &work);
        self.end(job, &name, began, ending)
    }

    fn end(&mut self, job: &Job<'a>, name: &str, began: i64, ending: Ending) -> Result<(), Error> {
        let now = self.now();
        let (figures, totals) = (ending.figures.clone(), ending.totals);
        let record = self.state.record(name, now);
        if let Some(trouble) = ending.failure {
            record.fail(trouble, ending.words.unwrap_or_default());
            self.report_failure(name, &ending.log);
        } else if let Some(why) = ending.unfinished {
            record.put_off(why.clone());
            self.report(name, Kind::Skipped, &why, &ending.log);
        } else if let Some(slice) = ending.slice {
            let round = job::advance(record.round.take(), began, now, slice);
            record.slice(now, round);
            match record.outcome {
                Some(Outcome::Failed) => self.report_failure(name, &ending.log),
                _ => self.report_success(name, &ending.log),
            }
        } else {
            record.succeed(now, ending.words);
            record.figures = ending.figures.or(record.figures.take());
            if let Job::Backup(backup) = job {
                record.sources_with_files = conditions::with_files(&backup.sources);
            }
            self.report_success(name, &ending.log);
        }
        let record = self.state.record(name, now);
        let words = record.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let outcome = record.outcome.map_or("", Outcome::word);
        (self.narrate)(&format!("{name}: {outcome}{words}"));
        self.save()?;
        self.remember(name, began, Some(now.saturating_sub(began)), figures.zip(Some(totals)));
        self.show();
        Ok(())
    }

    /// Writes a run down, as its record tells it now.
    fn remember(&mut self, name: &str, began: i64, seconds: Option<i64>, stored: Option<(Figures, Option<Totals>)>) {
        let Some(record) = self.state.jobs.get(name) else { return };
        let (figures, totals) = stored.unzip();
        let run = Run {
            job: name.to_owned(),
            began,
            seconds,
            outcome: record.outcome.unwrap_or(Outcome::Failed),
            trouble: record.trouble,
            message: record.message.clone(),
            figures,
            totals: totals.flatten(),
        };
        // What is to be done goes by the state alone.
        if let Err(error) = history::append(self.directory.path(), &run) {
            (self.narrate)(&format!("the history cannot be written: {error}"));
        }
    }

    /// Tells of something bad once, until it is good again.
    fn report(&mut self, name: &str, kind: Kind, reason: &str, log: &str) {
        // Details of a reason change from night to night, and so does an age; what is wrong does not.
        let key = match kind {
            Kind::TooOld | Kind::NeverRan => format!("{kind:?}"),
            _ => format!("{kind:?} {}", reason.split(':').next().unwrap_or_default()),
        };
        let now = self.now();
        let record = self.state.record(name, now);
        let told = record.reported.get_or_insert_default();
        if told.lines().any(|line| line == key) {
            return;
        }
        told.push_str(&key);
        told.push('\n');
        self.tell(&Event::of_job(name, kind, reason, log));
    }

    fn report_failure(&mut self, name: &str, log: &str) {
        let Some(record) = self.state.jobs.get(name) else { return };
        let trouble = record.trouble.unwrap_or(Trouble::Other);
        // A reboot in the middle of the night is nothing to be woken for: it is tried again at once.
        if trouble == Trouble::Interrupted && record.failures < 2 {
            return;
        }
        let reason = format!("{}: {}", trouble.name(), record.message.clone().unwrap_or_default());
        self.report(name, Kind::Failed, &reason, log);
    }

    fn report_success(&mut self, name: &str, log: &str) {
        let now = self.now();
        let record = self.state.record(name, now);
        let warning = record.message.clone().filter(|_| record.outcome == Some(Outcome::Warning));
        let told = record.reported.clone().unwrap_or_default();
        match warning {
            Some(warning) => {
                record.reported = Some(told.lines().filter(|line| line.starts_with("Warning")).collect());
                // Pings are for every run; people are told of what is new.
                match told.contains("Warning") {
                    true => self.tell(&Event::of_job(name, Kind::Success, &warning, log)),
                    false => self.report(name, Kind::Warning, "", log),
                }
            }
            None => {
                record.reported = None;
                self.tell(&Event::of_job(name, Kind::Success, "", log));
            }
        }
        if ["Failed", "Skipped", "TooOld", "NeverRan"].iter().any(|word| told.contains(word)) {
            self.tell(&Event::of_job(name, Kind::Recovered, "", ""));
        }
    }

    /// What should have run long ago.
    fn overdue(&mut self) {
        let now = self.now();
        for job in jobs(self.configuration) {
            let name = job.name();
            let record = self.state.record(&name, now);
            let verdict = judge(&job, record, now);
            let is_late = job.too_old().is_some_and(|most| now.saturating_sub(record.known_since) > most);
            match verdict.word {
                "too old" => self.report(&name, Kind::TooOld, &verdict.reason, ""),
                "never ran" if is_late => self.report(&name, Kind::NeverRan, &verdict.reason, ""),
                _ => {}
            }
        }
    }

    fn finish(&mut self) -> Result<Finished, Error> {
        self.save()?;
        // Told above, and gone when the next round begins.
        self.state.set_aside = None;
        self.show();
        let now = self.now();
        let status = Status::new(self.configuration, self.state, now, self.round.clock.zone(), None);
        let level = status.level();
        let waits = !self.state.undelivered.is_empty() || self.state.jobs.values().any(|record| record.held.is_some());
        let next = self.plan(now).next();
        Ok(Finished { wake: if waits { next.min(now + RECHECK) } else { next }, level })
    }

    fn show(&mut self) {
        for failed in reports::show(self.configuration, self.state, self.now()) {
            (self.narrate)(&failed);
        }
    }

    fn is_stopped(&self) -> bool {
        let mut waited = [PollFd::new(&self.round.stop, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut waited, Some(&at_once)).is_ok_and(|count| count > 0)
    }
}
