//! Never two at once: both programs want the exclusive lock again and again, and each holds it alone.

use std::{fs, thread};

use nanoprobe_interop::{Program, World};

/// Runs of each of four at a time, two by each program.
const RUNS: usize = 5;

/// What is done under the lock: whoever finds somebody there says so.
const ALONE: &str = "mkdir held 2>/dev/null || echo \"$0\" >> together; sleep 0.03; rmdir held; echo \"$0\" >> runs";

fn take_turns(world: &World, program: Program) {
    for _ in 0..RUNS {
        let words = ["with-lock", "--lock-wait", "120", "repo", "sh", "-c", ALONE].map(str::to_owned);
        let outcome = world.run(program, words.into_iter().chain([program.to_string()]));
        assert_eq!(outcome.code, 0, "{program}: {}", outcome.messages);
    }
}

#[test]
fn the_exclusive_lock_is_one_programs_alone() {
    let world = World::with_repository(Program::Borg, "none");
    let world = &world;
    thread::scope(|scope| {
        for program in [Program::Borg, Program::Nanoprobe, Program::Borg, Program::Nanoprobe] {
            scope.spawn(move || take_turns(world, program));
        }
        // Who is killed while holding it leaves a lock that counts for nothing.
        scope.spawn(|| {
            for _ in 0..2 {
                for program in Program::BOTH {
                    let killed = "mkdir held 2>/dev/null || echo killed >> together; rmdir held; kill -9 $PPID";
                    let outcome = world.run(program, ["with-lock", "--lock-wait", "120", "repo", "sh", "-c", killed]);
                    assert_ne!(outcome.code, 0, "{program} was killed");
                }
            }
        });
    });
    let together = fs::read_to_string(world.path("together")).unwrap_or_default();
    assert_eq!(together, "");
    let runs = fs::read_to_string(world.path("runs")).expect("runs");
    for program in Program::BOTH {
        assert_eq!(runs.lines().filter(|line| *line == program.to_string()).count(), 2 * RUNS);
    }
}
