//! Partial checks: where one ended is durable when it says so, and whatever happens meanwhile the next begins there or at the
//! start.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nanoprobe_repository::{CheckOptions, CheckReport, Error, Repository};

use crate::repair::filled;
use crate::world::{contents, open};
use nanoprobe_simulator::{Disk, MODELS, Random, Trouble};

/// Checks for a second, which is over at the file of this number in order; gives what was said.
fn check(disk: &Disk, path: &Path, stop: Option<u64>) -> Result<Vec<String>, Error> {
    let repository = open(disk, path)?;
    let mut said = Vec::new();
    let options = CheckOptions { maximum_seconds: if stop.is_some() { 1 } else { 1000 }, ..CheckOptions::default() };
    repository.check(&options, &mut |report| match report {
        CheckReport::Progress { done, .. } if Some(done) == stop => thread::sleep(Duration::from_millis(1100)),
        CheckReport::Information(text) | CheckReport::Defect(text) => said.push(text.to_owned()),
        _ => {}
    })?;
    repository.close()?;
    Ok(said)
}

fn remembered(disk: &Disk, path: &Path) -> Option<String> {
    open(disk, path).unwrap().config().value("last_segment_checked").map(str::to_owned)
}

#[test]
fn where_it_ended_is_known_after_a_power_cut() {
    let path = PathBuf::from("/partial");
    let (disk, objects) = filled(&path, 4000);
    let first = disk.copy();
    let said = check(&first, &path, Some(3)).unwrap();
    let place =
        said.iter().find_map(|text| text.strip_prefix("finished partial segment check, last segment checked is "));
    let place: u32 = place.expect("a partial check").parse().unwrap();
    assert_eq!(remembered(&first, &path), Some(place.to_string()));
    let calls = first.calls();
    // Nothing of it depends on what was not synced.
    for model in MODELS {
        let found = first.after_power_cut(model, &mut Random(7));
        assert_eq!(remembered(&found, &path), Some(place.to_string()), "{model:?}");
        assert_eq!(check(&found, &path, None).unwrap()[1], format!("skipping to segments >= {}", place + 1));
        assert_eq!(remembered(&found, &path), None, "{model:?}");
        assert!(contents(&open(&found, &path).unwrap()).unwrap() == objects);
    }
    // While it is written: there or not there.
    let states: u32 = thread::scope(|scope| {
        let cut_at = |call: u64| {
            let (disk, path) = (disk.copy(), &path);
            scope.spawn(move || {
                disk.schedule(call, Trouble::PowerCut);
                let _ = check(&disk, path, Some(3));
                let mut random = Random(call);
                for model in MODELS {
                    let found = disk.after_power_cut(model, &mut random);
                    let before = remembered(&found, path);
                    assert!(
                        before.is_none() || before == Some(place.to_string()),
                        "call {call}, {model:?}: {before:?}"
                    );
                    let next = before.map_or(0, |_| place + 1);
                    let said = check(&found, path, None).unwrap();
                    assert_eq!(said[1], format!("skipping to segments >= {next}"), "call {call}, {model:?}");
                    assert_eq!(said.last().unwrap(), "Finished partial repository check, no problems found.");
                }
                MODELS.len() as u32
            })
        };
        let cuts: Vec<_> = (calls.saturating_sub(25)..=calls).map(cut_at).collect();
        cuts.into_iter().map(|cut| cut.join().unwrap()).sum()
    });
    println!("{states} states after a power cut while the place was written");
}
