//! Exceptions of the server become the errors that a local repository would give.

use nanoprobe_format::{Id, rpc};
use nanoprobe_repository::Error as RepositoryError;

use crate::Error;

/// Text that is kept of an exception, in bytes.
const TEXT_BYTES_MOST: usize = 16 << 10;
const ARGUMENTS_MOST: usize = 4;
/// The class of what is said of an object that is not there.
pub(super) const NOT_FOUND: &str = "ObjectNotFound";

/// An exception of the server, kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exception {
    class: String,
    arguments: Vec<String>,
    /// What it says of itself: its trace where the server wants that shown.
    text: String,
}

impl Exception {
    pub(super) fn keep(exception: &rpc::Exception<'_>) -> Self {
        let lines =
            if exception.trace && exception.full.iter().next().is_some() { exception.full } else { exception.short };
        let mut said = String::new();
        for line in lines.iter() {
            if !said.is_empty() && !said.ends_with('\n') {
                said.push('\n');
            }
            said.push_str(&text(line));
            if said.len() > TEXT_BYTES_MOST {
                break;
            }
        }
        let class = text(exception.class);
        if said.is_empty() {
            said = format!("{class}\nRemote Exception (see remote log for the traceback)");
        }
        let arguments = (0..ARGUMENTS_MOST).map(|place| exception.argument(place).map(text).unwrap_or_default());
        Self { class, arguments: arguments.collect(), text: said }
    }

    pub(super) fn is(&self, class: &str) -> bool {
        self.class == class
    }

    /// `processed` is the location as it was typed, `id` what was asked for.
    pub(super) fn into_error(self, processed: &str, id: Option<&Id>) -> RepositoryError {
        let argument = |place: usize| self.arguments.get(place).cloned().unwrap_or_default();
        let location = || processed.to_owned();
        match self.class.as_str() {
            "Error" | "ErrorWithTraceback" => Error::Plain(argument(0)).into(),
            "InvalidRepository" => RepositoryError::InvalidRepository(location()),
            "InvalidRepositoryConfig" => {
                RepositoryError::InvalidRepositoryConfig { path: location(), reason: argument(1) }
            }
            "DoesNotExist" => RepositoryError::DoesNotExist(location()),
            "AlreadyExists" => RepositoryError::AlreadyExists(location()),
            "CheckNeeded" => RepositoryError::CheckNeeded(location()),
            "IntegrityError" => RepositoryError::Integrity(argument(0)),
            "AtticRepository" => RepositoryError::AtticRepository(argument(0)),
            "PathNotAllowed" => Error::PathNotAllowed(argument(0)).into(),
            "PathPermissionDenied" => RepositoryError::PathPermissionDenied(argument(0)),
            "PathAlreadyExists" => RepositoryError::PathAlreadyExists(argument(0)),
            "ParentPathDoesNotExist" => RepositoryError::ParentPathDoesNotExist(argument(0)),
            NOT_FOUND => match id.copied().or_else(|| Id::from_hex(&argument(0))) {
                Some(id) => RepositoryError::ObjectNotFound { id, path: location() },
                None => Error::Exception(self.text).into(),
            },
            "InvalidRPCMethod" => Error::InvalidRpcMethod(argument(0)).into(),
            "LockTimeout" => RepositoryError::LockTimeout(argument(0)),
            "LockFailed" => RepositoryError::LockFailed { path: argument(0), reason: argument(1) },
            "NotLocked" => RepositoryError::NotLocked(argument(0)),
            "NotMyLock" => RepositoryError::NotMyLock(argument(0)),
            "InsufficientFreeSpaceError" => {
                Error::InsufficientFreeSpace { required: argument(0), available: argument(1) }.into()
            }
            "StorageQuotaExceeded" => Error::StorageQuotaExceeded { quota: argument(0), used: argument(1) }.into(),
            "Exception" if argument(0) == "nonce space reservation with mismatched previous state" => {
                RepositoryError::NonceMismatch
            }
            _ => Error::Exception(self.text.trim_end().to_owned()).into(),
        }
    }
}

/// What came instead of a message, as Borg shows it: text if it is text, else hexadecimal, of its beginning.
pub(super) fn unexpected(data: &[u8]) -> Error {
    Error::UnexpectedFromServer(match str::from_utf8(data) {
        Ok(text) => text.chars().take(128).collect(),
        Err(_) => {
            let hexadecimal = |line: &[u8]| line.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
            data[..data.len().min(128)].chunks(16).map(hexadecimal).collect::<Vec<_>>().join("\n")
        }
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES_MOST)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exception(class: &str, arguments: &[&str]) -> Exception {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Exception { class: class.into(), arguments, text: "Traceback".into() }
    }

    #[test]
    fn what_is_no_message_is_shown_as_borg_shows_it() {
        let shown = |data: &[u8]| unexpected(data).to_string();
        assert_eq!(shown(b"Welcome!\n"), "Got unexpected RPC data format from server:\nWelcome!\n");
        let binary: Vec<u8> = (240..=255).chain([1, 2]).collect();
        assert!(shown(&binary).ends_with("server:\nF0 F1 F2 F3 F4 F5 F6 F7 F8 F9 FA FB FC FD FE FF\n01 02"));
    }

    #[test]
    fn exceptions_become_the_errors_of_a_local_repository() {
        let error = exception("DoesNotExist", &["/far/away"]).into_error("user@host:r", None);
        assert_eq!((error.to_string().as_str(), error.exit_code()), ("Repository user@host:r does not exist.", 13));
        let error = exception("StorageQuotaExceeded", &["5.00 GB", "5.01 GB"]).into_error("", None);
        assert_eq!((error.name(), error.exit_code()), ("Repository.StorageQuotaExceeded", 20));
        assert!(error.to_string().starts_with("The storage quota (5.00 GB) has been exceeded (5.01 GB)."));
        let error = exception("PathNotAllowed", &["/x"]).into_error("", None);
        assert_eq!((error.to_string().as_str(), error.exit_code()), ("Repository path not allowed: /x", 83));
        assert!(matches!(exception("LockTimeout", &["/x/lock"]).into_error("", None), RepositoryError::LockTimeout(_)));
        let id = Id([7; 32]);
        let error = exception("ObjectNotFound", &[&id.to_string(), "/x"]).into_error("r", None);
        assert!(matches!(error, RepositoryError::ObjectNotFound { id: found, .. } if found == id));
        assert_eq!(exception("ZeroDivisionError", &[]).into_error("", None).to_string(), "Traceback");
    }
}
