//! One request of HTTP/1.1, of which little is understood and everything is doubted: GET and POST, bounded in every direction.
//! Pure but for [`read`], which gives whoever sends it one deadline for all of it.

use std::{
    io::{self, Read},
    net::TcpStream,
    time::{Duration, Instant},
};

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// As typed, from `/` on, without what follows `?`.
    pub(super) path: Vec<u8>,
    /// Behind `?`.
    pub(super) query: Vec<u8>,
    /// What it calls this machine, with the port.
    pub(super) host: String,
    pub(super) origin: Option<String>,
    /// `Sec-Fetch-Site`
    pub(super) site: Option<String>,
    /// The session that its cookie names.
    pub(super) session: Option<String>,
    /// Of `Authorization: Bearer`.
    pub(super) token: Option<Vec<u8>>,
    pub(super) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is answered with this status.
    Status(u16),
    /// Nobody is there any more, or was too slow.
    Gone,
}

/// Of the head: a path in an archive has 4096 bytes, three times that when it is quoted.
const MOST_HEAD_BYTES: usize = 20 << 10;
const MOST_HEADERS: usize = 64;
/// Of a form.
const MOST_BODY_BYTES: usize = 4 << 10;
/// For all of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The cookie. Those of all ports of a machine are sent to each.
pub(super) const COOKIE: &str = "nanoprobe-session";

/// Reads a request.
pub(super) fn read(stream: &mut TcpStream) -> Result<Request, Refusal> {
    let (began, mut bytes) = (Instant::now(), Vec::new());
    let (head, start) = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (head(&bytes[..end])?, end + 4);
        }
        if bytes.len() >= MOST_HEAD_BYTES {
            return Err(Refusal::Status(431));
        }
        more(stream, began, &mut bytes)?;
    };
    let (request, length) = head;
    let mut body = bytes.split_off(start);
    while body.len() < length {
        more(stream, began, &mut body)?;
    }
    body.truncate(length);
    Ok(Request { body, ..request })
}

