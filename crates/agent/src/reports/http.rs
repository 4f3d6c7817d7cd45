//! A POST: plain HTTP by ourselves, HTTPS by `curl`, because a TLS library would be larger than all else here.
//!
//! Addresses are secrets: what is connected to is in no argument list, and reasons name neither host nor path.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{address::Parts, durable};

/// Of each step; the answer as a whole takes no longer either.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends `body`; `directory` has room for a temporary file that only we can read.
pub(super) fn post(address: &str, headers: &[(&str, &str)], body: &str, directory: &Path) -> Result<(), String> {
    let parts = Parts::of(address).ok_or("it is no address")?;
    let headers: Vec<(&str, String)> = headers.iter().map(|(name, value)| (*name, plain(value))).collect();
    if parts.is_encrypted { by_curl(address, &headers, body, directory) } else { by_ourselves(&parts, &headers, body) }
}

/// A header is one line of ASCII.
fn plain(value: &str) -> String {
    let plain = |character: char| if (' '..='~').contains(&character) { character } else { '?' };
    value.chars().map(plain).take(200).collect()
}

fn by_ourselves(parts: &Parts<'_>, headers: &[(&str, String)], body: &str) -> Result<(), String> {
    let addresses =
        (parts.host, parts.port).to_socket_addrs().map_err(|_| "the host's name is not known".to_owned())?;
    let mut stream = Err("the host's name has no address".to_owned());
    for address in addresses {
        stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| kind(&error));
        if stream.is_ok() {
            break;
        }
    }
    let mut stream = stream?;
    let mut request = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", parts.target(), parts.authority);
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("User-Agent: nanoprobe\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n");
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let patient = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    patient.and_then(|()| stream.write_all(request.as_bytes())).map_err(|error| kind(&error))?;
    match status(&mut stream)? {
        200..=299 => Ok(()),
        code => Err(format!("the server answers {code}")),
    }
}

/// The number in the first line of the answer; the rest is nobody's interest.
fn status(stream: &mut TcpStream) -> Result<u16, String> {
    let (mut line, mut buffer, start) = (Vec::new(), [0; 64], Instant::now());
    while !line.contains(&b'\n') && line.len() < 256 && start.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => line.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(kind(&error)),
        }
    }
    let line = String::from_utf8_lossy(&line);
    let number = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    number.ok_or_else(|| "the server's answer is no HTTP".to_owned())
}

/// The kind of an error: its text might name who was asked.
fn kind(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::WouldBlock => "timed out".to_owned(),
        kind => kind.to_string(),
    }
}

fn by_curl(address: &str, headers: &[(&str, String)], body: &str, directory: &Path) -> Result<(), String> {
    let file = directory.join("message");
    durable::replace(&file, body.as_bytes(), 0o600).map_err(|error| format!("{}: {error}", file.display()))?;
    let sent = run_curl(address, headers, &file);
    // What stays behind is overwritten by the next one.
    let _ = fs::remove_file(&file);
    sent
}

fn run_curl(address: &str, headers: &[(&str, String)], body: &Path) -> Result<(), String> {
    let mut command = Command::new("curl");
    // First of all: nobody's own settings.
    command.args(["-q", "--config", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| "no https program: curl is not there".to_owned())?;
    let mut settings = format!("url = \"{address}\"\nsilent\nfail\nmax-time = 60\nproto = \"=https\"\n");
    settings.push_str(&format!("data-binary = {}\n", quoted(&format!("@{}", body.display()))));
    settings.push_str("header = \"Content-Type: text/plain; charset=utf-8\"\n");
    for (name, value) in headers {
        settings.push_str(&format!("header = {}\n", quoted(&format!("{name}: {value}"))));
    }
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(settings.as_bytes()));
    let status = child.wait().map_err(|error| kind(&error))?;
    match (status.code(), written) {
        (Some(0), Ok(())) => Ok(()),
        (Some(code), _) => Err(format!("curl ended with {code}")),
        (None, _) => Err("curl was killed".to_owned()),
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// A server for one request; gives its address and, when it is done, what came.
    fn server(answer: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/secret?x", listener.local_addr().expect("an address"));
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let (mut request, mut buffer) = (String::new(), [0; 1024]);
            while !request.ends_with("the body") {
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
        let folder = tempfile::tempdir().expect("a folder");
        let (address, served) = server("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(post(&address, &[("Title", "größer\r\nX: y")], "the body", folder.path()), Ok(()));
        let request = served.join().expect("a request");
        assert!(request.starts_with("POST /secret?x HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        assert!(
            request.contains("\r\nTitle: gr??er??X: y\r\n")
                && request.contains("\r\nContent-Length: 8\r\n\r\nthe body")
        );
        let (address, served) = server("HTTP/1.0 500 Oh\r\n\r\n");
        let told = post(&address, &[], "the body", folder.path()).expect_err("a refusal");
        served.join().expect("a request");
        assert_eq!(told, "the server answers 500");
    }

    #[test]
    fn reasons_name_no_address() {
        let folder = tempfile::tempdir().expect("a folder");
        for address in ["http://127.0.0.1:1/secret", "http://secret.invalid/secret", "https://127.0.0.1:1/secret"] {
            let told = post(address, &[], "x", folder.path()).expect_err("nobody listens");
            assert!(!told.contains("secret") && !told.contains("127"), "{told}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
