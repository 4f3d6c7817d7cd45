//! Killed at any system call, stopped by a signal, out of room: the repository opens without help, what was committed
//! is whole, and the next run goes on.
//!
//! `NANOPROBE_KILLS` is the number of kill points for each of the two kill tests (or `all`); they are spread evenly over
//! every call that a run makes. `strace` does the killing, so nothing in the program knows of it.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Content, Outcome, Program, World, assert_same_tree, grow_tree};
use rustix::process::{Pid, Signal, kill_process};

/// Calls that change what is on the disk, or begin to.
const CALLS: &str = "write,pwrite64,pwritev,writev,fdatasync,fsync,sync_file_range,ftruncate,rename,renameat,renameat2,\
                     unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,openat,fallocate";

/// Ours under strace with these options.
fn traced(world: &World, options: &[String], arguments: &[&str]) -> Command {
    let wrapper: Vec<&str> = ["strace", "-f", "-qq"].into_iter().chain(options.iter().map(String::as_str)).collect();
    world.command_under(&wrapper, Program::Nanoprobe, arguments)
}

/// Every (call, number) at which a run with these arguments can be killed: strace counts for each thread on its own.
fn kill_points(world: &World, arguments: &[&str]) -> Vec<(String, usize)> {
    let log = world.path("calls");
    let options = ["-o".into(), log.display().to_string(), "-e".into(), format!("trace={}", known_calls())];
    Outcome::of(traced(world, &options, arguments)).success();
    let mut counts = BTreeMap::<(String, String), usize>::new();
    for line in fs::read_to_string(&log).expect("a log").lines() {
        let mut words = line.split_whitespace();
        let (thread, Some(call)) = (words.next().unwrap_or_default(), words.next()) else { continue };
        if let Some((call, _)) = call.split_once('(') {
            *counts.entry((thread.into(), call.into())).or_default() += 1;
        }
    }
    let mut most = BTreeMap::<String, usize>::new();
    for ((_, call), count) in counts {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    most.into_iter().flat_map(|(call, count)| (1..=count).map(move |number| (call.clone(), number))).collect()
}

/// The calls that this architecture has.
fn known_calls() -> String {
    CALLS.split(',').map(|call| format!("?{call}")).collect::<Vec<_>>().join(",")
}

/// Evenly spread ones.
fn chosen<T: Clone>(points: &[T], usual: usize) -> Vec<T> {
    let wanted = match env::var("NANOPROBE_KILLS").as_deref() {
        Ok("all") => points.len(),
        Ok(number) => number.parse().expect("NANOPROBE_KILLS is a number or `all`"),
        Err(_) => usual,
    };
    let wanted = wanted.clamp(1, points.len());
    (0..wanted).map(|place| points[place * points.len() / wanted].clone()).collect()
}

fn killed(world: &World, point: &(String, usize), arguments: &[&str]) -> bool {
    let (call, number) = point;
    let log = world.path("calls").display().to_string();
    let inject = format!("inject={call}:signal=KILL:when={number}");
    Outcome::of(traced(world, &["-o".into(), log, "-e".into(), inject], arguments)).code != 0
}

#[test]
fn create_is_killed_anywhere() {
    let world = World::with_repository(Program::Nanoprobe, "repokey-blake2");
    grow_tree(&world.path("tree"), 5, Content::Small);
    world.create(Program::Nanoprobe, "old", "tree", &[]);
    let old = world.extract(Program::Borg, "old", "reference", &[]);
    let reference = world.path("home/reference");
    fs::rename(old, &reference).expect("a move");
    fs::remove_dir_all(world.path("tree")).expect("the tree");
    grow_tree(&world.path("tree"), 6, Content::Small);
    world.keep();

    let arguments = ["create", "--compression=none", "repo::new", "tree"];
    let points = kill_points(&world, &arguments);
    let chosen = chosen(&points, 60);
    let (mut kills, mut completed) = (0, 0);
    for (place, point) in chosen.iter().enumerate() {
        world.put_back();
        let context = format!("killed at {} number {}", point.0, point.1);
        kills += usize::from(killed(&world, point, &arguments));
        let listed = world.run(Program::Nanoprobe, ["list", "--short", "repo"]);
        assert_eq!(listed.code, 0, "{context}: {}", listed.messages);
        let listed = listed.text();
        assert!(listed.lines().any(|line| line == "old"), "{context}: {listed}");
        completed += usize::from(listed.lines().any(|line| line == "new"));
        if place % 20 == 7 {
            let checked = world.run(Program::Borg, ["check", "repo"]);
            assert_eq!(checked.code, 0, "{context}: {}", checked.messages);
        }
        let next = world.run(Program::Nanoprobe, ["create", "--compression=none", "repo::next", "tree"]);
        assert_eq!(next.code, 0, "{context}: {}", next.messages);
        assert_same_tree(&reference, &world.extract(Program::Nanoprobe, "old", "found", &[]));
        let next = world.extract(Program::Nanoprobe, "next", "found", &[]);
        assert_same_tree(&world.path("tree"), &next.join("tree"));
        if place % 20 == 17 {
            world.check(Program::Borg);
        }
    }
    println!("create: {kills} kills at {} of {} points, {completed} after the commit", chosen.len(), points.len());
    assert!(kills * 10 >= chosen.len() * 7, "only {kills} of {} runs were killed", chosen.len());
}

/// What is killed, and what finishes it, or takes away what it made, whether or not it got there.
const REMOVALS: [(&[&str], &[&str]); 7] = [
    (&["delete", "repo", "one", "two"], &["delete", "repo", "-a", "[ot][nw][eo]"]),
    (&["prune", "--keep-last", "2", "repo"], &["prune", "--keep-last", "2", "repo"]),
    (&["rename", "repo::one", "other"], &["rename", "repo::one", "other"]),
    (&["recreate", "--recompress", "-C", "zlib,1", "repo::two"], &["recreate", "--comment", "x", "repo::two"]),
    (&["recreate", "-e", "re:[0-4]", "--target", "new", "repo::two"], &["delete", "repo", "-a", "new"]),
    (&["import-tar", "repo::new", "home/kept.tar"], &["delete", "repo", "-a", "new"]),
    (&["compact", "--threshold", "0", "repo"], &["compact", "--threshold", "0", "repo"]),
];

/// Nothing that was not meant to go is lost, and nothing is left that nobody needs.
#[test]
fn what_removes_archives_is_killed_anywhere() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    for (seed, name) in (20..).zip(["one", "two", "three", "four"]) {
        let _ = fs::remove_dir_all(world.path("tree"));
        grow_tree(&world.path("tree"), seed, Content::Small);
        // Of archives of the same second prune keeps one.
        world.create(Program::Nanoprobe, name, "tree", &["--timestamp", &format!("2026-05-{seed}T12:00:00")]);
    }
    world.run(Program::Nanoprobe, ["export-tar", "repo::four", "home/kept.tar"]).success();
    world.run(Program::Nanoprobe, ["create", "repo::gone", "tree"]).success();
    world.run(Program::Nanoprobe, ["delete", "repo::gone"]).success();
    let reference = world.extract(Program::Borg, "four", "reference", &[]);
    let moved = world.path("home/reference");
    fs::rename(reference, &moved).expect("a move");
    world.keep();
    for (place, (arguments, finish)) in REMOVALS.into_iter().enumerate() {
        world.put_back();
        let points = kill_points(&world, arguments);
        let (chosen, mut kills) = (chosen(&points, 8), 0);
        for (number, point) in chosen.iter().enumerate() {
            world.put_back();
            let context = format!("{arguments:?} killed at {} number {}", point.0, point.1);
            kills += usize::from(killed(&world, point, arguments));
            let program = Program::BOTH[usize::from((place + number) % 4 != 0)];
            let checked = world.run(program, ["check", "repo"]);
            assert_eq!(checked.code, 0, "{context}: {}", checked.messages);
            let listed = world.run(Program::Nanoprobe, ["list", "--short", "repo"]).success().text();
            for name in ["three", "four"] {
                assert!(listed.lines().any(|line| line == name), "{context}: {listed}");
            }
            let renamed = listed.lines().any(|line| line == "other");
            let finished = world.run(Program::Nanoprobe, finish);
            assert!(finished.code == 0 || renamed, "{context}: {}", finished.messages);
            assert_same_tree(&moved, &world.extract(Program::Nanoprobe, "four", "found", &[]));
            let checked = world.run(Program::Nanoprobe, ["check", "--verify-data", "repo"]);
            assert_eq!(checked.code, 0, "{context}, finished: {}", checked.messages);
        }
        println!("{}: {kills} kills at {} of {} points", arguments[0], chosen.len(), points.len());
        assert!(kills * 10 >= chosen.len() * 6, "only {kills} of {} runs were killed", chosen.len());
    }
}

