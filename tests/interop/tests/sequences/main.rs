//! Random sequences of everything that changes a repository, by both programs in turn: what the archives hold is what it must
//! be, both find the repository sound and complete to the last chunk, and ours encrypts nothing with a counter that was used.
//!
//! NANOPROBE_SEQUENCES sequences are run (200 by default), of the seeds from NANOPROBE_SEED on; one that fails is told
//! with its seed and with all that was done. Ours is run as it is; Borg's commands are processes too, forked from an
//! interpreter that is kept warm, a server a thread.

mod files;
mod random;
mod sequence;
mod steps;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use nanoprobe_interop::{Program, WarmBorg, World};
use sequence::{Coverage, Sequence};

/// From so many on each kind of step must have been done by each program.
const ENOUGH_FOR_EVERY_KIND: u64 = 100;

/// What all sequences together did.
#[derive(Default)]
struct Report {
    sequences: u64,
    coverage: Coverage,
    ciphertexts: usize,
    failed: Vec<u64>,
}

#[test]
fn both_change_one_repository_in_turns() {
    let (first, count) = (variable("NANOPROBE_SEED", 1), variable("NANOPROBE_SEQUENCES", 200));
    let (next, report) = (AtomicU64::new(first), Mutex::new(Report::default()));
    let begun = Instant::now();
    let worker = || {
        let mut borg = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let warm = Arc::clone(borg.get_or_insert_with(warm_borg));
            let done = catch_unwind(AssertUnwindSafe(|| Sequence::run(seed, &warm)));
            if done.is_err() {
                borg = None;
            }
            report.lock().expect("a report").add(seed, done.ok());
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(worker)));
    });
    let report = report.into_inner().expect("a report");
    println!("{} s", begun.elapsed().as_secs());
    report.print();
    assert!(report.failed.is_empty(), "of the seeds {:?} (NANOPROBE_SEED=… NANOPROBE_SEQUENCES=1)", report.failed);
    if count >= ENOUGH_FOR_EVERY_KIND {
        for kind in steps::kinds() {
            let done = report.coverage.get(kind).copied().unwrap_or_default();
            assert!(done.iter().all(|times| *times > 0), "{kind} was not done by both: {done:?}");
        }
    }
}

impl Report {
    fn add(&mut self, seed: u64, done: Option<(Coverage, usize)>) {
        self.sequences += 1;
        let Some((coverage, ciphertexts)) = done else { return self.failed.push(seed) };
        self.ciphertexts += ciphertexts;
        for (kind, [borg, ours]) in coverage {
            let times = self.coverage.entry(kind).or_default();
            *times = [times[0] + borg, times[1] + ours];
        }
    }

    fn print(&self) {
        println!("{} sequences, {} ciphertexts seen", self.sequences, self.ciphertexts);
        println!("{:<28}{:>6}{:>12}", "step", "borg", "nanoprobe");
        for (kind, [borg, ours]) in &self.coverage {
            println!("{kind:<28}{borg:>6}{ours:>12}");
        }
    }
}

fn variable(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

fn warm_borg() -> Arc<Mutex<WarmBorg>> {
    let command = World::new().command(Program::Borg, ["--version"]);
    Arc::new(Mutex::new(WarmBorg::start(&command)))
}
