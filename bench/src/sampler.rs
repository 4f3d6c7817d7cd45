//! A short measurement: as many passes as fit a case's time, in a few samples, of which the median counts.
//!
//! One thread is measured in the time that it was on a CPU, so that other programs disturb little, and in time of the wall;
//! several threads in time of the wall alone, because they wait for each other.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Done, MOST_THREADS, Pass, Threads};

/// Megabytes (10⁶) a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Of all samples.
    pub median: f64,
    /// The slowest sample.
    pub lowest: f64,
    /// The fastest sample.
    pub highest: f64,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// By the time of the CPU; of one thread only.
    pub cpu: Option<Rate>,
    /// By the wall's clock.
    pub wall: Rate,
    /// How many samples there were.
    pub samples: usize,
    /// How many threads worked.
    pub threads: usize,
    /// Stored bytes for each byte of data, where something would be stored.
    pub stored: Option<f64>,
}

impl Measured {
    /// The rate that is shown: of one core undisturbed, or of all as they were.
    pub fn megabytes_per_second(&self) -> f64 {
        self.cpu.map_or(self.wall.median, |cpu| cpu.median)
    }
}

/// Measures a case in about `time`; one pass to warm up and one that is measured are the least.
pub fn measure(case: &Case, time: Duration) -> Measured {
    match case.threads {
        Threads::One => one_thread(case, time),
        Threads::EachCore => several_threads(case, time),
    }
}

/// Cores that [`Threads::EachCore`] means.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// The time that this thread was on a CPU.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Samples that a case's time is divided into.
const SAMPLES: u32 = 9;

fn one_thread(case: &Case, time: Duration) -> Measured {
    let mut pass = case.prepare();
    let warm = Sample::take(&mut pass, Duration::ZERO);
    let begun = Instant::now();
    let mut samples = Vec::new();
    while samples.is_empty() || begun.elapsed() + warm.wall < time {
        samples.push(Sample::take(&mut pass, time / SAMPLES));
    }
    Measured {
        cpu: Some(Rate::of(samples.iter().map(|sample| sample.rate(sample.cpu)))),
        wall: Rate::of(samples.iter().map(|sample| sample.rate(sample.wall))),
        samples: samples.len(),
        threads: 1,
        stored: warm.stored(),
    }
}

/// All threads begin each sample together and end it each with a whole pass; their rates are added up.
fn several_threads(case: &Case, time: Duration) -> Measured {
    let threads = cores();
    let barrier = Barrier::new(threads);
    let samples = (SAMPLES / 2).max(1);
    let work = || {
        let mut pass = case.prepare();
        let warm = Sample::take(&mut pass, Duration::ZERO);
        let rates = (0..samples).map(|_| {
            barrier.wait();
            let sample = Sample::take(&mut pass, time / samples);
            sample.rate(sample.wall)
        });
        (rates.collect::<Vec<_>>(), warm.stored())
    };
    let results: Vec<_> = thread::scope(|scope| {
        let working: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        working.into_iter().map(|thread| thread.join().expect("a case that ends")).collect()
    });
    let sum = |number| results.iter().map(|(rates, _)| rates[number]).sum();
    Measured {
        cpu: None,
        wall: Rate::of((0..samples as usize).map(sum)),
        samples: samples as usize,
        threads,
        stored: results.first().and_then(|(_, stored)| *stored),
    }
}

/// Some passes in a row.
struct Sample {
    done: Done,
    wall: Duration,
    cpu: Duration,
}

impl Sample {
    /// Passes until `time` is over, at least one.
    fn take(pass: &mut Pass, time: Duration) -> Self {
        let mut sum = Done { bytes: 0, stored_bytes: None };
        let (cpu, wall) = (cpu_time(), Instant::now());
        let mut passes = 1_u32;
        loop {
            for _ in 0..passes {
                let done = pass.run();
                sum.bytes += done.bytes;
                sum.stored_bytes = done.stored_bytes.map(|bytes| sum.stored_bytes.unwrap_or(0) + bytes);
            }
            let elapsed = wall.elapsed();
            if elapsed >= time {
                return Self { done: sum, wall: elapsed, cpu: cpu_time() - cpu };
            }
            // Short passes are counted by the dozen, so that looking at the clock costs nothing.
            if elapsed < time / 8 {
                passes = passes.saturating_mul(2);
            }
        }
    }

    fn rate(&self, time: Duration) -> f64 {
        self.done.bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
    }

    fn stored(&self) -> Option<f64> {
        self.done.stored_bytes.map(|bytes| bytes as f64 / self.done.bytes as f64)
    }
}

impl Rate {
    fn of(rates: impl Iterator<Item = f64>) -> Self {
        let mut rates: Vec<_> = rates.collect();
        rates.sort_by(f64::total_cmp);
        Self { median: rates[rates.len() / 2], lowest: rates[0], highest: rates[rates.len() - 1] }
    }
}
