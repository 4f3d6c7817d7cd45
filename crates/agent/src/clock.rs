//! The one place where time comes in, and whether it can be believed.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::TimeZone};

/// What time it is, in seconds since 1970, and in which zone schedules are meant.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Seconds that are added to what the system says.
    ahead: i64,
    zone: TimeZone,
}

impl Clock {
    /// The system's.
    pub fn system() -> Self {
        Self { ahead: 0, zone: TimeZone::system() }
    }

    /// The system's zone and pace, beginning now at `start`.
    pub fn starting_at(start: i64) -> Self {
        Self { ahead: start.saturating_sub(now()), ..Self::system() }
    }

    /// Reads what a person types: `2026-11-25T03:00`, local, or seconds since 1970 behind an `@`.
    pub fn typed(text: &str) -> Option<Self> {
        let seconds = match text.strip_prefix('@') {
            Some(seconds) => seconds.parse().ok()?,
            None => {
                let fields: jiff::civil::DateTime = text.parse().ok()?;
                fields.to_zoned(TimeZone::system()).ok()?.timestamp().as_second()
            }
        };
        Timestamp::from_second(seconds).ok()?;
        Some(Self::starting_at(seconds))
    }

    /// Now.
    pub fn now(&self) -> i64 {
        now().saturating_add(self.ahead)
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// What the system's clock shows, in seconds since 1970. A [`Clock`] knows its zone, which takes a list of all zones in memory.
pub(crate) fn now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// Corrections of a clock that runs.
const TOLERANCE: i64 = 10 * 60;
/// This program did not exist before.
const EARLIEST: i64 = 1_767_225_600;

/// What the clock must at least show: when this was built (`SOURCE_DATE_EPOCH` of the build), and the newest time that was
/// ever written down. Boards without a battery start in 1970, or where they were switched off.
pub fn sane_from(newest_known: i64) -> i64 {
    let built = option_env!("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok()).unwrap_or(EARLIEST);
    newest_known.saturating_sub(TOLERANCE).max(built)
}

/// `2026-11-25 03:00`, in the zone.
pub fn shown(seconds: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(seconds) {
        Ok(timestamp) => zone.to_datetime(timestamp).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("@{seconds}"),
    }
}

/// `2026-11-25T02:00:00Z`, for machines.
pub fn iso(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| format!("@{seconds}"), |timestamp| timestamp.to_string())
}

/// `3 min`, `2 h`, `5 d`.
pub fn length(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_can_be_moved_and_doubted() {
        let moved = Clock::typed("@1800000000").expect("a time");
        assert!((1_800_000_000..1_800_000_100).contains(&moved.now()));
        assert!(Clock::typed("yesterday").is_none() && Clock::typed("@99999999999999999").is_none());
        assert_eq!(sane_from(0), sane_from(1), "at least the time of the build");
        assert_eq!(sane_from(1_900_000_000), 1_900_000_000 - TOLERANCE);
        assert_eq!([5, 600, 10_000, 900_000].map(length), ["5 s", "10 min", "2 h", "10 d"]);
    }
}
