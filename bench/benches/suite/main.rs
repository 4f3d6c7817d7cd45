//! `cargo bench -p nanoprobe-bench` measures what every byte of a backup passes, one core, in two minutes; add a part of a
//! name to measure only that. It is the CPU's time that is measured, so that other programs on the machine disturb little;
//! no stage here waits for anything. Criterion keeps the figures of the last run beside the build and shows the difference.

mod chunkers;
mod compressors;
mod cpu_time;
mod crypto;
mod inputs;
mod pipeline;

use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = suite;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = crypto::hashes, crypto::several_messages, crypto::ciphers, crypto::checksums, chunkers::chunkers, compressors::compressors,
        pipeline::pipeline
}
criterion_main!(suite);
