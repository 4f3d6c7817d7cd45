//! One sequence: a repository, what its archives must hold, and everything that must be true at the end.

use std::{
    collections::BTreeMap,
    fs,
    process::Command,
    sync::{Arc, Mutex},
};

use nanoprobe_interop::{Entry, History, Outcome, Program, WarmBorg, World, assert_same, read_tree};

use serde_json::Value;

use super::{files::Files, random::Random, steps};

const MODES: [&str; 5] = ["none", "repokey", "repokey-blake2", "keyfile-blake2", "authenticated"];

/// What an archive must hold.
#[derive(Clone)]
pub(crate) struct Archive {
    pub(crate) tree: BTreeMap<Vec<u8>, Entry>,
    pub(crate) comment: String,
    /// Counts up: the newest has the largest.
    pub(crate) number: usize,
}

pub(crate) struct Sequence {
    seed: u64,
    pub(crate) world: World,
    pub(crate) random: Random,
    pub(crate) files: Files,
    pub(crate) archives: BTreeMap<String, Archive>,
    /// Names that were ever given.
    pub(crate) named: usize,
    /// Whether chunks were compressed anew, also such as other archives refer to by their former sizes.
    pub(crate) recompressed: bool,
    counters: History,
    history: Vec<String>,
    coverage: Coverage,
}

/// How often each kind of step was done by Borg and by ours.
pub(crate) type Coverage = BTreeMap<&'static str, [u64; 2]>;

impl Sequence {
    fn new(seed: u64, borg: &Arc<Mutex<WarmBorg>>) -> Self {
        let (world, mut random) = (World::in_memory().with_warm_borg(borg), Random::new(seed));
        let files = Files::grow(&world.path("tree"), &mut random);
        let (archives, counters) = (BTreeMap::new(), History::default());
        Self {
            seed,
            world,
            random,
            files,
            archives,
            named: 0,
            recompressed: false,
            counters,
            history: Vec::new(),
            coverage: Coverage::new(),
        }
    }

    /// Runs the sequence of `seed`; how often what was done, and how many ciphertexts were seen.
    pub(crate) fn run(seed: u64, borg: &Arc<Mutex<WarmBorg>>) -> (Coverage, usize) {
        let mut sequence = Self::new(seed, borg);
        sequence.found();
        let first = sequence.random.of(&Program::BOTH);
        let steps = 5 + sequence.random.below(4);
        for number in 0..steps {
            sequence.trouble_caches();
            let program = match number {
                0 => first,
                1 => first.other(),
                _ => sequence.random.of(&Program::BOTH),
            };
            let kind = steps::any(&mut sequence, program);
            sequence.coverage.entry(kind).or_default()[usize::from(program == Program::Nanoprobe)] += 1;
            sequence.look_at_counters(program, kind);
        }
        sequence.finish();
        let seen = sequence.counters.count();
        assert_eq!(seen == 0, !sequence.is_encrypted());
        (std::mem::take(&mut sequence.coverage), seen)
    }

    /// What `program` has encrypted. Ours never meets anything; that Borg's create does not shows that it believes what ours
    /// reserved.
    pub(crate) fn look_at_counters(&mut self, program: Program, kind: &str) {
        let overlaps = self.counters.add(&self.world.path("repo"));
        if program == Program::Nanoprobe || kind == "create" {
            assert_eq!(overlaps, [], "counters used twice by {program} {kind}");
        }
    }

    /// Runs a command in the world's folder, and remembers it.
    pub(crate) fn run_command(&mut self, program: Program, arguments: &[&str]) -> Outcome {
        self.remember(program, arguments);
        self.world.run(program, arguments)
    }

    pub(crate) fn remember(&mut self, program: Program, arguments: &[&str]) {
        self.history.push(format!("{program} {}", arguments.join(" ")).replace(&self.world.repository(), "REPO"));
    }

    fn is_encrypted(&self) -> bool {
        let mode = MODES[self.seed as usize % MODES.len()];
        mode != "none" && mode != "authenticated"
    }

