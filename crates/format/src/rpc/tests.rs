extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::Id;
use crate::packed::List;

fn emitted(emit: impl FnOnce(&mut Writer<&mut [u8]>)) -> Vec<u8> {
    let mut buffer = std::vec![0; 1 << 12];
    let mut writer = Writer::new(&mut buffer[..]);
    emit(&mut writer);
    let written = writer.written_bytes();
    buffer.truncate(written);
    buffer
}

const OPEN: Open<'_> = Open {
    path: b"/backup",
    create: true,
    lock_wait: Some(-1),
    lock: false,
    exclusive: true,
    append_only: false,
    make_parent_dirs: true,
};

fn calls() -> Vec<Call<'static>> {
    let (id, marker) = (Id([7; 32]), Some(Id([9; 32])));
    std::vec![
        Call::Negotiate { version: Some(Version::from(&[1, 2, 0, -3, 7][..])) },
        Call::Negotiate { version: None },
        Call::Open(OPEN),
        Call::Open(Open { lock_wait: None, create: false, lock: true, ..OPEN }),
        Call::Check { repair: true, maximum_seconds: 3600 },
        Call::Commit { compact: false, threshold: 0.25, cleanup_commits: true },
        Call::Rollback,
        Call::Destroy,
        Call::Length,
        Call::List { limit: Some(100_000), marker },
        Call::Scan { limit: None, marker: None },
        Call::Get(id),
        Call::Put(id, b"object"),
        Call::Delete(id),
        Call::SaveKey(b"hqlhbGdv"),
        Call::LoadKey,
        Call::BreakLock,
        Call::FreeNonce,
        Call::ReserveNonces { next_free: 1 << 40, expected: None },
        Call::ReserveNonces { next_free: u64::MAX, expected: Some(3) },
    ]
}

#[test]
fn calls_round_trip() {
    for (number, call) in calls().into_iter().enumerate() {
        let bytes = emitted(|writer| call.emit(number as u64 + 120, writer).unwrap());
        let request = Request::parse(&bytes).unwrap();
        assert_eq!((request.number, request.method), (number as u64 + 120, call.method()));
        assert_eq!(request.call(), Ok(call));
    }
}

