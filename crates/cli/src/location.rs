//! Where a repository is: Borg's spelling of local and remote locations, with an archive's name behind `::`.
//!
//! `/path`, `relative/path`, `file:///path`, `ssh://user@host:port/path`, `user@host:path`; an empty text or `::NAME` takes the
//! repository from BORG_REPO. Placeholders are replaced before anything is read.

use crate::{Failure, environment::Environment};

/// A location, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) place: Place,
    /// Behind `::`.
    pub(crate) archive: Option<Vec<u8>>,
    /// The text it was read from, placeholders replaced.
    pub(crate) processed: Vec<u8>,
}

/// Near or far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The path, normalised but perhaps relative.
    Local(Vec<u8>),
    /// Everything that reaches another machine.
    Remote { user: Option<Vec<u8>>, host: Vec<u8>, port: Option<u32>, path: Vec<u8> },
}

/// The text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid location format: \"{}\"", String::from_utf8_lossy(.0))]
pub(crate) struct InvalidLocation(pub(crate) Vec<u8>);

impl Location {
    /// Reads what was typed; `replace` replaces placeholders.
    pub(crate) fn parse(
        text: &[u8],
        environment: &Environment,
        replace: impl Fn(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<Self, Failure> {
        let processed = replace(text)?;
        if let Some(location) = parse(&processed) {
            return Ok(location);
        }
        let archive = match processed.as_slice() {
            b"" | b"::" => None,
            [b':', b':', name @ ..] if !name.contains(&b'/') => Some(name.to_vec()),
            _ => return Err(InvalidLocation(processed).into()),
        };
        let Some(repository) = environment.variable("BORG_REPO") else {
            return Err(InvalidLocation(processed).into());
        };
        let repository = replace(repository.as_encoded_bytes())?;
        let Some(location) = parse(&repository) else { return Err(InvalidLocation(repository).into()) };
        let processed = match &archive {
            Some(name) => [&repository[..], b"::", name].concat(),
            None => repository,
        };
        Ok(Self { archive, processed, ..location })
    }

    /// What was typed, without the archive.
    pub(crate) fn without_archive(&self) -> Vec<u8> {
        let end = self.processed.windows(2).position(|pair| pair == b"::").unwrap_or(self.processed.len());
        self.processed[..end].to_vec()
    }

    /// The repository as Borg spells it in messages.
    pub(crate) fn canonical(&self) -> Vec<u8> {
        match &self.place {
            Place::Local(path) => path.clone(),
            Place::Remote { user, host, port, path } => {
                let mut text = b"ssh://".to_vec();
                if let Some(user) = user {
                    text.extend_from_slice(user);
                    text.push(b'@');
                }
                text.extend_from_slice(host);
                if let Some(port) = port {
                    text.extend_from_slice(format!(":{port}").as_bytes());
                }
                match path.first() {
                    Some(b'/') => {}
                    Some(b'~') => text.push(b'/'),
                    _ => text.extend_from_slice(b"/./"),
                }
                text.extend_from_slice(path);
                text
            }
        }
    }
}

fn parse(text: &[u8]) -> Option<Location> {
    let (place, archive) = parse_ssh(text).or_else(|| parse_file(text)).or_else(|| parse_path(text))?;
    Some(Location { place, archive, processed: text.to_vec() })
}

/// `ssh://[user@]host[:port]/path[::archive]`
fn parse_ssh(text: &[u8]) -> Option<(Place, Option<Vec<u8>>)> {
    let rest = text.strip_prefix(b"ssh://")?;
    let (user, rest) = split_user(rest);
    // A user that leaves no host is part of the host.
    let (host, rest) = split_host(rest)?;
    let (port, rest) = match rest.strip_prefix(b":") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let port: u32 = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
            (Some(port).filter(|port| *port != 0), &rest[digits..])
        }
        None => (None, rest),
    };
    let (path, archive) = split_archive(rest)?;
    if path.len() < 2 || path[0] != b'/' {
        return None;
    }
    Some((
        Place::Remote { user: user.map(<[u8]>::to_vec), host: host.to_vec(), port, path: normal_path(path) },
        archive,
    ))
}

