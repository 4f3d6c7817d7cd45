//! Several reports as one page: what matters side by side, then each box with its plots. No scripts, nothing is loaded.

use std::fmt::Write;

use super::{Of, Report, number, table::sentence};
use crate::{
    case::{Data, Group},
    cases,
    plot::{Bar, Bars, Row, escape, plots},
};

const STYLE: &str = "body{font:15px/1.45 Helvetica,Arial,sans-serif;color:#1c2733;max-width:1000px;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse}th,td{padding:.25em .7em;border-bottom:1px solid #e3e7eb;text-align:right}\
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto;margin:.6em 0}";

/// A whole HTML document.
pub fn page(reports: &[Report]) -> String {
    let mut text = String::new();
    let _ = write_page(reports, &mut text); // a string takes anything
    text
}

fn write_page(reports: &[Report], text: &mut String) -> std::fmt::Result {
    writeln!(text, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>nanoprobe-bench</title>")?;
    writeln!(text, "<style>{STYLE}</style></head><body>\n<h1>Boxes compared</h1>")?;
    writeln!(text, "<p>MB/s (10⁶ bytes); of one core unless it says otherwise.</p>")?;
    write_table(reports, text)?;
    for (title, figure) in COMPARED {
        let rows = reports
            .iter()
            .filter_map(|report| Some(Row { name: name(report), bars: vec![Bar::new(figure(report)?, true)] }));
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            let chart = Bars { title, subtitle: "MB/s", rows: &rows, marks: &[] };
            writeln!(text, "{}", chart.draw())?;
        }
    }
    for report in reports {
        write_box(report, text)?;
    }
    writeln!(text, "</body></html>")
}

/// What boxes are compared by.
const COMPARED: [(&str, fn(&Report) -> Option<f64>); 11] = [
    ("HMAC-SHA256, id and MAC side by side", |report| rate(report, Group::Hash, cases::HMAC_SHA256_PAIR, Data::Noise)),
    ("BLAKE2b, id and MAC side by side", |report| rate(report, Group::Hash, cases::BLAKE2B_PAIR, Data::Noise)),
    ("AES-256-CTR", |report| rate(report, Group::Cipher, cases::AES256_CTR, Data::Noise)),
    ("Borg's chunker", |report| rate(report, Group::Chunk, cases::BUZHASH, Data::Noise)),
    ("FastCDC", |report| rate(report, Group::Chunk, cases::FASTCDC, Data::Noise)),
    ("lz4, text", |report| rate(report, Group::Compress, "lz4", Data::Text)),
    ("zstd 3, text", |report| rate(report, Group::Compress, "zstd,3", Data::Text)),
    ("everything with zstd 3, text, one core", |report| whole(report, Of::OneCore)),
    ("everything with zstd 3, text, all cores", |report| whole(report, Of::EachCore)),
    ("disk, writing", |report| report.storage.as_ref().map(|storage| storage.write)),
    ("network", |report| report.network.as_ref().map(|network| network.megabytes_per_second)),
];

fn rate(report: &Report, group: Group, name: &str, data: Data) -> Option<f64> {
    Some(report.largest(group, name, data)?.rate())
}

/// In the mode that is advised.
fn whole(report: &Report, of: Of) -> Option<f64> {
    let mode = &report.advice.as_ref()?.mode;
    Some(report.pipeline(&format!("{mode} zstd,3"), Data::Text, of)?.rate())
}

fn name(report: &Report) -> String {
    report.machine.host.clone()
}

fn write_table(reports: &[Report], text: &mut String) -> std::fmt::Result {
    write!(text, "<table><tr><th></th>")?;
    for report in reports {
        write!(text, "<th>{}</th>", escape(&name(report)))?;
    }
    writeln!(text, "</tr>")?;
    for (title, figure) in COMPARED {
        let cells = reports.iter().map(|report| figure(report).map_or_else(String::new, number));
        write_row(title, cells, text)?;
    }
    let advice = |of: fn(&super::Advice) -> String| {
        reports.iter().map(move |report| report.advice.as_ref().map_or_else(String::new, of))
    };
    write_row("advised mode", advice(|advice| advice.mode.clone()), text)?;
    write_row(
        "advised compression",
        advice(|advice| {
            let each = advice.keeping.iter().map(|keeping| format!("{}: {}", keeping.limit, keeping.compression));
            each.collect::<Vec<_>>().join("; ")
        }),
        text,
    )?;
    write_row("advised chunker", advice(|advice| advice.chunker.clone()), text)?;
    writeln!(text, "</table>")
}

fn write_row(title: &str, cells: impl Iterator<Item = String>, text: &mut String) -> std::fmt::Result {
    write!(text, "<tr><td>{}</td>", escape(title))?;
    for cell in cells {
        write!(text, "<td>{}</td>", escape(&cell))?;
    }
    writeln!(text, "</tr>")
}

fn write_box(report: &Report, text: &mut String) -> std::fmt::Result {
    let machine = &report.machine;
    writeln!(
        text,
        "<h2>{}</h2>\n<p>{}, {}</p>",
        escape(&machine.host),
        escape(&machine.title()),
        escape(&machine.kernel)
    )?;
    if let Some(advice) = &report.advice {
        writeln!(text, "<p><b>{}</b>: {}.</p>", escape(&advice.mode), escape(&advice.mode_reason))?;
        writeln!(text, "<p><b>{}</b>: {}.</p>", escape(&advice.chunker), escape(&sentence(&advice.chunker_reason)))?;
    }
    for plot in plots(report) {
        writeln!(text, "{}", plot.svg)?;
    }
    Ok(())
}
