//! Whole operations that lose power, are killed, or meet a call that fails: at every change on their way every archive that was
//! not meant to go can be read to its last chunk, every other is as it was or as it should be, `check` finds nothing, not even
//! an object too many, and doing it again finishes it.
//!
//! A run is watched, and at each change the disk is kept; what the eight models of persistence make of it are the states after a
//! power cut (all that was written survives a kill). Failing calls are counted down. The numbers are printed (`--nocapture`).
//! A sample is taken that takes seconds; with `NANOPROBE_EVERY_CALL` set, everything is tried.

mod archives;
mod cuts;
mod operations;
mod place;
