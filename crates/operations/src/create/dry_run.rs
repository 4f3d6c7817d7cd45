//! `create --dry-run`: the walk alone. Like Borg it opens neither repository nor key, asks for nothing and writes nothing.

use std::thread;

use crossbeam_channel::bounded;
use nanoprobe_chunker::Chunker;

use super::{
    Options,
    fill::Filling,
    halt::Halt,
    unit::{Record, Unit},
    walk,
};
use crate::{Budget, Error, Interrupt, Monitor, patterns::PatternMatcher, slots::Slots};

/// Tells which files `create` would look at; no content is read.
pub fn dry_run(
    budget: &Budget,
    options: &Options,
    matcher: &mut PatternMatcher,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let plan = budget.create_plan(0, 0..=0, 1)?;
    let slots = Slots::new(plan.slot_bytes);
    let (recycle, empty) = bounded(plan.units);
    let (full, queue) = bounded::<Unit>(plan.units);
    for _ in 0..plan.units {
        let _ = recycle.send(Unit::default());
    }
    let halted = thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(mut unit) = queue.recv() {
                for record in &unit.records {
                    if let Record::Told(told) = record {
                        told.tell(&unit, monitor);
                    }
                }
                unit.clear();
                let _ = recycle.send(unit);
            }
        });
        let chunker = Chunker::new(options.chunker, 0, None);
        walk(options, matcher, interrupt, None, chunker, &plan, Filling::new(&slots, empty, full, &plan))
    });
    match halted {
        Ok(()) if !interrupt.requested() => Ok(()),
        Err(Halt::Failed(error)) => Err(error),
        Ok(()) | Err(Halt::Interrupted | Halt::Worker) => Err(Error::Interrupted),
    }
}
