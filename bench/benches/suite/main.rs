//! `cargo bench -p nanoprobe-bench` measures what every byte of a backup passes, one core, in some minutes; add a part of a
//! name to measure only that. It is the CPU's time that is measured, so that other programs on the machine disturb little;
//! no stage here waits for anything. Criterion keeps the figures of the last run beside the build and shows the difference.

mod cpu_time;

use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nanoprobe_bench::{
    case::{Size, Threads},
    cases,
};

/// Threads that wait for each other have no time of one CPU: `nanoprobe-bench` measures those.
fn every_case(criterion: &mut Criterion<CpuTime>) {
    for case in cases::all().iter().filter(|case| case.threads == Threads::One) {
        let mut group = criterion.benchmark_group(case.group.to_string());
        group.throughput(Throughput::Bytes(case.bytes as u64));
        group.bench_function(BenchmarkId::new(case.label(), Size(case.bytes)), |bencher| {
            let mut pass = case.prepare();
            bencher.iter(|| pass.run());
        });
        group.finish();
    }
}

criterion_group! {
    name = suite;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = every_case
}
criterion_main!(suite);
