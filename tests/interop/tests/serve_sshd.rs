//! The whole way: Borg, ssh, a throw-away sshd on loopback with a forced command, our `serve`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use nanoprobe_interop::{Content, Program, Sshd, World, assert_same_tree, grow_tree, wait_until};

#[test]
fn a_forced_command_over_a_real_connection() {
    let mut world = World::new();
    let server = Sshd::start(&mut world);
    let allowed = world.path("allowed");
    fs::create_dir(&allowed).expect("a folder");
    let restricted = format!("--append-only --umask 027 --storage-quota 1G --restrict-to-path {}", allowed.display());
    server.let_in_for(Program::Nanoprobe, &restricted);
    let place = |path: &Path| format!("ssh://127.0.0.1:{}{}", server.port(), path.display());
    let url = place(&allowed.join("repo"));
    let archive = format!("{url}::first");
    grow_tree(&world.path("tree"), 1, Content::Small);

    world.run(Program::Borg, ["init", "-e", "repokey-blake2", &url]).success();
    let mode = fs::metadata(allowed.join("repo/config")).expect("a configuration").permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "the forced command's umask");
    world.run_in(&world.path("tree"), Program::Borg, ["create", &archive, "."]).success();
    let folder = world.path("out");
    fs::create_dir(&folder).expect("a folder");
    world.run_in(&folder, Program::Borg, ["extract", &archive]).success();
    assert_same_tree(&world.path("tree"), &folder);
    world.run(Program::Borg, ["check", "--verify-data", &url]).success();

    // What a client asks for instead does not count: `borg serve …` of its own, nor a name of its own for the program.
    let outside = place(&world.path("outside"));
    // The last option takes the word `serve` that the client adds.
    let widened = "X=1 borg serve --restrict-to-path / --umask 000 --storage-quota 9T --remote-path";
    for arguments in [
        &["init", "-e", "none", &outside][..],
        &["init", "-e", "none", "--remote-path", widened, &outside],
        &["init", "-e", "none", &format!("{url}/../../outside")],
    ] {
        let refused = world.run(Program::Borg, arguments).expect(2);
        assert!(refused.messages.contains("Repository path not allowed: "), "{}", refused.messages);
    }
    assert!(!world.path("outside").exists());
    world.set("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING", "YES");
    let refused = world.run(Program::Borg, ["delete", "--remote-path", "borg serve --remote-path", &url]).expect(2);
    assert!(refused.messages.contains("is in append-only mode"), "{}", refused.messages);

    // A connection that breaks leaves no lock behind.
    let mut command = world.command(Program::Borg, ["with-lock", &url, "sleep", "30"]);
    let mut client = command.stderr(Stdio::null()).spawn().expect("a client");
    let lock = allowed.join("repo/lock.exclusive");
    wait_until("no lock", || lock.exists());
    client.kill().expect("a dead client");
    client.wait().expect("its end");
    wait_until("the lock is held", || !lock.exists());
}
