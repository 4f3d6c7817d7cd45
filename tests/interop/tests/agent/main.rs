//! The agent, night after night: the real binary with its real children, the real Borg reading what they left, a clock that is
//! moved, a listener for pings and a `sendmail` that writes letters down.

mod appliance;
mod processes;
mod web;

use std::{
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    process::Stdio,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Outcome, Program, assert_same_tree, children, wait_until};

use appliance::{Appliance, DAY, HOUR, SECRET};
use processes::{Resident, folder_bytes, is_alive, kill, largest_file, processor_ticks, resident_kib};

#[test]
fn nights_come_and_go() {
    let appliance = Appliance::new("memory = \"32M\"", "", "");
    let world = &appliance.world;
    let (code, _) = appliance.status(0);
    assert_eq!(code, 2, "it never ran");
    // The first one comes at once, and what follows it.
    appliance.round(0).success();
    assert_eq!(appliance.archives().len(), 1);
    assert_eq!(appliance.status(0).0, 0);
    let pings = appliance.pings();
    assert_eq!(pings.len(), 2, "{pings:?}");
    assert!(pings[0].starts_with("/ping/start ") && pings[1].starts_with("/ping "), "{pings:?}");
    // Nothing is due.
    appliance.round(1).success();
    assert_eq!((appliance.archives().len(), appliance.pings().len()), (1, 0));
    // The box was off for two days: what was missed is done once. The drill compares every file with its source, and Borg
    // finds the same in the archive.
    let said = appliance.round(2 * DAY).success().text();
    for name in ["backup tree", "prune tree", "compact disk", "check disk", "drill tree"] {
        assert!(said.contains(&format!("{name}: success")), "{said}");
    }
    assert_eq!(appliance.archives().len(), 2);
    let newest = appliance.archives().pop().expect("an archive");
    fs::create_dir(world.path("out")).expect("a folder");
    let mut extract = world.command(Program::Borg, ["extract", &world.archive(&newest)]);
    extract.env("BORG_PASSPHRASE", format!("{SECRET} & more")).current_dir(world.path("out"));
    Outcome::of(extract).success();
    let tree = world.path("tree");
    assert_same_tree(&tree, &world.path("out").join(tree.strip_prefix("/").expect("a path")));

    // The repository is gone: named, told once, tried again with patience, nothing is pruned.
    appliance.pings();
    fs::rename(world.path("repo"), world.path("away")).expect("away");
    let pruned = appliance.job("prune tree", 3 * DAY)["last_success"].clone();
    appliance.round(3 * DAY).expect(2);
    let job = appliance.job("backup tree", 3 * DAY);
    assert_eq!(
        (job["state"].as_str(), job["trouble"].as_str()),
        (Some("failed"), Some("repository missing")),
        "{job:#}"
    );
    let told = (appliance.letters().len(), appliance.pings());
    assert!(
        told.1.iter().any(|ping| ping.starts_with("/ping/fail ") && ping.contains("repository missing")),
        "{told:?}"
    );
    assert!(told.1.iter().any(|ping| ping.starts_with("/hook ")), "{told:?}");
    appliance.round(3 * DAY + HOUR).expect(2);
    assert_eq!(appliance.job("backup tree", 3 * DAY + HOUR)["failures"], 2);
    assert_eq!(appliance.letters().len(), told.0, "told once");
    assert!(appliance.pings().iter().all(|ping| ping.starts_with("/ping/start")));
    assert_eq!(appliance.job("prune tree", 4 * DAY)["last_success"], pruned);
    assert!(
        fs::read_to_string(world.path("metrics"))
            .expect("metrics")
            .contains("nanoprobe_level{job=\"backup\",name=\"tree\"} 2")
    );
    // Somebody mends it.
    fs::rename(world.path("away"), world.path("repo")).expect("back");
    appliance.round(5 * DAY).success();
    assert!(
        appliance.letters().iter().any(|letter| letter.contains("backup tree: recovered")),
        "{:?}",
        appliance.letters()
    );
    assert_eq!(appliance.archives().len(), 3);
    appliance.round(6 * DAY).success();
    assert_eq!(appliance.archives().len(), 3, "three are kept");
    // Then the box dies, and who asks is told.
    assert_eq!(appliance.status(20 * DAY).0, 2);
    assert_eq!(appliance.job("backup tree", 20 * DAY)["state"], "too old");
    appliance.run_borg(&["check", "--verify-data", &world.repository()]).success();
}

