//! The far end has no more room: its disk is full, or its quota is used up. The message and the exit code are those of the
//! real client and the real server; nothing that was there is lost, and room can be made from afar.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Outcome, Program, Remote, noise};

/// What is full.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Room {
    Disk,
    Quota,
}

/// A small disk of memory for the repository; gone with it.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: PathBuf) -> Self {
        fs::create_dir(&place).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&place);
        Outcome::of(mount).success();
        Self(place)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Ends of runs: exit codes and, where it counts, the line that says why.
fn fill(room: Room, client: Program, server: Program) -> Vec<(i32, String)> {
    let options: &[&str] = if room == Room::Quota { &["--storage-quota=40M"] } else { &[] };
    let mut remote = Remote::new(server, options);
    for (variable, value) in [("BORG_EXIT_CODES", "modern"), ("NANOPROBE_RETRIES", "0")] {
        remote.world.set(variable, value);
    }
    let _disk = (room == Room::Disk).then(|| Disk::mount(remote.world.path("repo")));
    let mut ends = Vec::new();
    let mut run = |arguments: &[String]| {
        let begun = Instant::now();
        let outcome = remote.run(client, arguments);
        assert!(begun.elapsed() < Duration::from_secs(60), "{arguments:?}");
        let reason = outcome.messages.lines().find(|line| line.contains("pace") || line.contains("quota"));
        // Where the file is, ours says too.
        let reason = reason.unwrap_or_default().split(": '").next().unwrap_or_default();
        ends.push((outcome.code, reason.to_owned()));
        outcome
    };
    let (url, archive) = (remote.url(), |name: &str| remote.archive(name));
    run(&words(&["init", "-e", "none", &url])).success();
    // With segments of this size a compaction needs little room of its own.
    let config = remote.world.path("repo/config");
    let text = fs::read_to_string(&config).expect("a configuration");
    let small = text.replace("max_segment_size = 524288000", "max_segment_size = 2000000");
    assert_ne!(text, small);
    fs::write(&config, small).expect("a configuration");
    for (name, size) in [("small", 30_000_000), ("large", 60_000_000), ("fits", 35_000_000)] {
        fs::write(remote.world.path(name), noise(size as u64, size)).expect("a file");
    }
    let create = |name: &'static str| {
        let archive = archive(name);
        let arguments = ["create", "-C", "none", "--chunker-params", "fixed,1000000", &archive, name];
        arguments.map(str::to_owned)
    };
    run(&create("small")).success();
    let full = run(&create("large"));
    let said = match room {
        Room::Disk => "[Errno 28] No space left on device",
        Room::Quota => "The storage quota (40.00 MB) has been exceeded (",
    };
    assert!(full.code != 0 && full.messages.contains(said), "{} {}", full.code, full.messages);
    assert_eq!(run(&words(&["list", "--short", "--consider-checkpoints", &url])).success().text(), "small\n");
    let extracted = remote.world.path("extracted");
    fs::create_dir(&extracted).expect("a folder");
    remote.world.run_in(&extracted, client, ["extract", &archive("small")]).success();
    assert_eq!(fs::read(extracted.join("small")).expect("a file"), noise(30_000_000, 30_000_000));
    run(&words(&["delete", &archive("small")])).success();
    run(&words(&["compact", &url])).success();
    run(&create("fits")).success();
    run(&words(&["check", "--verify-data", &url])).success();
    ends
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_does_not_fit_costs_nothing_that_is_there() {
    let rooms: &[Room] = match rustix::process::geteuid().is_root() {
        true => &[Room::Disk, Room::Quota],
        false => &[Room::Quota], // only root mounts a disk
    };
    for room in rooms {
        let [borg, ours] = Program::BOTH;
        let real = fill(*room, borg, borg);
        for (client, server) in [(ours, borg), (borg, ours), (ours, ours)] {
            assert_eq!(fill(*room, client, server), real, "{room:?}: {client} to {server}");
        }
    }
}
