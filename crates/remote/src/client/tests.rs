//! Servers that are not what they should be.

mod resume;

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nanoprobe_format::Id;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::packed::List;
use nanoprobe_format::rpc::{Argument, Call, Exception, Form, Request, Response, Splitter, Version, emit_result};
use nanoprobe_repository::{Error as RepositoryError, Locking, Repository};

use super::{Limits, OpenOptions, RemoteRepository, Retries};
use crate::Error;
use crate::transport::{Line, Process, Transport};

/// Runs `serve` in a thread with the server's ends of the pipes.
struct Scripted<F>(F);

struct Nobody;

impl Process for Nobody {
    fn end(&mut self, _patience: Duration) {}
}

impl<F: Fn(PipeReader, PipeWriter) + Clone + Send + Sync + 'static> Transport for Scripted<F> {
    fn connect(&self) -> Result<Line, Error> {
        let ((requests_out, requests), (responses, responses_in)) = (pipe().unwrap(), pipe().unwrap());
        let serve = self.0.clone();
        thread::spawn(move || serve(requests_out, responses_in));
        Ok(Line {
            requests: Box::new(requests),
            responses: Box::new(responses),
            messages: Box::new(std::io::empty()),
            process: Box::new(Nobody),
        })
    }
}

const AHEAD_BYTES: usize = 1 << 20;

fn open(
    directory: &tempfile::TempDir,
    serve: impl Fn(PipeReader, PipeWriter) + Clone + Send + Sync + 'static,
) -> Result<RemoteRepository, RepositoryError> {
    RemoteRepository::open(Arc::new(Scripted(serve)), options(directory))
}

fn options(directory: &tempfile::TempDir) -> OpenOptions {
    OpenOptions {
        path: b"/repository".to_vec(),
        location: "ssh://host/repository".into(),
        processed: "host:/repository".into(),
        lock: Locking::Exclusive,
        lock_wait: 1,
        creation: None,
        limits: Limits {
            upload_bytes: 64 << 10,
            ahead_bytes: AHEAD_BYTES,
            requested_bytes: 2 * AHEAD_BYTES,
            upload_bytes_per_second: None,
            journal_bytes: 1 << 20,
        },
        caches: directory.path().to_owned(),
        listener: Arc::new(|_| {}),
        retries: Retries { attempts: 0, ..Retries::default() },
    }
}

fn result(number: u64, packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(()) = emit_result(number, Form::Named, &mut Writer::new(&mut bytes), |writer| writer.packed(packed));
    bytes
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let Ok(()) = Writer::new(&mut packed).raw(bytes);
    packed
}

