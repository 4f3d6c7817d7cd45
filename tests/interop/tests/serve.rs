//! Upstream Borg's clients, of this generation and the one before, against our `serve`.

use std::{fs, path::Path, process::Stdio};

use nanoprobe_interop::{Content, MODES, Outcome, Program, Remote, assert_same_tree, grow_tree, wait_until};

const CLIENTS: [Program; 2] = [Program::Borg, Program::Borg12];

fn extract(remote: &Remote, client: Program, archive: &str, to: &str) -> std::path::PathBuf {
    let folder = remote.world.path(to);
    fs::create_dir(&folder).expect("a folder");
    remote.world.run_in(&folder, client, ["extract", &remote.archive(archive)]).success();
    folder
}

#[test]
fn every_key_mode_is_served() {
    let tree = tempfile::tempdir().expect("a folder");
    let tree = tree.path().join("tree");
    grow_tree(&tree, 1, Content::Small);
    for (place, mode) in MODES.into_iter().enumerate() {
        let client = CLIENTS[place % 2];
        let mut remote = Remote::new(Program::Nanoprobe, &[]);
        remote.run(client, ["init", "-e", mode, &remote.url()]).success();
        let arguments = ["create", &remote.archive("first"), "."];
        remote.world.run_in(&tree, client, arguments).success();
        assert_same_tree(&tree, &extract(&remote, client, "first", "out"));
        remote.run(client, ["check", "--verify-data", &remote.url()]).success();
        let listed = remote.run(client, ["list", "--short", &remote.url()]).success();
        assert_eq!(listed.text(), "first\n", "{client}, {mode}");
        remote.world.set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
        remote.world.check(Program::Borg);
    }
}

#[test]
fn a_repositorys_whole_life() {
    for client in CLIENTS {
        let mut remote = Remote::new(Program::Nanoprobe, &[]);
        remote.world.set("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
        remote.world.set("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING", "YES");
        remote.world.set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
        let (url, run) = (remote.url(), |arguments: &[&str]| remote.run(client, arguments).success());
        for (name, seed) in [("tree", 1), ("other", 2)] {
            grow_tree(&remote.world.path(name), seed, Content::Small);
        }
        run(&["init", "-e", "repokey-blake2", &url]);
        for (archive, tree) in [("one", "tree"), ("two", "other"), ("three", "tree"), ("four", "other")] {
            let arguments = ["create", "-C", "zstd", &remote.archive(archive), "."];
            remote.world.run_in(&remote.world.path(tree), client, arguments).success();
        }
        run(&["rename", &remote.archive("one"), "uno"]);
        run(&["recreate", "-C", "lz4", "--recompress=always", &remote.archive("two")]);
        run(&["delete", &remote.archive("three")]);
        run(&["prune", "--keep-last", "1", "-a", "fou*", &url]);
        let compacted = run(&["compact", "-v", "--threshold", "0", &url]);
        assert!(compacted.messages.contains("Remote: compaction freed about "), "{}", compacted.messages);
        let listed = run(&["list", "--short", &url]).text();
        assert_eq!(listed, "uno\ntwo\nfour\n");
        assert!(run(&["info", &url]).text().contains("Encrypted: Yes"));
        run(&["key", "export", &url, "exported"]);
        run(&["key", "import", &url, "exported"]);
        run(&["with-lock", &url, "true"]);
        run(&["break-lock", &url]);
        let checked = run(&["check", "-v", "--verify-data", &url]);
        let said = "Remote: Finished full repository check, no problems found.";
        assert!(checked.messages.contains(said), "{}", checked.messages);
        run(&["check", "--repair", &url]);
        remote.world.set("BORG_NEW_PASSPHRASE", "another");
        remote.run(client, ["key", "change-passphrase", &url]).success();
        remote.world.set("BORG_PASSPHRASE", "another");
        let one = extract(&remote, client, "uno", "out");
        assert_same_tree(&remote.world.path("tree"), &one);
        remote.world.check(Program::Borg);
        remote.world.check(Program::Nanoprobe);
        remote.run(client, ["delete", &url]).success();
        assert!(!remote.world.path("repo").exists());
    }
}

/// Every file below `folder` with its content.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => found.push((entry.clone(), fs::read(&entry).expect("content"))),
        }
    }
    found
}

