//! The appliance side: what runs night after night without anybody looking, and how somebody notices when it does not.
//!
//! ```text
//! configuration → schedule → plan (what is due) → conditions (why not now) → job (a child process) → state → reports, status
//! ```
//! A resident process holds no repository and nearly no memory: [`resident`] sleeps and starts a *round* ([`round`]), a process
//! that lives as long as something is due. The round runs the commands of this same program as children, one at a time, and
//! knows of them what they log and their exit codes. Everything that decides is pure; time comes in through [`clock`].
//!
//! Beside it stand the status page ([`web`]), and what a box that runs from an image needs: the time of the network
//! ([`time_servers`]) and its next version ([`update`]).

mod address;
mod child;
pub mod clock;
pub mod conditions;
pub mod configuration;
mod durable;
mod error;
mod hash;
mod http;
mod job;
mod lines;
pub mod notify;
pub mod plan;
mod random;
pub mod reports;
pub mod resident;
pub mod round;
pub mod schedule;
pub mod state;
pub mod status;
pub mod time_servers;
mod trouble;
pub mod update;
pub mod web;

pub use error::Error;
pub use trouble::Trouble;

/// Where the configuration is unless told.
pub const CONFIGURATION: &str = "/etc/nanoprobe/config.toml";
/// Where the state is unless told.
pub const STATE: &str = "/var/lib/nanoprobe";
