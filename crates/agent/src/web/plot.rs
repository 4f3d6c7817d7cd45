//! Plots over time as SVG that stands in the page: axes with units, colours from the style sheet. Everything that they show
//! stands in a table beside them too.

use jiff::{Timestamp, tz::TimeZone};

use super::{html::Html, pages::Bytes};
use crate::clock::{length, shown};

/// A plot.
pub(super) struct Plot<'a> {
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    pub(super) style: Style,
    pub(super) series: Vec<Series>,
    pub(super) zone: &'a TimeZone,
}

/// What its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Seconds,
    Times,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Lines,
    Bars,
}

/// Values at their times, in order.
pub(super) struct Series {
    name: &'static str,
    /// Its colour in the style sheet.
    class: &'static str,
    points: Vec<(i64, f64)>,
}

impl Series {
    pub(super) fn new(name: &'static str, class: &'static str, points: Vec<(i64, f64)>) -> Self {
        Self { name, class, points }
    }

    fn most(&self) -> Option<f64> {
        self.points.iter().map(|(_, value)| *value).reduce(f64::max)
    }
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 190.0;
/// Where values are drawn.
const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = HEIGHT - 24.0;
/// Labels of the axis of time.
const DATES: i64 = 4;
/// More values than that have no words of their own: they would be larger than the page.
const MOST_WORDS: usize = 120;

/// From values to places.
struct Scale {
    first: i64,
    last: i64,
    step: f64,
    top: f64,
    /// Room for half a bar at both ends.
    inset: f64,
}

impl Plot<'_> {
    /// A figure; nothing where there are no values.
    pub(super) fn html(&self) -> Html {
        let mut html = Html::default();
        let all = || self.series.iter().flat_map(|series| series.points.iter());
        let times = || all().map(|(time, _)| *time);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return html };
        let most = all().map(|(_, value)| *value).fold(0.0, f64::max);
        let drawn = if self.style == Style::Bars { usual(all().map(|(_, value)| *value).collect()) } else { most };
        let step = self.unit.step(drawn / 4.0);
        let inset = if self.style == Style::Bars { self.bar_width() / 2.0 } else { 0.0 };
        let scale = Scale { first, last, step, top: step * (drawn / step).ceil().max(1.0), inset };
        html.within("<figure><figcaption><b>", self.title, "</b>");
        for series in self.series.iter().filter(|series| !series.points.is_empty()) {
            html.raw("<span class=\"key ").raw(series.class).within("\">", series.name, " ");
            let value = match self.style {
                Style::Lines => series.points.last().map(|(_, value)| self.unit.shown(*value)),
                Style::Bars => series
                    .most()
                    .filter(|most| *most > scale.top)
                    .map(|most| format!("(up to {})", self.unit.shown(most))),
            };
            html.text(value.unwrap_or_default());
            html.raw("</span>");
        }
        html.raw("</figcaption><svg role=\"img\" viewBox=\"0 0 480 190\"><title>")
            .text(self.title)
            .raw("</title><desc>");
        html.within("", shown(first, self.zone), " to ").within("", shown(last, self.zone), ", up to ");
        html.text(self.unit.shown(most)).raw("; the values stand in the table of runs.</desc>");
        self.axes(&scale, &mut html);
        for series in &self.series {
            match self.style {
                Style::Lines => self.line(series, &scale, &mut html),
                Style::Bars => self.bars(series, &scale, &mut html),
            }
        }
        html.raw("</svg></figure>\n");
        html
    }

    fn axes(&self, scale: &Scale, html: &mut Html) {
        let mut value = 0.0;
        while value <= scale.top * 1.001 {
            let y = scale.y(value);
            html.within("<path class=\"grid\" d=\"M62 ", Number(y), "H472\"/>");
            html.within("<text class=\"value\" x=\"56\" y=\"", Number(y + 4.0), "\">");
            // What is round is shown so.
            html.text(self.unit.shown(value).replace(".0 ", " ")).raw("</text>");
            value += scale.step;
        }
        let span = scale.last - scale.first;
        let count = if span == 0 { 1 } else { DATES };
        for place in 0..count {
            let time = scale.first + span * place / (count - 1).max(1);
            // The outer ones stay within the picture.
            let class = if place == 0 {
                "first"
            } else if place == count - 1 {
                "last"
            } else {
                "date"
            };
            html.raw("<text class=\"").raw(class).within("\" x=\"", Number(scale.x(time)), "\" y=\"184\">");
            html.text(date(time, span, self.zone)).raw("</text>");
        }
    }

    fn line(&self, series: &Series, scale: &Scale, html: &mut Html) {
        let Some((last, value)) = series.points.last() else { return };
        html.raw("<path class=\"line ").raw(series.class).raw("\" d=\"");
        for (place, (time, value)) in series.points.iter().enumerate() {
            html.raw(if place == 0 { "M" } else { "L" })
                .text(Number(scale.x(*time)))
                .raw(" ")
                .text(Number(scale.y(*value)));
        }
        html.raw("\"/><circle class=\"dot ").raw(series.class).within("\" r=\"3\" cx=\"", Number(scale.x(*last)), "");
        html.within("\" cy=\"", Number(scale.y(*value)), "\"/>");
        self.words(series, scale, html);
    }

    fn bars(&self, series: &Series, scale: &Scale, html: &mut Html) {
        let width = self.bar_width();
        let left = |time: i64| scale.x(time) - width / 2.0;
        html.raw("<path class=\"bar ").raw(series.class).raw("\" d=\"");
        for (time, value) in &series.points {
            let x = left(*time);
            // What is almost nothing is seen all the same, and what is too much ends at the top.
            let y = scale.y(*value).clamp(TOP, BOTTOM - 1.0);
            html.within("M", Number(x), " ").within("", Number(BOTTOM), "V").within("", Number(y), "h");
            html.within("", Number(width), "V").within("", Number(BOTTOM), "z");
        }
        html.raw("\"/>");
        // A gap in those that do not end there.
        for (time, _) in series.points.iter().filter(|(_, value)| *value > scale.top) {
            html.within("<path class=\"gap\" d=\"M", Number(left(*time) - 1.0), " 16l");
            html.within("", Number(width + 2.0), "-3v3L").within("", Number(left(*time) - 1.0), " 19z\"/>");
        }
        self.words(series, scale, html);
    }

    /// What a pointer meets: when, and how much.
    fn words(&self, series: &Series, scale: &Scale, html: &mut Html) {
        if series.points.len() > MOST_WORDS {
            return;
        }
        let width = (RIGHT - LEFT) / series.points.len().max(1) as f64;
        for (time, value) in &series.points {
            html.within("<rect class=\"touch\" y=\"8\" height=\"158\" x=\"", Number(scale.x(*time) - width / 2.0), "");
            html.within("\" width=\"", Number(width), "\"><title>").within("", shown(*time, self.zone), ": ");
            html.within("", self.unit.shown(*value), " ").within("", series.name, "</title></rect>");
        }
    }

    fn bar_width(&self) -> f64 {
        let count: usize = self.series.iter().map(|series| series.points.len()).sum();
        ((RIGHT - LEFT) / count.max(1) as f64 * 0.7).clamp(0.8, 14.0)
    }
}

