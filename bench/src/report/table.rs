//! A report as text: Markdown, as the README has it.

use std::fmt::Write;

use super::{Figure, Of, Report};
use crate::case::{Data, Group, Size};

/// The whole report.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_head(report, &mut text);
    let _ = write_by_size(report, &mut text);
    let _ = write_chunkers(report, &mut text);
    let _ = write_compressors(report, &mut text);
    let _ = write_pipelines(report, &mut text);
    let _ = write_advice(report, &mut text);
    text
}

fn write_head(report: &Report, text: &mut String) -> std::fmt::Result {
    let machine = &report.machine;
    write!(text, "**{}**, {}", machine.host, machine.title())?;
    if !machine.features.is_empty() {
        write!(text, ", {}", machine.features.join(" "))?;
    }
    write!(text, ": measured in {:.0} s", report.seconds)?;
    if let Some(bytes) = report.peak_memory_bytes {
        write!(text, " and {:.0} MiB", bytes as f64 / f64::from(1 << 20))?;
    }
    writeln!(text, " by nanoprobe-bench {}.", report.version)?;
    writeln!(text, "MB/s (10⁶ bytes) of one core, medians; **bold**: the implementation in use.\n")
}

/// A row a name and implementation, a column a size.
fn write_by_size(report: &Report, text: &mut String) -> std::fmt::Result {
    let figures: Vec<_> = report.figures.iter().filter(|figure| figure.group <= Group::Checksum).collect();
    let mut sizes: Vec<_> = figures.iter().map(|figure| figure.bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() {
        return Ok(());
    }
    write_row(text, "", sizes.iter().map(|&size| Size(size).to_string()))?;
    write_rule(text, sizes.len())?;
    let mut titles: Vec<_> =
        figures.iter().map(|figure| (figure.title(), figure.chosen && has_rivals(figure, &figures))).collect();
    titles.dedup();
    for (title, marked) in titles {
        let at = |&size: &usize| figures.iter().find(|figure| figure.bytes == size && figure.title() == title);
        let cells = sizes.iter().map(|size| at(size).map_or_else(String::new, |figure| number(figure.rate())));
        write_row(text, &if marked { format!("**{title}**") } else { title.clone() }, cells)?;
    }
    writeln!(text)
}

fn has_rivals(figure: &Figure, figures: &[&Figure]) -> bool {
    figures.iter().any(|other| other.name == figure.name && other.form != figure.form)
}

fn write_chunkers(report: &Report, text: &mut String) -> std::fmt::Result {
    let figures: Vec<_> = report.of(Group::Chunk).collect();
    if figures.is_empty() {
        return Ok(());
    }
    write_row(text, "chunker", ["MB/s".to_owned()].into_iter())?;
    write_rule(text, 1)?;
    for figure in &figures {
        let title = figure.title();
        let marked = figure.chosen && has_rivals(figure, &figures);
        write_row(text, &if marked { format!("**{title}**") } else { title }, [number(figure.rate())].into_iter())?;
    }
    writeln!(text)
}

fn write_compressors(report: &Report, text: &mut String) -> std::fmt::Result {
    let mut names: Vec<_> = report.of(Group::Compress).map(|figure| &figure.name).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let columns = ["text", "stored", "back", "incompressible"].map(str::to_owned);
    write_row(text, "compression of 1 MiB", columns.into_iter())?;
    write_rule(text, 4)?;
    for name in names {
        let figure = |group, data| report.largest(group, name, data);
        let rate = |group, data| figure(group, data).map_or_else(String::new, |figure| number(figure.rate()));
        let stored = figure(Group::Compress, Data::Text).and_then(|figure| figure.measured.stored);
        let cells = [
            rate(Group::Compress, Data::Text),
            stored.map_or_else(String::new, percent),
            rate(Group::Decompress, Data::Text),
            rate(Group::Compress, Data::Noise),
        ];
        write_row(text, name, cells.into_iter())?;
    }
    writeln!(text)
}

fn write_pipelines(report: &Report, text: &mut String) -> std::fmt::Result {
    let mut names: Vec<_> = report.of(Group::Pipeline).map(Figure::title).collect();
    names.sort();
    names.dedup();
    let Some(threads) = report.of(Group::Pipeline).map(|figure| figure.measured.threads).max() else { return Ok(()) };
    let columns = [Data::Text, Data::Noise].map(|data| [format!("{data}, 1 core"), format!("{threads} cores")]);
    write_row(text, "chunk → id → compress → encrypt", columns.into_iter().flatten())?;
    write_rule(text, 4)?;
    for name in names {
        let cell = |data, of: Of| {
            let mut found = report.of(Group::Pipeline).filter(|figure| figure.title() == name && figure.data == data);
            let found = found.find(|figure| figure.measured.cpu.is_some() == (of == Of::OneCore));
            found.map_or_else(String::new, |figure| number(figure.rate()))
        };
        let cells = [Data::Text, Data::Noise].map(|data| [Of::OneCore, Of::EachCore].map(|of| cell(data, of)));
        write_row(text, &name, cells.into_iter().flatten())?;
    }
    writeln!(text)
}

fn write_advice(report: &Report, text: &mut String) -> std::fmt::Result {
    if let Some(storage) = &report.storage {
        let kind = storage.kind.as_ref().map_or_else(String::new, |kind| format!(" ({kind})"));
        let cached = if storage.cached { " (perhaps from memory: this file system reads past no cache)" } else { "" };
        let mebibytes = storage.bytes >> 20;
        let (write, read) = (number(storage.write), number(storage.read));
        writeln!(
            text,
            "- Disk{kind}: writes {write} MB/s with fsync, reads {read} MB/s{cached}; {mebibytes} MiB in order."
        )?;
    }
    if let Some(network) = &report.network {
        writeln!(text, "- Network: {} MB/s ({}).", number(network.megabytes_per_second), network.source)?;
    }
    let Some(advice) = &report.advice else { return Ok(()) };
    writeln!(text, "- Mode: `--encryption {}`. {}.", advice.mode, advice.mode_reason)?;
    for keeping in &advice.keeping {
        let bound = if keeping.processor_bound { "the processor" } else { &keeping.limit[..] };
        let limit =
            keeping.limit_megabytes_per_second.map_or_else(String::new, |rate| format!(" at {} MB/s", number(rate)));
        let (rate, stored) = (number(keeping.megabytes_per_second), percent(keeping.stored));
        writeln!(
            text,
            "- To {}{limit}: `--compression {}`: {rate} MB/s of text, stored as {stored} of it; {bound} is the limit.",
            keeping.limit, keeping.compression
        )?;
    }
    writeln!(text, "- Chunker: `--chunker-params {}`. {}.", advice.chunker, sentence(&advice.chunker_reason))?;
    Ok(())
}

fn write_row(text: &mut String, head: &str, cells: impl Iterator<Item = String>) -> std::fmt::Result {
    write!(text, "| {head} |")?;
    for cell in cells {
        write!(text, " {cell} |")?;
    }
    writeln!(text)
}

fn write_rule(text: &mut String, columns: usize) -> std::fmt::Result {
    writeln!(text, "|---|{}", "--:|".repeat(columns))
}

/// Three digits.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

pub(crate) fn percent(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
