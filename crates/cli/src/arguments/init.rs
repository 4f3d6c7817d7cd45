//! `init`

use std::ffi::OsString;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use nanoprobe_key::{Mode, Storage};

use super::{CommonOptions, values};

/// Initialize a new, empty repository
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Where and how the key is kept (required); auto and auto-keyfile measure what suits this machine
    #[arg(short, long, value_name = "MODE", value_parser = encryption())]
    pub(crate) encryption: Option<Encryption>,
    /// Never delete or overwrite anything in the repository's files
    #[arg(long)]
    pub(crate) append_only: bool,
    /// Most that the repository may hold (e.g. 5G, 1.5T) [default: no quota]
    #[arg(long, value_name = "QUOTA", value_parser = values::storage_quota)]
    pub(crate) storage_quota: Option<u64>,
    /// Make the directories above the repository too
    #[arg(long)]
    pub(crate) make_parent_dirs: bool,
    /// Take over deduplication secrets of another repository from a file
    #[arg(long, value_name = "PATH")]
    pub(crate) import_related_secrets: Option<String>,
    /// The new repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Borg's names of the modes, in Borg's order.
const MODES: [&str; 7] =
    ["none", "keyfile", "repokey", "authenticated", "keyfile-blake2", "repokey-blake2", "authenticated-blake2"];

/// What is typed behind `--encryption`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// This mode.
    Mode(Mode),
    /// The mode that suits the machine, with the key kept there.
    Auto(Storage),
}

fn encryption() -> impl TypedValueParser<Value = Encryption> {
    let names = MODES.into_iter().chain(["auto", "auto-keyfile"]);
    PossibleValuesParser::new(names).map(|name| match (name.as_str(), Mode::from_name(&name)) {
        (_, Some(mode)) => Encryption::Mode(mode),
        ("auto-keyfile", None) => Encryption::Auto(Storage::KeyFile),
        (_, None) => Encryption::Auto(Storage::Repository),
    })
}
