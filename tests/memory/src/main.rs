//! Runs the release binary on inputs far larger than its budget and fails when peak resident memory passes the limit.
//!
//!     cargo run --release -p nanoprobe-memory -- [small] [million] [life] [media] [chunks] [list] [blocks]
//!
//! Without names every scenario runs. `NANOPROBE` names the binary, else `target/release/nanoprobe` is taken;
//! `NANOPROBE_WORK` a folder with room (10 GiB for all), else the temporary directory. The limit is half of what the smallest
//! board in `targets/` has.

mod boards;
mod inputs;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use wait4::Wait4;

/// One input and what is done with it.
struct Scenario {
    name: &'static str,
    title: &'static str,
    make: fn(&Path),
    create: &'static [&'static str],
    steps: &'static [Step],
}

/// One command that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    First,
    Again,
    List,
    Extract,
    Check,
    Info,
    Diff,
    ExportTar,
    ImportTar,
    Rename,
    /// All content is compressed by another codec.
    Recompress,
    /// All content is cut into small chunks.
    CutSmall,
    /// All content is cut as by default.
    Cut,
    Delete,
    Prune,
    Compact,
}

const EVERY_STEP: &[Step] = &[Step::First, Step::Again, Step::List, Step::Info, Step::Extract, Step::Check];

