//! A POST, and what can be fetched: plain HTTP by ourselves, HTTPS by `curl`, because a TLS library would be larger than all else here.
//!
//! Addresses are secrets: what is connected to is in no argument list, and reasons name neither host nor path.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::address::Parts;

/// Of each step, and of a whole line.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends `body`. Nothing is written to a disk for it: that there is no room on one may be the message.
pub(crate) fn post(address: &str, headers: &[(&str, &str)], body: &str) -> Result<(), String> {
    let parts = Parts::of(address).ok_or("it is no address")?;
    let headers: Vec<(&str, String)> = headers.iter().map(|(name, value)| (*name, plain(value))).collect();
    if parts.is_encrypted { by_curl(address, &headers, body) } else { by_ourselves(&parts, &headers, body) }
}

/// A header is one line of ASCII.
fn plain(value: &str) -> String {
    let plain = |character: char| if (' '..='~').contains(&character) { character } else { '?' };
    value.chars().map(plain).take(200).collect()
}

fn by_ourselves(parts: &Parts<'_>, headers: &[(&str, String)], body: &str) -> Result<(), String> {
    let mut stream = connect(parts)?;
    let mut request = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", parts.target(), parts.authority);
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("User-Agent: nanoprobe\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n");
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).map_err(|error| kind(&error))?;
    succeeded(&mut BufReader::new(stream))
}

/// The body of what is at an address, in a way that takes no memory; that it is whole is for the caller to find out.
pub(crate) fn fetch(address: &str) -> Result<Box<dyn BufRead>, String> {
    let parts = Parts::of(address).ok_or("it is no address")?;
    if parts.is_encrypted {
        return fetch_by_curl(address);
    }
    let mut stream = connect(&parts)?;
    // Of version 1.0, so that the body comes as it is.
    let request =
        format!("GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: nanoprobe\r\n\r\n", parts.target(), parts.authority);
    stream.write_all(request.as_bytes()).map_err(|error| kind(&error))?;
    let mut answer = BufReader::new(stream);
    succeeded(&mut answer)?;
    let mut head_bytes = 0;
    loop {
        let header = line(&mut answer)?;
        head_bytes += header.len();
        match header.trim_end() {
            "" => return Ok(Box::new(answer)),
            _ if head_bytes > MOST_HEAD_BYTES => return Err(NO_HTTP.to_owned()),
            _ => {}
        }
    }
}

fn connect(parts: &Parts<'_>) -> Result<TcpStream, String> {
    let addresses =
        (parts.host, parts.port).to_socket_addrs().map_err(|_| "the host's name is not known".to_owned())?;
    let mut stream = Err("the host's name has no address".to_owned());
    for address in addresses {
        stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| kind(&error));
        if stream.is_ok() {
            break;
        }
    }
    let stream = stream?;
    let patient = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    patient.map_err(|error| kind(&error))?;
    Ok(stream)
}

const NO_HTTP: &str = "the server's answer is no HTTP";
/// Of one line, and of all before a body.
const MOST_LINE_BYTES: usize = 4096;
const MOST_HEAD_BYTES: usize = 32 << 10;

/// The first line of an answer says so.
fn succeeded(answer: &mut BufReader<TcpStream>) -> Result<(), String> {
    let line = line(answer)?;
    let number = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    match number {
        Some(200..=299) => Ok(()),
        Some(code) => Err(format!("the server answers {code}")),
        None => Err(NO_HTTP.to_owned()),
    }
}

fn line(answer: &mut BufReader<TcpStream>) -> Result<String, String> {
    let (mut line, start) = (Vec::new(), Instant::now());
    for byte in answer.bytes().take(MOST_LINE_BYTES) {
        let byte = byte.map_err(|error| kind(&error))?;
        line.push(byte);
        if byte == b'\n' {
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        if start.elapsed() > PATIENCE {
            return Err("timed out".to_owned());
        }
    }
    Err(NO_HTTP.to_owned())
}

/// The kind of an error: its text might name who was asked.
fn kind(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => "timed out".to_owned(),
        kind => kind.to_string(),
    }
}

