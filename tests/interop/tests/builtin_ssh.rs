//! SSH of our own, against a throw-away sshd: keys of every kind, hosts that are known and not, lines that die.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nanoprobe_interop::{Content, Outcome, Program, Sshd, World, assert_same_tree, grow_tree, noise, wait_until};
use rustix::process::Signal;

const OURS: Program = Program::Nanoprobe;

/// A world with an sshd in it that lets `key` in for anything, and knows its host key.
struct Far {
    world: World,
    sshd: Sshd,
}

impl Far {
    fn new(server: Program, configuration: &str) -> Self {
        let mut world = World::new().with("BORG_EXIT_CODES", "modern");
        let sshd = Sshd::start_with(&mut world, configuration);
        sshd.let_in(server);
        let mut far = Self { world, sshd };
        far.world.set("BORG_REMOTE_PATH", "borg1");
        far.know(&far.host_key());
        far.use_options(&format!("-i {}", far.path("key")));
        far
    }

    fn path(&self, name: &str) -> String {
        self.world.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// Kind and key of the host, as files have them.
    fn host_key(&self) -> String {
        let text = fs::read_to_string(self.world.path("host_key.pub")).expect("a host key");
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    fn name(&self) -> String {
        format!("[127.0.0.1]:{}", self.sshd.port())
    }

    fn known_hosts(&self) -> PathBuf {
        self.world.path("known_hosts")
    }

    fn know(&self, key: &str) {
        fs::write(self.known_hosts(), format!("{} {key}\n", self.name())).expect("a file");
    }

    /// Sets BORG_RSH; nobody is asked for anything, and nothing of this machine's own counts.
    fn use_options(&mut self, options: &str) {
        let files = format!("-o UserKnownHostsFile={} -o GlobalKnownHostsFile=none", self.path("known_hosts"));
        self.world.set("BORG_RSH", format!("builtin {options} {files}"));
    }

    fn url(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", Sshd::user(), self.sshd.port(), self.path("repo"))
    }

    /// Runs without a terminal, wherever the test was started.
    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.world.command_under(&["setsid", "--wait"], OURS, arguments))
    }

    fn list(&self) -> Outcome {
        self.run(&["list", "--short", &self.url()])
    }

    /// Fails to reach the server, with these words, soon.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let begun = Instant::now();
        let outcome = self.list().expect(81);
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", outcome.messages);
        for word in words {
            assert!(outcome.messages.contains(word), "{word}:\n{}", outcome.messages);
        }
        outcome.messages
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.world.command(OURS, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).current_dir(self.world.path("tree"));
        command.spawn().expect("a client")
    }
}