#[test]
fn init_is_killed_anywhere() {
    let mut kills = 0;
    let world = World::new();
    let points = kill_points(&world, &["init", "-e", "repokey", "repo"]);
    let chosen = chosen(&points, 20);
    for point in &chosen {
        let world = World::new();
        let context = format!("killed at {} number {}", point.0, point.1);
        kills += usize::from(killed(&world, point, &["init", "-e", "repokey", "repo"]));
        // Either a repository that opens, or a place that `init` takes, or one that says what it is.
        let listed = world.run(Program::Nanoprobe, ["list", "repo"]);
        if listed.code != 0 {
            let again = world.run(Program::Nanoprobe, ["init", "-e", "repokey", "repo"]);
            if again.code != 0 {
                assert!(!again.messages.contains("panicked"), "{context}: {}", again.messages);
                let theirs = world.run(Program::Borg, ["init", "-e", "repokey", "repo"]);
                assert_ne!(theirs.code, 0, "{context}: borg takes it, we do not: {}", again.messages);
                fs::remove_dir_all(world.path("repo")).expect("what init left");
                world.run(Program::Nanoprobe, ["init", "-e", "repokey", "repo"]).success();
            }
        }
        world.run(Program::Nanoprobe, ["create", "repo::first", "home"]).success();
        world.run(Program::Borg, ["check", "repo"]).success();
    }
    println!("init: {kills} kills at {} of {} points", chosen.len(), points.len());
}

