//! Plots of a report as SVG: no scripts, no fonts of their own, legible in grey.
//!
//! Written by hand, because two kinds of chart are all there is: plotting libraries are larger than the rest of the program.

mod bars;
mod lines;
mod svg;

pub(crate) use bars::{Bar, Bars, Mark, Row};
pub(crate) use lines::{Line, Lines, Scale};
pub(crate) use svg::escape;

use crate::{
    case::{Data, Group},
    cases,
    report::{Figure, Report},
};

/// One plot.
pub struct Plot {
    /// Its file's name, without an ending.
    pub name: &'static str,
    /// The drawing, a whole SVG document.
    pub svg: String,
}

/// Every plot that the report has figures for.
pub fn plots(report: &Report) -> Vec<Plot> {
    let plots = [
        ("throughput", throughput(report)),
        ("hashes", hashes(report)),
        ("chunkers", chunkers(report)),
        ("compressors", compressors(report)),
        ("pipeline", pipelines(report)),
    ];
    plots.into_iter().filter_map(|(name, svg)| Some(Plot { name, svg: svg? })).collect()
}

/// Hashes and cipher by size, every implementation.
fn throughput(report: &Report) -> Option<String> {
    let wanted = |figure: &&Figure| matches!(figure.group, Group::Hash | Group::Cipher);
    lines(report, wanted, "Hashes and cipher by size of the message", Scale::Logarithmic)
}

/// The ids and MACs of both families, as they are in use.
fn hashes(report: &Report) -> Option<String> {
    let names = [cases::HMAC_SHA256, cases::HMAC_SHA256_PAIR, cases::BLAKE2B, cases::BLAKE2B_PAIR];
    let wanted = |figure: &&Figure| figure.chosen && names.contains(&&figure.name[..]);
    lines(report, wanted, "BLAKE2b against HMAC-SHA256: id and MAC", Scale::Linear)
}

fn lines(report: &Report, wanted: impl Fn(&&Figure) -> bool, title: &str, scale: Scale) -> Option<String> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in report.figures.iter().filter(wanted) {
        let (name, point) = (figure.title(), (figure.bytes as f64, figure.rate()));
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name, points: vec![point], strong: figure.chosen }),
        }
    }
    // A single size is no line.
    lines.retain(|line| line.points.len() > 1);
    let subtitle = format!("{}; MB/s of one core", report.machine.title());
    (!lines.is_empty()).then(|| Lines { title, subtitle: &subtitle, scale, lines: &lines }.draw())
}

fn chunkers(report: &Report) -> Option<String> {
    let row = |figure: &Figure| Row { name: figure.title(), bars: vec![Bar::new(figure.rate(), figure.chosen)] };
    let rows: Vec<_> = report.of(Group::Chunk).map(row).collect();
    bars(report, "Chunkers, on data without a pattern", "MB/s of one core", &rows, &[])
}

fn compressors(report: &Report) -> Option<String> {
    let row = |figure: &Figure| {
        let stored =
            figure.measured.stored.map_or_else(String::new, |stored| format!("stored {:.0} %", stored * 100.0));
        Row { name: figure.name.clone(), bars: vec![Bar::new(figure.rate(), true).note(stored)] }
    };
    let figures = report.of(Group::Compress).filter(|figure| figure.data == Data::Text && figure.measured.threads == 1);
    let rows: Vec<_> = figures.map(row).collect();
    bars(report, "Compressing text, 1 MiB at a time", "MB/s of one core", &rows, &[])
}

/// What the processor lets pass, against what the network and the disk do.
fn pipelines(report: &Report) -> Option<String> {
    let mut rows: Vec<Row> = Vec::new();
    for figure in report.of(Group::Pipeline).filter(|figure| figure.chosen) {
        let name = format!("{}, {}", figure.title(), figure.data);
        let threads = figure.measured.threads;
        let cores = if threads == 1 { "1 core".to_owned() } else { format!("{threads} cores") };
        let bar = Bar::new(figure.rate(), figure.measured.cpu.is_none()).note(cores);
        match rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.bars.push(bar),
            None => rows.push(Row { name, bars: vec![bar] }),
        }
    }
    bars(report, "chunk → id → compress → encrypt, against what it goes to", "MB/s of new data", &rows, &marks(report))
}

fn marks(report: &Report) -> Vec<Mark> {
    let network = report.network.as_ref().map(|network| Mark::new("network", network.megabytes_per_second));
    let disk = report.storage.as_ref().map(|storage| Mark::new("disk", storage.write));
    network.into_iter().chain(disk).collect()
}

fn bars(report: &Report, title: &str, unit: &str, rows: &[Row], marks: &[Mark]) -> Option<String> {
    let subtitle = format!("{}; {unit}", report.machine.title());
    (!rows.is_empty()).then(|| Bars { title, subtitle: &subtitle, rows, marks }.draw())
}
