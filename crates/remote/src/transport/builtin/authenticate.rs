//! Proving who we are, in the order of `ssh`: the agent's keys, keys in files, and where a person can be asked, passwords.
//! The host's key was found good before.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Session};
use zeroize::{Zeroize, Zeroizing};

use super::Person;
use super::options::{Agent, Identity, Options, Questions};
use super::wire::Wire;
use crate::Error;

/// A server may think that long about one attempt.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer files hold no key.
const KEY_FILE_BYTES_MOST: u64 = 64 << 10;
const PASSPHRASE_ATTEMPTS: u32 = 3;
/// libssh2's `LIBSSH2_ERROR_AUTHENTICATION_FAILED`: the server does not want this key.
const NOT_WANTED: ErrorCode = ErrorCode::Session(-18);
/// libssh2's `LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED`: the private key could not be used, or what it signed was not accepted.
const NOT_VERIFIED: ErrorCode = ErrorCode::Session(-19);
/// libssh2's errors of the connection itself.
const CONNECTION_LOST: [ErrorCode; 5] = [
    ErrorCode::Session(-7),
    ErrorCode::Session(-9),
    ErrorCode::Session(-13),
    ErrorCode::Session(-43),
    ErrorCode::Session(-14),
];

/// Goes on until the server is satisfied.
pub(super) fn authenticate(
    session: &Session,
    wire: &mut Wire,
    options: &Options,
    person: &dyn Person,
) -> Result<(), Error> {
    let mut attempt = Attempt { session, wire, options, person };
    let methods = attempt.methods()?;
    if session.authenticated() {
        return Ok(()); // nobody asks for anything
    }
    let allows = |method: &str| methods.split(',').any(|allowed| allowed == method);
    let is_in = (allows("publickey") && (attempt.agent()? || attempt.identities()?))
        || (allows("keyboard-interactive") && attempt.keyboard()?)
        || (allows("password") && attempt.password()?);
    if is_in {
        return Ok(());
    }
    Err(Error::PermissionDenied { user: options.user.clone(), host: options.host.clone(), methods })
}

struct Attempt<'a> {
    session: &'a Session,
    wire: &'a mut Wire,
    options: &'a Options,
    person: &'a dyn Person,
}

