//! `debug` and `with-lock` beside the real ones: same texts, same files, same exit codes.

use std::{collections::BTreeMap, fs, process::Stdio};

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};

/// The files that a command writes into a folder of its own, and what it says.
fn dumped(world: &World, program: Program, words: &[&str]) -> (BTreeMap<String, Vec<u8>>, String, i32) {
    let folder = world.path("dumped");
    fs::create_dir(&folder).expect("a folder");
    let outcome = world.run_in(&folder, program, words);
    let entries = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path));
    let files = files.map(|(name, path)| (name, fs::read(path).expect("a file"))).collect();
    fs::remove_dir_all(folder).expect("a folder");
    (files, outcome.text(), outcome.code)
}

#[test]
fn dumps_are_borgs() {
    let world = World::with_repository(Program::Borg, "repokey-blake2");
    grow_tree(&world.path("tree"), 3, Content::Small);
    world.create(Program::Nanoprobe, "ours", "tree", &["-C", "zstd,3"]);
    fs::write(world.path("tree/one-more"), "a needle in a haystack, a needle").expect("a file");
    world.create(Program::Borg, "größe", "tree", &["-C", "none"]);
    let (repository, archive, other) = (world.repository(), world.archive("größe"), world.archive("ours"));
    // Something deleted, for --ghost.
    world.run(Program::Borg, ["delete", &world.archive("ours")]).success();
    world.create(Program::Nanoprobe, "ours", "tree", &[]);
    let segment = "2";
    let commands: [&[&str]; 12] = [
        &["debug", "dump-manifest", &repository, "manifest"],
        &["debug", "dump-manifest", &repository, "-"],
        &["debug", "dump-archive", &archive, "-"],
        &["debug", "dump-archive", &other, "-"],
        &["debug", "dump-archive-items", &archive],
        &["debug", "dump-repo-objs", &repository],
        &["debug", "dump-repo-objs", "--ghost", &repository],
        &["debug", "dump-repo-objs", "--ghost", "--segment", segment, "--offset", "8", &repository],
        &["debug", "search-repo-objs", &repository, "str:needle"],
        &["debug", "search-repo-objs", &repository, "hex:6861797374"],
        &["debug", "search-repo-objs", &repository, "hex:123"],
        &["debug", "id-hash", &repository, "../tree/one-more"],
    ];
    for words in commands {
        let [borg, ours] = Program::BOTH.map(|program| dumped(&world, program, words));
        assert!(ours.0.keys().eq(borg.0.keys()), "{words:?}: {:?} {:?}", ours.0.keys(), borg.0.keys());
        assert!(ours == borg, "{words:?}:\n{}\n---\n{}", ours.1, borg.1);
    }
}

#[test]
fn objects_come_and_go() {
    let world = World::with_repository(Program::Nanoprobe, "keyfile");
    let repository = world.repository();
    fs::write(world.path("object"), b"some data").expect("a file");
    fs::create_dir(world.path("tree")).expect("a folder");
    fs::write(world.path("tree/file"), "content").expect("a file");
    let created = world.create(Program::Nanoprobe, "a", "tree", &["--json"]);
    world.create(Program::Borg, "b", "tree", &[]);
    let archive = created.json()["archive"]["id"].as_str().expect("an id").to_owned();
    let chunk = world.run(Program::Borg, ["debug", "id-hash", &repository, "tree/file"]).success().text();
    let (id, none) = ("7e".repeat(32), "00".repeat(32));
    let ids = [archive.as_str(), chunk.trim(), &none, "124", "xyza"];
    let said: [Vec<(String, String, i32)>; 2] = Program::BOTH.map(|program| {
        let commands: [&[&str]; 9] = [
            &["debug", "put-obj", &repository, &id, "object"],
            &["debug", "get-obj", &repository, &id, "fetched"],
            &["debug", "get-obj", &repository, &none[1..], "fetched"],
            &["debug", "get-obj", &repository, "zz", "fetched"],
            &["debug", "get-obj", &repository, "zzz", "fetched"],
            &["debug", "put-obj", &repository, "00", "object"],
            &["debug", "delete-obj", &repository, &id, &none[2..], "nonsense"],
            &["debug", "delete-obj", &repository, &id],
            &["debug", "get-obj", &repository, &id, "fetched"],
        ];
        let run = |words: &[&str]| {
            let outcome = world.run(program, ["--error"].iter().chain(words));
            (outcome.text(), outcome.messages, outcome.code)
        };
        let mut said: Vec<_> = commands.into_iter().map(run).collect();
        let words: Vec<&str> = ["debug", "refcount-obj", &repository].into_iter().chain(ids).collect();
        said.push(run(&words));
        assert_eq!(fs::read(world.path("fetched")).expect("an object"), b"some data");
        world.check(program.other());
        said
    });
    for (borg, ours) in said[0].iter().zip(&said[1]) {
        assert_eq!(ours, borg);
    }
}

#[test]
fn a_command_runs_while_nobody_else_can() {
    let mut world = World::with_repository(Program::Borg, "repokey");
    let repository = world.repository();
    for script in [
        "true",
        "exit 1",
        "exit 2",
        "exit 77",
        "exit 100",
        "exit 200",
        "test -z \"$BORG_PASSPHRASE\"",
        "echo \"$BORG_VERSION\" \"$0\" \"$1\"",
    ] {
        let [borg, ours] = Program::BOTH.map(|program| {
            let outcome = world.run(program, ["with-lock", &repository, "sh", "-c", script, "--lock-wait", "-x"]);
            (outcome.text(), outcome.messages, outcome.code)
        });
        assert_eq!(ours, borg, "{script}");
    }
    world.set("BORG_EXIT_CODES", "modern");
    for (holder, other) in [(Program::Borg, Program::Nanoprobe), (Program::Nanoprobe, Program::Borg)] {
        let mut command = world.command(holder, ["with-lock", &repository, "cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a command");
        let lock = world.path("repo/lock.exclusive");
        while !lock.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        world.run(other, ["list", "--lock-wait", "0", &repository]).expect(73);
        drop(child.stdin.take());
        assert!(child.wait().expect("an end").success());
        world.run(other, ["list", "--lock-wait", "0", &repository]).success();
    }
    for words in [["with-lock", repository.as_str(), "no-such-command"], ["with-lock", "missing", "true"]] {
        let [borg, ours] = Program::BOTH.map(|program| {
            let Outcome { code, messages, .. } = world.run(program, words);
            (code, messages)
        });
        assert_eq!(ours, borg);
    }
}

#[test]
fn a_signal_ends_the_command_before_the_lock() {
    use std::os::unix::process::ExitStatusExt;
    let world = World::with_repository(Program::Nanoprobe, "none");
    let (repository, marker) = (world.repository(), world.path("ended"));
    let script = format!(
        "trap 'sleep 0.3; echo ended >{}; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
        marker.display()
    );
    let mut command = world.command(Program::Nanoprobe, ["with-lock", &repository, "sh", "-c", &script]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a command");
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("a line");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("a signal");
    let status = child.wait().expect("an end");
    assert_eq!(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)), 143);
    assert!(marker.exists(), "the command was still running");
    assert!(!world.path("repo/lock.exclusive").exists());
}
