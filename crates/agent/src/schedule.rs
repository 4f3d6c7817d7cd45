//! When something is meant to happen: the newest scheduled moment up to now, and the next one. Pure.
//!
//! A schedule is in local time. An hour that the clocks skip happens when they go on; one that they repeat happens the first
//! time. Starts are spread: each job has its own delay a day, always the same, so that a house full of boxes does not wake one
//! server in one second, and a job that was run late is not run again.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

use crate::hash::hash;

/// `hourly 15`, `daily 02:30, 14:30`, `weekly sunday 03:00`, `monthly 1 04:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    days: Days,
    times: Vec<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    /// Each hour of each.
    Hours,
    All,
    Week(Weekday),
    Month(i8),
}

/// A schedule for one job: when it starts depends on its name.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'a> {
    /// When it is meant to start.
    pub schedule: &'a Schedule,
    /// Name of the job.
    pub job: &'a str,
    /// It starts at most so many seconds later.
    pub jitter: u32,
    /// Where it is.
    pub zone: &'a TimeZone,
}

/// Days to look at: a month and the longest delay.
const LOOK: i32 = 33;

impl Schedule {
    /// Reads what stands in a configuration.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let rest = rest.trim();
        match word {
            "hourly" => {
                let minute = if rest.is_empty() { 0 } else { number(rest.trim_start_matches(':'), 0..=59)? };
                let times = (0..24).filter_map(|hour| Time::new(hour, minute, 0, 0).ok()).collect();
                Ok(Self { days: Days::Hours, times })
            }
            "daily" => Ok(Self { days: Days::All, times: times(rest)? }),
            "weekly" => {
                let (day, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                Ok(Self { days: Days::Week(weekday(day)?), times: times(rest)? })
            }
            "monthly" => {
                let (day, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                Ok(Self { days: Days::Month(number(day, 1..=28)?), times: times(rest)? })
            }
            _ => Err(format!(
                "\"{text}\" is no schedule: write \"hourly 15\", \"daily 02:30\", \"weekly sunday 03:00\" or \"monthly 1 04:00\""
            )),
        }
    }

    /// Seconds from one start to the next, at most.
    pub fn period(&self) -> i64 {
        match self.days {
            Days::Hours => 3600,
            Days::All => 86_400,
            Days::Week(_) => 7 * 86_400,
            Days::Month(_) => 31 * 86_400,
        }
    }

    /// Seconds between two of its times of day, at least.
    fn gap(&self) -> u64 {
        let seconds = |time: &Time| i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60;
        let gaps = self.times.windows(2).map(|pair| seconds(&pair[1]) - seconds(&pair[0]));
        let night =
            self.times.first().zip(self.times.last()).map(|(first, last)| 86_400 + seconds(first) - seconds(last));
        gaps.chain(night).min().unwrap_or(0).unsigned_abs()
    }

    fn is_on(&self, date: Date) -> bool {
        match self.days {
            Days::Hours | Days::All => true,
            Days::Week(day) => date.weekday() == day,
            Days::Month(day) => date.day() == day,
        }
    }
}

impl Timetable<'_> {
    /// The newest scheduled moment that is not after `now`.
    pub fn latest(&self, now: i64) -> Option<i64> {
        (-1..LOOK).find_map(|back| self.moments(now, -back).into_iter().filter(|&moment| moment <= now).max())
    }

    /// The first scheduled moment after `now`.
    pub fn next(&self, now: i64) -> Option<i64> {
        (-2..LOOK).find_map(|ahead| self.moments(now, ahead).into_iter().filter(|&moment| moment > now).min())
    }

    /// The moments of the day that is so many days after now's.
    fn moments(&self, now: i64, days: i32) -> Vec<i64> {
        let Ok(timestamp) = Timestamp::from_second(now) else { return Vec::new() };
        let Ok(date) = self.zone.to_datetime(timestamp).date().checked_add(days.days()) else { return Vec::new() };
        if !self.schedule.is_on(date) {
            return Vec::new();
        }
        let delay = i64::from(self.delay(date));
        let zoned = |time: &Time| date.to_datetime(*time).to_zoned(self.zone.clone()).ok();
        let starts = self.schedule.times.iter().filter_map(zoned);
        starts.map(|start| start.timestamp().as_second().saturating_add(delay)).collect()
    }