#[test]
fn what_speaks_against_a_run_is_named() {
    let appliance = Appliance::new("", "", "");
    let world = &appliance.world;
    appliance.round(0).success();
    let held = |after: i64, words: &str| {
        let archives = appliance.archives().len();
        let before = appliance.letters().len();
        appliance.round(after).expect(1);
        let job = appliance.job("backup tree", after);
        assert_eq!(job["state"], "skipped", "{job:#}");
        assert!(job["skipped"].as_str().is_some_and(|reason| reason.contains(words)), "{job:#}");
        assert!(appliance.letters()[before..].iter().any(|letter| letter.contains(words)), "{words}");
        let after_first = appliance.letters().len();
        appliance.round(after + 60).expect(1);
        assert_eq!(appliance.letters().len(), after_first, "told once");
        assert_eq!(appliance.archives().len(), archives);
    };
    // The disk with the data is not mounted: its mount point is empty.
    fs::rename(world.path("tree"), world.path("disk")).expect("unmounted");
    fs::create_dir(world.path("tree")).expect("a mount point");
    held(2 * HOUR, "is empty and was not before");
    fs::remove_dir(world.path("tree")).expect("gone");
    fs::rename(world.path("disk"), world.path("tree")).expect("mounted");
    // No mains.
    let mains = world.path("sys/class/power_supply/AC");
    fs::create_dir_all(&mains).expect("folders");
    fs::write(mains.join("type"), "Mains\n").expect("a file");
    fs::write(mains.join("online"), "0\n").expect("a file");
    held(3 * HOUR, "on battery");
    // Not even when somebody asks; it is not forgotten.
    let (asked, archives) = (Outcome::of(appliance.agent(&["run-now", "backup", "tree"])), appliance.archives());
    assert!(asked.success().text().contains("the next agent run-due looks at it"));
    appliance.round(3 * HOUR + 120).expect(1);
    assert!(appliance.archives() == archives && world.path("state/requests/backup tree").exists());
    // It lasts: what is too old by now is told, once.
    let counts = [3, 5, 6].map(|days| {
        appliance.round(days * DAY).expect(2);
        appliance.letters().iter().filter(|letter| letter.contains("backup tree: too old")).count()
    });
    assert_eq!(counts, [1; 3]);
    let told = appliance.letters().len();
    appliance.round(7 * DAY).expect(2);
    assert_eq!(told, appliance.letters().len());
    fs::remove_dir_all(world.path("state")).expect("a new beginning");
    fs::write(mains.join("online"), "1\n").expect("a file");
    appliance.round(3 * HOUR).success();
    // A mount that is asked for.
    appliance.configure("", &format!("require_mount = [\"{}\"]", world.path("tree").display()), "");
    held(4 * HOUR, "is not mounted");
    // A mistake in the configuration: the last good one, which wants the mount, stays.
    let good = fs::read_to_string(world.path("config.toml")).expect("a configuration");
    fs::write(world.path("config.toml"), good.replace("hourly 0", "hourly x")).expect("a configuration");
    let said = appliance.round(5 * HOUR).expect(1).text();
    let line = 1 + good.lines().position(|line| line.starts_with("schedule")).expect("a schedule");
    assert!(said.contains(&format!("config.toml:{line}: schedule: \"x\" is no number")), "{said}");
    assert!(said.contains("the last good configuration stays in use"));
    let (code, status) = appliance.status(5 * HOUR);
    assert!(code == 1 && status["trouble"][0].as_str().is_some_and(|text| text.contains("schedule")), "{status:#}");
    let config = world.path("config.toml");
    let told = world.run(Program::Nanoprobe, ["agent", "check", "--config", config.to_str().expect("text")]);
    let told = told.expect(2).messages;
    assert!(told.contains(&format!("config.toml:{line}: ")), "{told}");
    // The clock is that of a board without a battery.
    appliance.configure("", "", "");
    let told = appliance.round(-400 * DAY).expect(2).text();
    assert!(told.contains("the clock says"), "{told}");
    assert_eq!(appliance.archives().len(), 2);
    // All is well again; then the state is damaged by a cut, named, set aside and begun anew.
    appliance.round(6 * HOUR).success();
    assert_eq!(appliance.archives().len(), 3);
    let newest = appliance.archives().pop();
    let state = world.path("state/state");
    let bytes = fs::read(&state).expect("a state");
    fs::write(&state, &bytes[..bytes.len() / 2]).expect("a state");
    let said = appliance.round(6 * HOUR + 60).text();
    assert!(said.contains("set aside as") && world.path("state/state.damaged").exists(), "{said}");
    assert_ne!(appliance.archives().pop(), newest, "rather once too often");
}

