//! Keys leave with one program and come back with the other, on paper too; passphrases change; what goes wrong is told alike.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use nanoprobe_interop::{Outcome, Program, World};

/// Runs a program and types `input`.
fn typed(world: &World, program: Program, words: &[&str], input: &str) -> Outcome {
    let path = world.path("typed");
    fs::write(&path, input).expect("what is typed");
    let mut command = world.command(program, words);
    command.stdin(Stdio::from(fs::File::open(&path).expect("what is typed")));
    Outcome::of(command)
}

/// Takes the key away, wherever it is kept.
fn lose_key(world: &World, mode: &str) {
    if mode.starts_with("keyfile") {
        return fs::remove_dir_all(world.path("home/.config/borg/keys")).expect("a key file");
    }
    let path = world.path("repo/config");
    let config = fs::read_to_string(&path).expect("a configuration");
    let (before, _) = config.split_once("key = ").expect("a key");
    fs::write(&path, format!("{before}\n")).expect("a configuration");
}

#[test]
fn keys_leave_and_come_back() {
    for (first, mode) in Program::BOTH.into_iter().zip(["repokey", "keyfile-blake2"]) {
        let world = World::with_repository(first, mode);
        let repository = world.repository();
        let export = |program, option: &[&str]| {
            let words = ["key", "export"].iter().chain(option).copied().chain([repository.as_str()]);
            world.run(program, words).success().text()
        };
        for option in [&[][..], &["--paper"]] {
            assert_eq!(export(Program::Nanoprobe, option), export(Program::Borg, option), "{mode} {option:?}");
        }
        let file = world.path("exported").to_str().expect("UTF-8").to_owned();
        let paper = export(first.other(), &["--paper"]);
        let lines: String =
            paper.lines().skip(3).map(|line| format!("{}\n", line.split_once(':').expect("a line").1)).collect();
        for program in Program::BOTH {
            world.run(program.other(), ["key", "export", &repository, &file]).success();
            lose_key(&world, mode);
            world.run(program, ["list", &repository]).expect(2);
            world.run(program, ["key", "import", &repository, &file]).success();
            world.run(program.other(), ["list", &repository]).success();
            lose_key(&world, mode);
            typed(&world, program, &["key", "import", "--paper", &repository], &lines).success();
            world.run(program.other(), ["list", &repository]).success();
        }
        // What is typed wrongly is told alike, also when it is given up in the end.
        let (first_line, rest) = lines.split_once('\n').expect("lines");
        let wrong = format!("nonsense\n1/2-3\n1/2/3-4\n{first_line}\n zz - 1\n123-1\n12-1\n\n\n{rest}\n");
        let [borg, ours] =
            Program::BOTH.map(|program| typed(&world, program, &["key", "import", "--paper", &repository], &wrong));
        assert_eq!((&ours.text(), &ours.messages, ours.code), (&borg.text(), &borg.messages, 0));
        let given_up = format!("{first_line}\n\ny\n");
        let [borg, ours] =
            Program::BOTH.map(|program| typed(&world, program, &["key", "import", "--paper", &repository], &given_up));
        assert_eq!((&ours.text(), &ours.messages, ours.code), (&borg.text(), &borg.messages, 0));
        world.run(first, ["list", &repository]).success();
    }
}

#[test]
fn passphrases_change() {
    for mode in ["repokey-blake2", "keyfile", "authenticated"] {
        let mut world = World::with_repository(Program::Borg, mode);
        let repository = world.repository();
        let mut said = Vec::new();
        for (program, new) in [(Program::Nanoprobe, "größer"), (Program::Borg, ""), (Program::Nanoprobe, "third")] {
            world.set("BORG_NEW_PASSPHRASE", new);
            let changed = world.run(program, ["key", "change-passphrase", "--info", &repository]).success();
            said.push(changed.messages);
            world.run(program.other(), ["list", &repository]).expect(2);
            world.set("BORG_PASSPHRASE", new);
            world.run(program.other(), ["list", &repository]).success();
        }
        assert_eq!(said[0], said[1]);
        assert_eq!(said[1], said[2]);
    }
}

#[test]
fn what_goes_wrong_is_told_alike() {
    let world = World::with_repository(Program::Borg, "repokey");
    let plain = world.path("plain").to_str().expect("UTF-8").to_owned();
    world.run(Program::Borg, ["init", "-e", "none", &plain]).success();
    let repository = world.repository();
    fs::write(world.path("other"), format!("BORG_KEY {}\nAAAA\n", "0".repeat(64))).expect("a file");
    fs::write(world.path("nonsense"), "nonsense\n").expect("a file");
    let commands: [&[&str]; 11] = [
        &["key", "export", &plain],
        &["key", "import", &plain, "other"],
        &["key", "change-passphrase", &plain],
        &["key", "export", &repository, "home"],
        &["key", "import", &repository],
        &["key", "import", &repository, "nothing"],
        &["key", "import", "--paper", &repository, "other"],
        &["key", "import", &repository, "other"],
        &["key", "import", &repository, "nonsense"],
        &["key", "export", "missing"],
        &["init", "-e", "keyfile", "--import-related-secrets", "nonsense", "new"],
    ];
    for words in commands {
        let run = |program| {
            let _ = fs::remove_dir_all(world.path("new"));
            let mut command = world.command(program, ["--log-json"].iter().chain(words));
            command.env("BORG_EXIT_CODES", "modern");
            let outcome = Outcome::of(command);
            let lines: Vec<(String, String)> = outcome
                .messages
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .map(|line| (line["message"].to_string(), line["msgid"].to_string()))
                .collect();
            (outcome.code, lines.last().cloned(), outcome.text())
        };
        assert_eq!(run(Program::Nanoprobe), run(Program::Borg), "{words:?}");
    }
}

/// Makes a repository in the mode that Borg 1.0 did away with, which only its parts can do.
const PASSPHRASE_MODE: &str = "
import sys
from borg.repository import Repository
from borg.crypto.key import Passphrase, PassphraseKey
from borg.helpers import Manifest
from borg.logger import setup_logging
setup_logging()
with Repository(sys.argv[1], exclusive=True, create=True) as repository:
    key = PassphraseKey(repository)
    key.init(repository, Passphrase.env_passphrase())
    manifest = Manifest(key, repository)
    manifest.key = key
    manifest.write()
    repository.commit(compact=False)
";

#[test]
fn passphrase_mode_is_migrated() {
    for program in Program::BOTH {
        let mut world = World::new();
        let python: PathBuf = Program::Borg.path().with_file_name("python");
        let mut command = Command::new(python);
        command
            .args(["-c", PASSPHRASE_MODE])
            .arg(world.path("repo"))
            .envs([("BORG_PASSPHRASE", "interop".as_ref()), ("BORG_BASE_DIR", world.path("home").as_os_str())]);
        Outcome::of(command).success();
        let repository = world.repository();
        world.run(program, ["list", &repository]).expect(2);
        world.set("BORG_NEW_PASSPHRASE", "new");
        let migrated = world.run(program, ["key", "migrate-to-repokey", "--info", &repository]).success();
        assert_eq!(migrated.messages, "Key updated\n");
        world.set("BORG_PASSPHRASE", "new");
        fs::create_dir(world.path("tree")).expect("a folder");
        for program in Program::BOTH {
            fs::File::create(world.path(&format!("tree/{program}"))).expect("a file").write_all(b"x").expect("a file");
            world.create(program, &program.to_string(), "tree", &[]);
        }
        Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
    }
}