/// A repository from its first archive to its last.
const LIFE: &[Step] = &[
    Step::First,
    Step::Again,
    Step::Diff,
    Step::ExportTar,
    Step::ImportTar,
    Step::Rename,
    Step::Recompress,
    Step::Delete,
    Step::Compact,
    Step::Prune,
    Step::Compact,
    Step::Check,
];

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "small",
        title: "100,000 small files",
        make: |folder| inputs::small_files(folder, 100_000),
        create: &["-C", "zstd,3"],
        steps: EVERY_STEP,
    },
    Scenario {
        name: "million",
        title: "1,000,000 small files",
        make: |folder| inputs::small_files(folder, 1_000_000),
        create: &["-C", "zstd,3"],
        steps: EVERY_STEP,
    },
    Scenario {
        name: "life",
        title: "1,000,000 small files, a hundredth changes",
        make: |folder| inputs::small_files(folder, 1_000_000),
        create: &["-C", "zstd,3"],
        steps: LIFE,
    },
    Scenario {
        name: "media",
        title: "4 GiB incompressible",
        make: |folder| inputs::noise_files(folder, 4, 1024),
        create: &["-C", "zstd,3"],
        steps: EVERY_STEP,
    },
    Scenario {
        name: "chunks",
        title: "2,000,000 chunks",
        make: |folder| inputs::noise_files(folder, 1024, 1),
        create: &["-C", "none", "--chunker-params", "fixed,536"],
        steps: EVERY_STEP,
    },
    Scenario {
        name: "list",
        title: "a file of 170,000 chunks",
        make: |folder| inputs::noise_files(folder, 1, 87),
        create: &["-C", "none", "--chunker-params", "fixed,536"],
        steps: &[Step::First, Step::Recompress, Step::CutSmall, Step::Compact, Step::Check],
    },
    Scenario {
        name: "blocks",
        title: "1 GiB incompressible in chunks of 8 MiB",
        make: |folder| inputs::noise_files(folder, 1, 1024),
        create: &["-C", "none", "--chunker-params", "fixed,8388608"],
        steps: &[Step::First, Step::Recompress, Step::Cut, Step::Compact, Step::Check],
    },
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| SCENARIOS.iter().all(|scenario| scenario.name != name.as_str())) {
        eprintln!("unknown scenario: {unknown}");
        return ExitCode::from(2);
    }
    let (mut passed, mut failed) = (0, 0);
    let (board, board_bytes) = boards::smallest();
    let limit_bytes = board_bytes / 2;
    println!("the limit is {} MiB, half of what {board} has\n", limit_bytes >> 20);
    println!("| scenario | step | wall s | peak MiB |\n|---|---|---|---|");
    for scenario in
        SCENARIOS.iter().filter(|scenario| wanted.is_empty() || wanted.iter().any(|name| name == scenario.name))
    {
        let work = match std::env::var_os("NANOPROBE_WORK") {
            Some(folder) => tempfile::tempdir_in(folder),
            None => tempfile::tempdir(),
        }
        .expect("a temporary folder");
        let input = work.path().join("input");
        (scenario.make)(&input);
        run(work.path(), &["init", "-e", "repokey-blake2"]).expect("init");
        for &step in scenario.steps {
            if step == Step::Again && scenario.steps == LIFE {
                inputs::change(&input);
            }
            match run(work.path(), &step.command(scenario.create)) {
                Ok((seconds, peak_bytes)) => {
                    let verdict = if peak_bytes <= limit_bytes { "" } else { " over the limit" };
                    println!(
                        "| {} | {} | {seconds:.1} | {:.1}{verdict} |",
                        scenario.title,
                        step.name(),
                        peak_bytes as f64 / 1048576.0
                    );
                    if verdict.is_empty() { passed += 1 } else { failed += 1 }
                }
                Err(message) => {
                    println!("| {} | {} | failed | {message} |", scenario.title, step.name());
                    failed += 1;
                }
            }
        }
    }
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::First => "create, first",
            Self::Again => "create, again",
            Self::List => "list",
            Self::Extract => "extract",
            Self::Check => "check",
            Self::Info => "info",
            Self::Diff => "diff",
            Self::ExportTar => "export-tar",
            Self::ImportTar => "import-tar",
            Self::Rename => "rename",
            Self::Recompress => "recreate --recompress",
            Self::CutSmall | Self::Cut => "recreate --chunker-params",
            Self::Delete => "delete",
            Self::Prune => "prune",
            Self::Compact => "compact",
        }
    }

    fn command(self, create: &[&'static str]) -> Vec<&'static str> {
        match self {
            Self::First => [&["create"], create, &["::first", "input"]].concat(),
            Self::Again => [&["create"], create, &["::again", "input"]].concat(),
            Self::List => vec!["list", "::first"],
            Self::Extract => vec!["extract", "--dry-run", "::first"],
            Self::Check => vec!["check"],
            Self::Info => vec!["info", "::first"],
            Self::Diff => vec!["diff", "::first", "again"],
            Self::ExportTar => vec!["export-tar", "::first", "first.tar"],
            Self::ImportTar => vec!["import-tar", "::imported", "first.tar"],
            Self::Rename => vec!["rename", "::again", "renamed"],
            Self::Recompress => vec!["recreate", "--recompress", "-C", "lz4", "::first"],
            Self::CutSmall => vec!["recreate", "--chunker-params", "fixed,1000", "::first"],
            Self::Cut => vec!["recreate", "--chunker-params", "default", "-C", "zstd,3", "::first"],
            Self::Delete => vec!["delete", "::first"],
            Self::Prune => vec!["prune", "--keep-last", "1"],
            Self::Compact => vec!["compact"],
        }
    }
}

/// Runs the program in `work`; gives wall seconds and peak resident bytes.
fn run(work: &Path, arguments: &[&str]) -> Result<(f64, u64), String> {
    let begin = Instant::now();
    let child = Command::new(program())
        .args(arguments)
        .current_dir(work)
        .env("BORG_BASE_DIR", work.join("base"))
        .env("BORG_REPO", work.join("repository"))
        .env("BORG_PASSPHRASE", "measured")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("{}: {error}", program().display()))?;
    let end = child.wait4().map_err(|error| error.to_string())?;
    if end.status.success() {
        Ok((begin.elapsed().as_secs_f64(), end.rusage.maxrss))
    } else {
        Err(end.status.to_string())
    }
}

fn program() -> PathBuf {
    std::env::var_os("NANOPROBE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/nanoprobe"), PathBuf::from)
}
