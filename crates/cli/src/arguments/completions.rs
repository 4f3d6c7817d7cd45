//! `completions`

use clap::{Args, ValueEnum};

use super::CommonOptions;

/// Print what makes a shell complete commands, options and archive names
///
/// For bash: source <(nanoprobe completions bash); for zsh the same; for fish: nanoprobe completions fish | source. Or save the
/// output where the shell looks: /usr/share/bash-completion/completions/nanoprobe (link it as borg there),
/// /usr/share/zsh/site-functions/_nanoprobe, /usr/share/fish/vendor_completions.d/nanoprobe.fish.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: CompletionShell,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Shells that Borg is completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Zsh,
    Fish,
}
