//! Which attributes of files `create` and `extract` take along.

use clap::Args;

/// The same words in both directions.
#[derive(Args, Debug)]
pub(crate) struct AttributeFlags {
    /// Owners by number only
    #[arg(long, alias = "numeric-owner")]
    pub(crate) numeric_ids: bool,
    /// Leave out file flags (such as NODUMP and IMMUTABLE)
    #[arg(long, alias = "nobsdflags")]
    pub(crate) noflags: bool,
    /// Leave out ACLs
    #[arg(long)]
    pub(crate) noacls: bool,
    /// Leave out extended attributes
    #[arg(long)]
    pub(crate) noxattrs: bool,
}
