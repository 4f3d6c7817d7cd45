//! A repository at the other end of Borg's RPC. The messages themselves are in `nanoprobe_format::rpc`.

mod client;
mod error;
pub mod serve;
pub mod transport;

pub use client::{Creation, Limits, OpenOptions, RemoteRepository, Retries};
pub use error::Error;
