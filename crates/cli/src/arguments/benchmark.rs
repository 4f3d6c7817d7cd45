//! `benchmark`

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

use super::CommonOptions;

/// Measure how fast the processor, or a repository, is
#[derive(Args, Debug)]
pub(crate) struct Benchmark {
    #[command(subcommand)]
    pub(crate) command: Option<BenchmarkCommand>,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchmarkCommand {
    Cpu(BenchmarkCpu),
    Crud(BenchmarkCrud),
}

/// Measure each step that only computes: chunkers, checksums, hashes, encryption, key derivation, compression
#[derive(Args, Debug)]
pub(crate) struct BenchmarkCpu {
    #[command(flatten)]
    common: CommonOptions,
}

/// Create, extract, update and delete archives of test files
#[derive(Args, Debug)]
pub(crate) struct BenchmarkCrud {
    /// The repository, which must exist
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// Where test files are made and removed again
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    common: CommonOptions,
}

impl Benchmark {
    /// The common options typed behind `benchmark`, in either place.
    pub(super) fn common(&mut self) -> CommonOptions {
        let before = std::mem::take(&mut self.common);
        match &mut self.command {
            Some(BenchmarkCommand::Cpu(command)) => std::mem::take(&mut command.common).over(before),
            Some(BenchmarkCommand::Crud(command)) => std::mem::take(&mut command.common).over(before),
            None => before,
        }
    }
}
