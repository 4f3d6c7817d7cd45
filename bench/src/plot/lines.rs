//! Lines over sizes: a logarithmic axis below, names at the lines' ends.

use super::svg::{Anchor, GRID, HEAD, INK, SOFT, Svg, step, text_width};
use crate::{case::Size, report::number};

/// How the axis of values goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From zero.
    Linear,
    /// By factors.
    Logarithmic,
}

/// A chart.
pub(crate) struct Lines<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    pub(crate) scale: Scale,
    pub(crate) lines: &'a [Line],
}

/// One line.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Bytes and megabytes a second.
    pub(crate) points: Vec<(f64, f64)>,
    /// Whether it stands out.
    pub(crate) strong: bool,
}

const LEFT: f64 = 58.0;
const PLOT_WIDTH: f64 = 520.0;
const PLOT_HEIGHT: f64 = 340.0;
const FOOT: f64 = 44.0;
const NAME_SIZE: f64 = 12.0;
const NAME_DISTANCE: f64 = 15.0;

/// Told apart by shade and by dashes, so that grey will do.
const STROKES: [(&str, &str); 6] = [
    ("#16324f", ""),
    ("#d1751c", "9 3"),
    ("#2e7d5b", "2 3"),
    ("#8a4fa3", "12 3 2 3"),
    ("#c0392b", "5 5"),
    ("#6b7785", "1 4"),
];

impl Lines<'_> {
    pub(crate) fn draw(&self) -> String {
        let names = self.lines.iter().map(|line| text_width(&line.name, NAME_SIZE) + 60.0);
        let width = LEFT + PLOT_WIDTH + names.fold(0.0, f64::max) + 24.0;
        let mut svg = Svg::titled(width, self.title, self.subtitle);
        let axes = Axes::of(self);
        axes.draw(&mut svg);

        let strokes: Vec<_> = self.strokes();
        let mut ends: Vec<_> = Vec::new();
        for (line, (colour, dashes)) in self.lines.iter().zip(&strokes) {
            let points: Vec<_> = line.points.iter().map(|&point| axes.place(point)).collect();
            svg.path(&points, colour, if line.strong { 2.6 } else { 1.3 }, dashes);
            for &point in &points {
                svg.dot(point, if line.strong { 3.2 } else { 2.0 }, colour);
            }
            if let (Some(&end), Some(&(_, value))) = (points.last(), line.points.last()) {
                ends.push((end, format!("{}\u{2003}{}", line.name, number(value)), *colour, line.strong));
            }
        }
        ends.sort_by(|left, right| left.0.1.total_cmp(&right.0.1));
        let heights = apart(&ends.iter().map(|(end, ..)| end.1).collect::<Vec<_>>());
        for (((x, y), name, colour, strong), height) in ends.into_iter().zip(heights) {
            let name_x = LEFT + PLOT_WIDTH + 22.0;
            svg.line((x + 5.0, y), (name_x - 4.0, height), colour, 0.6);
            svg.text(name_x, height + 4.0, NAME_SIZE, if strong { INK } else { SOFT }, Anchor::Start, &name);
        }
        svg.finish(HEAD + PLOT_HEIGHT + FOOT)
    }

    /// Implementations of one primitive have one colour.
    fn strokes(&self) -> Vec<(&'static str, &'static str)> {
        let mut primitives: Vec<&str> = Vec::new();
        let strokes = self.lines.iter().map(|line| {
            let primitive = line.name.split(" (").next().unwrap_or_default();
            let place = primitives.iter().position(|known| *known == primitive).unwrap_or_else(|| {
                primitives.push(primitive);
                primitives.len() - 1
            });
            STROKES[place % STROKES.len()]
        });
        strokes.collect()
    }
}

/// Heights of names beside the ends of their lines, in order, none over another.
fn apart(wanted: &[f64]) -> Vec<f64> {
    let mut heights = wanted.to_vec();
    for place in 1..heights.len() {
        heights[place] = heights[place].max(heights[place - 1] + NAME_DISTANCE);
    }
    // What went below the axis moves up again.
    let mut floor = HEAD + PLOT_HEIGHT;
    for height in heights.iter_mut().rev() {
        *height = height.min(floor);
        floor = *height - NAME_DISTANCE;
    }
    heights
}

struct Axes {
    sizes: Vec<f64>,
    values: Vec<f64>,
    scale: Scale,
}

impl Axes {
    fn of(chart: &Lines<'_>) -> Self {
        let points = || chart.lines.iter().flat_map(|line| line.points.iter().copied());
        let mut sizes: Vec<_> = points().map(|point| point.0).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        let largest = points().map(|point| point.1).fold(1e-3, f64::max);
        let values = match chart.scale {
            Scale::Linear => {
                let step = step(largest, 7.0);
                (0..=(largest / step).ceil() as u32).map(|number| f64::from(number) * step).collect()
            }
            Scale::Logarithmic => {
                let least = points().map(|point| point.1).fold(largest, f64::min).max(1e-3);
                let below = |value: f64| 10_f64.powf(value.log10().floor());
                let (mut value, mut values) = (below(least), Vec::new());
                while value < 10.0 * below(largest) * 1.001 {
                    values.extend([value, 2.0 * value, 5.0 * value]);
                    value *= 10.0;
                }
                let first = values.iter().rposition(|value| *value <= least).unwrap_or(0);
                let last = values.iter().position(|value| *value >= largest).unwrap_or(values.len() - 1);
                values[first..=last.max(first + 1)].to_vec()
            }
        };
        Self { sizes, values, scale: chart.scale }
    }

    fn place(&self, (size, value): (f64, f64)) -> (f64, f64) {
        let along = |value: f64, from: f64, to: f64| if to > from { (value - from) / (to - from) } else { 0.5 };
        let (first, last) = (self.values[0], self.values[self.values.len() - 1]);
        let up = match self.scale {
            Scale::Linear => along(value, first, last),
            Scale::Logarithmic => along(value.log2(), first.log2(), last.log2()),
        };
        let right = along(size.log2(), self.sizes[0].log2(), self.sizes[self.sizes.len() - 1].log2());
        (LEFT + right * PLOT_WIDTH, HEAD + (1.0 - up) * PLOT_HEIGHT)
    }

    fn draw(&self, svg: &mut Svg) {
        for &value in &self.values {
            let (_, y) = self.place((self.sizes[0], value));
            svg.line((LEFT, y), (LEFT + PLOT_WIDTH, y), GRID, 1.0);
            svg.text(LEFT - 8.0, y + 4.0, 11.0, SOFT, Anchor::End, &format!("{value}"));
        }
        let floor = HEAD + PLOT_HEIGHT;
        for &size in &self.sizes {
            let (x, _) = self.place((size, self.values[0]));
            svg.line((x, floor), (x, floor + 5.0), SOFT, 1.0);
            svg.text(x, floor + 20.0, 11.0, SOFT, Anchor::Middle, &Size(size as usize).to_string());
        }
        svg.line((LEFT, floor), (LEFT + PLOT_WIDTH, floor), SOFT, 1.0);
    }
}
