//! `nanoprobe-bench`: runs the suite on a box without cargo and writes the report of it; puts reports side by side.
//!
//! One static file, at most five minutes and 64 MiB. Figures are of the CPU's time, but a box that does nothing else gives
//! better ones.

mod run;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use nanoprobe_bench::report::{FORMAT, Report, page};

/// Measures what every byte of a backup passes on this machine, and writes report.json, report.md and plots (SVG).
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Args)]
struct Run {
    /// Where the report goes: nanoprobe-bench-HOST if nothing is said.
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
    /// Takes less than a minute; figures are rough.
    #[arg(long)]
    quick: bool,
    /// Names the cases and measures none.
    #[arg(long)]
    list: bool,
    /// Measures only cases whose names contain WORD; may be repeated.
    #[arg(long, value_name = "WORD")]
    only: Vec<String>,
    /// What the line to the repository carries, MB/s; else what is typical of the board, or what the fastest link claims to.
    #[arg(long, value_name = "MBPS")]
    network: Option<f64>,
    /// The board: a name in targets/, where the machine does not tell.
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Where the repository would be: its disk is measured with a file of 64 MiB; else that of the report.
    #[arg(long, value_name = "DIRECTORY")]
    disk: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes one page of several reports, to compare boxes.
    Merge {
        /// Directories with a report.json, or such files.
        #[arg(required = true)]
        reports: Vec<PathBuf>,
        /// The page (HTML without scripts).
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Merge { reports, output }) => merge(reports, output),
        None => run::run(&arguments.run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("nanoprobe-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn merge(paths: &[PathBuf], output: &Path) -> Result<(), String> {
    let reports = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    fs::write(output, page(&reports)).map_err(|error| format!("{}: {error}", output.display()))
}

fn read(path: &Path) -> Result<Report, String> {
    let path = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| told(&error))?;
    if report.format != FORMAT {
        return Err(told(&format_args!("a report of format {}, this program knows {FORMAT}", report.format)));
    }
    Ok(report)
}