fn generate(path: &Path, kind: &str, passphrase: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", passphrase, "-f"]).arg(path);
    Outcome::of(command).success();
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// A tree in and out again, beside the real server and ours, with keys that are exchanged anew every megabyte.
#[test]
fn a_backup_and_back() {
    for server in Program::BOTH {
        let far = Far::new(server, "RekeyLimit 1M");
        far.run(&["init", "-e", "repokey-blake2", &far.url()]).success();
        let tree = far.world.path("tree");
        grow_tree(&tree, 3, Content::Large);
        fs::write(tree.join("large"), noise(1, 8_000_000)).expect("a file");
        let archive = format!("{}::one", far.url());
        far.world.run_in(&tree, OURS, ["create", "-C", "none", &archive, "."]).success();
        let out = far.world.path("out");
        fs::create_dir(&out).expect("a folder");
        far.world.run_in(&out, OURS, ["extract", &archive]).success();
        assert_same_tree(&tree, &out);
        far.world.run_in(&tree, OURS, ["recreate", "-C", "lz4", "--recompress", "always", &far.url()]).success();
        let told = far.run(&["check", "-v", "--verify-data", &far.url()]).success().messages;
        assert!(told.contains("Remote: "), "what the server says: {told}");
        far.world.run(Program::Borg, ["check", "--verify-data", &far.path("repo")]).success();
    }
}

/// Every kind of key that `ssh-keygen` makes, in files and in an agent.
#[test]
fn keys_let_in() {
    let mut far = Far::new(OURS, "");
    far.run(&["init", "-e", "none", &far.url()]).success();
    for kind in ["ed25519", "rsa", "ecdsa"] {
        for passphrase in ["", "a passphrase"] {
            let name = format!("{kind}-{}", passphrase.len());
            let path = far.world.path(&name);
            generate(&path, kind, passphrase);
            far.sshd.take_key(&far.world.path(&format!("{name}.pub")));
            far.sshd.let_in(OURS);
            // The first is not wanted, and that is no trouble.
            far.use_options(&format!("-i {} -i {}", far.path("key"), path.display()));
            if passphrase.is_empty() {
                far.list().success();
                continue;
            }
            far.refused(&["is encrypted, and nobody can be asked", "Permission denied (publickey)"]);
            let (askpass, asked) = (far.world.path("askpass"), far.world.path("asked"));
            script(&askpass, &format!("echo \"$1\" >> {}; echo 'a passphrase'", asked.display()));
            far.world.set("SSH_ASKPASS", &askpass);
            far.world.set("SSH_ASKPASS_REQUIRE", "force");
            far.list().success();
            let question = fs::read_to_string(&asked).expect("questions");
            assert_eq!(question, format!("Enter passphrase for key '{}': \n", path.display()));
            fs::remove_file(&asked).expect("questions");
            // Also without the public key beside it.
            fs::remove_file(far.world.path(&format!("{name}.pub"))).expect("the public key");
            far.list().success();
            fs::remove_file(&asked).expect("questions");
            script(&askpass, "echo wrong");
            far.refused(&["none of these is its passphrase", "Permission denied (publickey)"]);
            far.use_options(&format!("-i {} -o BatchMode=yes", path.display()));
            far.refused(&["nobody can be asked"]);
            far.world.set("SSH_ASKPASS", "");
        }
    }

    // A key that others may read, one that is none, and one that is not there.
    fs::set_permissions(far.world.path("ecdsa-0"), fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::write(far.world.path("none"), "no key").expect("a file");
    fs::set_permissions(far.world.path("none"), fs::Permissions::from_mode(0o600)).expect("a mode");
    far.use_options(&format!("-i {} -i {} -i /no/such/key", far.path("ecdsa-0"), far.path("none")));
    far.refused(&["others may read it (mode 0644)", "none is not used: ", "/no/such/key is not used: No such file"]);

    // An agent, with a key that is not wanted before the one that is.
    let agent =
        Command::new("ssh-agent").arg("-D").arg("-a").arg(far.world.path("agent")).stdout(Stdio::null()).spawn();
    let mut agent = agent.expect("an agent");
    wait_until("no agent", || far.world.path("agent").exists());
    for (kind, order) in
        [("ed25519", ["rsa-0", "ed25519-0"]), ("rsa", ["ed25519-0", "rsa-0"]), ("rsa", ["rsa-0", "key"])]
    {
        for arguments in [&["-D"][..], &[&far.path(order[0])], &[&far.path(order[1])]] {
            let mut add = Command::new("ssh-add");
            add.arg("-q").args(arguments).env("SSH_AUTH_SOCK", far.world.path("agent"));
            Outcome::of(add).success();
        }
        far.sshd.take_key(&far.world.path(&format!("{kind}-0.pub")));
        far.sshd.let_in(OURS);
        far.world.set("SSH_AUTH_SOCK", far.world.path("agent"));
        far.use_options("-i /no/such/key");
        far.list().success();
        far.use_options("-i /no/such/key -o IdentitiesOnly=yes");
        far.refused(&["Permission denied (publickey)"]);
    }
    agent.kill().expect("a dead agent");
    agent.wait().expect("its end");
    // An agent that is gone is no trouble.
    far.use_options(&format!("-i {}", far.path("rsa-0")));
    far.list().success();
}

/// Where nobody can be asked, no password is tried; where somebody can, it is.
#[test]
fn passwords_are_for_people() {
    let mut far = Far::new(OURS, "PasswordAuthentication yes");
    far.use_options("-i /no/such/key");
    far.refused(&["Permission denied (publickey,password)"]);
    let (askpass, asked) = (far.world.path("askpass"), far.world.path("asked"));
    script(&askpass, &format!("echo \"$1\" >> {}; echo wrong", asked.display()));
    far.world.set("SSH_ASKPASS", &askpass);
    far.world.set("SSH_ASKPASS_REQUIRE", "force");
    far.use_options("-i /no/such/key -o NumberOfPasswordPrompts=2");
    far.refused(&["Permission denied (publickey,password)"]);
    let questions = fs::read_to_string(&asked).expect("questions");
    assert_eq!(questions, format!("{}@127.0.0.1's password: \n", Sshd::user()).repeat(2));
    far.use_options("-i /no/such/key -o BatchMode=yes");
    far.refused(&["Permission denied (publickey,password)"]);
    assert_eq!(fs::read_to_string(&asked).expect("questions"), questions);
}

/// Nothing is proved to a host whose key is not known.
#[test]
fn hosts_are_known_or_refused() {
    let directory = tempfile::tempdir().expect("a folder");
    generate(&directory.path().join("ecdsa"), "ecdsa", "");
    generate(&directory.path().join("rsa"), "rsa", "");
    let log = directory.path().join("log");
    let keys = ["ecdsa", "rsa"].map(|name| format!("HostKey {}", directory.path().join(name).display()));
    let mut far = Far::new(OURS, &keys.join("\n"));
    let key = format!("-i {}", far.path("key"));
    far.run(&["init", "-e", "none", &far.url()]).success();
    let fingerprint = |path: &Path| {
        let mut command = Command::new("ssh-keygen");
        command.arg("-lf").arg(path);
        Outcome::of(command).success().text().split(' ').nth(1).expect("a fingerprint").to_owned()
    };
    let (good, other) = (fingerprint(&far.world.path("host_key.pub")), fingerprint(&directory.path().join("rsa.pub")));

    fs::write(far.known_hosts(), "").expect("a file");
    let told = far.refused(&["Host key verification failed.", &format!("ED25519 {good}"), "accept-new"]);
    // What it says helps.
    let advice = told.lines().find_map(|line| line.trim().strip_prefix("echo ")).expect("a command");
    Outcome::of({
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("echo {advice}")]);
        shell
    })
    .success();
    assert_eq!(fs::read_to_string(far.known_hosts()).expect("a file"), format!("{} {}\n", far.name(), far.host_key()));
    far.list().success();

    // Each of its keys is good, whichever it would rather show.
    for name in ["ecdsa.pub", "rsa.pub"] {
        let public = fs::read_to_string(directory.path().join(name)).expect("a key");
        far.know(&public);
        far.list().success();
    }
    // Hidden names, as `ssh-keygen -H` makes them, and `ssh-keyscan`'s lines.
    let mut scan = Command::new("ssh-keyscan");
    scan.args(["-p", &far.sshd.port().to_string(), "127.0.0.1"]);
    fs::write(far.known_hosts(), Outcome::of(scan).success().output).expect("a file");
    far.list().success();
    let mut hide = Command::new("ssh-keygen");
    hide.args(["-H", "-f"]).arg(far.known_hosts());
    Outcome::of(hide).success();
    assert!(fs::read_to_string(far.known_hosts()).expect("a file").starts_with("|1|"));
    far.list().success();

    // Another key of a kind that the host has, then one of a kind that it has not.
    for kind in ["ed25519", "ecdsa"] {
        let name = format!("strange-{kind}");
        generate(&directory.path().join(&name), kind, "");
        let public = directory.path().join(format!("{name}.pub"));
        far.know(&fs::read_to_string(&public).expect("a key"));
        for options in ["", "-o StrictHostKeyChecking=accept-new"] {
            far.use_options(&format!("{key} {options}"));
            let told = far.refused(&["HAS CHANGED", "Host key verification failed.", &fingerprint(&public)]);
            assert!(kind == "ecdsa" || told.contains(&good), "{told}");
        }
    }
    far.use_options(&key);
    fs::write(far.known_hosts(), format!("{0} {1}\n@revoked * {1}\n", far.name(), far.host_key())).expect("a file");
    far.refused(&["is marked as revoked", &good]);

    // A new host is accepted once, and written down.
    let deep = far.path("deep/er/known");
    let accept = format!("builtin {key} -o UserKnownHostsFile={deep} -o StrictHostKeyChecking=accept-new");
    far.world.set("BORG_RSH", accept);
    let told = far.list().success().messages;
    assert!(told.contains("Permanently added"), "{told}");
    assert_eq!(fs::read_to_string(&deep).expect("a file"), format!("{} {}\n", far.name(), far.host_key()));
    assert_eq!(far.list().success().messages, "");
    far.world.set("BORG_RSH", format!("builtin {key} -o UserKnownHostsFile={deep} -o HostKeyAlgorithms=rsa-sha2-512"));
    far.refused(&["HAS CHANGED", &other]);
    drop(log);

    // What is not understood ends it before anything is sent.
    for (options, named) in [("-o ProxyJump=x", "ProxyJump"), ("-A", "-A"), ("-o StrictHostKeyChecking=no", "no")] {
        far.use_options(options);
        let outcome = far.list().expect(2);
        assert!(outcome.messages.contains(named), "{}", outcome.messages);
    }
}