/// A program that runs and whose input is a pipe.
struct Running {
    child: Child,
    command: String,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().expect("a program"), command: format!("{command:?}") }
    }

    fn feed(&mut self, bytes: &[u8]) {
        // It may have ended: then the pipe is broken.
        let _ = self.child.stdin.as_mut().expect("a pipe").write_all(bytes);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a process");
    }

    /// Waits for its end; panics when it takes too long.
    fn end(mut self) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(20) {
                self.child.kill().expect("a child");
                panic!("{} does not end after a signal", self.command);
            }
            thread::sleep(Duration::from_millis(10));
        };
        let read = |from: Option<&mut dyn Read>| {
            let mut bytes = Vec::new();
            from.expect("a pipe").read_to_end(&mut bytes).expect("output");
            bytes
        };
        let output = read(self.child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read));
        let messages = read(self.child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read));
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Outcome { command: self.command, code, output, messages: String::from_utf8_lossy(&messages).into_owned() }
    }
}

/// Bytes that no chunk of which repeats.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(bytes / 8).flatten().collect()
}

fn archives(world: &World) -> Vec<String> {
    let listed = world.run(Program::Nanoprobe, ["list", "--short", "--consider-checkpoints", "repo"]).success();
    listed.text().lines().map(ToOwned::to_owned).collect()
}

fn assert_unlocked(world: &World) {
    assert!(!world.path("repo/lock.exclusive").exists(), "the lock is left");
    let roster = fs::read_to_string(world.path("repo/lock.roster")).unwrap_or_default();
    assert!(!roster.contains("exclusive\": [["), "the roster is not empty: {roster}");
}

/// A run that is signalled in the middle of its input.
fn interrupted(world: &World, program: Program, name: &str, signal: Signal) -> Outcome {
    let arguments = ["create", "--chunker-params=15,19,17,4095", "--compression=none"];
    let archive = world.archive(name);
    let mut running = Running::start(world.command(program, arguments.into_iter().chain([archive.as_str(), "-"])));
    let content = noise(24 << 20);
    running.feed(&content[..16 << 20]);
    thread::sleep(Duration::from_millis(600));
    running.signal(signal);
    thread::sleep(Duration::from_millis(100));
    running.feed(&content[16 << 20..]);
    drop(running.child.stdin.take());
    running.end()
}

