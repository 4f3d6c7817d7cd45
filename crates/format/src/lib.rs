//! Every byte structure Borg 1.4 stores or sends, as views over bytes and plain structs that emit them.
//!
//! Contract: no unsafe, no panic, no allocation, whatever the bytes. A parser borrows from the slice it
//! was given; a length that was read is checked against the bytes present before it is believed.
#![no_std]
#![forbid(unsafe_code)]

pub mod archive;
pub mod envelope;
pub mod hints;
mod id;
pub mod index;
pub mod integrity;
pub mod item;
pub mod key_blob;
pub mod manifest;
pub mod msgpack;
pub mod packed;
pub mod rpc;
pub mod segment;
pub mod tam;

pub use id::{ChunkRef, Id};
