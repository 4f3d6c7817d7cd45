//! `cpu`

use clap::Args;

use super::CommonOptions;

/// Show what this CPU offers, what is made of it, and which encryption mode suits this machine
///
/// Of each primitive all implementations are listed, the fastest first, and the first that this CPU can run is used.
/// NANOPROBE_CPU_MASK takes features of the CPU away from the program, as far as it uses them itself: names as below with
/// commas between, or all.
#[derive(Args, Debug)]
pub(crate) struct Cpu {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
