//! Ours as the client of the real `borg serve`, over lines that are good, slow, and cut.
//!
//! `NANOPROBE_CUTS` is the number of places at which the line is cut each way (12 by default).

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nanoprobe_interop::far::{archive, create, location};
use nanoprobe_interop::{Content, MODES, Outcome, Program, World, assert_same_tree, grow_tree, noise};

const OURS: Program = Program::Nanoprobe;

/// A world whose repository is at the other end of a line.
fn far(mode: &str) -> World {
    far_at(Program::Borg, mode)
}

/// The same, served by `server`.
fn far_at(server: Program, mode: &str) -> World {
    let world = reached().with("BORG_REMOTE_PATH", server.path());
    world.run(OURS, ["init", "-e", mode, &location(&world)]).success();
    world
}

fn reached() -> World {
    World::new()
        .with("BORG_RSH", env!("CARGO_BIN_EXE_line"))
        .with("BORG_REMOTE_PATH", Program::Borg.path())
        .with("BORG_EXIT_CODES", "modern")
        .with("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes")
        .with("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES")
        .with("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING", "YES")
}

fn extracted(world: &World, name: &str, program: Program, place: &str) -> PathBuf {
    let folder = world.path(&format!("out-{name}-{program}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    world.run_in(&folder, program, ["extract", &format!("{place}::{name}")]).success();
    folder
}

fn assert_extracts(world: &World, name: &str) {
    let tree = world.path("tree");
    assert_same_tree(&tree, &extracted(world, name, OURS, &location(world)));
    assert_same_tree(&tree, &extracted(world, name, Program::Borg, &world.repository()));
}

/// The far side, looked at by the real one where it is.
fn assert_sound(world: &World) {
    world.run(Program::Borg, ["check", "--verify-data", &world.repository()]).success();
}

/// What one program makes the other reads, in every mode, with the key wherever it is.
#[test]
fn every_mode() {
    for mode in MODES {
        let world = far(mode);
        grow_tree(&world.path("tree"), 7, Content::Small);
        create(&world, "one", &[]).success();
        assert_extracts(&world, "one");
        assert_sound(&world);
        fs::remove_dir_all(world.path("repo")).expect("the repository");
        world.run(Program::Borg, ["init", "-e", mode, &location(&world)]).success();
        let arguments = ["create", &archive(&world, "two"), "."].map(str::to_owned);
        world.run_in(&world.path("tree"), Program::Borg, arguments).success();
        assert_same_tree(&world.path("tree"), &extracted(&world, "two", OURS, &location(&world)));
    }
}

/// Commands that change or tell something, once each, each over a line of its own, to every server.
#[test]
fn every_command() {
    for server in [Program::Borg, Program::Borg12, OURS] {
        every_command_at(server);
    }
}

fn every_command_at(server: Program) {
    let mut world = far_at(server, "repokey-blake2");
    let (place, tree) = (location(&world), world.path("tree"));
    grow_tree(&tree, 3, Content::Small);
    create(&world, "a", &["--stats"]).success();
    fs::write(tree.join("new"), "new").expect("a file");
    let second = create(&world, "b", &["--stats", "--json"]).success().json();
    let deduplicated = second["archive"]["stats"]["deduplicated_size"].as_u64().expect("a size");
    assert!(deduplicated < 1000, "{second}");
    let ours = |arguments: &[&str]| world.run(OURS, arguments.iter().copied());
    assert_eq!(ours(&["diff", &format!("{place}::a"), "b"]).success().text().matches("new").count(), 1);
    ours(&["rename", &format!("{place}::b"), "c"]).success();
    ours(&["recreate", "-C", "lzma", "--recompress", "always", &format!("{place}::c")]).success();
    assert_extracts(&world, "c");
    let told = ours(&["info", &format!("{place}::c")]).success().text();
    let real = world.run(Program::Borg, ["info", &world.archive("c")]).success().text();
    let figures = |text: &str| text.lines().find(|line| line.contains("This archive")).map(str::to_owned);
    assert_eq!(figures(&told), figures(&real), "{told}\n{real}");
    assert_eq!(ours(&["list", "--format", "{archive}{NL}", &place]).success().text(), "a\nc\n");
    let listed = ours(&["list", "--json-lines", &format!("{place}::c")]).success();
    assert_eq!(
        listed.json_lines(),
        world.run(Program::Borg, ["list", "--json-lines", &world.archive("c")]).json_lines()
    );
    let tar = world.path("tar").display().to_string();
    ours(&["export-tar", &format!("{place}::a"), &tar]).success();
    ours(&["import-tar", &format!("{place}::t"), &tar]).success();
    let checked = ours(&["check", "--verify-data", "-v", &place]).success().messages;
    assert!(checked.contains("Remote: Finished full repository check, no problems found."), "{checked}");
    assert!(checked.contains("with 0 integrity errors"), "{checked}");
    ours(&["check", "--repair", &place]).success();
    let backup = world.path("backup").display().to_string();
    ours(&["key", "export", &place, &backup]).success();
    ours(&["key", "import", &place, &backup]).success();
    assert_eq!(ours(&["with-lock", &place, "echo", "locked"]).success().text(), "locked\n");
    let locked = ours(&["with-lock", &place, OURS.path().to_str().expect("UTF-8"), "list", "--lock-wait", "0", &place]);
    assert!(locked.code == 73 && locked.messages.contains("(timeout)"), "{} {}", locked.code, locked.messages);
    fs::create_dir(world.path("repo/lock.exclusive")).expect("a lock");
    fs::write(world.path("repo/lock.exclusive/nobody@1.2-3"), "").expect("its holder");
    ours(&["list", "--lock-wait", "0", &place]).expect(73);
    assert!(ours(&["list", "--bypass-lock", &place]).success().text().contains("a "));
    ours(&["break-lock", &place]).success();
    ours(&["list", &place]).success();
    let dumped = world.path("dumped").display().to_string();
    ours(&["debug", "dump-manifest", &place, &dumped]).success();
    assert!(ours(&["config", &place, "id"]).expect(2).messages.contains("Repository must be local"));
    ours(&["delete", "-s", &format!("{place}::t")]).success();
    ours(&["prune", "--list", "--keep-last", "2", &place]).success();
    let compacted = ours(&["compact", "-v", &place]).success().messages;
    assert!(compacted.contains("Remote: compaction freed about"), "{compacted}");
    assert_sound(&world);
    world.set("BORG_NEW_PASSPHRASE", "another");
    world.run(OURS, ["key", "change-passphrase", &place]).success();
    world.run(OURS, ["list", &place]).expect(52);
    world.set("BORG_PASSPHRASE", "another");
    world.run(Program::Borg, ["list", &world.repository()]).success();
    world.run(OURS, ["delete", &place]).success();
    assert!(!world.path("repo").exists());
}

/// Other clients write meanwhile: what they removed is sent again, what they sent is not.
#[test]
fn a_roster_is_not_believed_when_others_have_written() {
    let world = far("repokey");
    let tree = world.path("tree");
    grow_tree(&tree, 5, Content::Small);
    fs::write(tree.join("large"), (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()).expect("a file");
    create(&world, "one", &[]).success();
    // The objects go, and the files cache of ours still names them.
    world.run(Program::Borg, ["delete", &world.archive("one")]).success();
    world.run(Program::Borg, ["compact", &world.repository()]).success();
    create(&world, "two", &[]).success();
    assert_extracts(&world, "two");
    assert_sound(&world);
    // The real one stores something; we know what it is by its name, and its size from the newest archive.
    fs::write(tree.join("theirs"), vec![77; 5_000_000]).expect("a file");
    world.create(Program::Borg, "three", "tree", &[]);
    let stats = create(&world, "four", &["--json", "--stats"]).success().json();
    let stats = &stats["archive"]["stats"];
    assert!(stats["deduplicated_size"].as_u64().expect("a size") < 1500, "{stats}");
    let theirs = world.run(Program::Borg, ["info", "--json", &world.archive("three")]).success().json();
    assert_eq!(stats["compressed_size"], theirs["archives"][0]["stats"]["compressed_size"]);
    // Objects vanish without a word in the manifest.
    let ids = world.run(Program::Borg, ["list", "--format", "{num_chunks} {path}{NL}", &world.archive("four")]);
    assert!(ids.success().text().contains("theirs"));
    let segments = world.path("repo/data/0");
    let largest = fs::read_dir(&segments).expect("segments").map(|entry| entry.expect("an entry"));
    let largest = largest.max_by_key(|entry| entry.metadata().expect("its size").len()).expect("one").path();
    let mut bytes = fs::read(&largest).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).expect("a segment");
    world.run(Program::Borg, ["check", "--repair", "--repository-only", &world.repository()]);
    create(&world, "five", &[]).success();
    assert_extracts(&world, "five");
}

/// What goes wrong has Borg's words and numbers.
#[test]
fn trouble_is_named() {
    let world = reached();
    let said = |world: &World, place: &str, code: i32, words: &str| {
        let begun = Instant::now();
        let outcome = world.run(OURS, ["list", place]);
        assert!(outcome.code == code && outcome.messages.contains(words), "{}: {}", outcome.code, outcome.messages);
        assert!(begun.elapsed() < Duration::from_secs(20), "{words}");
    };
    let place = location(&world);
    said(&world, &place, 13, &format!("Repository {place} does not exist."));
    world.run(OURS, ["init", "-e", "none", &place]).success();
    let again = world.run(OURS, ["init", "-e", "none", &place]);
    assert!(again.code == 10 && again.messages.contains("already exists at"), "{}", again.messages);
    world.run(OURS, ["init", "-e", "none", "host:no/such/parent/repo"]).expect(18);
    let script = |name: &str, text: &str| {
        let path = world.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        Outcome::of({
            let mut chmod = std::process::Command::new("chmod");
            chmod.arg("755").arg(&path);
            chmod
        })
        .success();
        path
    };
    let borg = Program::Borg.path().display().to_string();
    let with = |variable: &str, value: &Path| reached().with(variable, value).with("BORG_BASE_DIR", world.path("home"));
    let other = with("BORG_REMOTE_PATH", Path::new("/no/such/program"));
    said(&other, &place, 81, "Connection closed by remote host. Is borg working on the server?");
    said(&with("BORG_RSH", Path::new("/no/such/ssh")), &place, 2, "/no/such/ssh: No such file or directory");
    let banner = script("banner", "echo 'Welcome to this host!'; exec cat > /dev/null");
    said(&with("BORG_RSH", &banner), &place, 86, "Got unexpected RPC data format from server:\nWelcome to this host!");
    let garbage = script("noise", "exec cat /dev/urandom");
    said(&with("BORG_RSH", &garbage), &place, 86, "Got unexpected RPC data format from server:");
    let words = script("words", "echo 'ssh: connect to host host port 22: Connection refused' >&2; exit 255");
    said(&with("BORG_RSH", &words), &place, 81, "Remote: ssh: connect to host host port 22: Connection refused");
    let restricted = script("restricted", &format!("exec {borg} serve --restrict-to-path /elsewhere"));
    said(&with("BORG_RSH", &restricted), &place, 83, "Repository path not allowed: ");

    // A quota ends the run before anything is committed; append-only keeps what is there.
    fs::create_dir(world.path("tree")).expect("a folder");
    fs::write(world.path("tree/noise"), noise(1, 12_000_000)).expect("a file");
    let small = script("small", &format!("exec {borg} serve --storage-quota 10M"));
    let world = world.with("BORG_RSH", &small);
    let refused = create(&world, "one", &["-C", "none"]);
    assert!(refused.code == 20 && refused.messages.contains("The storage quota ("), "{}", refused.messages);
    let append = script_in(&world, "append", &format!("exec {borg} serve --append-only"));
    let world = world.with("BORG_RSH", &append);
    create(&world, "one", &[]).success();
    let before = fs::read_dir(world.path("repo/data/0")).expect("segments").count();
    world.run(OURS, ["delete", &archive(&world, "one")]).success();
    world.run(OURS, ["compact", &location(&world)]).success();
    assert!(fs::read_dir(world.path("repo/data/0")).expect("segments").count() > before);
    let refused = world.run(OURS, ["delete", &location(&world)]);
    assert!(refused.code == 2 && refused.messages.contains("append-only"), "{}", refused.messages);
    // Under --log-json nothing but JSON comes out.
    let world = world.with("BORG_RSH", env!("CARGO_BIN_EXE_line"));
    let told = world.run(OURS, ["--log-json", "--debug", "list", &location(&world)]).success().messages;
    let lines = told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    assert!(lines.filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with("Remote: "))).count() > 0);
}