#[test]
fn arguments_may_be_missing_or_unknown() {
    // {"i": 1, "m": "commit", "a": {"later": [1.5, None], "compact": 0}}
    let bytes = b"\x83\xa1i\x01\xa1m\xa6commit\xa1a\x82\xa5later\x92\xcb\x3f\xf8\0\0\0\0\0\0\xc0\xa7compact\0";
    let call = Request::parse(bytes).unwrap().call();
    assert_eq!(call, Ok(Call::Commit { compact: false, threshold: 0.1, cleanup_commits: false }));
    let call = |bytes| Request::parse(bytes).unwrap().call();
    assert_eq!(call(b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x80"), Err(CallError::Argument("id", Error::Missing("it"))));
    let error = Err(CallError::Argument("id", Error::WrongLength));
    assert_eq!(call(b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x81\xa2id\xa1x"), error);
    let error = Err(CallError::Argument("id", Error::UnexpectedType(7)));
    assert_eq!(call(b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x81\xa2id\x07"), error);
    assert_eq!(call(b"\x83\xa1i\x01\xa1m\xa7__del__\xa1a\x80"), Err(CallError::UnknownMethod));
    assert_eq!(call(b"\x94\x01\x01\xa3get\x91\xa1x"), Err(CallError::UnknownMethod), "no form of old clients");
}

#[test]
fn what_is_no_request_is_refused() {
    for bytes in [
        &b""[..],
        b"\xc0",
        b"\x80",
        b"\x82\xa1i\x01\xa1m\xa3get",
        b"\x83\xa1i\xa0\xa1m\xa3get\xa1a\x80",
        b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x90",
        b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x81\x01\x01",
        b"\x83\xa1i\x01\xa1m\xa3get\xa1a\x80\x00",
        b"\x93\x01\x01\xa3get",
        b"\x94\x01\x01\xa9negotiate\xc0",
    ] {
        assert!(Request::parse(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn answers_round_trip() {
    for form in [Form::Named, Form::Positional] {
        let bytes = emitted(|writer| emit_result(300, form, writer, |writer| writer.raw(b"object")).unwrap());
        let response = Response::parse(&bytes).unwrap();
        assert_eq!(response.number, 300);
        assert!(matches!(response.outcome, Outcome::Result(b"\xa6object")));
    }
    let arguments = [Argument::Raw(b"/backup"), Argument::Other(b"\x1c")];
    let exception = Exception {
        class: b"PathNotAllowed",
        arguments: List::Slice(&arguments),
        full: List::Slice(&[b"a line\n", b"another\n"]),
        short: List::Slice(&[b"Repository path not allowed: /backup"]),
        trace: false,
        system: b"Platform: Linux",
    };
    let bytes = emitted(|writer| exception.emit(7, Form::Named, writer).unwrap());
    let Ok(Response { number: 7, outcome: Outcome::Exception(read) }) = Response::parse(&bytes) else { panic!() };
    assert_eq!((read.class, read.arguments, read.full), (exception.class, exception.arguments, exception.full));
    assert_eq!((read.short, read.trace, read.system), (exception.short, false, exception.system));
    assert_eq!((read.argument(0), read.argument(1), read.argument(2)), (Some(&b"/backup"[..]), None, None));
    let bytes = emitted(|writer| exception.emit(7, Form::Positional, writer).unwrap());
    let Ok(Response { outcome: Outcome::Exception(read), .. }) = Response::parse(&bytes) else { panic!() };
    assert_eq!((read.class, read.trace, read.arguments.len()), (exception.class, true, 0));
}

#[test]
fn versions_are_told_and_compared() {
    let release = Version::from(&Version::OURS[..]);
    let bytes = emitted(|writer| Response::emit_server_version(Some(&release), writer).unwrap());
    assert_eq!(bytes, b"\x81\xaeserver_version\x94\x01\x04\x05\xff");
    assert_eq!(Response::server_version(&bytes), Ok(Some(release.clone())));
    assert_eq!(Response::server_version(b"\x02"), Ok(None));
    assert!(Response::server_version(b"\x03").is_err());
    assert!(Version::from(&[1, 4, 5, -2, 3][..]) < release && release < Version::from(&[1, 4, 10, -1][..]));
}

#[test]
fn declared_lengths_beyond_the_limit_are_refused_at_once() {
    let raw = |length: u64| [&b"\xdb"[..], &(length as u32).to_be_bytes()].concat();
    assert_eq!(Splitter::default().feed(&raw(MESSAGE_BYTES - 5)), Ok(None));
    let error = Err(Error::TooMany("bytes in a message"));
    assert_eq!(Splitter::default().feed(&raw(MESSAGE_BYTES - 4)), error);
    for bytes in [&b"\xdf\xff\xff\xff\xff"[..], b"\xdd\xff\xff\xff\xff", b"\x91\xdb\xff\xff\xff\xff"] {
        assert_eq!(Splitter::default().feed(bytes), error);
    }
    let mut splitter = Splitter::default();
    assert_eq!(splitter.feed(&raw(20 << 20)), Ok(None));
    for _ in 0..(20 << 20 >> 16) - 1 {
        assert_eq!(splitter.feed(&[0xc1; 1 << 16]), Ok(None));
    }
    assert_eq!(splitter.feed(&[0xc1; 1 << 16]), Ok(Some(1 << 16)));
    assert_eq!(splitter.feed(b"\x90\x90"), Ok(Some(1)), "and is ready for another");
}

proptest! {
    #[test]
    fn a_stream_is_cut_where_its_messages_end(numbers in proptest::collection::vec(0..20_usize, 1..12), piece in 1..50_usize) {
        let calls = calls();
        let messages: Vec<_> = numbers.iter().map(|&n| emitted(|writer| calls[n].emit(n as u64, writer).unwrap())).collect();
        let stream = messages.concat();
        let (mut splitter, mut found, mut message) = (Splitter::default(), Vec::new(), Vec::<u8>::new());
        for mut piece in stream.chunks(piece) {
            while let Some(end) = splitter.feed(piece).unwrap() {
                message.extend(&piece[..end]);
                found.push(std::mem::take(&mut message));
                piece = &piece[end..];
            }
            message.extend(piece);
        }
        prop_assert_eq!(found, messages);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Splitter::default().feed(&bytes);
        let _ = Response::parse(&bytes);
        let _ = Response::server_version(&bytes);
        if let Ok(request) = Request::parse(&bytes) {
            let _ = request.call();
        }
    }

    #[test]
    fn a_damaged_call_is_another_or_refused(number in 0..20_usize, place in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = emitted(|writer| calls()[number].emit(1, writer).unwrap());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(request) = Request::parse(&bytes) {
            let _ = request.call();
        }
        bytes.truncate(place);
        prop_assert!(Request::parse(&bytes).is_err());
    }
}
