//! `prune`

use std::ffi::OsString;

use clap::Args;

use super::{CommonOptions, filters::NameFilters, values};

/// Delete archives by age, as rules say
#[derive(Args, Debug)]
pub(crate) struct Prune {
    /// Change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Delete damaged archives too
    #[arg(long = "force")]
    pub(crate) forced: bool,
    /// Print statistics of what was deleted and of the repository
    #[arg(short, long)]
    pub(crate) stats: bool,
    /// Print statistics of what was deleted alone
    #[arg(long)]
    pub(crate) quick_stats: bool,
    /// Print each archive, and whether it stays
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Keep all archives within this time: 12H, 7d, 4w, 6m (31 days each), 1y
    #[arg(long = "keep-within", value_name = "INTERVAL", value_parser = values::hours)]
    pub(crate) within: Option<u64>,
    /// Keep the newest of so many seconds
    #[arg(
        long = "keep-secondly",
        alias = "keep-last",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) secondly: i64,
    /// Keep the newest of so many minutes
    #[arg(
        long = "keep-minutely",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) minutely: i64,
    /// Keep the newest of so many hours
    #[arg(
        short = 'H',
        long = "keep-hourly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) hourly: i64,
    /// Keep the newest of so many days
    #[arg(
        short = 'd',
        long = "keep-daily",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) daily: i64,
    /// Keep the newest of so many weeks
    #[arg(
        short = 'w',
        long = "keep-weekly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) weekly: i64,
    /// Keep the newest of so many months
    #[arg(
        short = 'm',
        long = "keep-monthly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) monthly: i64,
    /// Keep the newest of so many quarters of 13 weeks
    #[arg(
        long = "keep-13weekly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true,
        conflicts_with = "quarterly_3monthly"
    )]
    pub(crate) quarterly_13weekly: i64,
    /// Keep the newest of so many quarters of 3 months
    #[arg(
        long = "keep-3monthly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) quarterly_3monthly: i64,
    /// Keep the newest of so many years
    #[arg(
        short = 'y',
        long = "keep-yearly",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) yearly: i64,
    /// Accepted for compatibility: no more space is needed without
    #[arg(long)]
    pub(crate) save_space: bool,
    /// Commit every so many seconds while objects are deleted
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) checkpoint_interval: u64,
    /// Repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) filters: NameFilters,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
