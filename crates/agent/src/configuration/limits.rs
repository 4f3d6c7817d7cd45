//! `[limits]`: what jobs may use, and when they may run.

use std::path::PathBuf;

use jiff::{Timestamp, ToSpan, civil::Time, tz::TimeZone};
use toml::de::DeValue;

use super::reader::{Problems, Section, choice, duration, flag, path, text, whole};
use crate::schedule::time;

/// What jobs may use, and when.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory of a job, as `--memory-limit` takes it.
    pub memory: Option<String>,
    /// Added to the niceness of jobs.
    pub nice: u32,
    /// Jobs read and write when nobody else does.
    pub idle_io: bool,
    /// KiB a second that go to a server.
    pub upload: Option<u32>,
    /// Jobs start between these times.
    pub window: Option<Window>,
    /// What becomes of a backup that is not done when the window closes.
    pub after_window: AfterWindow,
    /// Starts are spread over so many seconds.
    pub jitter: u32,
    /// What to do without mains.
    pub on_battery: Hold,
    /// What to do when a disk says that it fails.
    pub failing_disk: Hold,
    /// `BORG_BASE_DIR` of jobs: keys, caches, what is known of repositories.
    pub base: Option<PathBuf>,
    /// Where the kernel shows devices.
    pub sys: PathBuf,
}

/// What becomes of a backup that is not done when the window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterWindow {
    /// It runs to its end.
    Finish,
    /// It stops, and goes on where it was when the window opens again.
    Stop,
}

/// What a condition of the machine does to jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// They wait, and status says why.
    Wait,
    /// They run.
    Run,
}

/// A part of each day, over midnight where its end is not after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: Time,
    end: Time,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            nice: 10,
            idle_io: true,
            upload: None,
            window: None,
            after_window: AfterWindow::Finish,
            jitter: 15 * 60,
            on_battery: Hold::Wait,
            failing_disk: Hold::Wait,
            base: None,
            sys: "/sys".into(),
        }
    }
}

const AFTER_WINDOW: &[(&str, AfterWindow)] = &[("finish", AfterWindow::Finish), ("stop", AfterWindow::Stop)];
const HOLD: &[(&str, Hold)] = &[("wait", Hold::Wait), ("run", Hold::Run)];

pub(super) fn read(section: Option<Section<'_>>, problems: &mut Problems<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut section) = section else { return limits };
    limits.memory = section.read("memory", problems, memory);
    limits.nice = section.read("nice", problems, whole(0, 19)).unwrap_or(limits.nice);
    limits.idle_io = section.read("idle_io", problems, flag).unwrap_or(limits.idle_io);
    limits.upload = section.read("upload", problems, whole(1, 10_000_000));
    limits.window = section.read("window", problems, window);
    limits.after_window = section.read("after_window", problems, choice(AFTER_WINDOW)).unwrap_or(limits.after_window);
    limits.jitter = section.read("jitter", problems, duration).unwrap_or(limits.jitter);
    limits.on_battery = section.read("on_battery", problems, choice(HOLD)).unwrap_or(limits.on_battery);
    limits.failing_disk = section.read("failing_disk", problems, choice(HOLD)).unwrap_or(limits.failing_disk);
    limits.base = section.read("base", problems, path);
    limits.sys = section.read("sys", problems, path).unwrap_or(limits.sys);
    section.finish(problems);
    limits
}

/// What `--memory-limit` takes: a number and a unit.
fn memory(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    let number = text.trim_end_matches(['B', 'i', 'K', 'k', 'M', 'G']);
    match number.parse::<u32>() {
        Ok(1..) if number.len() < text.len() => Ok(text),
        _ => Err(format!("\"{text}\" is no size such as 32M")),
    }
}

fn window(value: &DeValue<'_>) -> Result<Window, String> {
    let text = text(value)?;
    let (start, end) = text.split_once('-').ok_or_else(|| format!("\"{text}\" is no window such as 22:00-06:00"))?;
    Ok(Window { start: time(start.trim())?, end: time(end.trim())? })
}

impl Window {
    /// Seconds that are left of it; `None` outside.
    pub fn left(&self, now: i64, zone: &TimeZone) -> Option<i64> {
        (-1..=0).find_map(|day| {
            let (start, end) = self.bounds(now, day, zone)?;
            (start <= now && now < end).then(|| end - now)
        })
    }

    /// When it opens next.
    pub fn opens(&self, now: i64, zone: &TimeZone) -> Option<i64> {
        (-1..=2).filter_map(|day| self.bounds(now, day, zone)).map(|(start, _)| start).find(|&start| start > now)
    }

    fn bounds(&self, now: i64, day: i32, zone: &TimeZone) -> Option<(i64, i64)> {
        let date = zone.to_datetime(Timestamp::from_second(now).ok()?).date().checked_add(day.days()).ok()?;
        let last = if self.end > self.start { date } else { date.tomorrow().ok()? };
        let second = |date: jiff::civil::Date, time| {
            Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_second())
        };
        Some((second(date, self.start)?, second(last, self.end)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight() {
        let time = |hour| Time::new(hour, 0, 0, 0).expect("a time");
        let (night, day) = (Window { start: time(22), end: time(6) }, Window { start: time(8), end: time(9) });
        let (hour, zone) = (3600, TimeZone::UTC);
        let at = |clock: i64| 86_400 * 20_000 + clock * hour;
        assert_eq!(night.left(at(23), &zone), Some(7 * hour));
        assert_eq!(night.left(at(5), &zone), Some(hour));
        assert_eq!((night.left(at(6), &zone), night.opens(at(6), &zone)), (None, Some(at(22))));
        assert_eq!((day.left(at(8), &zone), day.opens(at(9), &zone)), (Some(hour), Some(at(32))));
    }
}