    fn delay(&self, date: Date) -> u32 {
        // Starts of one schedule must not overtake each other.
        let most = u64::from(self.jitter).min(self.schedule.gap() / 4);
        let seed = hash(format!("{}\n{date}", self.job).as_bytes());
        u32::try_from(seed % (most + 1)).unwrap_or(0)
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<i8>) -> Result<i8, String> {
    let wrong = || format!("\"{text}\" is no number from {} to {}", range.start(), range.end());
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(wrong)
}

/// `02:30, 14:30`
fn times(text: &str) -> Result<Vec<Time>, String> {
    let mut times = text.split(',').map(|part| time(part.trim())).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

/// `02:30`
pub(crate) fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("\"{text}\" is no time of day such as 02:30");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

fn weekday(text: &str) -> Result<Weekday, String> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let place = NAMES.iter().position(|name| text.len() >= 3 && name.starts_with(text));
    let day = place.and_then(|place| Weekday::from_monday_zero_offset(i8::try_from(place).ok()?).ok());
    day.ok_or_else(|| format!("\"{text}\" is no day of the week such as sunday"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone")
    }

    fn at(text: &str) -> i64 {
        let fields: jiff::civil::DateTime = text.parse().expect("a time");
        fields.to_zoned(zone()).expect("a time there").timestamp().as_second()
    }

    fn check(schedule: &str, now: &str, latest: &str, next: &str) {
        let (schedule, zone) = (Schedule::parse(schedule).expect("a schedule"), zone());
        let timetable = Timetable { schedule: &schedule, job: "x", jitter: 0, zone: &zone };
        assert_eq!(timetable.latest(at(now)), Some(at(latest)), "{schedule:?}");
        assert_eq!(timetable.next(at(now)), Some(at(next)), "{schedule:?}");
    }

    #[test]
    fn each_kind_has_a_latest_and_a_next() {
        check("hourly 15", "2026-05-05T10:14", "2026-05-05T09:15", "2026-05-05T10:15");
        check("daily 02:30", "2026-05-05T02:30", "2026-05-05T02:30", "2026-05-06T02:30");
        check("daily 02:30, 14:30", "2026-05-05T14:29", "2026-05-05T02:30", "2026-05-05T14:30");
        check("weekly sun 03:00", "2026-05-05T12:00", "2026-05-03T03:00", "2026-05-10T03:00");
        check("monthly 28 04:00", "2026-02-28T03:59", "2026-01-28T04:00", "2026-02-28T04:00");
    }

    #[test]
    fn changes_of_the_clock_neither_lose_nor_double_a_night() {
        // 02:30 does not exist on the 29th of March: it happens at 03:30; on the 25th of October it happens once.
        check("daily 02:30", "2026-03-29T12:00", "2026-03-29T03:30", "2026-03-30T02:30");
        check("daily 02:30", "2026-10-25T12:00", "2026-10-25T02:30", "2026-10-26T02:30");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for wrong in
            ["", "sometimes", "daily", "daily 25:00", "daily 0230", "weekly x 03:00", "monthly 29 03:00", "hourly 60"]
        {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Schedule::parse("nightly 02:30").unwrap_err().contains("daily 02:30"));
    }

    proptest! {
        #[test]
        fn latest_and_next_enclose_now(
            now in 1_700_000_000_i64..2_500_000_000,
            kind in 0_usize..5,
            jitter in 0_u32..100_000,
            job in "[a-z]{1,8}",
        ) {
            let texts = ["hourly 7", "daily 02:30", "daily 00:00, 23:59", "weekly sat 12:00", "monthly 1 01:00"];
            let (schedule, zone) = (Schedule::parse(texts[kind]).unwrap(), zone());
            let timetable = Timetable { schedule: &schedule, job: &job, jitter, zone: &zone };
            let (latest, next) = (timetable.latest(now).unwrap(), timetable.next(now).unwrap());
            prop_assert!(latest <= now && now < next);
            // Nothing lies between them, and the next one is not skipped when it comes.
            prop_assert_eq!(timetable.next(latest), Some(next));
            prop_assert_eq!(timetable.latest(next), Some(next));
            prop_assert!(next - latest <= schedule.period() * 5 / 4 + 7200);
        }
    }
}
