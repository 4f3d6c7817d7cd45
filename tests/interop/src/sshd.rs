//! A throw-away sshd on loopback, and the machine behind it: an account of its own, with `borg1` on its path.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Outcome, Program, World};

/// An sshd of our own; ended with it. Keys are real, and so is the connection.
pub struct Sshd {
    process: Child,
    port: u16,
    account: PathBuf,
    authorized: PathBuf,
    public: String,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sshd {
    /// Starts it in `world`, whose clients reach it as `host` from now on; nobody is let in yet.
    pub fn start(world: &mut World) -> Self {
        Self::start_with(world, "")
    }

    /// The same, with lines of its configuration that come before ours.
    pub fn start_with(world: &mut World, lines: &str) -> Self {
        let sshd = Path::new("/usr/sbin/sshd");
        assert!(sshd.exists(), "there is no sshd: run tests/ci.sh interop");
        if rustix::process::geteuid().is_root() {
            let _ = fs::create_dir_all("/run/sshd"); // where the system's own would keep its empty folder
        }
        fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).expect("a mode");
        for key in ["key", "host_key"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(world.path(key));
            Outcome::of(command).success();
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let (authorized, account) = (world.path("authorized_keys"), world.path("account"));
        fs::create_dir_all(account.join("bin")).expect("a folder");
        let configuration = format!(
            "{lines}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nPermitRootLogin yes\n",
            world.path("host_key").display(),
            authorized.display(),
        );
        fs::write(world.path("sshd_config"), configuration).expect("a configuration");
        let client = format!(
            "Host host 127.0.0.1\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\nBatchMode yes\nLogLevel ERROR\n\
             StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n",
            world.path("key").display(),
        );
        fs::write(world.path("ssh_config"), client).expect("a configuration");
        world.set("BORG_RSH", format!("ssh -F {}", world.path("ssh_config").display()));
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(world.path("sshd_config")).stderr(Stdio::null());
        let process = command.spawn().expect("sshd");
        let public = fs::read_to_string(world.path("key.pub")).expect("a public key");
        let sshd = Self { process, port, account, authorized, public };
        wait_until("sshd does not listen", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        sshd
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who may log in: whoever runs the test.
    pub fn user() -> String {
        let mut command = Command::new("id");
        command.arg("-un");
        Outcome::of(command).success().text().trim().to_owned()
    }

    /// The account's home folder.
    pub fn account(&self) -> &Path {
        &self.account
    }

    /// From now on it is the key in this file that is let in.
    pub fn take_key(&mut self, public: &Path) {
        self.public = fs::read_to_string(public).expect("a public key");
    }

    /// Lets the key in for anything, with `program` as the account's `borg1`.
    pub fn let_in(&self, program: Program) {
        let name = self.account.join("bin/borg1");
        let _ = fs::remove_file(&name);
        symlink(program.path(), name).expect("a link");
        // The account's own environment is not the test's, and its home is not this user's.
        let home = self.account.display();
        self.force(&format!(
            "cd {home}; export HOME={home} PATH={home}/bin:$PATH; exec sh -c \\\"$SSH_ORIGINAL_COMMAND\\\""
        ));
    }

    /// Lets the key in for `serve` of `program` with `options` alone.
    pub fn let_in_for(&self, program: Program, options: &str) {
        let home = self.account.display();
        self.force(&format!("cd {home}; HOME={home} {} serve {options}", program.path().display()));
    }

    fn force(&self, command: &str) {
        let line = format!("command=\"{command}\",restrict {}", self.public);
        fs::write(&self.authorized, line).expect("authorized keys");
    }

    /// Cuts every connection, as a provider does at night: what serves them is not told.
    pub fn cut(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends a signal to what carries its connections, not to what serves them.
    pub fn signal(&self, signal: Signal) {
        let mut all = vec![self.process.id()];
        while let Some(parent) = all.pop() {
            for child in children(parent) {
                let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                if name.starts_with("sshd") {
                    all.push(child);
                    let child = i32::try_from(child).ok().and_then(Pid::from_raw).expect("a process");
                    let _ = kill_process(child, signal); // it may have ended just now
                }
            }
        }
    }
}

/// Numbers of the processes that `parent` has started.
pub fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|word| word.parse().expect("a number")).collect::<Vec<_>>())
        .collect()
}

/// Fails when `done` is not so within ten seconds.
#[track_caller]
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(10), "after ten seconds: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
