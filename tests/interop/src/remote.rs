//! A "remote" machine: where Borg would run ssh, a script runs a server on this one.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use crate::{Outcome, Program, World};

/// A world in which `ssh://host/…` is served by a program on this machine.
pub struct Remote {
    /// Where client and server live.
    pub world: World,
}

impl Remote {
    /// Served by `server`, as if the forced command had these options.
    pub fn new(server: Program, options: &[&str]) -> Self {
        let mut remote = Self { world: World::new() };
        remote.serve(server, options);
        remote
    }

    /// Serves by another program, or with other options, from now on. What the client wants is passed as sshd does.
    pub fn serve(&mut self, server: Program, options: &[&str]) {
        self.serve_as(server, options, "$*");
    }

    /// The same, when the client asks for `wanted`.
    pub fn serve_as(&mut self, server: Program, options: &[&str], wanted: &str) {
        let script = self.world.path("rsh");
        let server = server.path();
        // The client's own variables end at the connection.
        let text = format!(
            "#!/bin/sh\nshift\nexport SSH_ORIGINAL_COMMAND=\"{wanted}\"\necho $$ > '{}'\nexec '{}' serve {}\n",
            self.server_process().display(),
            server.display(),
            options.join(" ")
        );
        fs::write(&script, text).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("its mode");
        self.world.set("BORG_RSH", script);
    }

    /// A file that holds the number of the server's process.
    pub fn server_process(&self) -> PathBuf {
        self.world.path("server.pid")
    }

    /// The repository, from afar.
    pub fn url(&self) -> String {
        format!("ssh://host{}", self.world.repository())
    }

    /// An archive of it, from afar.
    pub fn archive(&self, name: &str) -> String {
        format!("{}::{name}", self.url())
    }

    /// Runs `client`.
    pub fn run<S: AsRef<OsStr>>(&self, client: Program, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.world.run(client, arguments)
    }
}
