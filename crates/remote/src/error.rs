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
    /// Borg's qualified class name, as log lines in JSON carry it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidRpcMethod(_) => "InvalidRPCMethod",
            Self::PathNotAllowed(_) => "PathNotAllowed",
            Self::ConnectionClosed | Self::NotAsItWas(_) | Self::NotResumable(_) => "ConnectionClosed",
            Self::ConnectionClosedWithHint(_) => "ConnectionClosedWithHint",
            Self::ConnectionBroken(_) => "ConnectionBrokenWithHint",
            Self::ServerOutdated { .. } => "RemoteRepository.RPCServerOutdated",
            Self::UnexpectedFromServer(_) => "UnexpectedRPCDataFormatFromServer",
            Self::StorageQuotaExceeded { .. } => "Repository.StorageQuotaExceeded",
            Self::InsufficientFreeSpace { .. } => "Repository.InsufficientFreeSpaceError",
            Self::Plain(_) => "Error",
            Self::Exception(_) | Self::Program { .. } => "Exception",
            Self::UnexpectedFromClient => "UnexpectedRPCDataFormatFromClient",
            Self::NotOpen | Self::AlreadyOpen | Self::Refused(_) | Self::Stream(_) | Self::Interrupted => "Error",
            Self::Repository(error) => error.name(),
        }
    }

    /// The exit code under `BORG_EXIT_CODES=modern`; legacy is always 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::InvalidRpcMethod(_) => 82,
            Self::PathNotAllowed(_) => 83,
            Self::ConnectionClosed | Self::NotAsItWas(_) | Self::NotResumable(_) => 80,
            Self::ConnectionClosedWithHint(_) => 81,
            Self::ConnectionBroken(_) => 87,
            Self::ServerOutdated { .. } => 84,
            Self::UnexpectedFromServer(_) => 86,
            Self::StorageQuotaExceeded { .. } => 20,
            Self::InsufficientFreeSpace { .. } => 14,
            Self::Plain(_) | Self::Exception(_) | Self::Program { .. } => 2,
            Self::UnexpectedFromClient => 85,
            Self::NotOpen | Self::AlreadyOpen | Self::Refused(_) | Self::Stream(_) | Self::Interrupted => 2,
            Self::Repository(error) => error.exit_code(),
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
