use super::*;

fn local(path: &str, archive: Option<&str>) -> Option<(Place, Option<Vec<u8>>)> {
    Some((Place::Local(path.into()), archive.map(|name| name.as_bytes().to_vec())))
}

fn remote(
    user: Option<&str>,
    host: &str,
    port: Option<u32>,
    path: &str,
    archive: Option<&str>,
) -> Option<(Place, Option<Vec<u8>>)> {
    let place =
        Place::Remote { user: user.map(|user| user.as_bytes().to_vec()), host: host.into(), port, path: path.into() };
    Some((place, archive.map(|name| name.as_bytes().to_vec())))
}

/// What Borg's own parser gives for each.
#[test]
fn as_borg_reads_them() {
    let cases = [
        (
            "ssh://user@host:1234/some/path::archive",
            remote(Some("user"), "host", Some(1234), "/some/path", Some("archive")),
        ),
        ("ssh://user@host/some/path", remote(Some("user"), "host", None, "/some/path", None)),
        ("ssh://user@[2001:db8::c0:ffee]:1234/some/path", {
            remote(Some("user"), "[2001:db8::c0:ffee]", Some(1234), "/some/path", None)
        }),
        ("ssh://[::1]/some/path::a:b", remote(None, "[::1]", None, "/some/path", Some("a:b"))),
        ("ssh://host/./rel/path", remote(None, "host", None, "/./rel/path", None)),
        ("ssh://host/~/path", remote(None, "host", None, "/~/path", None)),
        ("user@host:/some/path::archive", remote(Some("user"), "host", None, "/some/path", Some("archive"))),
        ("[::1]:/some/path", remote(None, "[::1]", None, "/some/path", None)),
        ("host:path", remote(None, "host", None, "path", None)),
        ("user@host:~/path", remote(Some("user"), "host", None, "~/path", None)),
        ("file:///some/path::archive", local("/some/path", Some("archive"))),
        ("file://server/some/path", local("server/some/path", None)),
        ("/some/path", local("/some/path", None)),
        ("/some/path::archive", local("/some/path", Some("archive"))),
        ("/abs/path:with:colons::arch", local("/abs/path:with:colons", Some("arch"))),
        ("some/relative/../path", local("some/path", None)),
        ("path", local("path", None)),
        ("a::b", local("a", Some("b"))),
        ("a:::b", local("a", Some(":b"))),
        ("some/path//", local("some/path", None)),
        ("", None),
        ("::", None),
        ("::archive", None),
        ("//x", None),
        ("a::", None),
        ("a::b/c", None),
        ("ssh://host", None),
        // Borg takes the scheme for a path where nothing follows it.
        ("file://", local("file:", None)),
        ("a@b/c:d", local("a@b/c:d", None)),
        ("u@:p", remote(None, "u@", None, "p", None)),
        ("@h:p", remote(None, "@h", None, "p", None)),
        ("ssh://u@v@h/p", remote(Some("u"), "v@h", None, "/p", None)),
        ("ssh://a@/p", remote(None, "a@", None, "/p", None)),
        ("ssh://h:0/p", remote(None, "h", None, "/p", None)),
        ("ssh://host/", None),
        ("a:b:c", remote(None, "a", None, "b:c", None)),
        ("a:::", local("a", Some(":"))),
        ("x::y::z", local("x", Some("y::z"))),
    ];
    for (text, expected) in cases {
        let found = parse(text.as_bytes()).map(|location| (location.place, location.archive));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn canonical_texts() {
    for (text, canonical) in [
        ("host:path", "ssh://host/./path"),
        ("u@host:~/path", "ssh://u@host/~/path"),
        ("ssh://u@host:22/path::a", "ssh://u@host:22/path"),
        ("rel/path::a", "rel/path"),
    ] {
        let location = parse(text.as_bytes()).unwrap();
        assert_eq!(location.canonical(), canonical.as_bytes());
    }
}
