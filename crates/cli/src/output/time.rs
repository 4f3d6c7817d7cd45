//! Times: parsed from what archives hold (UTC), shown in the local zone, formatted as Python's `strftime` does.
//!
//! The zone comes from `TZ` or `/etc/localtime` through jiff, which needs no C library; without zone files it is UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The zone in which times are shown.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The system's.
    pub(crate) fn local() -> Self {
        Self(TimeZone::system())
    }

    /// UTC.
    pub(crate) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its rules.
    pub(crate) fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// By its name, for tests.
    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self(TimeZone::get(name).or_else(|_| TimeZone::posix(name)).unwrap())
    }
}

/// Microseconds since 1970 of a time as archives and manifests hold it: `2018-11-17T09:36:53[.123456]`, UTC.
pub(crate) fn parse_stored(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fields = DateTime::strptime("%Y-%m-%dT%H:%M:%S", whole).ok()?;
    if fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let microseconds: i64 = format!("{fraction:0<6}").parse().ok()?;
    let seconds = fields.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    seconds.checked_mul(1_000_000)?.checked_add(microseconds)
}

/// A moment in a zone, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    fields: DateTime,
    microsecond: u32,
    seconds_since_epoch: i64,
    /// Offset in seconds and name of the zone; local times of archives and items carry none, as in Borg.
    zone: Option<(i32, String)>,
}

impl Moment {
    /// The time of an archive: whole seconds, local.
    pub(crate) fn of_archive(microseconds: i64, zone: &Zone) -> Self {
        Self::naive(microseconds.div_euclid(1_000_000), 0, zone)
    }

    /// The time of an item, given in nanoseconds: clamped to what 32-bit systems can show and rounded to microseconds
    /// through a float, as Borg does it.
    pub(crate) fn of_item(nanoseconds: i64, zone: &Zone) -> Self {
        const LATEST_SECOND: i64 = (1 << 31) - 1 - 48 * 3600;
        let clamped = nanoseconds.clamp(0, LATEST_SECOND * 1_000_000_000);
        let seconds = clamped as f64 / 1e9;
        let (mut whole, mut microseconds) = (seconds.trunc(), (seconds.fract() * 1e6).round_ties_even());
        if microseconds >= 1e6 {
            microseconds -= 1e6;
            whole += 1.0;
        }
        Self::naive(whole as i64, microseconds as u32, zone)
    }

    /// A moment that knows its zone: the placeholders `{now}` and `{utcnow}`.
    pub(crate) fn aware(microseconds: i64, zone: &Zone) -> Self {
        let seconds = microseconds.div_euclid(1_000_000);
        let mut moment = Self::naive(seconds, microseconds.rem_euclid(1_000_000) as u32, zone);
        let information = zone.0.to_offset_info(timestamp(seconds));
        // Borg's `{utcnow}` carries Python's `timezone.utc`, whose name is UTC too.
        moment.zone = Some((information.offset().seconds(), information.abbreviation().to_owned()));
        moment
    }

    fn naive(seconds: i64, microsecond: u32, zone: &Zone) -> Self {
        let fields = zone.0.to_datetime(timestamp(seconds));
        Self { fields, microsecond, seconds_since_epoch: seconds, zone: None }
    }

    /// `2018-11-17T09:36:53.000000`
    pub(crate) fn iso(&self) -> String {
        self.strftime("%Y-%m-%dT%H:%M:%S.%f")
    }

    /// `Sat, 2018-11-17 09:36:53`
    pub(crate) fn human(&self) -> String {
        self.strftime("%a, %Y-%m-%d %H:%M:%S")
    }

    /// What Python shows without a format: an archive's or item's time for people, a time with a zone for machines.
    pub(crate) fn plain(&self) -> String {
        match self.zone {
            Some(_) => self.strftime("%Y-%m-%dT%H:%M:%S"),
            None => self.human(),
        }
    }

