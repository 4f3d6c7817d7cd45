use super::*;
use crate::configuration::parse;

const TEXT: &str = "[limits]\njitter = \"0s\"\nwindow = \"01:00-05:00\"\n[repository.r]\nlocation = \"/r\"\n\
    check = { schedule = \"daily 03:00\" }\n[backup.b]\nrepository = \"r\"\nsources = [\"/a\"]\nschedule = \"daily 02:00\"\n\
    keep = { daily = 7 }\ndrill = { schedule = \"weekly sunday 04:00\" }\n";
const DAY: i64 = 86_400;
/// A Monday, midnight.
const START: i64 = 20_454 * DAY;

struct World {
    configuration: Configuration,
    state: State,
    zone: TimeZone,
}

impl World {
    fn new() -> Self {
        Self { configuration: parse("f", TEXT).expect("a configuration"), state: State::default(), zone: TimeZone::UTC }
    }

    /// When it is whose turn, at so many hours.
    fn turn(&self, name: &str, hour: i64) -> Turn {
        let job = jobs(&self.configuration).into_iter().find(|job| job.name() == name).expect("a job");
        self.plan(hour).turn(&job)
    }

    fn plan(&self, hour: i64) -> Plan<'_> {
        Plan { configuration: &self.configuration, state: &self.state, now: START + hour * 3600, zone: &self.zone }
    }

    fn run(&mut self, name: &str, hour: i64, trouble: Option<Trouble>) {
        let now = START + hour * 3600;
        let record = self.state.record(name, now);
        record.begin(now);
        match trouble {
            None => record.succeed(now + 60, None),
            Some(trouble) => record.fail(trouble, String::new()),
        }
    }
}

fn at(hour: i64) -> Turn {
    Turn::At(START + hour * 3600)
}

#[test]
fn jobs_follow_each_other() {
    let mut world = World::new();
    let names: Vec<String> = jobs(&world.configuration).iter().map(Job::name).collect();
    assert_eq!(names, ["backup b", "prune b", "compact r", "check r", "drill b"]);
    assert_eq!(world.turn("backup b", 0), at(1), "the window opens");
    assert_eq!(world.turn("backup b", 1), Turn::Due, "the first one waits for no schedule");
    assert_eq!(world.turn("prune b", 3), Turn::After("the next backup"));
    assert_eq!(world.turn("check r", 3), Turn::After("the first backup"));
    world.run("backup b", 2, None);
    assert_eq!(world.turn("backup b", 4), at(26));
    assert_eq!(world.turn("prune b", 3), Turn::Due);
    assert_eq!(world.turn("compact r", 3), Turn::After("the next prune"));
    world.run("prune b", 3, None);
    assert_eq!(world.turn("prune b", 4), Turn::After("the next backup"));
    assert_eq!(world.turn("compact r", 4), Turn::Due);
    world.run("compact r", 4, None);
    assert_eq!(world.turn("compact r", 4), Turn::After("the next prune"));
}

#[test]
fn nothing_is_pruned_after_a_backup_that_failed() {
    let mut world = World::new();
    world.run("backup b", 2, None);
    world.run("prune b", 3, None);
    world.run("backup b", 26, None);
    world.run("backup b", 27, Some(Trouble::Other));
    assert_eq!(world.turn("prune b", 28), Turn::After("the next backup"));
    // Nor after one that was cut off and not met again.
    world.run("backup b", 28, None);
    assert_eq!(world.turn("prune b", 28), Turn::Due);
    world.state.record("backup b", 0).begin(START + 28 * 3600);
    assert_eq!(world.turn("prune b", 28), Turn::After("the next backup"));
}

#[test]
fn what_was_missed_comes_at_once_and_what_failed_with_patience() {
    let mut world = World::new();
    world.run("backup b", 2, None);
    assert_eq!(world.turn("backup b", 24 * 10 + 3), Turn::Due, "off for ten days");
    assert_eq!(world.turn("backup b", 24 * 10 + 12), at(24 * 11 + 1), "outside of the window");
    world.run("backup b", 26, Some(Trouble::KeyLost));
    assert_eq!(world.turn("backup b", 26), at(27));
    assert_eq!(world.turn("backup b", 27), Turn::Due);
    world.run("backup b", 27, Some(Trouble::KeyLost));
    assert_eq!(world.turn("backup b", 28), at(29));
    world.run("backup b", 26, Some(Trouble::Interrupted));
    // The clock went back: what seems to have been tried in the future does not hold it back.
    world.run("backup b", 24 * 365, Some(Trouble::KeyLost));
    assert_eq!(world.turn("backup b", 50), Turn::Due);
}

#[test]
fn sleep_ends_when_the_next_one_is_due() {
    let mut world = World::new();
    assert_eq!(world.plan(0).next(), START + 3600);
    for name in ["backup b", "prune b", "compact r", "check r", "drill b"] {
        world.run(name, 4, None);
    }
    assert_eq!(world.plan(5).next(), START + 26 * 3600);
}
