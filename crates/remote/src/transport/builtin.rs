//! SSH of our own, for machines that have no program `ssh`, on libssh2.
//!
//! 1. A TCP connection to the first address that answers.
//! 2. Keys are exchanged; the server is asked for a host key of a kind that can be checked.
//! 3. The host key is looked up in `known_hosts`. Nothing is proved to a server whose key is not known.
//! 4. We prove who we are (`authenticate`).
//! 5. A command is started, and a thread carries its three streams from then on (`pump`).
//!
//! RAM: the library's window of 1 MiB while nobody reads, the buffers of `wire` and `pump`, the thread's stack.

mod authenticate;
mod known_hosts;
mod options;
mod pump;
mod wire;

use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ssh2::{MethodType, Session};

use self::known_hosts::{HostKey, KnownHost, Verdict};
use self::options::{NewHosts, Options};
use self::wire::Wire;
use super::{Line, Transport};
use crate::Error;

pub use self::options::Destination;

/// What a server may send ahead.
const WINDOW_BYTES: u32 = 1 << 20;
const PACKET_BYTES: u32 = 32 << 10;
/// A server may think that long about a command.
const PATIENCE: Duration = Duration::from_secs(60);
/// What must be equal at both ends, the best first; nothing that is broken or breaks when someone records it.
const KEY_EXCHANGES: [&str; 10] = [
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];
const CIPHERS_FOR_MACHINES_WITH_AES: [&str; 6] = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "aes192-ctr",
    "chacha20-poly1305@openssh.com",
];
const CIPHERS: [&str; 6] = [
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "aes192-ctr",
];
const MACS: [&str; 4] =
    ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"];

/// Whoever sits before this program, if anybody does.
pub trait Person: Send + Sync {
    /// Whether a question would be read.
    fn is_there(&self) -> bool;
    /// A secret, typed without echo. Where one for the same question was wrong, `attempt` counts up from 0.
    fn ask(&self, question: &str, attempt: u32) -> Option<String>;
    /// Something that does not end the attempt to connect.
    fn tell(&self, text: &str);
}

/// SSH of our own to one server.
pub struct BuiltIn {
    options: Options,
    command: String,
    person: Arc<dyn Person>,
}

impl BuiltIn {
    /// Reads options as `ssh` has them; `command` is run at the other end.
    pub fn new(
        options: &[String],
        destination: Destination,
        command: String,
        person: Arc<dyn Person>,
    ) -> Result<Self, Error> {
        Ok(Self { options: Options::read(options, destination)?, command, person })
    }

    fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::NoSsh { host: self.options.host.clone(), port: self.options.port, reason: reason.to_string() }
    }

    /// The first address that accepts.
    fn network(&self) -> Result<TcpStream, Error> {
        let Options { host, port, connect_timeout, .. } = &self.options;
        let failed = |reason: String| Error::Unreachable {
            host: host.clone(),
            port: *port,
            reason: reason.split(" (os error").next().unwrap_or_default().to_owned(),
        };
        let addresses = (host.as_str(), *port).to_socket_addrs().map_err(|error| failed(error.to_string()))?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, *connect_timeout) {
                Ok(network) => return Ok(network),
                Err(error) => last = Some(error),
            }
        }
        Err(failed(last.map_or_else(|| "no address".to_owned(), |error| error.to_string())))
    }

    fn check_host_key(&self, known: &KnownHost, key: &HostKey) -> Result<(), Error> {
        let Options { host, port, known_hosts, new_hosts, .. } = &self.options;
        let (name, fingerprint) = (known_hosts::name(host, *port), key.fingerprint());
        match (known.verdict(key), new_hosts) {
            (Verdict::Trusted, _) => Ok(()),
            (Verdict::Revoked(place), _) => Err(Error::RevokedHostKey { host: name, fingerprint, place }),
            (Verdict::Changed(known), _) => {
                Err(Error::ChangedHostKey { host: name, fingerprint, known: known.join(", ") })
            }
            (Verdict::Unknown, NewHosts::Refused) => {
                let file = known_hosts.first().map_or_else(PathBuf::default, Clone::clone);
                let line = known_hosts::line(host, *port, key);
                Err(Error::UnknownHostKey { host: name, fingerprint, line, file })
            }
            (Verdict::Unknown, NewHosts::Accepted) => {
                let Some(file) = known_hosts.first() else {
                    return Err(self.error("there is no file for the host key that is to be accepted"));
                };
                known_hosts::append(file, &known_hosts::line(host, *port, key))
                    .map_err(|error| self.error(format_args!("{}: {error}", file.display())))?;
                self.person.tell(&format!(
                    "Permanently added '{name}' ({fingerprint}) to the list of known hosts in {}.",
                    file.display()
                ));
                Ok(())
            }
        }
    }
}

impl Transport for BuiltIn {
    fn connect(&self) -> Result<Line, Error> {
        let options = &self.options;
        let failed = |error: ssh2::Error| self.error(error.message());
        let network = self.network()?;
        let last_resort = network.try_clone().map_err(|error| self.error(error))?;
        let (mut wire, socket) = Wire::new(network).map_err(|error| self.error(error))?;
        let known = KnownHost::look_up(&options.known_hosts, &options.host, options.port);

        let mut session = Session::new().map_err(failed)?;
        session.set_tcp_stream(socket);
        session.set_blocking(false);
        prefer(&session, options, &known).map_err(failed)?;
        wire.complete(options.connect_timeout, || session.handshake()).map_err(failed)?;
        let key = session.host_key().map(|(key, _)| HostKey(key.to_vec()));
        self.check_host_key(&known, &key.ok_or_else(|| self.error("it has no host key"))?)?;

        authenticate::authenticate(&session, &mut wire, options, &*self.person)?;
        let banner = session.userauth_banner().ok().flatten().unwrap_or_default().to_owned();
        let open = || session.channel_open("session", WINDOW_BYTES, PACKET_BYTES, None);
        let mut channel = wire.complete(PATIENCE, open).map_err(failed)?;
        wire.complete(PATIENCE, || channel.exec(&self.command)).map_err(failed)?;
        pump::start(session, channel, wire, last_resort, options, banner).map_err(|error| self.error(error))
    }
}

fn prefer(session: &Session, options: &Options, known: &KnownHost) -> Result<(), ssh2::Error> {
    let host_keys = match &options.host_key_algorithms {
        Some(algorithms) => algorithms.join(","),
        None => known.algorithms().join(","),
    };
    let ciphers = if has_aes() { CIPHERS_FOR_MACHINES_WITH_AES } else { CIPHERS }.join(",");
    let macs = MACS.join(",");
    for (kind, names) in [
        (MethodType::Kex, &KEY_EXCHANGES.join(",")),
        (MethodType::HostKey, &host_keys),
        (MethodType::CryptCs, &ciphers),
        (MethodType::CryptSc, &ciphers),
        (MethodType::MacCs, &macs),
        (MethodType::MacSc, &macs),
    ] {
        session.method_pref(kind, names)?;
    }
    Ok(())
}

/// Without instructions for it, AES is slower than its alternative.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}