fn by_curl(address: &str, headers: &[(&str, String)], body: &str) -> Result<(), String> {
    let mut settings = format!("max-time = 60\ndata-raw = {}\n", quoted(body));
    settings.push_str("header = \"Content-Type: text/plain; charset=utf-8\"\n");
    for (name, value) in headers {
        settings.push_str(&format!("header = {}\n", quoted(&format!("{name}: {value}"))));
    }
    let (mut child, written) = start_curl(address, &settings, Stdio::null())?;
    let status = child.wait().map_err(|error| kind(&error))?;
    match (status.code(), written) {
        (Some(0), Ok(())) => Ok(()),
        (Some(code), _) => Err(format!("curl ended with {code}")),
        (None, _) => Err("curl was killed".to_owned()),
    }
}

fn fetch_by_curl(address: &str) -> Result<Box<dyn BufRead>, String> {
    let (child, written) = start_curl(address, "location\nspeed-time = 60\nspeed-limit = 100\n", Stdio::piped())?;
    written.map_err(|error| kind(&error))?;
    // It ends when it has said all, or when nobody listens any more.
    let output = child.stdout.ok_or("curl has no output")?;
    Ok(Box::new(BufReader::new(output)))
}

/// Starts it, and says whether it took its settings.
fn start_curl(address: &str, settings: &str, output: Stdio) -> Result<(Child, io::Result<()>), String> {
    let mut command = Command::new("curl");
    // First of all: nobody's own settings.
    command.args(["-q", "--config", "-"]).stdin(Stdio::piped()).stdout(output).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| "no https program: curl is not there".to_owned())?;
    let settings = format!("url = \"{address}\"\nsilent\nfail\nproto = \"=https\"\n{settings}");
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(settings.as_bytes()));
    Ok((child, written))
}

/// As curl's settings have it, on one line.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push('?'),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// A server for one request, which ends like that; gives its address and, when it is done, what came.
    fn server(end: &'static str, answer: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/secret?x", listener.local_addr().expect("an address"));
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let (mut request, mut buffer) = (String::new(), [0; 1024]);
            while !request.ends_with(end) {
                let length = stream.read(&mut buffer).expect("a request");
                request.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            stream.write_all(answer.as_bytes()).expect("an answer");
            request
        });
        (address, served)
    }

    #[test]
    fn a_request_is_whole_and_its_answer_counts() {
        let (address, served) = server("the body", "HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(post(&address, &[("Title", "größer\r\nX: y")], "the body"), Ok(()));
        let request = served.join().expect("a request");
        assert!(request.starts_with("POST /secret?x HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        assert!(
            request.contains("\r\nTitle: gr??er??X: y\r\n")
                && request.contains("\r\nContent-Length: 8\r\n\r\nthe body")
        );
        let (address, served) = server("the body", "HTTP/1.0 500 Oh\r\n\r\n");
        let told = post(&address, &[], "the body").expect_err("a refusal");
        served.join().expect("a request");
        assert_eq!(told, "the server answers 500");
    }

    #[test]
    fn what_is_fetched_comes_as_it_is() {
        let fetched = |answer: &'static str| {
            let (address, served) = server("\r\n\r\n", answer);
            let body = fetch(&address).map(|mut body| {
                let mut text = String::new();
                body.read_to_string(&mut text).expect("a body");
                text
            });
            let request = served.join().expect("a request");
            assert!(request.starts_with("GET /secret?x HTTP/1.0\r\n"), "{request}");
            body
        };
        assert_eq!(fetched("HTTP/1.1 200 OK\r\nA: b\r\n\r\nline\n\nline").as_deref(), Ok("line\n\nline"));
        assert_eq!(fetched("HTTP/1.1 404 No\r\n\r\n"), Err("the server answers 404".to_owned()));
        assert_eq!(fetched("SSH-2.0-x\r\n"), Err(NO_HTTP.to_owned()));
        assert_eq!(fetched("HTTP/1.1 200 OK\r\nA: b"), Err(NO_HTTP.to_owned()));
    }

    #[test]
    fn settings_are_lines() {
        assert_eq!(quoted("a\\ \"b\"\r\nc\0ß"), "\"a\\\\ \\\"b\\\"\\r\\nc?ß\"");
    }

    #[test]
    fn reasons_name_no_address() {
        for address in ["http://127.0.0.1:1/secret", "http://secret.invalid/secret", "https://127.0.0.1:1/secret"] {
            let told = post(address, &[], "x").expect_err("nobody listens");
            assert!(!told.contains("secret") && !told.contains("127"), "{told}");
        }
    }
}