impl Attempt<'_> {
    /// Asks for nothing; gives what the server offers instead.
    fn methods(&mut self) -> Result<String, Error> {
        let (session, options) = (self.session, self.options);
        let methods = self.wire.complete(PATIENCE, || match session.auth_methods(&options.user) {
            Err(_) if session.authenticated() => Ok(String::new()),
            methods => methods.map(str::to_owned),
        });
        methods.map_err(|error| self.lost(&error))
    }

    fn agent(&mut self) -> Result<bool, Error> {
        let (session, options) = (self.session, self.options);
        if options.agent == Agent::LeftAlone || std::env::var_os("SSH_AUTH_SOCK").is_none() {
            return Ok(false);
        }
        let Ok(mut agent) = session.agent() else { return Ok(false) };
        let known = agent.connect().and_then(|()| agent.list_identities()).and_then(|()| agent.identities());
        let Ok(mut keys) = known else { return Ok(false) };
        // Servers bear few attempts: those that were named come first.
        let named: Vec<Vec<u8>> = options.identities.iter().filter_map(|identity| public_key(&identity.path)).collect();
        keys.sort_by_key(|key| named.iter().position(|named| named == key.blob()).unwrap_or(usize::MAX));
        for key in keys {
            let tried = self.wire.complete(PATIENCE, || agent.userauth(&options.user, &key));
            if self.accepted(tried)?.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn identities(&mut self) -> Result<bool, Error> {
        for identity in &self.options.identities {
            if self.identity(identity)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn identity(&mut self, Identity { path, is_named }: &Identity) -> Result<bool, Error> {
        let shown = path.display();
        let state = match KeyFile::look(path) {
            Ok(state) => state,
            Err(reason) if *is_named => {
                self.person.tell(&format!("key file {shown} is not used: {reason}"));
                return Ok(false);
            }
            Err(_) => return Ok(false),
        };
        let mut refused = match (state, &public_file(path)) {
            (KeyFile::Plain, _) => self.key(path, None, None)?,
            // With the public key at hand nobody need type anything for a key that is not wanted.
            (KeyFile::Encrypted, Some(public)) => self.key(path, Some(public), None)?,
            (KeyFile::Encrypted, None) => Err(ssh2::Error::from_errno(NOT_VERIFIED)),
        };
        if state == KeyFile::Encrypted {
            for attempt in 0..PASSPHRASE_ATTEMPTS {
                match &refused {
                    Err(error) if error.code() != NOT_WANTED => {}
                    _ => break,
                }
                let question = format!("Enter passphrase for key '{shown}': ");
                let Some(passphrase) = self.ask(&question, attempt) else {
                    self.person
                        .tell(&format!("key file {shown} is encrypted, and nobody can be asked for its passphrase"));
                    return Ok(false);
                };
                refused = self.key(path, None, Some(&passphrase))?;
            }
        }
        match refused {
            Ok(()) => Ok(true),
            Err(error) if error.code() == NOT_WANTED => Ok(false),
            Err(_) if state == KeyFile::Encrypted => {
                self.person.tell(&format!("key file {shown} is not used: none of these is its passphrase"));
                Ok(false)
            }
            Err(error) => {
                self.person.tell(&format!("key file {shown} is not used: {}", error.message()));
                Ok(false)
            }
        }
    }

    fn key(
        &mut self,
        path: &Path,
        public: Option<&Path>,
        passphrase: Option<&str>,
    ) -> Result<Result<(), ssh2::Error>, Error> {
        let (session, user) = (self.session, &self.options.user);
        let tried = self.wire.complete(PATIENCE, || session.userauth_pubkey_file(user, public, path, passphrase));
        self.accepted(tried)
    }

    fn keyboard(&mut self) -> Result<bool, Error> {
        if !self.can_ask() {
            return Ok(false);
        }
        for attempt in 0..self.options.password_prompts {
            let (session, options) = (self.session, self.options);
            let mut typist = Typist { person: self.person, options, attempt, is_silent: false };
            let tried =
                self.wire.complete(PATIENCE, || session.userauth_keyboard_interactive(&options.user, &mut typist));
            let is_silent = typist.is_silent;
            if self.accepted(tried)?.is_ok() {
                return Ok(true);
            }
            if is_silent {
                break;
            }
        }
        Ok(false)
    }

    fn password(&mut self) -> Result<bool, Error> {
        let (session, options) = (self.session, self.options);
        for attempt in 0..options.password_prompts {
            let question = format!("{}@{}'s password: ", options.user, options.host);
            let Some(password) = self.ask(&question, attempt) else { break };
            let tried = self.wire.complete(PATIENCE, || session.userauth_password(&options.user, &password));
            if self.accepted(tried)?.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn can_ask(&self) -> bool {
        self.options.questions == Questions::Allowed && self.person.is_there()
    }

    fn ask(&self, question: &str, attempt: u32) -> Option<Zeroizing<String>> {
        if !self.can_ask() {
            return None;
        }
        self.person.ask(question, attempt).map(Zeroizing::new)
    }

    /// What one attempt came to; a connection that is gone ends them all.
    fn accepted(&self, tried: Result<(), ssh2::Error>) -> Result<Result<(), ssh2::Error>, Error> {
        match tried {
            Err(error) if CONNECTION_LOST.contains(&error.code()) => Err(self.lost(&error)),
            tried => Ok(tried),
        }
    }

    fn lost(&self, error: &ssh2::Error) -> Error {
        let reason =
            format!("{} during authentication (servers bear few attempts, see IdentitiesOnly)", error.message());
        Error::NoSsh { host: self.options.host.clone(), port: self.options.port, reason }
    }
}

/// Answers what a server asks of a person.
struct Typist<'a> {
    person: &'a dyn Person,
    options: &'a Options,
    attempt: u32,
    is_silent: bool,
}

impl KeyboardInteractivePrompt for Typist<'_> {
    fn prompt<'p>(&mut self, _user: &str, instructions: &str, prompts: &[ssh2::Prompt<'p>]) -> Vec<String> {
        if !instructions.is_empty() {
            self.person.tell(instructions);
        }
        let Options { user, host, .. } = self.options;
        let answer = |prompt: &ssh2::Prompt<'p>| {
            let answer = self.person.ask(&format!("({user}@{host}) {}", prompt.text), self.attempt);
            self.is_silent |= answer.is_none();
            answer.unwrap_or_default()
        };
        prompts.iter().map(answer).collect()
    }
}

/// What can be seen of a file before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyFile {
    Plain,
    Encrypted,
}

impl KeyFile {
    fn look(path: &Path) -> Result<Self, String> {
        let reason =
            |error: std::io::Error| error.to_string().split(" (os error").next().unwrap_or_default().to_owned();
        let file = File::open(path).map_err(reason)?;
        let metadata = file.metadata().map_err(reason)?;
        let is_ours = metadata.uid() == rustix::process::getuid().as_raw();
        if is_ours && metadata.mode() & 0o077 != 0 {
            return Err(format!("others may read it (mode {:04o})", metadata.mode() & 0o7777));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(KEY_FILE_BYTES_MOST).read_to_string(&mut text).map_err(reason)?;
        Ok(if is_encrypted(&text) { Self::Encrypted } else { Self::Plain })
    }
}

/// OpenSSH's own format names its cipher behind 15 bytes of magic; the older ones say it in words.
fn is_encrypted(text: &str) -> bool {
    let Some(body) = text.trim().strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----") else {
        return text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED");
    };
    // 32 bytes: the magic, the length of the cipher's name, and its beginning.
    let mut beginning: String = body.chars().filter(|character| !character.is_whitespace()).take(32).collect();
    let bytes = Base64::decode_vec(&beginning).unwrap_or_default();
    beginning.zeroize();
    bytes.get(15..) != Some(&b"\0\0\0\x04none\0"[..])
}

fn public_file(path: &Path) -> Option<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    Some(PathBuf::from(name)).filter(|path| path.is_file())
}

fn public_key(path: &Path) -> Option<Vec<u8>> {
    let text = fs::read_to_string(public_file(path)?).ok()?;
    Base64::decode_vec(text.split_ascii_whitespace().nth(1)?).ok()
}
