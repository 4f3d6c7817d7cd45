//! Lines that drop at any message, to the real `borg serve` and to ours: runs end as if nothing had happened.
//!
//! A sample of the places is taken, all those around commits and reservations of nonces among them; with
//! `NANOPROBE_EVERY_CALL` set, all are.

use std::{
    env, fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use nanoprobe_interop::far::{archive, create, location};
use nanoprobe_interop::{Content, Outcome, Program, World, assert_same_tree, grow_tree, overlaps, ranges};

const OURS: Program = Program::Nanoprobe;
/// Waiting costs nothing.
const THREADS: usize = 6;

/// A repository behind lines that `server` answers, with two archives, and a tree that has changed since.
fn far(server: Program) -> World {
    let mut world = World::in_memory()
        .with("BORG_RSH", env!("CARGO_BIN_EXE_severed"))
        .with("BORG_REMOTE_PATH", OURS.path())
        .with("BORG_EXIT_CODES", "modern")
        .with("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
    let state = world.path("home/lines");
    world.set("SEVER_STATE", state.to_str().expect("UTF-8"));
    world.run(OURS, ["init", "-e", "repokey-blake2", &location(&world)]).success();
    grow_tree(&world.path("tree"), 3, Content::Small);
    for name in ["one", "two"] {
        create(&world, name, &[]).success();
        fs::write(world.path("tree").join(name), vec![name.len() as u8; 300_000]).expect("a file");
        fs::write(world.path("tree/changes"), name).expect("a file");
    }
    fs::remove_dir_all(state).expect("the lines so far");
    world.with("BORG_REMOTE_PATH", server.path())
}

fn names(world: &World) -> String {
    world.run(OURS, ["list", "--short", &world.repository()]).success().text()
}

/// Lines since the last look.
fn lines(world: &World) -> usize {
    let number = fs::read_to_string(world.path("home/lines/lines")).expect("the number of lines").parse();
    fs::remove_file(world.path("home/lines/lines")).expect("the number of lines");
    number.expect("a number")
}

/// No two different ciphertexts of all that was sent and stored share a counter.
fn assert_counters(world: &World) {
    let mut all = ranges(&world.path("repo"));
    let sent = world.path("home/lines/sent");
    if sent.exists() {
        all.extend(ranges(&sent));
    }
    all.sort();
    assert_eq!(overlaps(&all), []);
}

fn assert_free(world: &World) {
    assert!(!world.path("repo/lock.exclusive").exists(), "the lock is free");
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Create,
    Prune,
    Delete,
    Rename,
}

impl Command {
    fn run(self, world: &World) -> Outcome {
        let place = location(world);
        match self {
            Self::Create => create(world, "three", &[]),
            Self::Prune => world.run(OURS, ["prune", "--keep-last", "1", &place]),
            Self::Delete => world.run(OURS, ["delete", &archive(world, "one")]),
            Self::Rename => world.run(OURS, ["rename", &archive(world, "two"), "zwei"]),
        }
    }

    fn leaves(self) -> &'static str {
        match self {
            Self::Create => "one\ntwo\nthree\n",
            Self::Prune | Self::Delete => "two\n",
            Self::Rename => "one\nzwei\n",
        }
    }
}

/// Places at which a run with these requests may be cut: the first two are the first connection's own.
fn places(requests: &[String], every: usize) -> Vec<String> {
    let all = env::var_os("NANOPROBE_EVERY_CALL").is_some();
    let matters = |number: usize| requests.get(number).is_some_and(|method| method.starts_with("commit"));
    let mut places = Vec::new();
    for number in 2..requests.len() {
        for (place, how) in
            ["request:N:before", "response:N:before", "request:N:amid", "response:N:amid"].iter().enumerate()
        {
            let is_near = place < 2 && (matters(number) || matters(number - 1) || matters(number + 1));
            if all || is_near || (number * 7 + place * 3) % every == 0 {
                places.push(how.replace('N', &(number + 1).to_string()));
            }
        }
    }
    places
}

/// Runs `work` for each of the places in worlds of their own, several at a time.
fn each(server: Program, command: Command, every: usize) {
    let world = far(server);
    world.keep();
    command.run(&world).success();
    assert_eq!((names(&world).as_str(), lines(&world)), (command.leaves(), 1));
    let log = fs::read_to_string(world.path("home/lines/requests")).expect("requests");
    let requests: Vec<String> = log.lines().map(str::to_owned).collect();
    let places = places(&requests, every);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (next, done, places, requests) = (&next, &done, &places, &requests);
            scope.spawn(move || {
                let mut world = far(server);
                world.keep();
                while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    world.put_back();
                    world.set("SEVER_AT", place);
                    let outcome = command.run(&world);
                    let at = place.split(':').nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
                    let context = || format!("{server} {command:?} {place} ({})", requests[at - 1]);
                    assert_eq!(outcome.code, 0, "{}: {}", context(), outcome.messages);
                    assert!(outcome.messages.contains("(attempt 1 of 10)"), "{}: {}", context(), outcome.messages);
                    assert_eq!((names(&world).as_str(), lines(&world)), (command.leaves(), 2), "{}", context());
                    assert_counters(&world);
                    assert_free(&world);
                    world.run(OURS, ["check", &world.repository()]).success();
                    done.lock().expect("a list").push(place.clone());
                }
                if number == 0 {
                    world.run(Program::Borg, ["check", "--verify-data", &world.repository()]).success();
                }
            });
        }
    });
    let done = done.into_inner().expect("a list").len();
    println!("{server} {command:?}: {} requests, {done} places", requests.len());
    assert!(done == places.len() && done >= 8, "{done} places");
}

