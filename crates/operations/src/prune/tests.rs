//! Checkpoints and globs; the rules themselves are compared with Borg's in `tests/prune`.

use super::*;

fn entries(names: &[(&str, u32)]) -> Vec<ManifestEntry> {
    let entry = |&(name, day): &(&str, u32)| {
        let mut id = [0; 32];
        id[..name.len()].copy_from_slice(name.as_bytes());
        ManifestEntry { name: name.to_owned(), id: Id(id), time: format!("2026-01-{day:02}T12:00:00.000000") }
    };
    names.iter().map(entry).collect()
}

fn kept(names: &[(&str, u32)], glob: Option<&str>, rules: &Rules) -> Vec<String> {
    let now = timestamp::parse("2026-02-01T00:00:00").expect("a time");
    let decision = decide(&entries(names), glob, rules, now, &TimeZone::UTC).expect("decided");
    let kept = decision.verdicts.into_iter().filter(|(_, verdict)| *verdict != Verdict::Pruned);
    kept.map(|(entry, _)| entry.name).collect()
}

fn daily(count: i64) -> Rules {
    Rules { within_hours: None, periods: BTreeMap::from([(Period::Day, count)]) }
}

#[test]
fn the_newest_checkpoint_stays_while_nothing_is_newer() {
    let before = [("a", 1), ("a.checkpoint", 2), ("b.checkpoint.1", 3)];
    assert_eq!(kept(&before, None, &daily(1)), ["b.checkpoint.1", "a"]);
    let after = [("a", 1), ("a.checkpoint", 2), ("b", 4), ("b.checkpoint.1", 3)];
    assert_eq!(kept(&after, None, &daily(1)), ["b"]);
    // Something that only looks alike is an archive.
    assert_eq!(kept(&[("a.checkpoint.x", 2), ("b", 1)], None, &daily(1)), ["a.checkpoint.x"]);
}

#[test]
fn a_glob_means_the_name_without_the_checkpoint() {
    let names = [("host-1", 1), ("host-2.checkpoint", 2), ("other-1", 3), ("other-2.checkpoint", 4)];
    let now = Timestamp::UNIX_EPOCH;
    let decision = decide(&entries(&names), Some("host-?"), &daily(1), now, &TimeZone::UTC).expect("decided");
    let names: Vec<&str> = decision.verdicts.iter().map(|(entry, _)| entry.name.as_str()).collect();
    assert_eq!(names, ["host-2.checkpoint", "host-1"]);
    assert_eq!((decision.checkpoints, decision.count(true, false), decision.count(false, false)), (1, 1, 1));
}

#[test]
fn no_rules_are_known_as_such() {
    assert!(Rules::default().is_empty() && daily(0).is_empty());
    assert!(!daily(-1).is_empty() && !Rules { within_hours: Some(1), ..Rules::default() }.is_empty());
    let names: Vec<(String, u32)> = (1..=9).map(|day| (format!("a{day}"), day)).collect();
    let names: Vec<(&str, u32)> = names.iter().map(|(name, day)| (name.as_str(), *day)).collect();
    assert_eq!(kept(&names, None, &daily(-1)).len(), 9);
}
