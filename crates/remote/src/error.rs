//! What can go wrong in the conversation: Borg's names, texts and modern exit codes.

/// What can go wrong in the conversation. `Display` is the text that Borg prints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A client asked for what no server offers.
    #[error("RPC method {0} is not valid.")]
    InvalidRpcMethod(String),
    /// The server's policy does not let anyone at this path.
    #[error("Repository path not allowed: {0}")]
    PathNotAllowed(String),
    /// The other end is gone.
    #[error("Connection closed by remote host.")]
    ConnectionClosed,
    /// The other end was never what it should be.
    #[error("Connection closed by remote host. {0}")]
    ConnectionClosedWithHint(&'static str),
    /// Nothing can be sent any more.
    #[error("Connection to remote host is broken. {0}")]
    ConnectionBroken(&'static str),
    /// The line dropped, and the repository is not what it was.
    #[error("Connection closed by remote host. When it was reached again, {0}. Nothing was sent to it.")]
    NotAsItWas(&'static str),
    /// The line dropped, and what was sent cannot be sent again.
    #[error("Connection closed by remote host. What was sent cannot be sent again: {0}")]
    NotResumable(std::io::Error),
    /// Somebody asked to stop while there was no line.
    #[error("Interrupted while there was no connection.")]
    Interrupted,
    /// The server is older than what is asked of it.
    #[error("Borg server is too old for {method}. Required version {version}")]
    ServerOutdated {
        /// What is asked of it.
        method: &'static str,
        /// Since when it is known.
        version: &'static str,
    },
    /// What came from the server is no message.
    #[error("Got unexpected RPC data format from server:\n{0}")]
    UnexpectedFromServer(String),
    /// The transaction is doomed, in the server's words.
    #[error("The storage quota ({quota}) has been exceeded ({used}). Try deleting some archives.")]
    StorageQuotaExceeded {
        /// The limit.
        quota: String,
        /// What would be in use.
        used: String,
    },
    /// The commit was not begun, in the server's words.
    #[error("Insufficient free space to complete transaction (required: {required}, available: {available}).")]
    InsufficientFreeSpace {
        /// What the commit needs.
        required: String,
        /// What there is.
        available: String,
    },
    /// Borg's plain `Error`.
    #[error("Error: {0}")]
    Plain(String),
    /// An exception of the server that has no name here; the text is the server's.
    #[error("{0}")]
    Exception(String),
    /// The program that connects cannot be run.
    #[error("{program}: {reason}")]
    Program {
        /// As it was given.
        program: String,
        /// The operating system's.
        reason: String,
    },
    /// Words behind `builtin` that are not understood.
    #[error("Error: The built-in SSH client does not do that: {0}.")]
    SshOption(String),
    /// No connection to the machine.
    #[error("ssh: connect to host {host} port {port}: {reason}")]
    Unreachable {
        /// Its name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// The operating system's.
        reason: String,
    },
    /// What answers there is no SSH server, or none that does what it should.
    #[error("ssh: host {host} port {port}: {reason}")]
    NoSsh {
        /// Its name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// What went wrong.
        reason: String,
    },
    /// Nobody has said that this is the server's key.
    #[error(
        "The authenticity of host '{host}' can't be established: no key of it is known, and it shows {fingerprint}.\n\
         If its owner says that this is right, accept it with\n    echo '{line}' >> {}\n\
         or once with -o StrictHostKeyChecking=accept-new in BORG_RSH.\nHost key verification failed.",
        file.display()
    )]
    UnknownHostKey {
        /// As known_hosts names it.
        host: String,
        /// Kind and SHA-256 in OpenSSH's form.
        fingerprint: String,
        /// What makes it known.
        line: String,
        /// Where that line belongs.
        file: std::path::PathBuf,
    },
    /// The server has shown another key than those that are known.
    #[error(
        "REMOTE HOST IDENTIFICATION HAS CHANGED: host '{host}' shows {fingerprint}; known is {known}.\n\
         Someone may be listening, or the server has a new key. If its owner says so, remove the known one, for example with\n    \
         ssh-keygen -R '{host}'\nHost key verification failed."
    )]
    ChangedHostKey {
        /// As known_hosts names it.
        host: String,
        /// Kind and SHA-256 in OpenSSH's form.
        fingerprint: String,
        /// The same of those that are known, with file and line.
        known: String,
    },
    /// The server has shown a key that nobody may be trusted with.
    #[error("The key of host '{host}', {fingerprint}, is marked as revoked ({place}).\nHost key verification failed.")]
    RevokedHostKey {
        /// As known_hosts names it.
        host: String,
        /// Kind and SHA-256 in OpenSSH's form.
        fingerprint: String,
        /// File and line.
        place: String,
    },
    /// The server does not believe that we are who we say.
    #[error("{user}@{host}: Permission denied ({methods}).")]
    PermissionDenied {
        /// The user there.
        user: String,
        /// The server.
        host: String,
        /// What the server would have accepted.
        methods: String,
    },
    /// What came from the client is no message.
    #[error("Borg 1.4.5: Got unexpected RPC data format from client.")]
    UnexpectedFromClient,
    /// A client calls before it has opened a repository.
    #[error("No repository is open.")]
    NotOpen,
    /// A client opens a second repository.
    #[error("A repository is open already.")]
    AlreadyOpen,
    /// A client asks for what a server must not do, or with what cannot be right.
    #[error("{0}")]
    Refused(String),
    /// The client's stream broke.
    #[error("{0}")]
    Stream(#[from] std::io::Error),
    /// The repository's own trouble.
    #[error(transparent)]
    Repository(#[from] nanoprobe_repository::Error),
}

impl Error {
    /// Whether the next attempt to reach the server would come to the same.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::ServerOutdated { .. }
                | Self::UnknownHostKey { .. }
                | Self::ChangedHostKey { .. }
                | Self::RevokedHostKey { .. }
                | Self::PermissionDenied { .. }
        )
    }

    /// Borg's qualified class name, as log lines in JSON carry it.
    pub fn name(&self) -> &'static str {
        self.class().0
    }

    /// The exit code under `BORG_EXIT_CODES=modern`; legacy is always 2.
    pub fn exit_code(&self) -> u8 {
        self.class().1
    }

    fn class(&self) -> (&'static str, u8) {
        match self {
            Self::InvalidRpcMethod(_) => ("InvalidRPCMethod", 82),
            Self::PathNotAllowed(_) => ("PathNotAllowed", 83),
            Self::ConnectionClosed | Self::NotAsItWas(_) | Self::NotResumable(_) => ("ConnectionClosed", 80),
            // What Borg's users get when `ssh` fails.
            Self::ConnectionClosedWithHint(_)
            | Self::Unreachable { .. }
            | Self::NoSsh { .. }
            | Self::UnknownHostKey { .. }
            | Self::ChangedHostKey { .. }
            | Self::RevokedHostKey { .. }
            | Self::PermissionDenied { .. } => ("ConnectionClosedWithHint", 81),
            Self::ConnectionBroken(_) => ("ConnectionBrokenWithHint", 87),
            Self::ServerOutdated { .. } => ("RemoteRepository.RPCServerOutdated", 84),
            Self::UnexpectedFromServer(_) => ("UnexpectedRPCDataFormatFromServer", 86),
            Self::StorageQuotaExceeded { .. } => ("Repository.StorageQuotaExceeded", 20),
            Self::InsufficientFreeSpace { .. } => ("Repository.InsufficientFreeSpaceError", 14),
            Self::Exception(_) | Self::Program { .. } => ("Exception", 2),
            Self::UnexpectedFromClient => ("UnexpectedRPCDataFormatFromClient", 85),
            Self::Plain(_) | Self::SshOption(_) => ("Error", 2),
            Self::NotOpen | Self::AlreadyOpen | Self::Refused(_) | Self::Stream(_) | Self::Interrupted => ("Error", 2),
            Self::Repository(error) => (error.name(), error.exit_code()),
        }
    }
}

impl From<Error> for nanoprobe_repository::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Repository(error) => error,
            error => (&error).into(),
        }
    }
}

impl From<&Error> for nanoprobe_repository::Error {
    fn from(error: &Error) -> Self {
        if let Error::Interrupted = error {
            return Self::Interrupted;
        }
        Self::Elsewhere { name: error.name(), exit_code: error.exit_code(), message: error.to_string() }
    }
}