    /// The C library's directives in the C locale, and Python's `%f`, `%z`, `%Z`. Unknown ones stay as they are.
    pub(crate) fn strftime(&self, format: &str) -> String {
        let mut out = String::with_capacity(format.len() + 16);
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some(directive) => self.directive(directive, &mut out),
                None => out.push('%'),
            }
        }
        out
    }

    fn directive(&self, directive: char, out: &mut String) {
        let time = &self.fields;
        let (hour, weekday) = (time.hour(), time.weekday().to_sunday_zero_offset());
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let half = if hour < 12 { "AM" } else { "PM" };
        let yearday = time.day_of_year();
        let week = time.iso_week_date();
        let text = match directive {
            'a' => WEEKDAYS[weekday as usize][..3].to_owned(),
            'A' => WEEKDAYS[weekday as usize].to_owned(),
            'b' | 'h' => MONTHS[time.month() as usize - 1][..3].to_owned(),
            'B' => MONTHS[time.month() as usize - 1].to_owned(),
            'c' => self.strftime("%a %b %e %H:%M:%S %Y"),
            'C' => format!("{:02}", time.year().div_euclid(100)),
            'd' => format!("{:02}", time.day()),
            'D' | 'x' => self.strftime("%m/%d/%y"),
            'e' => format!("{:2}", time.day()),
            'f' => format!("{:06}", self.microsecond),
            'F' => self.strftime("%Y-%m-%d"),
            'g' => format!("{:02}", week.year().rem_euclid(100)),
            'G' => format!("{}", week.year()),
            'H' => format!("{hour:02}"),
            'I' => format!("{hour12:02}"),
            'j' => format!("{yearday:03}"),
            'k' => format!("{hour:2}"),
            'l' => format!("{hour12:2}"),
            'm' => format!("{:02}", time.month()),
            'M' => format!("{:02}", time.minute()),
            'n' => "\n".to_owned(),
            'p' => half.to_owned(),
            'P' => half.to_lowercase(),
            'r' => self.strftime("%I:%M:%S %p"),
            'R' => self.strftime("%H:%M"),
            's' => format!("{}", self.seconds_since_epoch),
            'S' => format!("{:02}", time.second()),
            't' => "\t".to_owned(),
            'T' | 'X' => self.strftime("%H:%M:%S"),
            'u' => format!("{}", if weekday == 0 { 7 } else { weekday }),
            'U' => format!("{:02}", (yearday + 6 - i16::from(weekday)) / 7),
            'V' => format!("{:02}", week.week()),
            'w' => format!("{weekday}"),
            'W' => format!("{:02}", (yearday + 6 - i16::from((weekday + 6) % 7)) / 7),
            'y' => format!("{:02}", time.year().rem_euclid(100)),
            'Y' => format!("{}", time.year()),
            'z' => self.zone.as_ref().map_or_else(String::new, |(offset, _)| offset_text(*offset)),
            'Z' => self.zone.as_ref().map_or_else(String::new, |(_, name)| name.clone()),
            '%' => "%".to_owned(),
            other => format!("%{other}"),
        };
        out.push_str(&text);
    }
}

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Whatever an archive claims: times outside of what a calendar can hold show as its nearest end.
fn timestamp(seconds: i64) -> Timestamp {
    let edge = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(edge)
}

fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (minutes, rest) = (seconds.abs() / 60, seconds.abs() % 60);
    let text = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
    if rest == 0 { text } else { format!("{text}{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_times_are_local_and_whole_seconds() {
        let zone = Zone::named("CET-1CEST,M3.5.0,M10.5.0/3");
        let start = parse_stored("2018-11-17T08:36:53.999999").unwrap();
        let moment = Moment::of_archive(start, &zone);
        assert_eq!(moment.human(), "Sat, 2018-11-17 09:36:53");
        assert_eq!(moment.iso(), "2018-11-17T09:36:53.000000");
        assert_eq!(moment.strftime("[%z%Z] %j %U %W %V %u %w %I%p %s"), "[] 321 45 46 46 6 6 09AM 1542443813");
        let aware = Moment::aware(start, &zone);
        assert_eq!(aware.strftime("%z %Z %f %e %q %%"), "+0100 CET 999999 17 %q %");
        assert_eq!(Moment::aware(start, &Zone::utc()).strftime("%Z%z"), "UTC+0000");
    }

    #[test]
    fn item_times_are_rounded_and_clamped() {
        let zone = Zone::utc();
        assert_eq!(Moment::of_item(1_542_443_813_123_456_789, &zone).iso(), "2018-11-17T08:36:53.123457");
        assert_eq!(Moment::of_item(-5, &zone).iso(), "1970-01-01T00:00:00.000000");
        assert_eq!(Moment::of_item(i64::MAX, &zone).iso(), "2038-01-17T03:14:07.000000");
        assert_eq!(Moment::of_item(1_999_999_999, &zone).iso(), "1970-01-01T00:00:02.000000");
    }

    #[test]
    fn stored_times_parse_strictly() {
        assert_eq!(parse_stored("1970-01-01T00:00:01"), Some(1_000_000));
        assert_eq!(parse_stored("1970-01-01T00:00:01.5"), Some(1_500_000));
        assert_eq!(parse_stored("1969-12-31T23:59:59.500000"), Some(-500_000));
        for bad in ["", "2018", "2018-13-01T00:00:00", "1970-01-01T00:00:01.1234567", "1970-01-01T00:00:01.+5", "x"] {
            assert_eq!(parse_stored(bad), None, "{bad}");
        }
    }
}
