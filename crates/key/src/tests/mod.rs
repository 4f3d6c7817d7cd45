//! Tests of the crate as a whole, against what real Borg recorded (`tests/vectors/record.py`).

mod backups;
mod opening;
mod passphrases;
mod sealing;
mod security;
mod support;
mod vectors;