#[test]
fn what_was_cut_off_is_finished_and_drills_notice_a_byte() {
    let appliance = Appliance::new("", "compression = \"none\"", "");
    let world = &appliance.world;
    fs::write(world.path("tree/large"), nanoprobe_interop::noise(7, 60 << 20)).expect("a file");
    // Everything is killed in the middle of the first backup.
    let mut round = appliance.agent(&["run-due"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a round");
    wait_until("data is written", || folder_bytes(&world.path("repo/data")) > 8 << 20);
    let child = *children(round.id()).last().expect("create");
    for process in [round.id(), child] {
        kill(process, rustix::process::Signal::KILL);
    }
    round.wait().expect("it is gone");
    wait_until("create is gone", || !is_alive(child));
    assert!(appliance.job("backup tree", 0)["running_since"].is_string());
    let said = appliance.round(60).success().text();
    assert!(said.contains("backup tree: success"), "{said}");
    assert!(appliance.letters().is_empty(), "nobody is woken for what mends itself");
    let history = fs::read_to_string(world.path("state/history")).expect("a history");
    assert!(history.lines().next().is_some_and(|line| line.contains("\"trouble\":\"interrupted\"")), "{history}");
    assert_eq!(appliance.archives().len(), 1, "one that is whole");

    // SIGTERM in the middle: it ends in order, and soon.
    fs::write(world.path("tree/another"), nanoprobe_interop::noise(8, 60 << 20)).expect("a file");
    let before = folder_bytes(&world.path("repo/data"));
    let at = format!("@{}", appliance.start + 2 * HOUR);
    let mut round = appliance.agent(&["run-due", "--at", &at]).stdout(Stdio::null()).spawn().expect("a round");
    wait_until("data is written", || folder_bytes(&world.path("repo/data")) > before + (8 << 20));
    let child = *children(round.id()).last().expect("create");
    kill(round.id(), rustix::process::Signal::TERM);
    assert_eq!(round.wait().expect("it ends").code(), Some(2));
    assert!(!is_alive(child), "the command ended before the round");
    assert_eq!(appliance.job("backup tree", 2 * HOUR)["trouble"], "interrupted");
    appliance.round(2 * HOUR + 60).success();

    // A byte of a source changes, its size and time do not: the drill says so, and again until it is right.
    let drill = |appliance: &Appliance, day: i64| {
        appliance.round(day * DAY);
        appliance.job("drill tree", day * DAY)
    };
    assert_eq!(drill(&appliance, 2)["state"], "fine");
    let path = world.path("tree/large");
    // More of them, so that chance does not decide.
    for name in fs::read_dir(world.path("tree")).expect("names").map(|entry| entry.expect("a name").path()) {
        if name != path && name != world.path("tree/another") {
            let _ = fs::remove_dir_all(&name).or_else(|_| fs::remove_file(&name));
        }
    }
    assert_eq!(drill(&appliance, 4)["state"], "fine");
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    let turn = || {
        let mut bytes = fs::read(&path).expect("a file");
        bytes[33_333_333] ^= 1;
        fs::write(&path, bytes).expect("a file");
        fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("a time");
    };
    turn();
    // Backups go on: only the drill is to meet it, so that it runs before the next one.
    let schedule = fs::read_to_string(world.path("config.toml")).expect("a configuration");
    fs::write(world.path("config.toml"), schedule.replace("hourly 0", "monthly 1 00:00")).expect("a configuration");
    let job = drill(&appliance, 5);
    assert_eq!(
        (job["state"].as_str(), job["trouble"].as_str()),
        (Some("failed"), Some("restored file differs")),
        "{job:#}"
    );
    assert!(job["reason"].as_str().is_some_and(|reason| reason.contains("tree/large")), "{job:#}");
    turn();
    assert_eq!(drill(&appliance, 6)["state"], "fine");

    // A byte of the repository: the check finds it, and remembers it while other slices are sound.
    let segment = largest_file(&world.path("repo/data"));
    let mut bytes = fs::read(&segment).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).expect("a segment");
    appliance.round(7 * DAY).expect(2);
    let check = appliance.job("check disk", 7 * DAY);
    assert_eq!(
        (check["state"].as_str(), check["trouble"].as_str()),
        (Some("failed"), Some("repository damaged")),
        "{check:#}"
    );
    assert_eq!(appliance.job("drill tree", 7 * DAY)["trouble"], "repository damaged");
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).expect("a segment");
    appliance.round(9 * DAY).success();
    assert_eq!(appliance.status(9 * DAY).0, 0);
    appliance.run_borg(&["check", "--verify-data", &world.repository()]).success();
}

