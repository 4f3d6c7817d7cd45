//! `http://host:port/path`, taken apart.

/// The parts of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// TLS is wanted.
    pub(crate) is_encrypted: bool,
    /// Host without brackets.
    pub(crate) host: &'a str,
    /// Host and port as typed.
    pub(crate) authority: &'a str,
    pub(crate) port: u16,
    /// Path and query, from `/` on.
    pub(crate) path: &'a str,
}

impl<'a> Parts<'a> {
    /// `None` where it is no address that can be written into a request or a configuration line of curl.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            return None;
        }
        let (is_encrypted, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, if is_encrypted { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').map_or(Some(host), |host| host.strip_suffix(']'))?;
        let plain = !host.is_empty() && !authority.contains('@') && !path.contains('#');
        plain.then_some(Self { is_encrypted, host, authority, port, path })
    }

    /// What stands in the first line of a request.
    pub(crate) fn target(&self) -> String {
        if self.path.starts_with('/') { self.path.to_owned() } else { format!("/{}", self.path) }
    }
}

/// The address with a word more in its path.
pub(crate) fn below(address: &str, word: &str) -> String {
    let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/');
    match (word, query) {
        ("", _) => address.to_owned(),
        (word, Some(query)) => format!("{path}/{word}?{query}"),
        (word, None) => format!("{path}/{word}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parts = Parts::of("http://box:8080/secret?x=1").expect("an address");
        assert_eq!((parts.host, parts.port, parts.target().as_str()), ("box", 8080, "/secret?x=1"));
        let parts = Parts::of("https://[::1]").expect("an address");
        assert_eq!((parts.host, parts.port, parts.target().as_str(), parts.is_encrypted), ("::1", 443, "/", true));
        for wrong in ["ftp://a/", "http://", "http://a:x/", "http://a/b c", "http://a/\"", "http://u@h/", "box/path"] {
            assert_eq!(Parts::of(wrong), None, "{wrong}");
        }
        assert_eq!(below("http://h/uuid/?a=b", "start"), "http://h/uuid/start?a=b");
        assert_eq!(below("http://h/uuid", ""), "http://h/uuid");
    }
}
