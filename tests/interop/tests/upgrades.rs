//! `upgrade`: authentication of manifest and archives is demanded, given up and made good as Borg does it.

use std::{fs, process::Command};

use nanoprobe_interop::{Outcome, Program, World};

/// Adds an archive as Borg 1.0.8 made them, and spoils the manifest on demand; only Borg's parts can do either.
const BEFORE_1_0_9: &str = "
import sys
from datetime import datetime
from borg.repository import Repository
from borg.helpers import Manifest, msgpack
from borg.logger import setup_logging
setup_logging()
with Repository(sys.argv[1], exclusive=True) as repository:
    manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK)
    if sys.argv[2] == 'archive':
        data = msgpack.packb({'version': 1, 'name': 'old', 'items': [], 'cmdline': [], 'hostname': '', 'username': '',
                              'time': '2016-05-04T03:02:01.000000'})
        id = key.id_hash(data)
        repository.put(id, key.encrypt(data))
        manifest.archives['old'] = (id, datetime(2016, 5, 4, 3, 2, 1))
        manifest.write()
    else:
        data = msgpack.unpackb(key.decrypt(None, repository.get(Manifest.MANIFEST_ID)))
        del data[b'tam']
        repository.put(Manifest.MANIFEST_ID, key.encrypt(msgpack.packb(data)))
    repository.commit(compact=False)
";

fn spoil(world: &World, what: &str) {
    let mut command = Command::new(Program::Borg.path().with_file_name("python"));
    command.args(["-c", BEFORE_1_0_9]).arg(world.path("repo")).arg(what);
    let home = world.path("home");
    command.env("BORG_PASSPHRASE", "interop").env("BORG_BASE_DIR", &home).env("HOME", &home);
    Outcome::of(command).success();
}

/// What is said, without ids, which are new every time.
fn said(world: &World, program: Program, options: &[&str]) -> (String, String, i32) {
    let repository = world.repository();
    let words = ["upgrade"].iter().chain(options).copied().chain([repository.as_str()]);
    let outcome = world.run(program, words);
    let text = outcome.text().lines().map(|line| line.split(" [").next().unwrap_or("").to_owned() + "\n").collect();
    // Borg shows a traceback behind some errors.
    let messages = outcome.messages.lines().take_while(|line| !line.starts_with("Traceback"));
    (text, messages.map(|line| format!("{line}\n")).collect(), outcome.code)
}

#[test]
fn upgrades_are_borgs() {
    for mode in ["repokey", "keyfile-blake2", "none"] {
        let world = World::with_repository(Program::Borg, mode);
        fs::create_dir(world.path("tree")).expect("a folder");
        fs::write(world.path("tree/file"), "content").expect("a file");
        world.create(Program::Nanoprobe, "new", "tree", &[]);
        spoil(&world, "archive");
        world.keep();
        let [borg, ours] = Program::BOTH.map(|program| {
            world.put_back();
            let mut all = Vec::new();
            for options in [
                &["--check-tam"][..],
                &["--check-archives-tam"],
                &["--archives-tam"],
                &["--archives-tam"],
                &["--disable-tam"],
                &["--check-tam"],
                &["--tam"],
                &["--tam"],
            ] {
                all.push((options, said(&world, program, options)));
            }
            spoil(&world, "manifest");
            for options in [&["--check-tam"][..], &["--tam"], &["--tam", "--force"], &["--check-tam"]] {
                all.push((options, said(&world, program, options)));
            }
            Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
            world.extract(program.other(), "new", "extracted", &[]);
            all
        });
        for (ours, borg) in ours.iter().zip(&borg) {
            assert_eq!(ours, borg, "{mode}");
        }
    }
}
