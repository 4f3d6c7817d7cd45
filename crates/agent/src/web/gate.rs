//! Who may ask: the name by which this machine is called, and the page that a request comes from. Pure.
//!
//! A page elsewhere can make a browser send requests here. It can have a name of its own point to this machine, to read the
//! answers too (DNS rebinding): so names must be known. It can send forms: so requests that change something must come from
//! pages of ours.

use std::net::IpAddr;

use super::request::Request;

/// Whether a machine that is reached at `local` may be called that.
pub(super) fn is_our_name(host: &str, local: IpAddr, names: &[String]) -> bool {
    let Some(name) = name(host) else { return false };
    match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.to_canonical() == local.to_canonical(),
        Err(_) => name.eq_ignore_ascii_case("localhost") || names.iter().any(|one| one.eq_ignore_ascii_case(name)),
    }
}

/// Whether a request was sent by a page of ours.
pub(super) fn is_from_our_page(request: &Request) -> bool {
    match (&request.origin, &request.site) {
        (Some(origin), _) => ["http://", "https://"]
            .iter()
            .any(|scheme| origin.strip_prefix(scheme).is_some_and(|from| from.eq_ignore_ascii_case(&request.host))),
        (None, Some(site)) => site == "same-origin",
        (None, None) => false,
    }
}

/// Without port and brackets.
fn name(host: &str) -> Option<&str> {
    let is_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = host.strip_prefix('[') {
        let (name, port) = rest.split_once(']')?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name);
    }
    match host.split_once(':') {
        Some((name, port)) => is_port(port).then_some(name),
        None => Some(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::request::Method;

    #[test]
    fn only_known_names_are_ours() {
        let (local, names) = ("192.168.1.5".parse().expect("an address"), vec!["nas.local".to_owned()]);
        for ours in ["localhost:8475", "127.0.0.1", "[::1]:80", "192.168.1.5:8475", "NAS.local", "127.9.9.9"] {
            assert!(is_our_name(ours, local, &names), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "192.168.1.6",
            "localhost.evil.example",
            "nas.local:",
            "nas.local:1:2",
            "[::1]x",
            "[::1",
            "nas.local:80x",
        ] {
            assert!(!is_our_name(other, local, &names), "{other}");
        }
        assert!(is_our_name("192.168.1.5", "::ffff:192.168.1.5".parse().expect("an address"), &[]));
    }

    #[test]
    fn only_our_pages_change_something() {
        let request = |origin: Option<&str>, site: Option<&str>| Request {
            method: Method::Post,
            path: Vec::new(),
            query: Vec::new(),
            host: "box:8475".to_owned(),
            origin: origin.map(str::to_owned),
            site: site.map(str::to_owned),
            session: None,
            token: None,
            body: Vec::new(),
        };
        for (origin, site, expected) in [
            (Some("http://box:8475"), None, true),
            (Some("https://box:8475"), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (None, None, false),
            (None, Some("cross-site"), false),
            (None, Some("same-site"), false),
            (Some("null"), Some("same-origin"), false),
            (Some("http://box:80"), None, false),
            (Some("http://evil.example"), Some("same-origin"), false),
        ] {
            assert_eq!(is_from_our_page(&request(origin, site)), expected, "{origin:?} {site:?}");
        }
    }
}