#[test]
fn signals_leave_a_checkpoint_that_is_resumed() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let [borg, ours] = Program::BOTH.map(|program| {
            let world = World::with_repository(Program::Borg, "none");
            let outcome = interrupted(&world, program, "big", signal);
            assert_unlocked(&world);
            (world, outcome)
        });
        assert_eq!(ours.1.code, borg.1.code, "{signal:?}\n{}\n{}", borg.1.messages, ours.1.messages);
        let said = |outcome: &Outcome| outcome.messages.lines().next_back().unwrap_or_default().to_owned();
        assert_eq!(said(&ours.1), said(&borg.1), "{signal:?}");

        let world = ours.0;
        assert_eq!(archives(&world), ["big.checkpoint"], "{signal:?}");
        let items = ["list", "--short", "--consider-part-files", "repo::big.checkpoint"];
        let parts = world.run(Program::Borg, items).success().text();
        assert_eq!(parts, "stdin.borg_part_1\n", "{signal:?}");
        world.check(Program::Borg);
        // The same content again: nearly nothing is new.
        let content = noise(24 << 20);
        let arguments = ["create", "--json", "--chunker-params=15,19,17,4095", "--compression=none", "repo::big", "-"];
        let mut running = Running::start(world.command(Program::Nanoprobe, arguments));
        running.feed(&content);
        drop(running.child.stdin.take());
        let json = running.end().success().json();
        let fresh = json["archive"]["stats"]["deduplicated_size"].as_u64().expect("a size");
        assert!(fresh < 12 << 20, "{signal:?}: {fresh} bytes were stored again");
        let found = world.run(Program::Borg, ["extract", "--stdout", "repo::big"]).success();
        assert!(found.output == content, "{signal:?}: the content differs");
        world.check(Program::Nanoprobe);
        world.check(Program::Borg);
    }
}

/// A program that waits for input that does not come still ends when it is told to.
#[test]
fn sigterm_ends_a_run_that_waits_for_input() {
    let world = World::with_repository(Program::Nanoprobe, "none");
    let mut running = Running::start(world.command(Program::Nanoprobe, ["create", "repo::waiting", "-"]));
    running.feed(b"something");
    thread::sleep(Duration::from_millis(500));
    running.signal(Signal::TERM);
    assert_eq!(running.end().code, 143);
    assert_unlocked(&world);
    world.run(Program::Nanoprobe, ["create", "repo::after", "home"]).success();
    world.check(Program::Borg);
}

/// Nothing is read in a hole, but it may be long. (Borg itself needs a minute here.)
#[test]
fn sigint_is_seen_inside_a_huge_hole() {
    for (parameters, options) in [("fixed,262144", &["--sparse"][..]), ("19,23,21,4095", &[])] {
        let world = World::with_repository(Program::Nanoprobe, "none");
        fs::create_dir(world.path("tree")).expect("a tree");
        let file = fs::File::create(world.path("tree/hole")).expect("a file");
        file.set_len(1 << 40).expect("a sparse file");
        let option = format!("--chunker-params={parameters}");
        let words = [&["create", &option], options, &["repo::huge", "tree"]].concat();
        let running = Running::start(world.command(Program::Nanoprobe, words));
        thread::sleep(Duration::from_millis(700));
        running.signal(Signal::INT);
        let begun = Instant::now();
        let outcome = running.end().expect(2);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(outcome.messages, "Error: Got Ctrl-C / SIGINT.\n", "{parameters}");
        assert_eq!(archives(&world), ["huge.checkpoint"], "{parameters}");
    }
}

#[test]
fn checkpoints_come_by_time_and_go_at_the_end() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    let options = ["--checkpoint-interval=1", "--chunker-params=15,19,17,4095", "--compression=none"];
    let arguments = ["create"].into_iter().chain(options).chain(["repo::slow", "-"]);
    let mut running = Running::start(world.command(Program::Nanoprobe, arguments));
    let content = noise(24 << 20);
    let mut seen = Vec::new();
    for piece in content.chunks(4 << 20) {
        running.feed(piece);
        thread::sleep(Duration::from_millis(700));
        // A reader beside the writer: what is committed can be read at any time.
        let listed = world.run(Program::Borg, ["list", "--short", "--bypass-lock", "--consider-checkpoints", "repo"]);
        seen.extend(listed.text().lines().map(ToOwned::to_owned));
    }
    drop(running.child.stdin.take());
    running.end().success();
    assert!(seen.iter().any(|name| name == "slow.checkpoint"), "{seen:?}");
    assert!(seen.iter().all(|name| name == "slow.checkpoint"), "{seen:?}");
    assert_eq!(archives(&world), ["slow"]);
    let items = world.run(Program::Borg, ["list", "--short", "--consider-part-files", "repo::slow"]).success().text();
    let parts = items.lines().filter(|line| line.contains(".borg_part_")).count();
    assert!(parts > 1 && items.lines().next_back() == Some("stdin"), "{items}");
    let found = world.run(Program::Borg, ["extract", "--stdout", "repo::slow"]).success();
    assert!(found.output == content, "the content differs");
    world.check(Program::Borg);
    world.check(Program::Nanoprobe);
}

