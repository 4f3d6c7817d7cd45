//! One run: the disk, every case that is wanted, and the files of the report.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use nanoprobe_bench::{
    boards::Board,
    case::Case,
    cases,
    machine::{self, Machine},
    plot::plots,
    report::{Advice, FORMAT, Figure, Network, Report, table},
    sampler, storage,
};

use crate::Run;

/// Of all cases together. Where a pass takes longer than its share, others get less.
const TIME: Duration = Duration::from_secs(200);
const QUICK_TIME: Duration = Duration::from_secs(8);

/// More does not make a figure better.
const LONGEST_CASE: Duration = Duration::from_millis(1200);

/// The disk's file, and when writing it ends at the latest.
const FILE_BYTES: u64 = 64 << 20;
const QUICK_FILE_BYTES: u64 = 8 << 20;
const FILE_TIME: Duration = Duration::from_secs(10);

pub(super) fn run(options: &Run) -> Result<(), String> {
    let is_wanted =
        |case: &Case| options.only.is_empty() || options.only.iter().any(|word| case.path().contains(word.as_str()));
    let cases: Vec<_> = cases::all().into_iter().filter(is_wanted).collect();
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.path()));
        return Ok(());
    }
    let begun = Instant::now();
    let machine = Machine::this();
    let board = match &options.board {
        Some(name) => Some(Board::named(name).ok_or_else(|| format!("no file in targets/ is called {name}"))?),
        None => machine.board.as_deref().and_then(Board::of_model),
    };
    let directory =
        options.output.clone().unwrap_or_else(|| format!("nanoprobe-bench-{}", file_name(&machine.host)).into());
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;

    let disk = options.disk.as_ref().unwrap_or(&directory);
    eprintln!("the disk of {}", disk.display());
    let bytes = if options.quick { QUICK_FILE_BYTES } else { FILE_BYTES };
    // A report without a disk is a report.
    let storage =
        storage::measure(disk, bytes, FILE_TIME).inspect_err(|error| eprintln!("{}: {error}", disk.display())).ok();
    let figures = measure(&cases, if options.quick { QUICK_TIME } else { TIME });

    let mut report = Report {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine,
        seconds: begun.elapsed().as_secs_f64(),
        peak_memory_bytes: machine::peak_memory_bytes(),
        network: network(options.network, board),
        storage,
        figures,
        advice: None,
    };
    report.advice = Advice::of(&report);
    write(&report, &directory)?;
    println!("{}", table(&report));
    eprintln!("written: {}", directory.display());
    Ok(())
}

fn measure(cases: &[Case], time: Duration) -> Vec<Figure> {
    let end = Instant::now() + time;
    let numbered = cases.iter().enumerate();
    let figures = numbered.map(|(number, case)| {
        let left = (cases.len() - number) as u32;
        let share = end.saturating_duration_since(Instant::now()) / left;
        let figure = Figure::new(case, sampler::measure(case, share.min(LONGEST_CASE)));
        eprintln!("{:3} of {}: {}: {:.1} MB/s", number + 1, cases.len(), case.path(), figure.rate());
        figure
    });
    figures.collect()
}

fn network(told: Option<f64>, board: Option<Board>) -> Option<Network> {
    if let Some(megabytes_per_second) = told {
        return Some(Network { megabytes_per_second, source: "as told".to_owned() });
    }
    if let Some((board, megabytes_per_second)) =
        board.and_then(|board| Some((board, board.network_megabytes_per_second()?)))
    {
        return Some(Network { megabytes_per_second, source: format!("typical of {}; not measured", board.name()) });
    }
    let megabytes_per_second = machine::link_megabytes_per_second()?;
    Some(Network { megabytes_per_second, source: "what the fastest link claims; not measured".to_owned() })
}

fn write(report: &Report, directory: &Path) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    let mut files = vec![("report.json".to_owned(), json), ("report.md".to_owned(), table(report))];
    files.extend(plots(report).into_iter().map(|plot| (format!("{}.svg", plot.name), plot.svg)));
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// A host's name, as far as it may stand in a file's.
fn file_name(host: &str) -> String {
    host.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-._".contains(letter) { letter } else { '_' })
        .collect()
}
