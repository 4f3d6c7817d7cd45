//! The periods of local time that rules keep one archive of.

use jiff::{Timestamp, tz::TimeZone};

/// Lengths of a period, in the order in which their rules are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// `--keep-secondly`, `--keep-last`
    Second,
    /// `--keep-minutely`
    Minute,
    /// `--keep-hourly`
    Hour,
    /// `--keep-daily`
    Day,
    /// `--keep-weekly`: weeks of the ISO calendar.
    Week,
    /// `--keep-monthly`
    Month,
    /// `--keep-13weekly`: quarters of 13 weeks of the ISO calendar; the last takes a 53rd.
    ThirteenWeeks,
    /// `--keep-3monthly`
    ThreeMonths,
    /// `--keep-yearly`
    Year,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::ThirteenWeeks,
        Self::ThreeMonths,
        Self::Year,
    ];

    /// Borg's name of the rule.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "secondly",
            Self::Minute => "minutely",
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::ThirteenWeeks => "quarterly_13weekly",
            Self::ThreeMonths => "quarterly_3monthly",
            Self::Year => "yearly",
        }
    }

    /// The period that a time lies in: year and as many finer numbers as it takes.
    pub(super) fn of(self, time: Timestamp, zone: &TimeZone) -> [i16; 6] {
        let local = zone.to_datetime(time);
        let (year, month, day) = (local.year(), i16::from(local.month()), i16::from(local.day()));
        let (hour, minute, second) = (i16::from(local.hour()), i16::from(local.minute()), i16::from(local.second()));
        let week = local.date().iso_week_date();
        match self {
            Self::Second => [year, month, day, hour, minute, second],
            Self::Minute => [year, month, day, hour, minute, 0],
            Self::Hour => [year, month, day, hour, 0, 0],
            Self::Day => [year, month, day, 0, 0, 0],
            Self::Week => [week.year(), i16::from(week.week()), 0, 0, 0, 0],
            Self::Month => [year, month, 0, 0, 0, 0],
            Self::ThirteenWeeks => [week.year(), ((i16::from(week.week()) - 1) / 13).min(3), 0, 0, 0, 0],
            Self::ThreeMonths => [year, (month - 1) / 3, 0, 0, 0, 0],
            Self::Year => [year, 0, 0, 0, 0, 0],
        }
    }
}
