//! A repository at the other end of Borg's RPC. The messages themselves are in `nanoprobe_format::rpc`.

mod error;
pub mod serve;

pub use error::Error;
