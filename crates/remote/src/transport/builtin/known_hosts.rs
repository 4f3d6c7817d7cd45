//! Which keys a host may have: OpenSSH's `known_hosts`.
//!
//! A line is `[@marker] names type key [comment]`. Names are patterns divided by commas, or one name hidden as
//! `|1|salt|HMAC-SHA1(salt, name)`; a host at another port than 22 is named `[host]:port`. Read line by line, one line in memory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64ct::{Base64, Base64Unpadded, Encoding};
use nanoprobe_crypto::sha256;
use sha1::{Digest, Sha1};

/// Longer lines are passed over.
const LINE_BYTES_MOST: u64 = 64 << 10;
const SHA1_BLOCK_BYTES: usize = 64;
const SSH_PORT: u16 = 22;
/// What we ask for when nothing is known, best first.
const ALGORITHMS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// A public key as it travels, the name of its type in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostKey(pub(super) Vec<u8>);

impl HostKey {
    /// `ssh-ed25519` and the like.
    pub(super) fn kind(&self) -> &str {
        let name = self.0.split_first_chunk().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            str::from_utf8(rest.get(..length)?).ok()
        });
        name.unwrap_or_default()
    }

    /// As OpenSSH shows it: `ED25519 SHA256:…`.
    pub(super) fn fingerprint(&self) -> String {
        let name = match self.kind() {
            "ssh-ed25519" => "ED25519",
            "ssh-rsa" => "RSA",
            "ssh-dss" => "DSA",
            kind if kind.starts_with("ecdsa-") => "ECDSA",
            kind => kind,
        };
        format!("{name} SHA256:{}", Base64Unpadded::encode_string(&sha256(&[&self.0])))
    }

    fn text(&self) -> String {
        Base64::encode_string(&self.0)
    }
}

/// What the files say of one host.
#[derive(Debug, Default)]
pub(super) struct KnownHost {
    keys: Vec<Known>,
    /// Said of the host without its port: these help, but do not forbid.
    keys_without_port: Vec<Known>,
    revoked: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    key: HostKey,
    /// `file:line`
    place: String,
}

/// What is to be thought of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Trusted,
    Unknown,
    /// The host has others: fingerprints and where they stand.
    Changed(Vec<String>),
    /// Nobody may be trusted with it: where that stands.
    Revoked(String),
}

impl KnownHost {
    /// Looks a host up in `files`; a file that cannot be read says nothing.
    pub(super) fn look_up(files: &[PathBuf], host: &str, port: u16) -> Self {
        let mut known = Self::default();
        let (full, bare) = (name(host, port), host.to_ascii_lowercase());
        for file in files {
            let Ok(opened) = File::open(file) else { continue };
            read_lines(opened, |number, line| known.add(line, &full, &bare, &format!("{}:{number}", file.display())));
        }
        known
    }

    fn add(&mut self, line: &str, full: &str, bare: &str, place: &str) {
        let mut fields = line.split_ascii_whitespace().peekable();
        let marker = fields.next_if(|field| field.starts_with('@'));
        let (Some(names), Some(kind), Some(key)) = (fields.next(), fields.next(), fields.next()) else { return };
        let Ok(key) = Base64::decode_vec(key).map(HostKey) else { return };
        if names.starts_with('#') || key.kind() != kind {
            return;
        }
        let known = Known { key, place: place.to_owned() };
        match marker {
            Some("@revoked") if matches(names, full) || matches(names, bare) => self.revoked.push(known),
            None if matches(names, full) => self.keys.push(known),
            None if matches(names, bare) => self.keys_without_port.push(known),
            _ => {}
        }
    }

    pub(super) fn verdict(&self, key: &HostKey) -> Verdict {
        if let Some(known) = self.revoked.iter().find(|known| known.key == *key) {
            return Verdict::Revoked(known.place.clone());
        }
        if self.keys.iter().chain(&self.keys_without_port).any(|known| known.key == *key) {
            return Verdict::Trusted;
        }
        if self.keys.is_empty() {
            return Verdict::Unknown;
        }
        Verdict::Changed(
            self.keys.iter().map(|Known { key, place }| format!("{} ({place})", key.fingerprint())).collect(),
        )
    }