/// What answers is no SSH server, or nothing answers; and what the server says when it has no such program.
#[test]
fn what_cannot_be_reached_is_named() {
    let mut far = Far::new(OURS, "");
    let mut other = World::new().with("BORG_EXIT_CODES", "modern");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            match number % 3 {
                0 => drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
                1 => drop(stream.write_all(&[0xa5; 100_000])),
                _ => thread::sleep(Duration::from_secs(10)),
            }
        }
    });
    other.set("BORG_RSH", "builtin -o ConnectTimeout=2 -o GlobalKnownHostsFile=none");
    let list = |port: u16, words: &str| {
        let begun = Instant::now();
        let outcome = other.run(OURS, ["list", &format!("ssh://127.0.0.1:{port}/repo")]).expect(81);
        assert!(outcome.messages.contains(words), "{}", outcome.messages);
        assert!(begun.elapsed() < Duration::from_secs(8), "{words}");
    };
    for _ in 0..3 {
        list(port, &format!("ssh: host 127.0.0.1 port {port}: "));
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    list(closed, &format!("ssh: connect to host 127.0.0.1 port {closed}: Connection refused"));

    // The same words as through the system's own.
    far.world.set("BORG_REMOTE_PATH", "no-such-borg");
    let hint = "Connection closed by remote host. Is borg working on the server?";
    let ours = far.refused(&["Remote: ", "no-such-borg: not found", hint]);
    let ssh = format!("ssh -F {}", far.path("ssh_config"));
    far.world.set("BORG_RSH", ssh);
    assert_eq!(far.refused(&[]), ours);
}