/// Answers `negotiate` and `open`, and leaves the rest to `answer`, which gives what goes to the client.
fn conversation(requests: PipeReader, responses: PipeWriter, mut answer: impl FnMut(u64, &Call<'_>) -> Vec<u8>) {
    conversation_until(requests, responses, |number, call| {
        Some(if let Call::Open(_) = call { result(number, &raw(&[9; 32])) } else { answer(number, call) })
    });
}

/// Answers `negotiate`, and the rest by `answer`, until that gives nothing: then the line drops.
fn conversation_until(
    mut requests: PipeReader,
    mut responses: PipeWriter,
    mut answer: impl FnMut(u64, &Call<'_>) -> Option<Vec<u8>>,
) {
    let (mut splitter, mut message, mut piece) = (Splitter::default(), Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = requests.read(&mut piece) {
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let end = splitter.feed(rest).unwrap();
            message.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            rest = &rest[end.unwrap_or(rest.len())..];
            if end.is_none() {
                continue;
            }
            let request = Request::parse(&message).unwrap();
            let mut out = Vec::new();
            match request.call().unwrap() {
                Call::Negotiate { .. } => {
                    let version = Version::from(&Version::OURS[..]);
                    let mut packed = Vec::new();
                    let Ok(()) = Response::emit_server_version(Some(&version), &mut Writer::new(&mut packed));
                    out.extend([&[0x94, 1, request.number as u8, 0xc0], &packed[..]].concat());
                }
                call => match answer(request.number, &call) {
                    Some(answer) => out = answer,
                    None => return,
                },
            }
            message.clear();
            if responses.write_all(&out).is_err() {
                return;
            }
        }
    }
}

#[test]
fn a_banner_before_the_protocol_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let serve = |_, mut responses: PipeWriter| responses.write_all(b"Welcome to host!\n").unwrap();
    let error = open(&directory, serve).err().unwrap();
    assert_eq!(error.to_string(), "Got unexpected RPC data format from server:\nWelcome to host!\n");
    assert_eq!(error.exit_code(), 86);
    let error = open(&directory, |_, _| {}).err().unwrap();
    assert_eq!(error.to_string(), "Connection closed by remote host. Is borg working on the server?");
}

#[test]
fn a_server_from_before_the_protocol_is_outdated() {
    let directory = tempfile::tempdir().unwrap();
    let serve = |mut requests: PipeReader, mut responses: PipeWriter| {
        assert!(requests.read(&mut [0; 256]).unwrap() > 0);
        responses.write_all(&[0x94, 1, 1, 0xc0, 2]).unwrap();
        let _ = requests.read_to_end(&mut Vec::new());
    };
    let error = open(&directory, serve).err().unwrap();
    assert_eq!((error.name(), error.exit_code()), ("RemoteRepository.RPCServerOutdated", 84));
}

/// What a put came to is known before the server is asked to commit.
#[test]
fn a_put_that_failed_is_never_committed() {
    let directory = tempfile::tempdir().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let repository = open(&directory, move |requests, responses| {
        conversation(requests, responses, |number, call| {
            heard.lock().unwrap().push(String::from_utf8_lossy(call.method()).into_owned());
            match call {
                Call::Put(id, _) if id.0[0] == 3 => {
                    let arguments = [Argument::Raw(b"1.00 kB"), Argument::Raw(b"2.00 kB")];
                    let exception = Exception {
                        arguments: List::Slice(&arguments),
                        ..Exception::of_class(b"StorageQuotaExceeded")
                    };
                    let mut bytes = Vec::new();
                    let Ok(()) = exception.emit(number, Form::Named, &mut Writer::new(&mut bytes));
                    bytes
                }
                Call::Length => result(number, &[0]),
                _ => result(number, &[0xc0]),
            }
        });
    })
    .unwrap();
    let puts = (0..20).map(|id| repository.put(&Id([id; 32]), &vec![id; 100_000]));
    let failed = puts.filter_map(Result::err).next();
    let error = repository.commit().unwrap_err();
    assert_eq!((error.name(), error.exit_code()), ("Repository.StorageQuotaExceeded", 20));
    assert!(failed.is_none_or(|failed| failed.to_string() == error.to_string()));
    assert!(!asked.lock().unwrap().contains(&"commit".to_owned()));
    repository.rollback().unwrap();
    repository.put(&Id([1; 32]), b"again").unwrap();
    repository.commit().unwrap();
}

/// Objects are announced in one order and fetched in another, by several threads, beside changes: everything comes.
#[test]
fn more_announced_than_there_is_room_for_stops_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let repository = open(&directory, |requests, responses| {
        conversation(requests, responses, |number, call| match call {
            Call::Get(id) => result(number, &raw(&vec![id.0[0]; 300_000])),
            Call::Length => result(number, &[0]),
            _ => result(number, &[0xc0]),
        });
    })
    .unwrap();
    let ids: Vec<Id> = (1..=60).map(|id| Id([id; 32])).collect();
    repository.preload(&ids);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut object = Vec::new();
                while let Some(id) = ids.iter().rev().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    repository.get(id, &mut object).unwrap();
                    assert_eq!(object, vec![id.0[0]; 300_000]);
                    repository.put(&Id([200; 32]), &object).unwrap();
                }
            });
        }
    });
    // What is announced and never fetched does not stay in the way of what comes after it.
    repository.preload(&ids);
    let mut object = Vec::new();
    repository.get(&Id([100; 32]), &mut object).unwrap();
    assert_eq!(object[0], 100);
    repository.commit().unwrap();
}

#[test]
fn hostile_answers_end_the_conversation() {
    let answers: [fn(u64) -> Vec<u8>; 7] = [
        |_| result(4_000_000, &[0xc0]),
        |number| result(number, &[0xc0]),
        |number| result(number, &[0x81, 0xc0, 0xc0]),
        |_| [&[0x81, 0xa1, b'i', 0xdb, 0xff, 0xff, 0xff, 0xff][..], &[0; 100]].concat(),
        |_| vec![0x91; 1000],
        |_| vec![0xc1; 10],
        |_| [&[0x81, 0xa1, b'i', 0xdd][..], &[0xff; 4], &[0x91; 100]].concat(),
    ];
    for (place, hostile) in answers.into_iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let repository = open(&directory, move |requests, responses| {
            conversation(requests, responses, |number, _| hostile(number));
        })
        .unwrap();
        let begun = Instant::now();
        let error = repository.get(&Id([1; 32]), &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 86, "{place}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn lists_longer_than_asked_for_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let repository = open(&directory, |requests, responses| {
        conversation(requests, responses, |number, _| {
            result(number, &[&[0xdc, 0, 3][..], &raw(&[1; 32]), &raw(&[2; 32]), &raw(&[3; 32])].concat())
        });
    })
    .unwrap();
    let mut ids = Vec::new();
    assert_eq!(repository.list(None, 2, &mut ids).unwrap_err().exit_code(), 86);
    repository.list(None, 3, &mut ids).unwrap();
    assert_eq!(ids.len(), 3);
}