    /// What to ask the server for: first what can be checked, for a server that prefers another would look like a stranger.
    pub(super) fn algorithms(&self) -> Vec<&'static str> {
        let is_known = |algorithm: &&str| {
            let kind = if algorithm.starts_with("rsa-") { "ssh-rsa" } else { algorithm };
            self.keys.iter().chain(&self.keys_without_port).any(|known| known.key.kind() == kind)
        };
        let (known, others): (Vec<_>, Vec<_>) = ALGORITHMS.into_iter().partition(is_known);
        [known, others].concat()
    }
}

/// `host`, or `[host]:port`, as `known_hosts` names it.
pub(super) fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == SSH_PORT { host } else { format!("[{host}]:{port}") }
}

/// The line that makes a key known.
pub(super) fn line(host: &str, port: u16, key: &HostKey) -> String {
    format!("{} {} {}", name(host, port), key.kind(), key.text())
}

/// Makes a key known: when this returns, the line is on the disk.
pub(super) fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    if let Some(directory) = directory.filter(|directory| !directory.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
    if !opened.metadata()?.is_file() {
        return opened.write_all(line.as_bytes()); // /dev/null, for whoever wants that
    }
    let mut last = [b'\n'];
    if opened.seek(SeekFrom::End(0))? > 0 {
        opened.seek(SeekFrom::End(-1))?;
        opened.read_exact(&mut last)?;
    }
    let line = format!("{}{line}\n", if last == *b"\n" { "" } else { "\n" });
    opened.write_all(line.as_bytes())?;
    opened.sync_all()?;
    match directory {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn read_lines(file: File, mut look: impl FnMut(usize, &str)) {
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    for number in 1.. {
        line.clear();
        match reader.by_ref().take(LINE_BYTES_MOST).read_until(b'\n', &mut line) {
            Ok(1..) => look(number, str::from_utf8(&line).unwrap_or_default()),
            _ => return,
        }
    }
}

/// Whether the field of names means this one; a pattern behind `!` that matches takes it out.
fn matches(names: &str, name: &str) -> bool {
    if let Some(hidden) = names.strip_prefix("|1|") {
        return is_hidden_name(hidden, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in names.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if is_like(pattern.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => found |= is_like(pattern.as_bytes(), name.as_bytes()),
        }
    }
    found
}

fn is_hidden_name(hidden: &str, name: &str) -> Option<bool> {
    let (salt, digest) = hidden.split_once('|')?;
    let (salt, digest) = (Base64::decode_vec(salt).ok()?, Base64::decode_vec(digest).ok()?);
    Some(hmac_sha1(&salt, name.as_bytes())?[..] == digest[..])
}

/// HMAC with SHA-1, which hides names here and protects nothing.
fn hmac_sha1(key: &[u8], text: &[u8]) -> Option<[u8; 20]> {
    let mut block = [0; SHA1_BLOCK_BYTES];
    block.get_mut(..key.len())?.copy_from_slice(key); // salts are shorter
    let inner = Sha1::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Some(Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into())
}

/// `*` and `?`, nothing else; letters in either case.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from, mut star) = (0, 0, None);
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&text[from]) => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, from) = (star_at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIHcx4cdpUnKTPmTy1QTMJRiiGE6NNBhXQqE6RcfLu2dL";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn key(text: &str) -> HostKey {
        HostKey(Base64::decode_vec(text).expect("base64"))
    }

    fn verdict(lines: &str, host: &str, port: u16) -> Verdict {
        let directory = tempfile::tempdir().expect("a folder");
        let file = directory.path().join("known_hosts");
        fs::write(&file, lines).expect("a file");
        KnownHost::look_up(&[directory.path().join("none"), file], host, port).verdict(&key(ED25519))
    }

    #[test]
    fn names_are_matched_as_openssh_does() {
        let trusted = |names: &str, host, port| {
            verdict(&format!("{names} ssh-ed25519 {ED25519} a comment\n"), host, port) == Verdict::Trusted
        };
        assert!(trusted("host", "HOST", 22) && trusted("a,host", "host", 22) && trusted("Host", "host", 22));
        assert!(!trusted("host", "host2", 22) && !trusted("ghost", "host", 22));
        assert!(trusted("[host]:23", "host", 23) && !trusted("[host]:23", "host", 22) && trusted("host", "host", 23));
        assert!(
            trusted("*.org", "a.b.org", 22) && !trusted("*.org,!a.*", "a.b.org", 22) && trusted("h?st", "host", 22)
        );
        assert!(!trusted("#host", "host", 22));
    }

    #[test]
    fn hidden_names() {
        let hash = |name: &str| {
            let salt = [7; 20];
            let digest = hmac_sha1(&salt, name.as_bytes()).expect("a digest");
            format!("|1|{}|{} ssh-ed25519 {ED25519}\n", Base64::encode_string(&salt), Base64::encode_string(&digest))
        };
        assert_eq!(verdict(&hash("host"), "host", 22), Verdict::Trusted);
        assert_eq!(verdict(&hash("[host]:2222"), "host", 2222), Verdict::Trusted);
        assert_eq!(verdict(&hash("[host]:2222"), "host", 22), Verdict::Unknown);
        // RFC 2202, case 2.
        let digest = hmac_sha1(b"Jefe", b"what do ya want for nothing?").expect("a digest");
        assert_eq!(digest[..4], [0xef, 0xfc, 0xdf, 0x6a]);
    }

    #[test]
    fn a_host_with_another_key_has_changed() {
        let fingerprint = match verdict(&format!("\nhost ssh-ed25519 {OTHER}\n"), "host", 22) {
            Verdict::Changed(known) => known.concat(),
            verdict => panic!("{verdict:?}"),
        };
        assert!(fingerprint.starts_with("ED25519 SHA256:") && fingerprint.ends_with("known_hosts:2)"), "{fingerprint}");
        let both = format!("host ssh-ed25519 {OTHER}\nhost ssh-ed25519 {ED25519}");
        assert_eq!(verdict(&both, "host", 22), Verdict::Trusted);
        // Of the machine's other port nothing follows.
        assert_eq!(verdict(&format!("host ssh-ed25519 {OTHER}\n"), "host", 2222), Verdict::Unknown);
        assert_eq!(
            verdict(&format!("host ssh-rsa {ED25519}\nhost ssh-ed25519 !\nhost\n"), "host", 22),
            Verdict::Unknown
        );
    }

    #[test]
    fn a_revoked_key_is_nobodys() {
        let lines = format!("host ssh-ed25519 {ED25519}\n@revoked * ssh-ed25519 {ED25519}\n");
        assert!(matches!(verdict(&lines, "host", 2222), Verdict::Revoked(place) if place.ends_with(":2")));
        assert_eq!(verdict(&format!("@cert-authority host ssh-ed25519 {ED25519}"), "host", 22), Verdict::Unknown);
    }

    #[test]
    fn known_kinds_are_asked_for_first() {
        let directory = tempfile::tempdir().expect("a folder");
        let file = directory.path().join("deep/known_hosts");
        assert_eq!(KnownHost::default().algorithms(), ALGORITHMS);
        let ecdsa = HostKey([&[0, 0, 0, 19][..], b"ecdsa-sha2-nistp384", &[0; 8]].concat());
        append(&file, &line("host", 22, &ecdsa)).expect("a line");
        fs::write(&file, fs::read_to_string(&file).expect("a file").trim_end()).expect("no line feed");
        append(&file, &line("host", 2222, &key(ED25519))).expect("a line");
        let known = KnownHost::look_up(std::slice::from_ref(&file), "host", 22);
        assert_eq!(known.algorithms()[..2], ["ecdsa-sha2-nistp384", "ssh-ed25519"]);
        assert_eq!(known.algorithms().len(), ALGORITHMS.len());
        assert_eq!(KnownHost::look_up(&[file], "host", 2222).verdict(&key(ED25519)), Verdict::Trusted);
    }
}