fn more(stream: &mut TcpStream, began: Instant, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut piece = [0; 2048];
    let left = PATIENCE.checked_sub(began.elapsed()).filter(|left| !left.is_zero()).ok_or(Refusal::Gone)?;
    stream.set_read_timeout(Some(left)).map_err(|_| Refusal::Gone)?;
    match stream.read(&mut piece) {
        Ok(0) => Err(Refusal::Gone),
        Ok(length) => {
            bytes.extend_from_slice(&piece[..length]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(_) => Err(Refusal::Gone),
    }
}

/// Understands a head, without the empty line; gives the length of the body too.
fn head(bytes: &[u8]) -> Result<(Request, usize), Refusal> {
    const WRONG: Refusal = Refusal::Status(400);
    let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // Where a line ends must be beyond doubt.
    let ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let is_plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
    if bytes.windows(2).filter(|pair| pair == b"\r\n").count() != ends || bytes.first() == Some(&b'\n') {
        return Err(WRONG);
    }
    let first = lines.next().unwrap_or_default();
    let words: Vec<&[u8]> = first.split(|&byte| byte == b' ').collect();
    let [method, target, version] = words[..] else { return Err(WRONG) };
    let method = match (method, version) {
        (_, b"HTTP/1.1") if !target.starts_with(b"/") || !target.iter().all(u8::is_ascii_graphic) => return Err(WRONG),
        (b"GET", b"HTTP/1.1") => Method::Get,
        (b"POST", b"HTTP/1.1") => Method::Post,
        (_, b"HTTP/1.1") => return Err(Refusal::Status(405)),
        _ => return Err(Refusal::Status(505)),
    };
    let mut headers = Headers::default();
    for (count, line) in lines.enumerate() {
        if count == MOST_HEADERS {
            return Err(Refusal::Status(431));
        }
        if !line.iter().all(is_plain) {
            return Err(WRONG);
        }
        let colon = line.iter().position(|&byte| byte == b':').ok_or(WRONG)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if name.is_empty() || !name.iter().all(is_token) {
            return Err(WRONG);
        }
        headers.take(&name.to_ascii_lowercase(), value)?;
    }
    let length = match (method, headers.length) {
        (Method::Get, None | Some(0)) => 0,
        (Method::Get, Some(_)) => return Err(WRONG),
        (Method::Post, None) => return Err(Refusal::Status(411)),
        (Method::Post, Some(length)) if length > MOST_BODY_BYTES => return Err(Refusal::Status(413)),
        (Method::Post, Some(length)) => length,
    };
    let mark = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let query = target.get(mark + 1..).unwrap_or_default();
    let request = Request {
        method,
        path: target[..mark].to_vec(),
        query: query.to_vec(),
        host: headers.host.ok_or(WRONG)?,
        origin: headers.origin,
        site: headers.site,
        session: headers.session,
        token: headers.token,
        body: Vec::new(),
    };
    Ok((request, length))
}

/// Those that are of interest.
#[derive(Default)]
struct Headers {
    host: Option<String>,
    origin: Option<String>,
    site: Option<String>,
    session: Option<String>,
    token: Option<Vec<u8>>,
    length: Option<usize>,
}

impl Headers {
    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        let text = || str::from_utf8(value).map(str::to_owned).map_err(|_| Refusal::Status(400));
        // What must not stand there twice.
        let once = |slot: &mut Option<String>| match slot.replace(text()?) {
            None => Ok(()),
            Some(_) => Err(Refusal::Status(400)),
        };
        match name {
            b"host" => once(&mut self.host)?,
            b"origin" => once(&mut self.origin)?,
            b"sec-fetch-site" => once(&mut self.site)?,
            b"content-length" => {
                let is_number = !value.is_empty() && value.len() <= 9 && value.iter().all(u8::is_ascii_digit);
                let length = text()?.parse().ok().filter(|_| is_number && self.length.is_none());
                self.length = Some(length.ok_or(Refusal::Status(400))?);
            }
            b"transfer-encoding" => return Err(Refusal::Status(501)),
            b"authorization" => self.token = value.strip_prefix(b"Bearer ").map(<[u8]>::to_vec),
            b"cookie" => {
                let cookies = value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
                let mut ours = cookies.filter_map(|cookie| cookie.strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="));
                self.session = ours.next_back().and_then(|id| String::from_utf8(id.to_vec()).ok());
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener};

    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Result<(Request, usize), Refusal> {
        head(text.as_bytes())
    }

    #[test]
    fn what_browsers_send_is_understood() {
        let (request, length) = of("POST /a%20b?x=1?&y HTTP/1.1\r\nHost: box:8475\r\nOrigin: http://box:8475\r\n\
             Cookie: other=\u{ff}; nanoprobe-session=12ab; b=c\r\nContent-Length: 7\r\nSec-Fetch-Site:same-origin")
        .expect("a request");
        assert_eq!((request.method, request.path.as_slice(), length), (Method::Post, &b"/a%20b"[..], 7));
        assert_eq!((request.query.as_slice(), request.host.as_str()), (&b"x=1?&y"[..], "box:8475"));
        assert_eq!((request.session.as_deref(), request.site.as_deref()), (Some("12ab"), Some("same-origin")));
        let (request, _) = of("GET / HTTP/1.1\r\nhost:h\r\nAuthorization: Bearer abc").expect("a request");
        assert_eq!((request.token.as_deref(), request.query.as_slice()), (Some(&b"abc"[..]), &b""[..]));
    }

    #[test]
    fn what_is_doubtful_is_refused() {
        for (text, status) in [
            ("", 400),
            ("GET /", 400),
            ("GET / HTTP/1.1", 400),
            ("GET / HTTP/1.0\r\nHost: h", 505),
            ("GET http://h/ HTTP/1.1\r\nHost: h", 400),
            ("GET  / HTTP/1.1\r\nHost: h", 400),
            ("GET /\u{e4} HTTP/1.1\r\nHost: h", 400),
            ("PUT / HTTP/1.1\r\nHost: h", 405),
            ("GET / HTTP/1.1\nHost: h", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nHost: h", 400),
            ("GET / HTTP/1.1\r\nHost : h", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n folded", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5", 400),
            ("POST / HTTP/1.1\r\nHost: h", 411),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000", 413),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 501),
        ] {
            assert_eq!(of(text), Err(Refusal::Status(status)), "{text:?}");
        }
        let many = format!("GET / HTTP/1.1\r\nHost: h{}", "\r\nA: b".repeat(64));
        assert_eq!(of(&many), Err(Refusal::Status(431)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = head(&bytes);
        }

        #[test]
        fn a_request_with_any_byte_changed_is_answered(place in 0_usize..90, byte in any::<u8>()) {
            let mut bytes = b"POST /a?b HTTP/1.1\r\nHost: h\r\nCookie: nanoprobe-session=1\r\nContent-Length: 3\r\nOrigin: x".to_vec();
            let place = place % bytes.len();
            bytes[place] = byte;
            if let Ok((request, length)) = head(&bytes) {
                prop_assert!(length <= MOST_BODY_BYTES && request.path.starts_with(b"/"));
            }
        }
    }

    #[test]
    fn pieces_are_joined_and_too_much_is_too_much() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ask = |pieces: &[&[u8]]| {
            let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
            let (mut stream, _) = listener.accept().expect("a client");
            for piece in pieces {
                client.write_all(piece).expect("sent");
            }
            client.shutdown(std::net::Shutdown::Write).expect("an end");
            read(&mut stream)
        };
        let request = ask(&[b"POST / HTTP/1.1\r\nHost: h\r", b"\nContent-Length: 4\r\n\r\nab", b"cdef"]);
        assert_eq!(request.map(|request| request.body), Ok(b"abcd".to_vec()));
        assert_eq!(ask(&[b"GET / HTTP/1.1\r\n"]), Err(Refusal::Gone));
        assert_eq!(ask(&[&[b'x'; 30_000]]), Err(Refusal::Status(431)));
    }
}
