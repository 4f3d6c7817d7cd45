//! What is sent back: every answer with the same strict headers, and streams whose end tells whether they are whole.

use std::{
    borrow::Cow,
    io::{self, Write},
    net::{Shutdown, TcpStream},
};

use super::{addresses::Quoted, html::Html};

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Cow<'static, [u8]>,
}

/// Of every answer. Nothing is kept by browsers, nothing comes from elsewhere, there are no scripts at all, and nobody frames it.
/// The origin of a form is told to ourselves alone (`same-origin`: with `no-referrer` it would be `null`).
const ALWAYS: &str = "Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n\
     Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\nConnection: close\r\n";

impl Answer {
    pub(super) fn page(status: u16, html: Html) -> Self {
        Self { status, kind: "text/html; charset=utf-8", headers: Vec::new(), body: Cow::Owned(html.into_bytes()) }
    }

    pub(super) fn file(kind: &'static str, bytes: &'static [u8]) -> Self {
        Self { status: 200, kind, headers: Vec::new(), body: Cow::Borrowed(bytes) }
    }

    /// Words for programs and for those whose request was none.
    pub(super) fn words(status: u16, words: &str) -> Self {
        let body = format!("{words}\n").into_bytes();
        Self { status, kind: "text/plain; charset=utf-8", headers: Vec::new(), body: Cow::Owned(body) }
    }

    /// Look there instead.
    pub(super) fn see(address: &str) -> Self {
        Self::words(303, "see there").with("Location", address.to_owned())
    }

    /// Bytes that are to be saved under a name, which has no slash; they follow by [`Flow`].
    pub(super) fn attachment(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).into_owned();
        let plain: String = name
            .chars()
            .map(|one| if one.is_ascii_alphanumeric() || ".-_ ".contains(one) { one } else { '_' })
            .collect();
        let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", Quoted(name.as_bytes()));
        Self { status: 200, kind: "application/octet-stream", headers: Vec::new(), body: Cow::Borrowed(b"") }
            .with("Content-Disposition", value)
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Browsers ask again after so many seconds.
    pub(super) fn again(self, seconds: u32) -> Self {
        self.with("Refresh", seconds.to_string())
    }

    pub(super) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.head();
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)
    }

    fn head(&self) -> Vec<u8> {
        let mut head =
            format!("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{ALWAYS}", self.status, reason(self.status), self.kind);
        for (name, value) in &self.headers {
            // A header is one line, whatever was put into it.
            let plain = |one: char| if (' '..='~').contains(&one) { one } else { '?' };
            head.push_str(&format!("{name}: {}\r\n", value.chars().map(plain).collect::<String>()));
        }
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

/// Bytes of unknown length on their way: in pieces, with an end mark only when all came.
#[derive(Debug)]
pub(super) struct Flow<'s> {
    stream: &'s TcpStream,
    /// Sent with the first piece.
    head: Option<Answer>,
    is_broken: bool,
}

impl<'s> Flow<'s> {
    pub(super) fn new(stream: &'s TcpStream, head: Answer) -> Self {
        Self { stream, head: Some(head), is_broken: false }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.head.is_none()
    }

    /// Sends a piece; when nobody takes it, the connection ends.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        if !self.is_broken && !bytes.is_empty() {
            let sent = self.begin().and_then(|()| {
                let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                self.stream.write_all(&framed)
            });
            if sent.is_err() {
                self.cut();
            }
        }
    }

    /// All came.
    pub(super) fn finish(&mut self) {
        if !self.is_broken {
            // Who is gone does not miss it.
            let _ = self.begin().and_then(|()| self.stream.write_all(b"0\r\n\r\n"));
        }
    }

    /// Not all came: without an end mark browsers keep nothing.
    pub(super) fn cut(&mut self) {
        self.is_broken = true;
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn begin(&mut self) -> io::Result<()> {
        let Some(head) = self.head.take() else { return Ok(()) };
        let mut bytes = head.head();
        bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        self.stream.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_header() {
        let mut sent = Vec::new();
        Answer::attachment(b"a\"b\r\nX: \xc3\xa4\xff;.txt").send(&mut sent).expect("sent");
        let text = String::from_utf8(sent).expect("text");
        let wanted =
            "Content-Disposition: attachment; filename=\"a_b__X_ ä_.txt\"".replace('ä', "_").replace("_.txt", "__.txt");
        assert!(text.contains(&wanted), "{text}");
        assert!(text.contains("filename*=UTF-8''a%22b%0D%0AX%3A%20%C3%A4%EF%BF%BD%3B.txt\r\n"), "{text}");
        assert!(text.contains("default-src 'none'") && text.ends_with("Content-Length: 0\r\n\r\n"));
        let mut sent = Vec::new();
        Answer::see("/x\r\nEvil: 1").send(&mut sent).expect("sent");
        assert!(String::from_utf8_lossy(&sent).contains("Location: /x??Evil: 1\r\n"));
    }
}
