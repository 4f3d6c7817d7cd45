//! Power cuts and failing calls at every point: nothing that was committed is ever lost, and nothing panics. The numbers of
//! states are printed (`--nocapture`).

mod compaction;
mod flips;
mod partial_check;
mod repair;
mod transactions;
mod world;
