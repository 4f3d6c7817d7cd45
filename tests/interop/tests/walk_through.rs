//! What a user of a hoster does from the first day on, word for word: over a real sshd, to Borg 1.4's server, ours and Borg
//! 1.2's. What is printed is compared with what the real client prints on the same walk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Content, Outcome, Program, Sshd, World, assert_same_tree, grow_tree, noise, wait_until};

/// The client's words, with everything that differs from run to run left out.
type Said = Vec<(String, Vec<String>)>;

struct Walk {
    world: World,
    server: Sshd,
    client: Program,
    far: Program,
    said: Said,
}

impl Walk {
    fn begin(client: Program, far: Program) -> Self {
        let mut world = World::new();
        let server = Sshd::start(&mut world);
        server.let_in(far);
        world.set("BORG_REMOTE_PATH", "borg1");
        // What is cut stays cut, as with the real one.
        world.set("NANOPROBE_RETRIES", "0");
        Self { world, server, client, far, said: Vec::new() }
    }

    /// Runs the client where the user's files are, and keeps what it says.
    fn step(&mut self, arguments: &[&str]) -> Outcome {
        self.step_in(self.world.path(""), arguments)
    }

    fn step_in(&mut self, folder: PathBuf, arguments: &[&str]) -> Outcome {
        let outcome = self.world.run_in(&folder, self.client, arguments).success();
        let mut lines = told(self, &outcome);
        // The order of files is the file system's for one, the alphabet's for the other.
        lines.sort();
        self.said.push((arguments.join(" "), lines));
        outcome
    }

    fn config(&self) -> PathBuf {
        self.server.account().join("path/to/new/borgrepo/config")
    }
}

/// The lines of an outcome, where what may differ counts as equal.
fn told(walk: &Walk, outcome: &Outcome) -> Vec<String> {
    let id = fs::read_to_string(walk.config()).expect("a configuration");
    let id = id.lines().find_map(|line| line.strip_prefix("id = ")).expect("an id").to_owned();
    let here = walk.world.path("");
    let here = here.to_str().expect("UTF-8").trim_end_matches('/');
    let all = (outcome.text() + &outcome.messages).replace(&id, "ID").replace(here, "HERE");
    // Progress writes over its own lines.
    let lines = all.lines().filter_map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()));
    let lines = lines.map(|line| line.split_whitespace().map(without_figures).collect::<Vec<_>>().join(" "));
    // Each program has a cache, a command line, and a progress display of its own.
    let own = ["Cache:", "Command line:", "# UNIT O # UNIT C #", "Saving files cache"];
    let lines = lines.filter(|line| !own.iter().any(|words| line.starts_with(words)));
    // Nobody has counted what was cut off.
    let lines = lines.map(|line| match line.split_once(' ').map(|(first, _)| first) {
        Some("All") => line.replace(" n/a", " # UNIT"),
        _ => line.replace(" n/a", " #"),
    });
    // A file of this very moment may count as changed.
    lines.map(|line| line.strip_prefix("U ").map_or(line.clone(), |path| format!("A {path}"))).collect()
}

/// A word, where figures, units, days and fingerprints count as equal.
fn without_figures(word: &str) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "seconds"];
    const DAYS: [&str; 7] = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let bare = word.trim_matches(['[', ']']);
    if bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return word.replace(bare, "ID");
    }
    match word {
        _ if UNITS.contains(&word) => "UNIT".to_owned(),
        _ if DAYS.contains(&word) => "DAY".to_owned(),
        _ if word.trim_start_matches('-').parse::<f64>().is_ok() => "#".to_owned(),
        _ => {
            word.split(|byte: char| byte.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#")
        }
    }
}

/// 24 MB that no codec makes smaller, in files.
fn grow_footage(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for file in 0..24 {
        fs::write(folder.join(format!("{file}.mov")), noise(file, 1_000_000)).expect("a file");
    }
}

/// Number of the newest transaction.
fn transaction(config: &Path) -> u64 {
    let names = fs::read_dir(config.with_file_name("")).expect("a repository").flatten();
    let numbers = names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("index.")?.parse().ok());
    numbers.max().unwrap_or(0)
}

/// The connection breaks in the middle of a backup, behind a checkpoint.
fn drop_amid(walk: &Walk, arguments: &[&str]) {
    let before = transaction(&walk.config());
    let mut command = walk.world.command(walk.client, arguments);
    let messages = walk.world.path("messages");
    command.stdout(Stdio::null()).stderr(fs::File::create(&messages).expect("a file"));
    let mut client = command.spawn().expect("a client");
    let begun = Instant::now();
    while transaction(&walk.config()) == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        assert!(client.try_wait().expect("its state").is_none(), "{}", fs::read_to_string(&messages).expect("words"));
        thread::sleep(Duration::from_millis(20));
    }
    walk.server.cut();
    let status = client.wait().expect("its end");
    let messages = fs::read_to_string(&messages).expect("words");
    let known = ["Connection closed by remote host", "Connection to remote host is broken"];
    assert!(known.iter().any(|words| messages.contains(words)), "{messages}");
    assert_eq!(status.code(), Some(2), "{messages}");
    let lock = walk.config().with_file_name("lock.exclusive");
    wait_until("the far end holds its lock", || !lock.exists());
}

