//! The whole way: Borg, ssh, a throw-away sshd on loopback with a forced command, our `serve`.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Content, Outcome, Program, World, assert_same_tree, grow_tree};

/// An sshd of our own; ended with it.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn generate_key(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path);
    Outcome::of(command).success();
}

/// Lets the key in `world` in, for `serve` with `options` alone.
fn authorize(world: &World, options: &str) {
    let public = fs::read_to_string(world.path("key.pub")).expect("a public key");
    let base = world.path("home");
    let program = Program::Nanoprobe.path();
    // The account's own environment is not the test's.
    let line =
        format!("command=\"BORG_BASE_DIR={} {} serve {options}\",restrict {public}", base.display(), program.display());
    fs::write(world.path("authorized_keys"), line).expect("authorized keys");
}

fn start(world: &World) -> Server {
    let sshd = PathBuf::from("/usr/sbin/sshd");
    assert!(sshd.exists(), "there is no sshd: run tests/ci.sh interop");
    if rustix::process::geteuid().is_root() {
        let _ = fs::create_dir_all("/run/sshd"); // where the system's own would keep its empty folder
    }
    generate_key(&world.path("host_key"));
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let configuration = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nPermitRootLogin yes\n",
        world.path("host_key").display(),
        world.path("authorized_keys").display(),
    );
    fs::write(world.path("sshd_config"), configuration).expect("a configuration");
    let mut command = Command::new(sshd);
    command.args(["-D", "-e", "-f"]).arg(world.path("sshd_config")).stderr(Stdio::null());
    let server = Server { process: command.spawn().expect("sshd"), port };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "sshd does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    server
}

#[test]
fn a_forced_command_over_a_real_connection() {
    let mut world = World::new();
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).expect("a mode");
    generate_key(&world.path("key"));
    let allowed = world.path("allowed");
    fs::create_dir(&allowed).expect("a folder");
    let restricted = format!("--append-only --umask 027 --storage-quota 1G --restrict-to-path {}", allowed.display());
    authorize(&world, &restricted);
    let server = start(&world);
    let ssh = format!(
        "ssh -F none -i {} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        world.path("key").display()
    );
    world.set("BORG_RSH", ssh);
    let place = |path: &Path| format!("ssh://127.0.0.1:{}{}", server.port, path.display());
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
    let wait_for = |present: bool| {
        let started = Instant::now();
        while lock.exists() != present {
            assert!(started.elapsed() < Duration::from_secs(10), "after ten seconds: {}", lock.exists());
            thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(true);
    client.kill().expect("a dead client");
    client.wait().expect("its end");
    wait_for(false);
}