/// `file://[server]/path[::archive]`
fn parse_file(text: &[u8]) -> Option<(Place, Option<Vec<u8>>)> {
    let (path, archive) = split_archive(text.strip_prefix(b"file://")?)?;
    let slash = path.iter().position(|&byte| byte == b'/')?;
    (slash + 1 < path.len()).then(|| (Place::Local(normal_path(path)), archive))
}

/// `[[user@]host:]path[::archive]`
fn parse_path(text: &[u8]) -> Option<(Place, Option<Vec<u8>>)> {
    let plain = |text| {
        let (path, archive) = split_archive(text)?;
        let refused =
            path.is_empty() || path.starts_with(b":") || path.starts_with(b"//") || path.starts_with(b"ssh://");
        (!refused).then(|| (normal_path(path), archive))
    };
    let (user, rest) = split_user(text);
    let remote = split_host(rest).and_then(|(host, rest)| Some((host, plain(rest.strip_prefix(b":")?)?)));
    if let Some((host, (path, archive))) = remote {
        let user = user.map(<[u8]>::to_vec);
        return Some((Place::Remote { user, host: host.to_vec(), port: None, path }, archive));
    }
    let (path, archive) = plain(text)?;
    Some((Place::Local(path), archive))
}

fn split_user(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match text.iter().position(|byte| matches!(byte, b'@' | b':' | b'/')) {
        Some(end) if end > 0 && text[end] == b'@' && split_host(&text[end + 1..]).is_some() => {
            (Some(&text[..end]), &text[end + 1..])
        }
        _ => (None, text),
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets; then the rest.
fn split_host(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = if text.starts_with(b"[") {
        let end = text.iter().position(|&byte| byte == b']')?;
        let inner = &text[1..end];
        if inner.is_empty() || !inner.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')) {
            return None;
        }
        end + 1
    } else {
        text.iter().position(|byte| matches!(byte, b':' | b'/')).unwrap_or(text.len())
    };
    let host = &text[..end];
    (end > 0 && (text[0] == b'[' || host.last() != Some(&b']'))).then_some((host, &text[end..]))
}

/// Splits at the first `::`; an archive's name is not empty and holds no slash.
fn split_archive(text: &[u8]) -> Option<(&[u8], Option<Vec<u8>>)> {
    match text.windows(2).position(|pair| pair == b"::") {
        None => Some((text, None)),
        Some(at) => {
            let name = &text[at + 2..];
            (!name.is_empty() && !name.contains(&b'/')).then(|| (&text[..at], Some(name.to_vec())))
        }
    }
}

/// Normalises, but keeps the `/./` that makes a remote path relative to the home directory.
fn normal_path(path: &[u8]) -> Vec<u8> {
    let normal = normalised(path);
    if path.starts_with(b"/./") { [b"/.", &normal[..]].concat() } else { normal }
}

/// Python's `os.path.normpath`.
pub(crate) fn normalised(path: &[u8]) -> Vec<u8> {
    let leading = path.iter().take_while(|&&byte| byte == b'/').count();
    let root: &[u8] = match leading {
        0 => b"",
        2 => b"//",
        _ => b"/",
    };
    let mut components: Vec<&[u8]> = Vec::new();
    for component in path.split(|&byte| byte == b'/').filter(|component| !matches!(*component, b"" | b".")) {
        if component != b".." {
            components.push(component);
        } else if components.last().is_some_and(|last| *last != b"..") {
            components.pop();
        } else if root.is_empty() {
            components.push(component);
        }
    }
    let normal = [root, &components.join(&b'/')].concat();
    if normal.is_empty() { b".".to_vec() } else { normal }
}

#[cfg(test)]
mod tests;
