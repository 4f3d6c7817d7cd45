//! The recorded vectors, parsed.

use nanoprobe_format::Id;

use crate::{Mode, TamContext};

/// The passphrase of all recorded keys.
pub(super) const PASSPHRASE: &str = "Grüße, Nanoprobe";

/// What Borg recorded of one mode.
pub(super) struct Vectors {
    pub(super) mode: Mode,
    pub(super) repository_id: [u8; 32],
    /// Key blob, or the whole key file.
    pub(super) key: String,
    /// What `key export --paper` prints.
    pub(super) paper: String,
    pub(super) seed: i32,
    pub(super) manifest: Vec<u8>,
    pub(super) objects: Vec<Object>,
    pub(super) tams: Vec<Tam>,
    /// Text of the repository's and of the local nonce file.
    pub(super) nonces: Option<(String, String)>,
    pub(super) key_type: String,
    pub(super) timestamp: String,
}

pub(super) struct Object {
    pub(super) id: Id,
    pub(super) stored: Vec<u8>,
    pub(super) data: Vec<u8>,
}

pub(super) struct Tam {
    pub(super) context: TamContext,
    pub(super) salt: Vec<u8>,
    pub(super) tam: Vec<u8>,
    pub(super) packed: Vec<u8>,
}

/// All modes.
pub(super) fn all() -> Vec<Vectors> {
    Mode::ALL.into_iter().map(of).collect()
}

/// One mode's.
pub(super) fn of(mode: Mode) -> Vectors {
    let mut vectors = Vectors {
        mode,
        repository_id: [0; 32],
        key: String::new(),
        paper: String::new(),
        seed: 0,
        manifest: Vec::new(),
        objects: Vec::new(),
        tams: Vec::new(),
        nonces: None,
        key_type: String::new(),
        timestamp: String::new(),
    };
    for line in text(mode).lines() {
        let (name, rest) = line.split_once(' ').unwrap();
        let values: Vec<&str> = rest.split(' ').collect();
        match name {
            "repository" => vectors.repository_id = bytes(rest).try_into().unwrap(),
            "key" => vectors.key = rest.replace('|', "\n"),
            "paper" => vectors.paper = rest.replace('|', "\n"),
            "seed" => vectors.seed = rest.parse().unwrap(),
            "manifest" => vectors.manifest = bytes(rest),
            "object" => vectors.objects.push(Object {
                id: Id::from_hex(values[0]).unwrap(),
                stored: bytes(values[1]),
                data: bytes(values[2]),
            }),
            "tam" => vectors.tams.push(Tam {
                context: if values[0] == "manifest" { TamContext::Manifest } else { TamContext::Archive },
                salt: bytes(values[1]),
                tam: bytes(values[2]),
                packed: bytes(values[3]),
            }),
            "nonce" => vectors.nonces = Some((values[0].into(), values[1].into())),
            "security" => (vectors.key_type, vectors.timestamp) = (values[0].into(), values[1].into()),
            name => panic!("unknown line {name}"),
        }
    }
    assert!(vectors.objects.len() == 6 && vectors.tams.len() == 2 && !vectors.timestamp.is_empty());
    vectors
}

fn text(mode: Mode) -> &'static str {
    match mode {
        Mode::None => include_str!("../../tests/vectors/none.txt"),
        Mode::Authenticated => include_str!("../../tests/vectors/authenticated.txt"),
        Mode::AuthenticatedBlake2 => include_str!("../../tests/vectors/authenticated-blake2.txt"),
        Mode::Repokey => include_str!("../../tests/vectors/repokey.txt"),
        Mode::RepokeyBlake2 => include_str!("../../tests/vectors/repokey-blake2.txt"),
        Mode::Keyfile => include_str!("../../tests/vectors/keyfile.txt"),
        Mode::KeyfileBlake2 => include_str!("../../tests/vectors/keyfile-blake2.txt"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
