//! A conversation of a Borg 1.4.5 client with its own server (see `vectors/record_rpc.py`): cut into messages, read, and the
//! client's part emitted again to the byte.

use std::collections::BTreeSet;

use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::rpc::{Form, Outcome, Request, Response, Splitter, Version};

const REQUESTS: &[u8] = include_bytes!("vectors/rpc_requests.msgpack");
const RESPONSES: &[u8] = include_bytes!("vectors/rpc_responses.msgpack");

/// An argument of `put` and `delete` that clients send although no server looks at it.
const WAIT: &[u8] = b"\xa4wait\xc3";

fn messages(mut stream: &[u8]) -> Vec<&[u8]> {
    let (mut splitter, mut found) = (Splitter::default(), Vec::new());
    while let Some(end) = splitter.feed(stream).unwrap() {
        let (message, rest) = stream.split_at(end);
        found.push(message);
        stream = rest;
    }
    assert!(stream.is_empty());
    found
}

#[test]
fn a_clients_requests_are_read_and_emitted() {
    let mut methods = BTreeSet::new();
    for message in messages(REQUESTS) {
        let request = Request::parse(message).unwrap();
        let call = request.call().unwrap();
        methods.insert(call.method());
        let mut buffer = vec![0; 1 << 16];
        let mut writer = Writer::new(&mut buffer[..]);
        call.emit(request.number, &mut writer).unwrap();
        let written = writer.written_bytes();
        buffer.truncate(written);
        if message.ends_with(WAIT) {
            // Meant for the client itself; one pair more in the map of arguments.
            buffer.extend_from_slice(WAIT);
            let arguments = buffer.windows(2).position(|name| name == b"\xa1a").unwrap() + 2;
            buffer[arguments] += 1;
        }
        assert!(buffer == message, "{call:?}: {buffer:x?}");
    }
    assert_eq!(methods.len(), 17, "everything that can be asked for: {methods:?}");
}

#[test]
fn a_servers_answers_are_read() {
    let (requests, responses) = (messages(REQUESTS), messages(RESPONSES));
    assert_eq!(requests.len(), responses.len());
    let mut classes = BTreeSet::new();
    for (request, response) in requests.into_iter().zip(responses) {
        let (request, response) = (Request::parse(request).unwrap(), Response::parse(response).unwrap());
        assert_eq!(request.number, response.number);
        match response.outcome {
            Outcome::Result(result) if request.form == Form::Positional => {
                let version = Response::server_version(result).unwrap();
                assert_eq!(version, Some(Version::from(&Version::OURS[..])));
            }
            Outcome::Result(result) if request.method == b"open" => assert_eq!(result.len(), 35),
            Outcome::Result(_) => {}
            Outcome::Exception(exception) => {
                assert!(exception.short.iter().count() == 1 && exception.full.iter().count() > 1);
                assert_eq!(exception.trace, exception.class == b"ObjectNotFound");
                classes.insert(exception.class);
            }
        }
    }
    assert!(classes.iter().eq(&[&b"DoesNotExist"[..], b"ObjectNotFound"]), "{classes:?}");
}