const COMMANDS: [Command; 4] = [Command::Create, Command::Prune, Command::Delete, Command::Rename];

#[test]
fn a_line_to_ours_may_drop_anywhere() {
    COMMANDS.into_iter().for_each(|command| each(OURS, command, 5));
}

#[test]
fn a_line_to_borg_may_drop_anywhere() {
    COMMANDS.into_iter().for_each(|command| each(Program::Borg, command, 23));
}

fn noise(path: &Path, bytes: u32) {
    let mut state = u64::from(bytes);
    let words = (0..bytes / 4).flat_map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 32) as u32).to_le_bytes()
    });
    fs::write(path, words.collect::<Vec<_>>()).expect("a file");
}

/// More than the journal holds: checkpoints keep it small, and each line goes on where the one before was.
#[test]
fn a_long_run_survives_many_drops() {
    let mut world = far(Program::Borg);
    for (number, bytes) in [4_000_000, 7_000_000, 3_000_000, 9_000_000].into_iter().enumerate() {
        noise(&world.path(&format!("tree/noise-{number}")), bytes);
    }
    world.set("NANOPROBE_JOURNAL", "5M");
    world.set("SEVER_AT", "request:9:before response:6:before request:7:amid response:8:amid");
    let shown = create(&world, "long", &["--stats", "-C", "none", "--chunker-params", "fixed,1000000"]).success();
    assert_eq!(lines(&world), 5, "{}", shown.messages);
    let requests = fs::read_to_string(world.path("home/lines/requests")).expect("requests");
    let commits = requests.lines().filter(|method| *method == "commit").count();
    assert!(commits >= 4, "{commits} commits of 23 MB");
    let puts = requests.lines().filter(|method| *method == "put").count();
    assert!(puts < 30 + 4 * 8 + 20, "{puts} puts of 23 objects, of which few are sent again");
    assert_eq!(names(&world), "one\ntwo\nlong\n");
    assert_counters(&world);
    world.run(Program::Borg, ["check", "--verify-data", &world.repository()]).success();
    assert_same_tree(&world.path("tree"), &world.extract(Program::Borg, "long", "back", &[]));

    // Reading over lines that drop.
    let out = world.path("out");
    for place in ["request:9:before -", "response:12:amid request:5:before", "response:7:before response:30:before"] {
        world.set("SEVER_AT", place);
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).expect("a folder");
        world.run_in(&out, OURS, ["extract", &archive(&world, "long")]).success();
        assert!(lines(&world) >= 2, "{place}");
        assert_same_tree(&world.path("tree"), &out);
    }
    for arguments in [&["list"][..], &["check", "--archives-only"], &["check", "--repository-only"], &["info"]] {
        world.set("SEVER_AT", "response:3:before request:3:amid");
        let words = arguments.iter().map(|word| (*word).to_owned()).chain([location(&world)]);
        world.run(OURS, words).success();
        assert!(lines(&world) >= 2, "{arguments:?}");
    }
}

/// Another client is faster: what it has written stays, and nothing is sent.
#[test]
fn somebody_else_in_between() {
    let mut world = far(Program::Borg);
    let requests = |world: &World| fs::read_to_string(world.path("home/lines/requests")).expect("requests");
    create(&world, "count", &[]).success();
    let commit = requests(&world).lines().position(|method| method == "commit").expect("a commit") + 1;
    world.run(OURS, ["delete", &archive(&world, "count")]).success();
    fs::remove_dir_all(world.path("home/lines")).expect("the lines so far");
    world.set("SEVER_AT", format!("request:{}:before", commit - 1));
    // Programs that connect get no secrets.
    let (tree, borg) = (world.path("tree"), Program::Borg.path());
    let (tree, borg, theirs) = (tree.display(), borg.display(), world.archive("theirs"));
    world.set("SEVER_THEN", format!("cd '{tree}' && BORG_PASSPHRASE=interop '{borg}' create '{theirs}' ."));
    fs::write(world.path("tree/changes"), "more").expect("a file");
    let refused = create(&world, "mine", &["--files-cache", "disabled"]);
    assert_eq!(refused.code, 80, "{}", refused.messages);
    assert!(
        refused.messages.contains("it had been changed by somebody else. Nothing was sent"),
        "{}",
        refused.messages
    );
    assert_eq!(names(&world), "one\ntwo\ntheirs\n");
    assert_counters(&world);
    world.run(Program::Borg, ["check", "--verify-data", &world.repository()]).success();
    assert_same_tree(&world.path("tree"), &world.extract(Program::Borg, "theirs", "back", &[]));
    // Under --log-json what is said of the line is JSON too, and without retries the line's end is the run's.
    fs::remove_dir_all(world.path("home/lines")).expect("the lines so far");
    let mut world = world.with("SEVER_THEN", "true").with("SEVER_AT", "request:3:before");
    let told = world.run(OURS, ["--log-json", "list", &location(&world)]).success().messages;
    let told: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).expect("one object of JSON a line")).collect();
    let said = |line: &serde_json::Value| line["message"].as_str().is_some_and(|text| text.contains("again in 1 s"));
    let line = told.iter().find(|line| said(line)).unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!((line["levelname"].as_str(), lines(&world)), (Some("WARNING"), 2), "{told:?}");
    world.set("NANOPROBE_RETRIES", "0");
    let ended = world.run(OURS, ["list", &location(&world)]).expect(80);
    assert!(ended.messages.ends_with("Connection closed by remote host.\n"), "{}", ended.messages);
    world.set("NANOPROBE_RETRIES", "many");
    world.run(OURS, ["list", &location(&world)]).expect(4);
}
