//! Sizes and durations for people.

/// Whether a unit is a power of 1000 or of 1024.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Units {
    /// kB, MB …
    #[default]
    Decimal,
    /// KiB, MiB … (`--iec`)
    Binary,
}

/// Whether a positive size gets a plus sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Only a minus is shown.
    Negative,
    /// As `diff` shows changes.
    Always,
}

/// `1234567` as `1.23 MB`.
pub(crate) fn file_size(bytes: u64, units: Units) -> String {
    signed_file_size(i128::from(bytes), Sign::Negative, 2, units)
}

/// As [`file_size`], for differences, with so many digits behind the point.
pub(crate) fn signed_file_size(bytes: i128, sign: Sign, digits: usize, units: Units) -> String {
    let (power, names) = match units {
        Units::Decimal => (1000.0, ["", "k", "M", "G", "T", "P", "E", "Z", "Y"]),
        Units::Binary => (1024.0, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]),
    };
    let plus = if sign == Sign::Always && bytes > 0 { "+" } else { "" };
    let mut number = bytes as f64;
    let mut text = format!("{bytes}");
    let mut unit = 0;
    // What counts is the rounded number: 999.999 kB is 1.00 MB.
    while unit + 1 < names.len() && text.parse::<f64>().is_ok_and(|rounded| rounded.abs() >= power) {
        number /= power;
        unit += 1;
        text = format!("{number:.digits$}");
    }
    format!("{plus}{text} {}B", names[unit])
}

/// A duration in microseconds as `1 days 2 hours 3 minutes 4.50 seconds`.
pub(crate) fn duration(microseconds: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let seconds = microseconds as f64 / 1e6;
    let days = microseconds.div_euclid(DAY);
    let minutes = ((seconds / 60.0) as i64).rem_euclid(60);
    let hours = ((seconds / 3600.0) as i64).rem_euclid(24);
    let mut text = format!("{:.2} seconds", seconds.rem_euclid(60.0));
    for (count, name) in [(minutes, "minutes"), (hours, "hours"), (days, "days")] {
        if count != 0 {
            text = format!("{count} {name} {text}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_as_borg_rounds() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (1234, "1.23 kB"),
            (999_994, "999.99 kB"),
            (999_995, "1.00 MB"),
            (123_456_789, "123.46 MB"),
            (u64::MAX, "18.45 EB"),
        ] {
            assert_eq!(file_size(bytes, Units::Decimal), text);
        }
        for (bytes, text) in [(1023, "1023 B"), (1024, "1.00 KiB"), (1_048_576, "1.00 MiB"), (1_048_575, "1.00 MiB")] {
            assert_eq!(file_size(bytes, Units::Binary), text, "{bytes}");
        }
        assert_eq!(signed_file_size(1500, Sign::Always, 2, Units::Decimal), "+1.50 kB");
        assert_eq!(signed_file_size(-1550, Sign::Always, 1, Units::Decimal), "-1.6 kB");
        assert_eq!(signed_file_size(0, Sign::Always, 2, Units::Decimal), "0 B");
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        assert_eq!(duration(4_500_000), "4.50 seconds");
        assert_eq!(duration(3_600_000_000), "1 hours 0.00 seconds");
        assert_eq!(duration(86_400_000_000 + 3_723_004_000), "1 days 1 hours 2 minutes 3.00 seconds");
    }
}
