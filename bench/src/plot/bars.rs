//! Bars that lie, their values beside them, and marks across them.

use super::svg::{Anchor, GRID, HEAD, INK, PALE, SOFT, STRONG, Svg, WARM, step, text_width};
use crate::report::number;

/// A chart.
pub(crate) struct Bars<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    pub(crate) rows: &'a [Row],
    pub(crate) marks: &'a [Mark],
}

/// Bars of one name.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
pub(crate) struct Bar {
    value: f64,
    note: String,
    strong: bool,
}

/// A value that all bars are seen against.
pub(crate) struct Mark {
    name: &'static str,
    value: f64,
}

impl Bar {
    pub(crate) fn new(value: f64, strong: bool) -> Self {
        Self { value, note: String::new(), strong }
    }

    pub(crate) fn note(self, note: String) -> Self {
        Self { note, ..self }
    }
}

impl Mark {
    pub(crate) fn new(name: &'static str, value: f64) -> Self {
        Self { name, value }
    }
}

const PLOT_WIDTH: f64 = 460.0;
const BAR_HEIGHT: f64 = 13.0;
const ROW_GAP: f64 = 8.0;
const NAME_SIZE: f64 = 12.0;
const NOTE_SIZE: f64 = 11.0;
const MARK_ROOM: f64 = 16.0;

/// A mark farther out than this many times the longest bar is told, not drawn.
const FAR: f64 = 2.5;

impl Bars<'_> {
    pub(crate) fn draw(&self) -> String {
        let names = self.rows.iter().map(|row| text_width(&row.name, NAME_SIZE));
        let left = names.fold(60.0, f64::max) + 28.0;
        let bars = || self.rows.iter().flat_map(|row| &row.bars);
        let notes = bars().map(|bar| text_width(&bar.label(), NOTE_SIZE)).fold(0.0, f64::max);
        let right = left + PLOT_WIDTH;
        let mut svg = Svg::titled(right + notes + 28.0, self.title, self.subtitle);

        let longest = bars().map(|bar| bar.value).fold(1e-3, f64::max);
        let (near, far): (Vec<_>, Vec<_>) = self.marks.iter().partition(|mark| mark.value <= FAR * longest);
        let largest = near.iter().map(|mark| mark.value).fold(longest, f64::max);
        let x = |value: f64| left + value / largest * PLOT_WIDTH;

        let top = HEAD + MARK_ROOM * self.marks.len() as f64;
        let row_height = |row: &Row| row.bars.len() as f64 * BAR_HEIGHT + ROW_GAP;
        let bottom = top + self.rows.iter().map(row_height).sum::<f64>();
        let step = step(largest, 6.0);
        for number in 0..=(largest / step) as u32 {
            let value = f64::from(number) * step;
            svg.line((x(value), top - 4.0), (x(value), bottom), GRID, 1.0);
            svg.text(x(value), bottom + 16.0, 11.0, SOFT, Anchor::Middle, &format!("{value}"));
        }

        let (mut y, mut labels) = (top, Vec::new());
        for row in self.rows {
            let middle = y + row.bars.len() as f64 * BAR_HEIGHT / 2.0;
            svg.text(left - 8.0, middle + 4.0, NAME_SIZE, INK, Anchor::End, &row.name);
            for bar in &row.bars {
                let colour = if bar.strong { STRONG } else { PALE };
                svg.bar((left, y + 0.5), (x(bar.value) - left).max(1.0), BAR_HEIGHT - 1.5, colour);
                labels.push((x(bar.value) + 5.0, y + BAR_HEIGHT - 3.0, bar.label()));
                y += BAR_HEIGHT;
            }
            y += ROW_GAP;
        }
        for (place, mark) in near.into_iter().chain(far).enumerate() {
            let (height, label) = (HEAD + MARK_ROOM * place as f64, format!("{} {}", mark.name, number(mark.value)));
            if mark.value > FAR * longest {
                svg.text(right, height + 4.0, NAME_SIZE, WARM, Anchor::End, &format!("{label} →"));
                continue;
            }
            svg.line((x(mark.value), height - 6.0), (x(mark.value), bottom), WARM, 1.6);
            let (anchor, beside) = if mark.value > largest * 0.7 { (Anchor::End, -5.0) } else { (Anchor::Start, 5.0) };
            svg.text(x(mark.value) + beside, height + 4.0, NAME_SIZE, WARM, anchor, &label);
        }
        // Above the marks, which go through bars and behind what is said of them.
        for (x, y, label) in labels {
            svg.text(x, y, NOTE_SIZE, SOFT, Anchor::Start, &label);
        }
        svg.finish(bottom + 30.0)
    }
}

impl Bar {
    fn label(&self) -> String {
        let value = number(self.value);
        if self.note.is_empty() { value } else { format!("{value} · {}", self.note) }
    }
}