#[test]
fn append_only_destroys_nothing() {
    let mut remote = Remote::new(Program::Nanoprobe, &["--append-only"]);
    let url = remote.url();
    grow_tree(&remote.world.path("tree"), 1, Content::Small);
    remote.run(Program::Borg, ["init", "-e", "repokey", &url]).success();
    remote.run(Program::Borg, ["create", &remote.archive("kept"), "tree"]).success();
    let config = fs::read(remote.world.path("repo/config")).expect("a configuration");
    let segments = files(&remote.world.path("repo/data"));
    remote.world.set("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING", "YES");
    remote.world.set("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
    remote.world.set("BORG_NEW_PASSPHRASE", "another");
    remote.run(Program::Borg, ["delete", &remote.archive("kept")]).success();
    remote.run(Program::Borg, ["compact", "--threshold", "0", "--cleanup-commits", &url]).success();
    for refused in [&["delete", &url][..], &["check", "--repair", &url], &["key", "change-passphrase", &url]] {
        let outcome = remote.run(Program::Borg, refused).expect(2);
        let said = format!("{} is in append-only mode", remote.world.repository());
        assert!(outcome.messages.contains(&said), "{refused:?}: {}", outcome.messages);
    }
    assert_eq!(fs::read(remote.world.path("repo/config")).expect("a configuration"), config);
    for (path, content) in segments {
        let now = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(now.starts_with(&content), "{} was changed", path.display());
    }
    assert!(remote.world.path("repo/transactions").exists());
    // Without the option the same client may.
    remote.serve(Program::Nanoprobe, &[]);
    remote.run(Program::Borg, ["compact", "--threshold", "0", &url]).success();
    remote.run(Program::Borg, ["delete", &url]).success();
}

/// What a client says and how it ends, without what differs from run to run.
fn told(outcome: &Outcome) -> (i32, Vec<String>) {
    let lines = outcome.messages.lines().filter(|line| !line.trim().is_empty());
    (outcome.code, lines.map(str::to_owned).collect())
}

#[test]
fn quota_and_its_message_are_borgs() {
    let mut seen = Vec::new();
    for server in [Program::Borg, Program::Nanoprobe] {
        let mut remote = Remote::new(server, &["--storage-quota=10M"]);
        remote.world.set("BORG_EXIT_CODES", "modern");
        remote.run(Program::Borg, ["init", "-e", "none", &remote.url()]).success();
        let config = fs::read_to_string(remote.world.path("repo/config")).expect("a configuration");
        assert!(config.contains("storage_quota = 10000000"), "{config}");
        let content: Vec<u8> = (0..12_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(remote.world.path("file"), content).expect("a file");
        let arguments = ["create", "-C", "none", "--chunker-params", "fixed,4000000", &remote.archive("large"), "file"];
        let outcome = remote.run(Program::Borg, arguments);
        assert!(outcome.messages.contains("The storage quota (10.00 MB) has been exceeded ("), "{}", outcome.messages);
        seen.push(told(&outcome));
        remote.world.set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
        remote.world.check(Program::Borg);
        let listed = remote.run(Program::Borg, ["list", "--short", "--consider-checkpoints", &remote.url()]).success();
        assert_eq!(listed.text(), "");
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, 20);
}

#[test]
fn errors_reach_the_client_as_from_borg() {
    let mut seen = Vec::new();
    for server in [Program::Borg, Program::Nanoprobe] {
        let mut remote = Remote::new(server, &[]);
        remote.world.set("BORG_EXIT_CODES", "modern");
        let root = remote.world.path("");
        let root = root.to_str().expect("UTF-8").trim_end_matches('/').to_owned();
        let mut told_now = Vec::new();
        let mut tell = |remote: &Remote, arguments: &[&str]| {
            let (code, lines) = told(&remote.run(Program::Borg, arguments));
            told_now.push((code, lines.join("\n").replace(&root, "ROOT")));
        };
        let url = remote.url();
        tell(&remote, &["list", &url]);
        tell(&remote, &["init", "-e", "none", &format!("{url}/deep/er")]);
        tell(&remote, &["init", "-e", "none", "--make-parent-dirs", &format!("{url}/deep/er")]);
        tell(&remote, &["init", "-e", "none", &format!("{url}/deep/er/inside")]);
        fs::write(remote.world.path("file"), "not a folder").expect("a file");
        tell(&remote, &["list", &format!("ssh://host{root}/file")]);
        tell(&remote, &["init", "-e", "none", &format!("ssh://host{root}/file")]);
        tell(&remote, &["list", &format!("ssh://host{root}")]);
        tell(&remote, &["init", "-e", "none", &format!("ssh://host{root}")]);
        let forced = ["--restrict-to-path", &format!("{root}/repo")];
        remote.serve(server, &forced);
        tell(&remote, &["list", "ssh://host/etc"]);
        tell(&remote, &["list", &format!("{url}2")]);
        tell(&remote, &["list", &format!("{url}/../repo2")]);
        tell(&remote, &["list", "ssh://host/~/repo"]);
        tell(&remote, &["list", "ssh://host/./repo2"]);
        tell(&remote, &["list", &format!("{url}/deep/er")]);
        let forced = ["--restrict-to-repository", &format!("{root}/repo")];
        remote.serve(server, &forced);
        tell(&remote, &["list", &format!("{url}/deep/er")]);
        std::os::unix::fs::symlink("/etc", remote.world.path("repo/link")).expect("a link");
        let forced = ["--restrict-to-path", &format!("{root}/repo"), "--append-only"];
        remote.serve_as(server, &forced, "borg serve --restrict-to-path / --umask 000 --storage-quota 1T");
        tell(&remote, &["list", &format!("{url}/link/passwd")]);
        seen.push(told_now);
    }
    for (place, (borgs, ours)) in seen[0].iter().zip(&seen[1]).enumerate() {
        assert_eq!(ours, borgs, "the message at {place}");
    }
}

#[test]
fn the_clients_command_sets_the_log_level() {
    let mut remote = Remote::new(Program::Nanoprobe, &[]);
    remote.run(Program::Borg, ["init", "-e", "none", &remote.url()]).success();
    let said = |remote: &Remote, option: &str| remote.run(Program::Borg, ["list", option, &remote.url()]).messages;
    assert!(said(&remote, "--debug").contains("Remote: Resolved repository path to '"), "{}", said(&remote, "--debug"));
    assert!(!said(&remote, "--info").contains("Resolved repository path"));
    remote.serve_as(Program::Nanoprobe, &[], "ls --everything");
    remote.run(Program::Borg, ["list", &remote.url()]).expect(2);
}

#[test]
fn the_lock_is_free_when_the_client_or_the_server_is_told_to_go() {
    let remote = Remote::new(Program::Nanoprobe, &[]);
    let url = remote.url();
    remote.run(Program::Borg, ["init", "-e", "none", &url]).success();
    let lock = remote.world.path("repo/lock.exclusive");
    for whom in ["client", "server TERM", "server HUP"] {
        let mut command = remote.world.command(Program::Borg, ["with-lock", &url, "sleep", "60"]);
        let mut client = command.stderr(Stdio::null()).spawn().expect("a client");
        wait_until("no lock", || lock.exists());
        let server = fs::read_to_string(remote.server_process()).expect("a number");
        match whom.split_once(' ') {
            None => client.kill().expect("a dead client"),
            Some((_, signal)) => {
                let signal = format!("-{signal}");
                Outcome::of({
                    let mut kill = std::process::Command::new("kill");
                    kill.args([&signal, server.trim()]);
                    kill
                })
                .success();
            }
        }
        wait_until("the lock is held", || !lock.exists());
        wait_until("the server runs", || !Path::new("/proc").join(server.trim()).join("exe").exists());
        let _ = client.kill();
        client.wait().expect("its end");
    }
    // A client that waits for a lock gets it when the other goes.
    remote.run(Program::Borg, ["list", "--lock-wait", "5", &url]).success();
}
