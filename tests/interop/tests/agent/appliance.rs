//! A box with an agent: its world, its configuration, and what those who are told have heard.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};
use serde_json::Value;

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Stands in the passphrase and in every address: it must be found nowhere else.
pub(crate) const SECRET: &str = "wrackgut";

/// A box with an agent.
pub(crate) struct Appliance {
    pub(crate) world: World,
    pub(crate) start: i64,
    pings: Arc<Mutex<Vec<String>>>,
    pub(crate) address: String,
}

impl Appliance {
    /// A repository that Borg made, a tree, and an agent that may be told more: lines for `[limits]`, for the backup, and at
    /// the end. Here nights take less than a second, so names of archives have parts of it.
    pub(crate) fn new(limits: &str, backup: &str, rest: &str) -> Self {
        let mut world = World::new();
        world.set("BORG_PASSPHRASE", format!("{SECRET} & more"));
        world.run(Program::Borg, ["init", "-e", "repokey", &world.repository()]).success();
        world.set("BORG_PASSPHRASE", "not this one");
        fs::write(world.path("passphrase"), format!("{SECRET} & more\n")).expect("a passphrase");
        grow_tree(&world.path("tree"), 5, Content::Small);
        fs::create_dir(world.path("letters")).expect("a folder");
        let (pings, address) = listen();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() as i64;
        let appliance = Self { world, start, pings, address };
        appliance.configure(limits, backup, rest);
        appliance
    }

    pub(crate) fn configure(&self, limits: &str, backup: &str, rest: &str) {
        let path = |name: &str| self.world.path(name).to_str().expect("text").to_owned();
        let text = format!(
            "[limits]\njitter = \"0s\"\nidle_io = false\nsys = \"{}\"\n{limits}\n\
             [repository.disk]\nlocation = \"{}\"\npassphrase_file = \"{}\"\ncheck = {{ schedule = \"daily 03:00\", slice = \"5s\" }}\n\
             [backup.tree]\nrepository = \"disk\"\nsources = [\"{}\"]\nschedule = \"hourly 0\"\nkeep = {{ last = 3 }}\n\
             drill = {{ schedule = \"daily 04:00\", files = 60 }}\narchive = \"tree.{{now:%Y-%m-%dT%H:%M:%S.%f}}\"\nping = \"{}/{SECRET}/ping\"\n{backup}\n\
             [reports]\nprometheus = \"{}\"\nwebhook = \"{}/{SECRET}/hook\"\n\
             [reports.mail]\nto = \"me\"\nsendmail = \"{}\"\n{rest}\n",
            path("sys"),
            self.world.repository(),
            path("passphrase"),
            path("tree"),
            self.address,
            path("metrics"),
            self.address,
            path("sendmail"),
        );
        let script = format!("#!/bin/sh\ncat > {}/$(date +%s%N)\n", path("letters"));
        fs::write(self.world.path("sendmail"), script).expect("a script");
        fs::set_permissions(self.world.path("sendmail"), fs::Permissions::from_mode(0o755)).expect("permissions");
        fs::write(self.world.path("config.toml"), text).expect("a configuration");
    }

    pub(crate) fn agent(&self, words: &[&str]) -> Command {
        let (config, state) = (self.world.path("config.toml"), self.world.path("state"));
        let places = ["--config", config.to_str().expect("text"), "--state", state.to_str().expect("text")];
        self.world.command(Program::Nanoprobe, ["agent"].iter().chain(words).chain(&places))
    }

    /// One round, so long after the start.
    pub(crate) fn round(&self, after: i64) -> Outcome {
        let outcome = Outcome::of(self.agent(&["run-due", "--at", &format!("@{}", self.start + after)]));
        self.no_secrets(&outcome);
        outcome
    }

    pub(crate) fn status(&self, after: i64) -> (i32, Value) {
        let outcome = Outcome::of(self.agent(&["status", "--json", "--at", &format!("@{}", self.start + after)]));
        self.no_secrets(&outcome);
        (outcome.code, outcome.json())
    }

    pub(crate) fn job(&self, name: &str, after: i64) -> Value {
        let (_, status) = self.status(after);
        let jobs = status["jobs"].as_array().expect("jobs");
        jobs.iter().find(|job| job["job"] == name).unwrap_or_else(|| panic!("no {name} in {status:#}")).clone()
    }

    pub(crate) fn archives(&self) -> Vec<String> {
        let listed = self.run_borg(&["list", "--short", &self.world.repository()]).success().text();
        listed.lines().map(str::to_owned).collect()
    }

    pub(crate) fn run_borg(&self, words: &[&str]) -> Outcome {
        let mut command = self.world.command(Program::Borg, words);
        command.env("BORG_PASSPHRASE", format!("{SECRET} & more"));
        Outcome::of(command)
    }

    pub(crate) fn letters(&self) -> Vec<String> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.world.path("letters"))
            .expect("letters")
            .map(|entry| entry.expect("one").path())
            .collect();
        paths.sort();
        paths.iter().map(|path| fs::read_to_string(path).expect("a letter")).collect()
    }

    /// The first lines of what came since the last call.
    pub(crate) fn pings(&self) -> Vec<String> {
        self.pings.lock().expect("pings").drain(..).collect()
    }

    /// Nothing that was written or printed holds a secret, but for what is to hold it.
    pub(crate) fn no_secrets(&self, outcome: &Outcome) {
        assert!(!format!("{}{}", outcome.text(), outcome.messages).contains(SECRET), "{outcome:?}");
        let holds =
            |path: &Path| fs::read(path).expect("a file").windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        for folder in ["state", "letters"] {
            let Ok(entries) = fs::read_dir(self.world.path(folder)) else { continue };
            for path in entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()) {
                let mode = fs::metadata(&path).expect("a file").permissions().mode();
                let is_configuration = path.ends_with("configuration.good") && mode.trailing_zeros() >= 6;
                assert!(is_configuration || !holds(&path), "{} holds a secret", path.display());
            }
        }
        assert!(!self.world.path("metrics").exists() || !holds(&self.world.path("metrics")));
    }
}

/// Answers every POST and keeps what was asked for, without the secret part of it.
pub(crate) fn listen() -> (Arc<Mutex<Vec<String>>>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let pings = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&pings);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                let length = stream.read(&mut buffer).unwrap_or(0);
                request.extend_from_slice(&buffer[..length]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let wanted = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
                if length == 0 || body.len() >= wanted.parse().expect("a number") {
                    let what = head.split(' ').nth(1).expect("a path").replace(&format!("/{SECRET}"), "");
                    kept.lock().expect("pings").push(format!("{what} {}", body.lines().next().unwrap_or_default()));
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
        }
    });
    (pings, address)
}