/// The connection is cut, and falls silent: the run ends, and says how.
#[test]
fn a_line_that_dies_ends_the_run() {
    let mut far = Far::new(Program::Borg, "");
    let alive = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2";
    far.use_options(&format!("-i {} {alive}", far.path("key")));
    far.world.set("NANOPROBE_RETRIES", "0");
    let tree = far.world.path("tree");
    fs::create_dir(&tree).expect("a folder");
    fs::write(tree.join("large"), noise(2, 20_000_000)).expect("a file");
    let begun_create = |far: &Far| {
        let _ = fs::remove_dir_all(far.world.path("repo"));
        far.run(&["init", "-e", "none", &far.url()]).success();
        let archive = format!("{}::one", far.url());
        let client = far.start(&["create", "-C", "none", "--upload-ratelimit", "1000", &archive, "."]);
        let segments = far.world.path("repo/data/0");
        wait_until("nothing is stored", || {
            let segments = fs::read_dir(&segments).into_iter().flatten().flatten();
            segments.filter_map(|segment| segment.metadata().ok()).map(|segment| segment.len()).sum::<u64>() > 1_000_000
        });
        client
    };
    for (signal, words) in [(Signal::KILL, "onnection"), (Signal::STOP, "Timeout, server 127.0.0.1 not responding.")] {
        let client = begun_create(&far);
        let begun = Instant::now();
        far.sshd.signal(signal);
        let done = client.wait_with_output().expect("its end");
        let messages = String::from_utf8_lossy(&done.stderr);
        assert!(begun.elapsed() < Duration::from_secs(20), "{signal:?}: {messages}");
        assert!([80, 87].contains(&done.status.code().unwrap_or(0)), "{:?} {messages}", done.status);
        assert!(messages.contains(words), "{messages}");
        far.sshd.cut();
        wait_until("the lock is held", || !far.world.path("repo/lock.exclusive").exists());
    }
    // Where it is tried again, the same key opens the next line.
    far.world.set("NANOPROBE_RETRIES", "5");
    let client = begun_create(&far);
    far.sshd.cut();
    let done = client.wait_with_output().expect("its end");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    far.world.run(Program::Borg, ["check", "--verify-data", &far.path("repo")]).success();
    // A server that is busy and says nothing is not given up: signs of life are answered by what carries the line.
    let told = far.run(&["with-lock", &far.url(), "sleep", "6"]).success().messages;
    assert_eq!(told, "");
}
