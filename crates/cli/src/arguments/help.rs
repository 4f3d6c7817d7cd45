//! `help`

use clap::Args;

use super::CommonOptions;

/// Explain a command or a topic: compression, environment, formats, patterns, placeholders
#[derive(Args, Debug)]
pub(crate) struct Help {
    #[arg(long, hide = true)]
    pub(crate) epilog_only: bool,
    #[arg(long, hide = true)]
    pub(crate) usage_only: bool,
    /// Command or topic
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
