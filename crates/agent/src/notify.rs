//! What systemd is told, by datagrams to the socket that `NOTIFY_SOCKET` names; others have no such variable.

use std::{
    ffi::OsStr,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// The way to whoever watches this process.
#[derive(Debug)]
pub struct Watcher {
    way: Option<(UnixDatagram, SocketAddr)>,
    /// It wants to hear from us this often.
    pub patience: Option<Duration>,
}

impl Watcher {
    /// From the environment's `NOTIFY_SOCKET` and `WATCHDOG_USEC`.
    pub fn new(socket: Option<&OsStr>, watchdog: Option<&OsStr>) -> Self {
        let address = socket.and_then(|name| match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(name).ok(),
        });
        let way = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let limit = watchdog.and_then(|text| text.to_str()?.parse().ok()).filter(|_| way.is_some());
        Self { way, patience: limit.map(|limit: u64| Duration::from_micros(limit / 2).max(Duration::from_millis(100))) }
    }

    /// Says lines such as `READY=1`; a watcher that is gone is none of our trouble.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.way {
            let _ = socket.send_to_addr(lines.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hears_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let watcher = Watcher::new(Some(path.as_os_str()), Some(OsStr::new("30000000")));
        assert_eq!(watcher.patience, Some(Duration::from_secs(15)));
        watcher.tell("READY=1\nSTATUS=waits");
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).expect("a message");
        assert_eq!(&buffer[..length], b"READY=1\nSTATUS=waits");
        let nobody = Watcher::new(None, Some(OsStr::new("30000000")));
        assert_eq!(nobody.patience, None);
        nobody.tell("READY=1");
    }
}