impl Scale {
    fn x(&self, time: i64) -> f64 {
        match self.last - self.first {
            0 => f64::midpoint(LEFT, RIGHT),
            span => {
                let (left, right) = (LEFT + self.inset, RIGHT - self.inset);
                left + (right - left) * (time - self.first) as f64 / span as f64
            }
        }
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * value / self.top
    }
}

impl Unit {
    /// The round number that is not less.
    fn step(self, least: f64) -> f64 {
        const LENGTHS: [f64; 15] =
            [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0];
        let least = least.max(if self == Self::Times { 0.25 } else { 1.0 });
        if self == Self::Seconds
            && let Some(length) = LENGTHS.into_iter().find(|length| *length >= least)
        {
            return length;
        }
        let power = 10_f64.powf(least.log10().floor());
        [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(least)
    }

    fn shown(self, value: f64) -> String {
        match self {
            Self::Bytes => Bytes(value as u64).to_string(),
            Self::Seconds => length(value as i64),
            Self::Times if value.fract() == 0.0 => format!("{value} ×"),
            Self::Times => format!("{value:.1} ×"),
        }
    }
}

/// The most but for a few that are far beyond: a first backup would leave nothing to be seen of the others.
fn usual(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(high) = values.get(values.len() * 9 / 10).map(|high| high * 3.0) else { return 0.0 };
    values.into_iter().rfind(|value| *value <= high).unwrap_or(high)
}

/// As short as the length of time that is drawn allows.
fn date(time: i64, span: i64, zone: &TimeZone) -> String {
    let format = match span {
        ..172_800 => "%H:%M",
        172_800..25_920_000 => "%-d %b",
        _ => "%b %Y",
    };
    let Ok(timestamp) = Timestamp::from_second(time) else { return String::new() };
    zone.to_datetime(timestamp).strftime(format).to_string()
}

/// A place, to a tenth.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(unit: Unit, style: Style, points: Vec<(i64, f64)>) -> String {
        let series = vec![Series::new("of a", "one", points), Series::new("of b", "two", Vec::new())];
        let html = Plot { title: "T", unit, style, series, zone: &TimeZone::UTC }.html();
        String::from_utf8(html.into_bytes()).expect("text")
    }

    #[test]
    fn steps_are_round_and_cover_everything() {
        for (unit, least, step) in [
            (Unit::Bytes, 0.0, 1.0),
            (Unit::Bytes, 3.1e9, 5e9),
            (Unit::Bytes, 2.2e6, 2.5e6),
            (Unit::Seconds, 40.0, 60.0),
            (Unit::Seconds, 1e6, 1e6),
            (Unit::Times, 0.0, 0.25),
            (Unit::Times, 6.0, 10.0),
        ] {
            assert_eq!(unit.step(least), step, "{unit:?} {least}");
        }
    }

    #[test]
    fn a_first_backup_hides_nothing() {
        assert_eq!(usual(Vec::new()), 0.0);
        assert_eq!(usual(vec![4e10]), 4e10);
        assert_eq!(usual([vec![4e10], vec![1e6; 40], vec![2e6]].concat()), 2e6);
        let points = (0..40).map(|n| (n, if n == 0 { 4e10 } else { 1e6 })).collect();
        let bars = drawn(Unit::Bytes, Style::Bars, points);
        assert!(bars.contains("(up to 40.0 GB)") && bars.matches("class=\"gap\"").count() == 1, "{bars}");
    }

    #[test]
    fn any_values_are_drawn_within_the_picture() {
        assert_eq!(drawn(Unit::Bytes, Style::Lines, Vec::new()), "");
        let one = drawn(Unit::Bytes, Style::Bars, vec![(1_795_440_401, 0.0)]);
        assert!(one.contains("M260") && one.contains("<title>T</title>") && !one.contains("NaN"), "{one}");
        let day = 86_400;
        let points: Vec<(i64, f64)> = (0..90).map(|n| (1_795_440_401 + n * day, n as f64 * 1e9)).collect();
        let many = drawn(Unit::Bytes, Style::Lines, points);
        assert!(many.contains("100 GB</text>") && many.contains("of a 89.0 GB"), "{many}");
        assert!(many.contains("<desc>2026-11-23 13:26 to 2027-02-20 13:26, up to 89.0 GB"), "{many}");
        assert!(many.contains(">23 Nov</text>") && many.matches("<rect").count() == 90);
        for number in many.split(['M', 'L', ' ', '"']).filter_map(|text| text.parse::<f64>().ok()) {
            assert!((-30.0..=480.0).contains(&number), "{number}");
        }
        let huge = drawn(Unit::Seconds, Style::Bars, vec![(0, 1e15), (i64::from(u32::MAX), 5.0)]);
        assert!(!huge.contains("inf") && huge.matches("class=\"grid\"").count() < 8, "{huge}");
    }
}
