//! `benchmark`: of the processor, and of a repository.
//!
//! `crud`: archives of test files are created, extracted, updated and deleted, by the commands that do it always.
//!
//! Files are zeros (Z) or random (R), of three sizes; nothing is compressed. RAM: one MiB beside what the commands need.

mod cpu;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::{Advice, fadvise};

use super::{Context, context::Archive};
use crate::{
    Failure,
    arguments::{self, Benchmark, BenchmarkCommand, BenchmarkCrud},
    output::size::{Units, file_size},
    status::Status,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Zeros,
    Random,
}

/// Name, number of files, size of each.
const ROWS: [(&str, u32, u64, Content); 6] = [
    ("Z-BIG", 10, 100_000_000, Content::Zeros),
    ("R-BIG", 10, 100_000_000, Content::Random),
    ("Z-MEDIUM", 1000, 1_000_000, Content::Zeros),
    ("R-MEDIUM", 1000, 1_000_000, Content::Random),
    ("Z-SMALL", 10_000, 10_000, Content::Zeros),
    ("R-SMALL", 10_000, 10_000, Content::Random),
];
/// What Borg's own tests ask for.
const TEST_ROWS: [(&str, u32, u64, Content); 2] = [("Z-TEST", 1, 1, Content::Zeros), ("R-TEST", 1, 1, Content::Random)];

pub(super) fn run(arguments: &Benchmark, context: &Context<'_>) -> Result<(), Failure> {
    match &arguments.command {
        Some(BenchmarkCommand::Crud(arguments)) => crud(arguments, context),
        Some(BenchmarkCommand::Cpu(_)) => cpu::cpu(context.environment),
        None => arguments::print_help(context.name, "benchmark"),
    }
}

fn crud(arguments: &BenchmarkCrud, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = location.canonical();
    let rows: &[(&str, u32, u64, Content)] = match context.environment.variable("_BORG_BENCHMARK_CRUD_TEST") {
        Some(_) => &TEST_ROWS,
        None => &ROWS,
    };
    for &(name, count, bytes, content) in rows {
        let files = TestFiles::make(&arguments.path, count, bytes, content)?;
        let measured = measure(&repository, &files.directory, context)?;
        drop(files);
        let megabytes = f64::from(count) * bytes as f64 / 1e6;
        let (size, kind) =
            (file_size(bytes, Units::Decimal), if content == Content::Zeros { "all-zero" } else { "random" });
        for (letter, time) in measured {
            let seconds = time.as_secs_f64();
            let speed = megabytes / seconds;
            writeln!(
                io::stdout(),
                "{letter}-{name:<10} {speed:9.2} MB/s ({count} * {size} {kind} files: {seconds:.2}s)"
            )?;
        }
    }
    Ok(())
}

/// Times of create, extract, update, delete.
fn measure(repository: &[u8], path: &Path, context: &Context<'_>) -> Result<[(char, Duration); 4], Failure> {
    let archive = |number: &str| OsString::from_vec([repository, b"::borg-benchmark-crud", number.as_bytes()].concat());
    let path = path.as_os_str().to_owned();
    let timed = |words: &[&str], names: &[OsString]| {
        let start = Instant::now();
        command(words, names, context).map(|()| start.elapsed())
    };
    let create = timed(&["create", "--compression=none", "--files-cache=disabled"], &[archive("1"), path.clone()])?;
    // The files cache learns what there is.
    timed(&["create", "--compression=none"], &[archive("2"), path.clone()])?;
    timed(&["delete"], &[archive("2")])?;
    let update = timed(&["create", "--compression=none"], &[archive("3"), path])?;
    timed(&["delete"], &[archive("3")])?;
    let extract = timed(&["extract", "--dry-run"], &[archive("1")])?;
    let delete = timed(&["delete"], &[archive("1")])?;
    Ok([('C', create), ('R', extract), ('U', update), ('D', delete)])
}

/// Runs a command as if it was typed, with the common options of this one.
fn command(words: &[&str], names: &[OsString], context: &Context<'_>) -> Result<(), Failure> {
    let words: Vec<OsString> = words.iter().map(OsString::from).chain(names.iter().cloned()).collect();
    let parsed = arguments::parse(context.name, &words)?;
    let status = Status::default();
    let Context { name, environment, log, .. } = *context;
    let context = Context { name, environment, log, status: &status, common: context.common.clone() };
    let mut command = parsed.command.ok_or_else(|| Failure::unforeseen("no command"))?;
    super::run(&mut command, &context)?;
    match status.exit_code(environment.exit_codes()) {
        0 => Ok(()),
        code => Err(Failure::unforeseen(format_args!("a measured command ended with exit code {code}"))),
    }
}

/// Files that are removed again.
struct TestFiles {
    directory: PathBuf,
}

impl TestFiles {
    fn make(path: &Path, count: u32, bytes: u64, content: Content) -> Result<Self, Failure> {
        let directory = path.join("borg-test-data");
        fs::create_dir_all(path)?;
        fs::create_dir(&directory)?;
        let files = Self { directory };
        let mut buffer = vec![0; 1 << 20];
        for number in 0..count {
            let mut file = File::create(files.directory.join(format!("file_{number}")))?;
            let mut left = bytes;
            while left > 0 {
                let piece = &mut buffer[..left.min(1 << 20) as usize];
                if content == Content::Random {
                    getrandom::fill(piece).map_err(Failure::unforeseen)?;
                }
                file.write_all(piece)?;
                left -= piece.len() as u64;
            }
            file.sync_all()?;
            // Read from the disk later, where there is one.
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
        }
        Ok(files)
    }
}

impl Drop for TestFiles {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory); // nobody is left to hear about it
    }
}