#[test]
fn a_window_that_closes_stops_a_backup_that_the_next_one_finishes() {
    // 2,000 KiB a second, so that it takes longer than the five seconds that are left.
    let limits = "window = \"22:00-06:00\"\nafter_window = \"stop\"\nupload = 2000";
    let mut appliance = Appliance::new(limits, "compression = \"none\"", "");
    // Near for Borg, far for us.
    appliance.world.set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
    let world = &appliance.world;
    let rsh = world.path("rsh");
    fs::write(&rsh, format!("#!/bin/sh\nexec '{}' serve\n", Program::Borg.path().display())).expect("a script");
    fs::set_permissions(&rsh, fs::Permissions::from_mode(0o755)).expect("its mode");
    let config = fs::read_to_string(world.path("config.toml")).expect("a configuration");
    let place = format!("location = \"{}\"", world.repository());
    let afar = format!("location = \"ssh://host{}\"\nrsh = \"{}\"", world.repository(), rsh.display());
    fs::write(world.path("config.toml"), config.replace(&place, &afar).replace("files = 60", "files = 2"))
        .expect("a configuration");
    fs::write(world.path("tree/large"), nanoprobe_interop::noise(9, 20 << 20)).expect("a file");
    let midnight = (appliance.start / DAY + 1) * DAY - appliance.start;
    let round = |after: i64| {
        let at = format!("@{}", appliance.start + after);
        let mut round = appliance.agent(&["run-due", "--at", &at]);
        round.env("TZ", "UTC0");
        Outcome::of(round)
    };
    let closing = midnight + 6 * HOUR - 5;
    round(closing).expect(2);
    let job = appliance.job("backup tree", closing);
    assert_eq!((job["state"].as_str(), job["failures"].as_u64()), (Some("never ran"), Some(0)), "{job:#}");
    assert!(job["reason"].as_str().is_some_and(|reason| reason.starts_with("the window closed")), "{job:#}");
    let pings = appliance.pings();
    assert!(pings.iter().any(|ping| ping.starts_with("/ping/log ") && ping.contains("the window closed")), "{pings:?}");
    assert!(!pings.iter().any(|ping| ping.starts_with("/ping/fail ")), "{pings:?}");
    assert!(appliance.archives().is_empty());
    let stored = folder_bytes(&world.path("repo/data"));
    // Not before the window opens.
    round(midnight + 21 * HOUR).expect(2);
    assert!(appliance.pings().is_empty());
    round(midnight + 22 * HOUR).success();
    assert_eq!(appliance.archives().len(), 1);
    // What was there was not stored again.
    let figures = &appliance.job("backup tree", midnight + 22 * HOUR)["figures"];
    let (all, added) = (figures["original"].as_u64(), figures["added"].as_u64());
    let (all, added) = all.zip(added).expect("figures");
    assert!(stored > 1 << 20 && added < all - stored / 2, "{stored}, then {added} of {all}");
    let history = fs::read_to_string(world.path("state/history")).expect("a history");
    assert!(history.lines().next().is_some_and(|line| line.contains("\"outcome\":\"unfinished\"")), "{history}");
    appliance.run_borg(&["check", "--verify-data", &world.repository()]).success();
}

