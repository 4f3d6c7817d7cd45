//! What every byte of a backup passes, measured: the cases, and what is made of their figures.
//!
//! The cases are listed once ([`cases::all`]). `cargo bench` hands them to criterion (`benches/suite`); `nanoprobe-bench`, which
//! is also built for the boards, runs them with a clock of its own ([`sampler`]) and writes a report ([`report`]) with plots
//! ([`plot`]) and advice; `examples/libraries.rs` compares ours with the fastest libraries.
//!
//! RAM: 10 MiB of data to work on, and a case's buffers; at most 64 MiB in all.

pub mod boards;
pub mod case;
pub mod cases;
pub mod chunks;
pub mod inputs;
pub mod machine;
pub mod plot;
pub mod report;
pub mod sampler;
pub mod storage;