fn walk(client: Program, far: Program) -> Said {
    let mut walk = Walk::begin(client, far);
    grow_tree(&walk.world.path("files"), 1, Content::Small);
    grow_footage(&walk.world.path("footage"));
    let place = format!("{}@host:path/to/new/borgrepo", Sshd::user());
    // What is said of keys has words of its own.
    walk.world.run(client, ["init", "--encryption=keyfile-blake2", "--make-parent-dirs", &place]).success();
    assert!(walk.config().exists());
    let keys = fs::read_dir(walk.world.path("home/.config/borg/keys")).expect("keys");
    let names: Vec<_> = keys.map(|key| key.expect("a key").file_name()).collect();
    assert_eq!(names, ["host__path_to_new_borgrepo"]);

    // From now on nothing but `::` names the repository.
    walk.world.set("BORG_REPO", &place);
    walk.step(&["info", "::"]);
    walk.step(&["-p", "create", "-s", "--list", "-x", "-c", "900", "-C", "zstd", "::my_first_backup", "files"]);
    walk.step(&["create", "-p", "-s", "--list", "-x", "-c", "900", "-C", "zstd", "::again", "files"]);
    for arguments in [&["info", "::"][..], &["list", "::"], &["info", "::my_first_backup"], &["list", "::again"]] {
        walk.step(arguments);
    }
    for (name, paths) in [("all", &[][..]), ("some", &["files/folder", "files/text"])] {
        let folder = walk.world.path(name);
        fs::create_dir(&folder).expect("a folder");
        walk.step_in(folder, &[&["extract", "--list", "::my_first_backup"], paths].concat());
    }
    assert_same_tree(&walk.world.path("files"), &walk.world.path("all/files"));
    assert_eq!(
        fs::read(walk.world.path("files/text")).expect("a text"),
        fs::read(walk.world.path("some/files/text")).expect("a text")
    );

    // Twice the connection drops; the same command goes on each time, and at last gets to the end.
    let create = ["create", "-s", "-c", "1", "-C", "none", "::filming", "footage"];
    for _ in 0..2 {
        drop_amid(&walk, &[&create[..], &["--upload-ratelimit", "4000"]].concat());
        walk.step(&["list", "--consider-checkpoints", "::"]);
    }
    walk.step(&create);
    let listed = walk.step(&["list", "--consider-checkpoints", "--short", "::"]).text();
    assert_eq!(listed, "my_first_backup\nagain\nfilming.checkpoint\nfilming.checkpoint.1\nfilming\n");
    walk.step(&["delete", "-s", "::filming.checkpoint.1"]);
    walk.step(&["prune", "--list", "--keep-last", "1", "::"]);
    let listed = walk.step(&["list", "--consider-checkpoints", "--short", "::"]).text();
    assert_eq!(listed, "filming\n");
    walk.step(&["compact", "::"]);
    let out = walk.world.path("out");
    fs::create_dir(&out).expect("a folder");
    walk.step_in(out, &["extract", "--list", "::filming"]);
    assert_same_tree(&walk.world.path("footage"), &walk.world.path("out/footage"));
    walk.step(&["check", "--verify-data", "::"]);

    paths(&mut walk);
    walk.said
}

/// Every way to write the place of a repository, with the far end's own command and with a forced one.
fn paths(walk: &mut Walk) {
    let (user, account) = (Sshd::user(), walk.server.account().display().to_string());
    let url = format!("ssh://{user}@host:{}", walk.server.port());
    walk.world.set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
    // None that is relative to the home folder beside one that is relative to where the server starts: Borg's cache takes
    // those for one, for the sake of its ancestors.
    let places = [
        format!("{user}@host:~/path/to/new/borgrepo"),
        format!("{url}{account}/path/to/new/borgrepo"),
        format!("{url}/./path/to/new/borgrepo"),
        format!("host:{account}/path/to/new/borgrepo/"),
        format!("{url}/~/path/to/new/borgrepo"),
        format!("{url}{account}/path/to/../to/new/borgrepo"),
        format!("{user}@host:./path/to/new/borgrepo"),
        "host:path/to/../to/new/borgrepo".to_owned(),
        format!("host:{account}/path/to/new/borgrepo"),
    ];
    let listed = |walk: &Walk, place: &str| {
        let outcome = walk.world.run(walk.client, ["list", "--short", place]);
        let port = walk.server.port().to_string();
        let alike = |text: &str| text.replace(&account, "HOME").replace(&port, "PORT");
        (alike(place), vec![alike(&(outcome.text() + &outcome.messages))])
    };
    for place in &places {
        let (place, said) = listed(walk, place);
        assert!(said[0].starts_with("filming\n"), "{place}: {said:?}");
        walk.said.push((place, said));
    }
    walk.server.let_in_for(walk.far, &format!("--restrict-to-path {account}/path"));
    for place in places.iter().chain([&format!("{url}/~/other"), &format!("{url}/etc")]) {
        let (place, said) = listed(walk, place);
        assert_eq!(said[0].starts_with("filming\n"), place.contains("borgrepo"), "{place}: {said:?}");
        walk.said.push((place, said));
    }
}

#[test]
fn a_users_walk_to_every_server() {
    let theirs = walk(Program::Borg, Program::Borg);
    for far in [Program::Borg, Program::Nanoprobe, Program::Borg12] {
        let ours = walk(Program::Nanoprobe, far);
        assert_eq!(ours.len(), theirs.len());
        let different = theirs.iter().zip(&ours).filter(|(theirs, ours)| theirs != ours);
        let different: Vec<String> = different.map(|(theirs, ours)| format!("{theirs:#?}\n{:#?}\n", ours.1)).collect();
        assert!(different.is_empty(), "to {far}:\n{}", different.concat());
    }
}
