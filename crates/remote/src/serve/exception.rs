//! What goes wrong, as exceptions that Borg's client raises anew: class, arguments, texts.

use std::io;

use embedded_io::Write;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::packed::List;
use nanoprobe_format::rpc::{Argument, Exception, Form};
use nanoprobe_repository::{Error as RepositoryError, size_text};

use crate::Error;

/// Writes the answer to a call that failed.
pub(super) fn emit<W: Write>(
    error: &Error,
    number: u64,
    form: Form,
    system: &str,
    writer: &mut Writer<W>,
) -> Result<(), W::Error> {
    let class = class(error);
    let texts = arguments(error);
    let mut arguments: Vec<Argument<'_>> = texts.iter().map(|text| Argument::Raw(text.as_bytes())).collect();
    let code = error_number(error).map(|code| [0xcd, (code >> 8) as u8, code as u8]);
    if let Some(code) = &code {
        arguments.insert(0, Argument::Other(code));
    }
    let short = match is_own(class) {
        true => error.to_string(),
        false => format!("{class}: {error}\n"),
    };
    let full = format!("{class}: {error}\n");
    let exception = Exception {
        class: class.as_bytes(),
        arguments: List::Slice(&arguments),
        full: List::Slice(&[full.as_bytes()]),
        short: List::Slice(&[short.as_bytes()]),
        trace: !is_own(class) || matches!(class, "CheckNeeded" | "ObjectNotFound" | "IntegrityError"),
        system: system.as_bytes(),
    };
    exception.emit(number, form, writer)
}

/// The name of the class, without the one that it is in.
fn class(error: &Error) -> &'static str {
    match error {
        Error::NotOpen => "AttributeError",
        Error::Refused(_) | Error::Repository(RepositoryError::AppendOnly(_)) => "ValueError",
        Error::Repository(RepositoryError::NonceMismatch) => "Exception",
        Error::Repository(RepositoryError::Io { source, .. }) | Error::Stream(source) => match source.kind() {
            io::ErrorKind::NotFound => "FileNotFoundError",
            io::ErrorKind::PermissionDenied => "PermissionError",
            _ => "OSError",
        },
        error => error.name().trim_start_matches("Repository."),
    }
}

/// A class of Borg's own, not of Python's.
fn is_own(class: &str) -> bool {
    !matches!(
        class,
        "AttributeError" | "ValueError" | "Exception" | "FileNotFoundError" | "PermissionError" | "OSError"
    )
}

fn error_number(error: &Error) -> Option<u16> {
    let (Error::Repository(RepositoryError::Io { source, .. }) | Error::Stream(source)) = error else { return None };
    u16::try_from(source.raw_os_error()?).ok()
}

/// What Borg makes the exception of.
fn arguments(error: &Error) -> Vec<String> {
    use RepositoryError as R;
    let Error::Repository(error) = error else {
        return match error {
            Error::InvalidRpcMethod(text) | Error::PathNotAllowed(text) => vec![text.clone()],
            error => vec![error.to_string()],
        };
    };
    match error {
        R::AlreadyExists(path)
        | R::AtticRepository(path)
        | R::CheckNeeded(path)
        | R::DoesNotExist(path)
        | R::InvalidRepository(path)
        | R::ParentPathDoesNotExist(path)
        | R::PathAlreadyExists(path)
        | R::PathPermissionDenied(path)
        | R::LockTimeout(path)
        | R::NotLocked(path)
        | R::NotMyLock(path)
        | R::Integrity(path)
        | R::FileIntegrity(path) => vec![path.clone()],
        R::InvalidRepositoryConfig { path, reason } | R::LockFailed { path, reason } => {
            vec![path.clone(), reason.clone()]
        }
        R::InsufficientFreeSpace { required_bytes, available_bytes } => {
            vec![size_text(*required_bytes), size_text(*available_bytes)]
        }
        R::ObjectNotFound { id, path } => vec![id.to_string(), path.clone()],
        R::StorageQuotaExceeded { quota_bytes, used_bytes } => vec![size_text(*quota_bytes), size_text(*used_bytes)],
        error => vec![error.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use nanoprobe_format::rpc::{Outcome, Response};

    use super::*;

    fn emitted(error: impl Into<Error>, check: impl FnOnce(Exception<'_>)) {
        let mut bytes = Vec::new();
        emit(&error.into(), 5, Form::Named, "Platform: here", &mut Writer::new(&mut bytes)).unwrap();
        let Ok(Response { number: 5, outcome: Outcome::Exception(exception) }) = Response::parse(&bytes) else {
            panic!("{bytes:?}")
        };
        assert_eq!(exception.system, b"Platform: here");
        check(exception);
    }

    #[test]
    fn borgs_own_are_raised_anew_from_their_arguments() {
        emitted(
            RepositoryError::StorageQuotaExceeded { quota_bytes: 10_000_000, used_bytes: 12_345_678 },
            |exception| {
                assert_eq!(exception.class, b"StorageQuotaExceeded");
                assert_eq!(
                    (exception.argument(0), exception.argument(1)),
                    (Some(&b"10.00 MB"[..]), Some(&b"12.35 MB"[..]))
                );
                assert!(!exception.trace);
            },
        );
        emitted(Error::PathNotAllowed("/etc".into()), |exception| {
            assert_eq!((exception.class, exception.argument(0)), (&b"PathNotAllowed"[..], Some(&b"/etc"[..])));
            assert!(exception.short.iter().eq([&b"Repository path not allowed: /etc"[..]]));
        });
        let id = nanoprobe_format::Id([0xab; 32]);
        emitted(RepositoryError::ObjectNotFound { id, path: "/repo".into() }, |exception| {
            assert_eq!((exception.class, exception.trace), (&b"ObjectNotFound"[..], true));
            assert_eq!(exception.argument(0), Some("ab".repeat(32).as_bytes()));
        });
    }

    #[test]
    fn others_carry_their_text() {
        emitted(RepositoryError::AppendOnly("/repo".into()), |exception| {
            assert_eq!((exception.class, exception.trace), (&b"ValueError"[..], true));
            assert!(exception.full.iter().eq([&b"ValueError: /repo is in append-only mode\n"[..]]));
        });
        let source = io::Error::from_raw_os_error(28);
        emitted(RepositoryError::Io { path: "/x".into(), source }, |exception| {
            assert_eq!((exception.class, exception.argument(0)), (&b"OSError"[..], None));
            assert!(exception.arguments.iter().next() == Some(Argument::Other(b"\xcd\x00\x1c")));
        });
    }
}