#[test]
fn the_one_that_stays_is_small_and_listens() {
    let appliance = Appliance::new("", "", "");
    let world = &appliance.world;
    let socket = UnixDatagram::bind(world.path("notify")).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let heard = |wanted: &str| {
        let (mut buffer, began) = ([0; 4096], Instant::now());
        loop {
            assert!(began.elapsed() < Duration::from_secs(60), "{wanted}: not heard");
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.contains(wanted) {
                return;
            }
        }
    };
    let mut command = appliance.agent(&[]);
    command.env("NOTIFY_SOCKET", world.path("notify")).env("WATCHDOG_USEC", "2000000");
    let mut agent = Resident(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("an agent"));
    heard("READY=1");
    heard("STATUS=backup tree: success");
    heard("STATUS=sleeps until");
    heard("WATCHDOG=1");
    assert_eq!(appliance.archives().len(), 1);
    // Asleep: no children, no time, little memory. What libraries of the system take is not ours, and others use it too.
    wait_until("the round is over", || children(agent.0.id()).is_empty());
    let used = processor_ticks(agent.0.id());
    let kib = resident_kib(agent.0.id());
    // Builds with everything for debugging in them have more that is touched.
    let is_release = fs::metadata(Program::Nanoprobe.path()).expect("a program").len() < 20 << 20;
    let most = if is_release { 4096 } else { 6144 };
    assert!(kib <= most, "{kib} KiB");
    // A mistake, then none.
    let good = fs::read_to_string(world.path("config.toml")).expect("a configuration");
    fs::write(world.path("config.toml"), format!("{good}\nnonsense\n")).expect("a configuration");
    kill(agent.0.id(), rustix::process::Signal::HUP);
    heard("the last good configuration stays in use");
    heard("STATUS=sleeps until");
    assert_eq!(appliance.status(0).0, 1);
    fs::write(world.path("config.toml"), good.replace("slice = \"5s\"", "slice = \"6s\"")).expect("a configuration");
    kill(agent.0.id(), rustix::process::Signal::HUP);
    heard("STATUS=sleeps until");
    assert_eq!(appliance.status(0).0, 0);
    assert!(processor_ticks(agent.0.id()) - used <= 5, "it is busy");
    // Somebody asks for a job: it runs at once, once, and is written down.
    let asked = Outcome::of(appliance.agent(&["run-now", "backup", "tree"])).success().text();
    assert!(asked.contains("looks at it now"), "{asked}");
    heard("STATUS=backup tree: success");
    heard("STATUS=sleeps until");
    assert_eq!(appliance.archives().len(), 2);
    assert!(!world.path("state/requests/backup tree").exists());
    let history = fs::read_to_string(world.path("state/history")).expect("a history");
    assert_eq!(history.matches("\"job\":\"backup tree\"").count(), 2, "{history}");
    let told = Outcome::of(appliance.agent(&["run-now", "prune", "tree"])).expect(2).messages;
    assert!(told.contains("there are: backup tree, check disk, drill tree"), "{told}");
    kill(agent.0.id(), rustix::process::Signal::TERM);
    heard("STOPPING=1");
    assert_eq!(agent.0.wait().expect("it ends").code(), Some(0));
    // One that has no configuration to go on with does not stay.
    fs::remove_dir_all(world.path("state")).expect("gone");
    fs::write(world.path("config.toml"), "nonsense\n").expect("a configuration");
    let told = Outcome::of(appliance.agent(&[])).expect(2);
    assert!(told.messages.contains("config.toml:1: "), "{told:?}");
}

#[test]
fn a_state_that_cannot_be_written_is_told_once() {
    let appliance = Appliance::new("", "", "");
    let world = &appliance.world;
    // As a card does that has gone read-only, or is full.
    fs::create_dir_all(world.path("state/lock")).expect("a folder");
    let errors = fs::File::create(world.path("errors")).expect("a file");
    let mut command = appliance.agent(&[]);
    let agent = Resident(command.stdout(Stdio::null()).stderr(errors).spawn().expect("an agent"));
    let rounds = || fs::read_to_string(world.path("errors")).expect("text").matches("state/lock: ").count();
    for round in 1..=3 {
        wait_until("a round ended", || rounds() == round && children(agent.0.id()).is_empty());
        kill(agent.0.id(), rustix::process::Signal::HUP);
    }
    let pings = appliance.pings();
    for (start, words) in
        [("/ping/fail ", "backup tree: failed: nothing runs: cannot"), ("/hook ", "nothing runs: cannot")]
    {
        let told = pings.iter().filter(|ping| ping.starts_with(start) && ping.contains(words)).count();
        assert_eq!(told, 1, "{start} in {pings:#?}");
    }
    assert_eq!((pings.len(), appliance.letters().len()), (2, 1), "{pings:#?}");
    wait_until("the last round ended", || rounds() == 4 && children(agent.0.id()).is_empty());
    fs::remove_dir(world.path("state/lock")).expect("it is mended");
    kill(agent.0.id(), rustix::process::Signal::HUP);
    wait_until("a backup is made", || appliance.pings().iter().any(|ping| ping.starts_with("/ping ")));
}