    /// Makes the repository, of small segments where there shall be many.
    fn found(&mut self) {
        let (mode, repository) = (MODES[self.seed as usize % MODES.len()], self.world.repository());
        let program = self.random.of(&Program::BOTH);
        self.run_command(program, &["init", "-e", mode, &repository]).success();
        if mode != "none" && program == Program::Nanoprobe {
            // What the warm Borg writes is opened faster.
            self.world.set("BORG_NEW_PASSPHRASE", "another");
            self.run_command(Program::Borg, &["key", "change-passphrase", &repository]).success();
            self.world.set("BORG_PASSPHRASE", "another");
        }
        if self.random.once_in(2) {
            self.run_command(Program::Nanoprobe, &["config", &repository, "max_segment_size", "60000"]).success();
        }
    }

    /// What is remembered beside the repository may be lost, or be of an earlier time.
    fn trouble_caches(&mut self) {
        let (caches, kept) = (self.world.path("home/.cache"), self.world.path("kept-caches"));
        if !caches.exists() {
            return;
        }
        match self.random.below(12) {
            0 => {
                fs::remove_dir_all(&caches).expect("caches");
                self.history.push("caches are lost".to_owned());
            }
            1..=3 if !kept.exists() => {
                let status = Command::new("cp").arg("-a").args([&caches, &kept]).status().expect("cp");
                assert!(status.success());
                self.history.push("caches are kept".to_owned());
            }
            1 | 2 => {
                fs::remove_dir_all(&caches).expect("caches");
                fs::rename(&kept, &caches).expect("the kept caches");
                self.history.push("caches of an earlier time are put back".to_owned());
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        let repository = self.world.repository();
        for program in Program::BOTH {
            let listed =
                self.run_command(program, &["list", "--format", "{archive} {comment}{NL}", &repository]).success();
            let (text, mut expected) = (listed.text(), Vec::new());
            let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            expected.extend(self.archives.iter().map(|(name, archive)| format!("{name} {}", archive.comment)));
            lines.sort_unstable();
            assert_eq!(lines, expected.iter().map(|line| line.trim_end()).collect::<Vec<_>>());
            let checked = self.run_command(program, &["check", "-v", "--verify-data", &repository]).success();
            assert!(!checked.messages.contains("orphan"), "{}", checked.messages);
        }
        let newest = self.archives.iter().max_by_key(|(_, archive)| archive.number).map(|(name, _)| name.clone());
        let any = self.any_archive();
        for name in newest.iter().chain(any.iter().filter(|name| Some(*name) != newest.as_ref())) {
            for program in Program::BOTH {
                self.remember(program, &["extract", name]);
                let found = self.world.extract(program, name, &program.to_string(), &[]);
                assert_same(&self.archives[name].tree, &read_tree(&found));
            }
        }
        let figures = Program::BOTH.map(|program| {
            self.run_command(program, &["info", "--json", &repository]).success().json()["cache"]["stats"].clone()
        });
        self.assert_same_figures(&figures[0], &figures[1]);
    }

    /// Where chunks were compressed anew Borg's compressed sizes depend on which archive it met first.
    pub(crate) fn assert_same_figures(&self, left: &Value, right: &Value) {
        let figures = |value: &Value| {
            let mut figures = value.as_object().cloned().unwrap_or_default();
            let vague = ["unique_csize", "total_csize", "compressed_size", "deduplicated_size"];
            figures.retain(|name, _| !self.recompressed || !vague.contains(&name.as_str()));
            figures
        };
        assert_eq!(figures(left), figures(right));
    }

    pub(crate) fn any_archive(&mut self) -> Option<String> {
        let count = self.archives.len() as u64;
        (count > 0)
            .then(|| self.random.below(count))
            .and_then(|place| self.archives.keys().nth(place as usize).cloned())
    }
}

impl Drop for Sequence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed after:\n  {}", self.seed, self.history.join("\n  "));
        }
    }
}