#[test]
fn what_a_checkpoint_holds_is_known_after_a_kill() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    grow_tree(&world.path("tree"), 9, Content::Small);
    // The newest file is never believed, and a quick machine makes half a tree within one tick of its clock.
    thread::sleep(Duration::from_millis(100));
    fs::write(world.path("tree/newest"), "newest").expect("a file");
    thread::sleep(Duration::from_millis(100));
    let options = ["--checkpoint-interval=1", "--chunker-params=15,19,17,4095", "--compression=none"];
    let arguments = ["create"].into_iter().chain(options).chain(["repo::killed", "tree", "-"]);
    let mut running = Running::start(world.command(Program::Nanoprobe, arguments));
    // What follows the tree is in the checkpoint, so the tree is.
    let list = ["list", "--short", "--bypass-lock", "--consider-part-files", "repo::killed.checkpoint"];
    let content = noise(64 << 20);
    let mut pieces = content.chunks(1 << 20);
    while !world.run(Program::Borg, list).text().contains("stdin.borg_part") {
        running.feed(pieces.next().expect("a checkpoint in time"));
        thread::sleep(Duration::from_millis(200));
    }
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, 137);
    assert_eq!(archives(&world), ["killed.checkpoint"]);
    let words = ["create", "--list", "--chunker-params=15,19,17,4095", "repo::next", "tree"];
    let listed = world.run(Program::Nanoprobe, words).success().messages;
    let count = |letter: &str| listed.lines().filter(|line| line.starts_with(letter)).count();
    assert!(count("U ") > 25 && count("A ") == 1 && count("M ") == 0, "{listed}");
    assert_same_tree(&world.path("tree"), &world.extract(Program::Borg, "next", "found", &[]).join("tree"));
}

/// A small file system; unmounted at the end.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(place: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir(place).expect("a mount point");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(place).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(place))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0).status();
        assert!(thread::panicking() || unmounted.is_ok_and(|status| status.success()), "umount");
    }
}

#[test]
fn the_disk_is_full() {
    let world = World::new();
    let place = world.path("small");
    let Some(_mounted) = Mounted::new(&place, "12m") else {
        println!("skipped: nothing can be mounted here");
        return;
    };
    grow_tree(&world.path("tree"), 8, Content::Small);
    world.run(Program::Nanoprobe, ["init", "-e", "repokey", "small/repo"]).success();
    world.run(Program::Nanoprobe, ["create", "small/repo::old", "tree"]).success();
    fs::create_dir(world.path("large")).expect("a folder");
    fs::write(world.path("large/noise"), noise(16 << 20)).expect("a file");
    for round in 0..3 {
        let name = format!("small/repo::full-{round}");
        let full = world.run(Program::Nanoprobe, ["create", "--compression=none", &name, "large"]);
        assert_eq!(full.code, 2, "{}", full.messages);
        assert!(full.messages.contains("No space left on device"), "{}", full.messages);
        assert!(!full.messages.contains("panicked"), "{}", full.messages);
        // What was not committed takes no room.
        let room = rustix::fs::statvfs(&place).expect("a file system");
        assert!(room.f_bfree * 2 > room.f_blocks, "{} of {} blocks are free", room.f_bfree, room.f_blocks);
        assert!(!world.path("small/repo/lock.exclusive").exists(), "the lock is left");
    }
    let listed = world.run(Program::Nanoprobe, ["list", "--short", "small/repo"]).success();
    assert_eq!(listed.text(), "old\n");
    let found = world.path("found");
    fs::create_dir(&found).expect("a folder");
    let old = world.path("small/repo").display().to_string() + "::old";
    world.run_in(&found, Program::Nanoprobe, ["extract", &old]).success();
    assert_same_tree(&world.path("tree"), &found.join("tree"));

    // With room again everything goes on.
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&place).status().expect("mount");
    assert!(grown.success());
    world.run(Program::Borg, ["check", "--verify-data", "small/repo"]).success();
    world.run(Program::Nanoprobe, ["create", "--compression=none", "small/repo::new", "large"]).success();
    world.run(Program::Borg, ["check", "--verify-data", "small/repo"]).success();
    let again = world.path("again");
    fs::create_dir(&again).expect("a folder");
    world.run_in(&again, Program::Borg, ["extract", &old]).success();
    assert_same_tree(&world.path("tree"), &again.join("tree"));
}