#[test]
fn troubles_have_names_and_messages_arrive_late() {
    let appliance = Appliance::new("", "", "");
    let world = &appliance.world;
    // What `init` asks, and what it writes.
    let answers =
        format!("{}\n{}\n{}\nhourly 5\n-\n", world.repository(), "/etc/passphrase", world.path("tree").display());
    let written = world.path("new/config.toml");
    let words = ["agent", "init", "--config", written.to_str().expect("text")];
    let mut init =
        world.command(Program::Nanoprobe, words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("init");
    init.stdin.take().expect("a pipe").write_all(answers.as_bytes()).expect("answers");
    assert!(init.wait().expect("it ends").success());
    assert_eq!(fs::metadata(&written).expect("a file").permissions().mode() & 0o777, 0o600);
    let words = ["agent", "check", "--config", written.to_str().expect("text")];
    world.run(Program::Nanoprobe, words).success();
    let text = fs::read_to_string(&written).expect("text");
    fs::write(&written, text.replace("# [reports.mail]", "webhook = \"https://h/x\"")).expect("a configuration");
    fs::set_permissions(&written, fs::Permissions::from_mode(0o644)).expect("permissions");
    assert!(world.run(Program::Nanoprobe, words).expect(1).messages.contains("others can read it"));

    // One trouble after another, each a day later, with nothing but the configuration or the world changed.
    let good = fs::read_to_string(world.path("config.toml")).expect("a configuration");
    let fails = |day: i64, name: &str| {
        appliance.round(day * DAY).expect(2);
        let job = appliance.job("backup tree", day * DAY);
        assert_eq!(job["trouble"], name, "{job:#}");
    };
    fs::write(world.path("passphrase"), "another\n").expect("a passphrase");
    fails(1, "passphrase wrong or missing");
    fs::write(world.path("passphrase"), format!("{SECRET} & more\n")).expect("a passphrase");
    let elsewhere = |said: &str| {
        let script = format!("#!/bin/sh\necho '{said}' >&2\nexit 255\n");
        fs::write(world.path("ssh"), script).expect("a script");
        fs::set_permissions(world.path("ssh"), fs::Permissions::from_mode(0o755)).expect("permissions");
        let rsh = format!("location = \"ssh://me@box/./r\"\nrsh = \"{}\"\n", world.path("ssh").display());
        let local = format!("location = \"{}\"\n", world.repository());
        fs::write(world.path("config.toml"), good.replace(&local, &rsh)).expect("a configuration");
    };
    elsewhere("ssh: connect to host box port 22: Connection refused");
    fails(2, "server unreachable");
    elsewhere("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @");
    fails(3, "host key changed");
    elsewhere("Host key verification failed.");
    fails(4, "host key unknown");
    let configure = |option: &str, value: &str| {
        world.run(Program::Nanoprobe, ["config", &world.repository(), option, value]).success();
    };
    // Nobody listens to the webhook for a while.
    fs::write(
        world.path("config.toml"),
        good.replace(&format!("{}/{SECRET}/hook", appliance.address), "http://127.0.0.1:1/x"),
    )
    .expect("a configuration");
    configure("additional_free_space", "9000T");
    fails(5, "disk full");
    configure("additional_free_space", "0");
    fs::write(world.path("tree/large"), nanoprobe_interop::noise(9, 12 << 20)).expect("a file");
    configure("storage_quota", "10M");
    fails(6, "quota used up");
    configure("storage_quota", "0");
    let (_, status) = appliance.status(6 * DAY);
    assert!(
        status["trouble"][0].as_str().is_some_and(|text| text.contains("webhook: connection refused")),
        "{status:#}"
    );
    appliance.pings();
    fs::write(world.path("config.toml"), &good).expect("a configuration");
    appliance.round(7 * DAY).success();
    let pings = appliance.pings();
    for late in ["disk full", "quota used up", "recovered"] {
        assert!(pings.iter().any(|ping| ping.starts_with("/hook ") && ping.contains(late)), "{late} in {pings:#?}");
    }
    assert_eq!((appliance.status(7 * DAY).0, appliance.archives().len()), (0, 1));

    // A key in a file that is lost.
    let (keys, location) = (world.path("home/.config/borg/keys"), world.path("second"));
    appliance.run_borg(&["init", "-e", "keyfile", location.to_str().expect("text")]).success();
    fs::rename(&keys, world.path("keys")).expect("lost");
    fs::create_dir(&keys).expect("a folder");
    fs::write(world.path("config.toml"), good.replace(&world.repository(), location.to_str().expect("text")))
        .expect("written");
    fails(8, "key lost");
}
