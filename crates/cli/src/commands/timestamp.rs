//! `--timestamp`: a time in UTC in one of Borg's spellings, or a file whose modification time to take.

use std::{
    ffi::OsStr,
    fs,
    time::{Duration, UNIX_EPOCH},
};

use jiff::{civil::DateTime, fmt::strtime, tz::TimeZone};

use crate::{Failure, arguments::usage_error};

const FORMATS: [&str; 8] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y-%j",
];
/// Borg shows no file time later than this: two days before 32-bit seconds end.
const MOST_SECONDS: u64 = (1 << 31) - 1 - 48 * 3600;

/// Microseconds since 1970.
pub(super) fn parse(text: &OsStr) -> Result<i64, Failure> {
    if let Ok(modified) = fs::metadata(text).and_then(|metadata| metadata.modified()) {
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default().min(Duration::from_secs(MOST_SECONDS));
        return Ok(since.as_micros() as i64);
    }
    let text = text.to_string_lossy();
    FORMATS
        .iter()
        .find_map(|format| microseconds(format, &text))
        .ok_or_else(|| usage_error(format_args!("argument --timestamp: invalid timestamp value: '{text}'")).into())
}

fn microseconds(format: &str, text: &str) -> Option<i64> {
    let parsed = strtime::parse(format, text).ok()?;
    let date = parsed.to_date().ok()?;
    let time = parsed.to_time().unwrap_or_default();
    let moment = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, seconds) in [
            ("2016-12-31T23:59:58", 1_483_228_798),
            ("2016-12-31T23:59:58Z", 1_483_228_798),
            ("2016-12-31T23:59:58+00:00", 1_483_228_798),
            ("2016-12-31 23:59", 1_483_228_740),
            ("2016-12-31", 1_483_142_400),
            ("2016-366", 1_483_142_400),
            ("1970-01-01", 0),
        ] {
            assert_eq!(parse(OsStr::new(text)).unwrap(), seconds * 1_000_000, "{text}");
        }
        assert!(parse(OsStr::new("yesterday")).is_err());
    }
}
