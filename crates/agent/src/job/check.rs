//! Reads a slice of a repository. Where the last slice ended is kept by `check` itself; how long a slice has to be, so that
//! everything is read in time, follows from how long the last round took.

use std::io;

use super::{Ending, Slice, Work};
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
    // A defect ends check with a warning's code; the slice was read to its end all the same.
    let damage = if ending.failure.is_none() { ending.words.take() } else { None };
    Ok(Ending { slice: Some(Slice { is_complete, damage }), ..ending })
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
        // Whether it is gone is not known before all was read.
        _ if round.is_some_and(|round| round.damage.is_some()) => 8,
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        _ => 8,
    };
    (least.max(share) * factor).min(left.unwrap_or(i64::MAX)).max(1)
}

/// What is remembered of a round after a slice that began and ended at these times.
pub(crate) fn advance(round: Option<Round>, began: i64, ended: i64, slice: Slice) -> Round {
    let mut round = round.unwrap_or(Round { started: began, ..Round::default() });
    round.seconds += ended.saturating_sub(began).max(1);
    round.is_fresh |= slice.damage.is_some();
    round.damage = slice.damage.or(round.damage);
    match slice.is_complete {
        false => round,
        true => Round {
            started: ended,
            seconds: 0,
            last_seconds: Some(round.seconds),
            damage: round.damage.filter(|_| round.is_fresh),
            is_fresh: false,
        },
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
                round = Some(advance(round, now, now + slice, Slice { is_complete: rest == 0, damage: None }));
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

    #[test]
    fn damage_is_remembered_until_a_whole_round_is_clean() {
        let slice = |is_complete, damage: Option<&str>| Slice { is_complete, damage: damage.map(str::to_owned) };
        let round = advance(None, 0, 5, slice(false, Some("bad")));
        let round = advance(Some(round), 10, 15, slice(false, None));
        let round = advance(Some(round), 20, 25, slice(true, None));
        assert_eq!((round.damage.as_deref(), round.last_seconds), (Some("bad"), Some(15)));
        let round = advance(Some(round), 30, 35, slice(false, None));
        assert_eq!(round.damage.as_deref(), Some("bad"));
        assert_eq!(advance(Some(round), 40, 45, slice(true, None)).damage, None);
    }
}