fn script_in(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    let mut chmod = std::process::Command::new("chmod");
    chmod.arg("755").arg(&path);
    Outcome::of(chmod).success();
    path
}

/// The line is cut in many places each way: the run ends and says so, nothing that was committed is lost, the lock is free,
/// and the next run does what this one could not.
#[test]
fn a_line_that_is_cut_loses_nothing() {
    let mut world = far("repokey-blake2");
    grow_tree(&world.path("tree"), 13, Content::Small);
    create(&world, "first", &[]).success();
    fs::write(world.path("tree/more"), (0..400_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>())
        .expect("a file");
    let log = world.path("bytes");
    world.set("LINE_LOG", &log);
    create(&world, "measured", &["--files-cache", "disabled"]).success();
    let bytes: Vec<u64> =
        fs::read_to_string(&log).expect("a log").split_whitespace().map(|word| word.parse().expect("bytes")).collect();
    world.run(OURS, ["delete", &archive(&world, "measured")]).success();
    world.set("NANOPROBE_RETRIES", "0");
    let places: u64 = env::var("NANOPROBE_CUTS").map_or(12, |text| text.parse().expect("a number"));
    for (way, variable) in ["LINE_CUT_REQUESTS", "LINE_CUT_RESPONSES"].into_iter().enumerate() {
        for place in 0..places {
            world.set(variable, (bytes[way] * place / places + place % 7).to_string());
            let name = format!("cut-{way}-{place}");
            let begun = Instant::now();
            let outcome = create(&world, &name, &["--files-cache", "disabled"]);
            let known = [80, 81, 87].contains(&outcome.code) && outcome.messages.contains("onnection");
            assert!(known, "{variable} {place}: {} {}", outcome.code, outcome.messages);
            assert!(begun.elapsed() < Duration::from_secs(20), "{variable} {place}");
            world.set(variable, "");
            // Nobody breaks a lock here.
            let names = world.run(OURS, ["list", "--lock-wait", "10", "--short", &location(&world)]).success().text();
            assert!(names.starts_with("first\n"), "{names}");
            if place % 4 == 3 {
                create(&world, &format!("{name}-again"), &[]).success();
                assert_extracts(&world, &format!("{name}-again"));
                assert_sound(&world);
                // What the next ones send must not be there.
                world.run(OURS, ["delete", &archive(&world, &format!("{name}-again"))]).success();
            }
        }
    }
    create(&world, "last", &[]).success();
    for place in 1..6 {
        world.set("LINE_CUT_RESPONSES", (bytes[0] * place / 8).to_string());
        let folder = world.path(&format!("cut-{place}"));
        fs::create_dir(&folder).expect("a folder");
        let outcome = world.run_in(&folder, OURS, ["extract", &archive(&world, "last")]);
        assert!(outcome.code == 80, "{place}: {} {}", outcome.code, outcome.messages);
    }
}

/// The server dies: what a checkpoint has committed is there, and the next run goes on from it.
#[test]
fn a_server_that_dies_leaves_the_checkpoint() {
    let mut world = far("repokey-blake2");
    fs::create_dir(world.path("tree")).expect("a folder");
    for file in 0..40_u32 {
        let content: Vec<u8> =
            (0..125_000_u32).flat_map(|word| (word ^ file << 20).wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
        fs::write(world.path(&format!("tree/{file}")), content).expect("a file");
    }
    world.set("NANOPROBE_RETRIES", "0");
    world.set("LINE_KILL_REQUESTS", "12000000");
    let slow = ["--upload-ratelimit", "4000", "-C", "none", "-c", "1"];
    let outcome = create(&world, "one", &slow);
    assert!([80, 87].contains(&outcome.code), "{} {}", outcome.code, outcome.messages);
    world.set("LINE_KILL_REQUESTS", "");
    // A killed server cannot give up its lock; the next one on the same machine sees that its holder is gone.
    let names = world.run(OURS, ["list", "--consider-checkpoints", "--short", &location(&world)]).success().text();
    assert_eq!(names, "one.checkpoint\n");
    let stats = create(&world, "one", &["--json", "--stats", "-C", "none"]).success().json();
    let sent = stats["archive"]["stats"]["deduplicated_size"].as_u64().expect("a size");
    assert!(sent < 14_000_000, "20 MB, of which at least a second's worth was there: {sent}");
    assert_extracts(&world, "one");
    world.set("LINE_KILL_REQUESTS", "1500");
    fs::create_dir(world.path("partly")).expect("a folder");
    let outcome = world.run_in(&world.path("partly"), OURS, ["extract", &archive(&world, "one")]);
    assert!(outcome.code == 80, "{} {}", outcome.code, outcome.messages);
    world.set("LINE_KILL_REQUESTS", "");
    assert_extracts(&world, "one");
    world.run(OURS, ["delete", &archive(&world, "one.checkpoint")]).success();
    assert_sound(&world);
}

/// A tenth of a second a round trip: few of them are waited for. And what may be sent a second is kept to.
#[test]
fn distance_costs_little() {
    let mut world = far("repokey-blake2");
    fs::create_dir(world.path("tree")).expect("a folder");
    for file in 0..500_u32 {
        fs::write(world.path(&format!("tree/{file}")), file.to_le_bytes().repeat(500)).expect("a file");
    }
    let timed = |work: &dyn Fn()| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    let near = timed(&|| drop(create(&world, "near", &[]).success()));
    world.run(OURS, ["delete", &archive(&world, "near")]).success();
    world.set("LINE_DELAY", "50");
    let away = timed(&|| drop(create(&world, "away", &[]).success()));
    assert!(away < near + Duration::from_secs(3), "create: {near:?} near, {away:?} away");
    let out = world.path("out");
    fs::create_dir(&out).expect("a folder");
    let away = timed(&|| drop(world.run_in(&out, OURS, ["extract", &archive(&world, "away")]).success()));
    assert!(away < near + Duration::from_secs(3), "extract: {near:?} near, {away:?} away");
    assert_same_tree(&world.path("tree"), &out);
    world.set("LINE_DELAY", "");
    fs::write(world.path("tree/noise"), noise(2, 2_000_000)).expect("a file");
    let limited = timed(&|| drop(create(&world, "slow", &["-C", "none", "--upload-ratelimit", "500"]).success()));
    let least = Duration::from_millis(2_000_000 * 95 / 100 / 512);
    assert!(limited > least && limited < near + least * 3 / 2, "{near:?} {limited:?}");
}
