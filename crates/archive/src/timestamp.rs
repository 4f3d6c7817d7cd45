//! Times as Borg writes them into manifest and archives: `%Y-%m-%dT%H:%M:%S.%f`, UTC without saying so.

use jiff::{Timestamp, ToSpan, civil::DateTime, tz::TimeZone};

use crate::Error;

/// Always with microseconds.
const FORMAT: &str = "%Y-%m-%dT%H:%M:%S.%6f";

/// The clock's time.
pub fn now() -> String {
    format(Timestamp::now())
}

/// A point in time, as text.
pub fn format(time: Timestamp) -> String {
    TimeZone::UTC.to_datetime(time).strftime(FORMAT).to_string()
}

/// Text as a point in time; Borg leaves the microseconds out of some.
pub fn parse(text: &str) -> Result<Timestamp, Error> {
    let invalid = || Error::InvalidTimestamp(text.to_owned());
    let time: DateTime = DateTime::strptime("%Y-%m-%dT%H:%M:%S%.f", text).map_err(|_| invalid())?;
    TimeZone::UTC.to_timestamp(time).map_err(|_| invalid())
}

/// The clock's time, or a microsecond after `previous` where the clock is behind that.
pub(crate) fn now_after(previous: &str) -> Result<String, Error> {
    let next =
        parse(previous)?.checked_add(1.microsecond()).map_err(|_| Error::InvalidTimestamp(previous.to_owned()))?;
    Ok(format(next).max(now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_time_agree() {
        let text = "2026-05-04T03:02:01.000042";
        assert_eq!(format(parse(text).unwrap()), text);
        assert_eq!(format(parse("2026-05-04T03:02:01").unwrap()), "2026-05-04T03:02:01.000000");
        for wrong in ["", "2026-05-04", "2026-05-04 03:02:01", "2026-05-04T03:02:01Z", "2026-13-04T03:02:01"] {
            assert!(matches!(parse(wrong), Err(Error::InvalidTimestamp(_))), "{wrong}");
        }
    }

    #[test]
    fn time_rises_though_the_clock_is_behind() {
        assert_eq!(now_after("2999-12-31T23:59:59.999999").unwrap(), "3000-01-01T00:00:00.000000");
        assert!(now_after("1999-12-31T23:59:59.999999").unwrap().as_str() > "2026");
        assert!(now_after("9999-12-31T23:59:59.999999").is_err());
    }
}
