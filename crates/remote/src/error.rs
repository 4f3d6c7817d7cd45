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
            Self::UnexpectedFromClient => "UnexpectedRPCDataFormatFromClient",
            Self::NotOpen | Self::AlreadyOpen | Self::Refused(_) | Self::Stream(_) => "Error",
            Self::Repository(error) => error.name(),
        }
    }

    /// The exit code under `BORG_EXIT_CODES=modern`; legacy is always 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::InvalidRpcMethod(_) => 82,
            Self::PathNotAllowed(_) => 83,
            Self::UnexpectedFromClient => 85,
            Self::NotOpen | Self::AlreadyOpen | Self::Refused(_) | Self::Stream(_) => 2,
            Self::Repository(error) => error.exit_code(),
        }
    }
}
