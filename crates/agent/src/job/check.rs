//! Reads a slice of a repository. Where the last slice ended is kept by `check` itself; how long a slice has to be, so that
//! everything is read in time, follows from how long the last round took.

use std::io;

use super::{Ending, Work};
use crate::{
    configuration::{Check, Reading, Repository},
    plan::Job,
    state::Round,
};

pub(super) fn run(repository: &Repository, work: &Work<'_>) -> io::Result<Ending> {
    let Some(check) = &repository.check else { return Ok(Ending::default()) };
    let round = work.state.jobs.get(&Job::Check(repository).name()).and_then(|record| record.round.as_ref());
    let mut command = work.command("check", repository);
    command.args(["--info", "--max-duration", &seconds(check, round, work.now, work.left).to_string()]);
    // How it says that there is more to come.
    let unfinished = match check.reading {
        Reading::Data => {
            command.args(["--archives-only", "--verify-data"]);
            "Time is up"
        }
        Reading::Repository => {
            command.arg("--repository-only");
            "finished partial segment check"
        }
    };
    let finished = work.run(&mut command, &mut |_| {})?;
    let is_complete = !finished.log.contains(unfinished);
    let mut ending = Ending::of(&finished);
    // A defect ends check with a warning's code; here it is what the night was for.
    if ending.failure.is_none() && ending.words.is_some() {
        ending.failure = Some(crate::Trouble::Damaged);
    }
    Ok(Ending { is_complete, ..ending })
}

const DAY: i64 = 86_400;

/// Seconds of the slice that begins now: at least what is configured; a night's share of the last round and a quarter more;
/// and twice as much, and more, when half of the days are over and the round is not. Never longer than the window.
fn seconds(check: &Check, round: Option<&Round>, now: i64, left: Option<i64>) -> i64 {
    let least = i64::from(check.slice);
    let days = i64::from(check.days);
    let share = round.and_then(|round| round.last_seconds).map_or(0, |last| last / days * 5 / 4);
    let late = round.map_or(0, |round| now.saturating_sub(round.started).max(0) / DAY * 4 / days);
    let factor = match late {
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        _ => 8,
    };
    (least.max(share) * factor).min(left.unwrap_or(i64::MAX)).max(1)
}

/// What is remembered of a round after a slice that began and ended at these times.
pub(crate) fn advance(round: Option<Round>, began: i64, ended: i64, is_complete: bool) -> Round {
    let round = round.unwrap_or(Round { started: began, ..Round::default() });
    let seconds = round.seconds + ended.saturating_sub(began).max(1);
    match is_complete {
        true => Round { started: ended, seconds: 0, last_seconds: Some(seconds) },
        false => Round { seconds, ..round },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[test]
    fn everything_is_read_in_time() {
        let schedule = Schedule::parse("daily 03:00").expect("a schedule");
        let check = Check { schedule, days: 30, slice: 60, reading: Reading::Data };
        // A repository that takes ten hours: the first round is longer than 30 days allow at a minute a night, and adapts.
        for _ in 0..3 {
            let (mut round, mut now, mut nights, mut rest) = (None, 0, 0, 36_000);
            while rest > 0 {
                let slice = seconds(&check, round.as_ref(), now, Some(7200)).min(rest);
                rest -= slice;
                round = Some(advance(round, now, now + slice, rest == 0));
                now += DAY;
                nights += 1;
            }
            assert!(nights < 110, "the first round: {nights}");
            let mut nights = 0;
            rest = 36_000;
            while rest > 0 {
                rest -= seconds(&check, round.as_ref(), now, Some(7200)).min(rest);
                now += DAY;
                nights += 1;
            }
            assert!(nights <= 30, "a later round: {nights}");
        }
        assert_eq!(seconds(&check, None, 0, Some(20)), 20);
    }
}
