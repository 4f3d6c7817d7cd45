//! Which archives the rules keep, against what Borg's own functions said (`record.py`).
//!
//! With NANOPROBE_BORG, NANOPROBE_TIMELINES more are made up and put to both.

use std::{collections::BTreeMap, env, path::Path, process::Command};

use jiff::tz::TimeZone;
use nanoprobe_archive::{ManifestEntry, timestamp};
use nanoprobe_format::Id;
use nanoprobe_operations::prune::{Period, Rules, Verdict, decide};
use serde_json::Value;

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn assert_timeline(line: &str) {
    let recorded: Value = serde_json::from_str(line).expect("JSON");
    let zone = TimeZone::get(text(&recorded[0])).expect("a zone");
    let now = timestamp::parse(text(&recorded[1])).expect("a time");
    let counts = recorded[2].as_object().expect("counts");
    let periods: BTreeMap<Period, i64> =
        Period::ALL.into_iter().filter_map(|period| Some((period, number(counts.get(period.name())?)))).collect();
    let within_hours = counts.get("within").map(|hours| number(hours) as u64);
    let rows = recorded[3].as_array().expect("archives");
    let archives: Vec<ManifestEntry> = rows
        .iter()
        .zip(0u32..)
        .map(|(row, place)| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&place.to_be_bytes());
            ManifestEntry { name: format!("{place:04}"), id: Id(id), time: text(&row[0]).to_owned() }
        })
        .collect();
    let decision = decide(&archives, None, &Rules { within_hours, periods }, now, &zone).expect("decided");
    let mut verdicts: Vec<(String, String)> = decision
        .verdicts
        .into_iter()
        .map(|(entry, verdict)| {
            let verdict = match verdict {
                Verdict::Kept { rule, oldest, number } => {
                    format!("{rule}{} #{number}", if oldest { "[oldest]" } else { "" })
                }
                Verdict::Pruned => String::new(),
                Verdict::KeptCheckpoint => "checkpoint".to_owned(),
            };
            (entry.name, verdict)
        })
        .collect();
    verdicts.sort();
    let verdicts: Vec<&str> = verdicts.iter().map(|(_, verdict)| verdict.as_str()).collect();
    let expected: Vec<&str> = rows.iter().map(|row| text(&row[1])).collect();
    assert_eq!(verdicts, expected, "{line}");
}

#[test]
fn recorded_timelines() {
    let lines = include_str!("timelines.jsonl");
    assert_eq!(lines.lines().count(), 150);
    lines.lines().for_each(assert_timeline);
}

#[test]
fn fresh_timelines() {
    let Some(borg) = env::var_os("NANOPROBE_BORG") else { return };
    let count = env::var("NANOPROBE_TIMELINES").unwrap_or_else(|_| "2000".to_owned());
    let seed = std::process::id().to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prune/record.py");
    let python = Path::new(&borg).with_file_name("python");
    let output = Command::new(python).arg(script).args([&seed, &count]).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    assert_eq!(lines.lines().count().to_string(), count, "seed {seed}");
    lines.lines().for_each(assert_timeline);
}
