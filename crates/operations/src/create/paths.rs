//! Paths as typed, as walked, and as stored.

/// The directory levels to leave away, with a slash at the end, where a root is typed as `/left/away/./kept`.
pub(super) fn strip_prefix(path: &[u8]) -> Option<Vec<u8>> {
    let position = path.windows(3).position(|window| window == b"/./")?;
    (position > 0).then(|| [normalize(&path[..position]).as_slice(), b"/"].concat())
}

/// Without `.`, `..` and doubled slashes, as far as the text alone tells; two leading slashes stay, as POSIX wants.
pub(super) fn normalize(path: &[u8]) -> Vec<u8> {
    let slashes = match path {
        [b'/', b'/', b'/', ..] => 1,
        [b'/', b'/', ..] => 2,
        [b'/', ..] => 1,
        _ => 0,
    };
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|&last| last != b"..") => drop(names.pop()),
            b".." if names.is_empty() && slashes > 0 => {}
            name => names.push(name),
        }
    }
    let mut normal = vec![b'/'; slashes];
    normal.extend(names.join(&b'/'));
    if normal.is_empty() { b".".to_vec() } else { normal }
}

/// How many bytes to leave away at the front so that the path is relative and stays below.
pub(super) fn unsafe_prefix(path: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = &path[length..];
        let up = if rest.starts_with(b"../") { 2 } else { 0 };
        let slashes = rest[up..].iter().take_while(|&&byte| byte == b'/').count();
        if slashes == 0 {
            return length;
        }
        length += up + slashes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_as_borg_makes_them() {
        for (typed, walked, stored) in [
            ("/etc//passwd", "/etc/passwd", "etc/passwd"),
            ("./a/../b/.", "b", "b"),
            ("../../x", "../../x", "x"),
            ("..", "..", ".."),
            ("//x", "//x", "x"),
            ("///x/", "/x", "x"),
            ("/../x", "/x", "x"),
            (".", ".", "."),
            ("", ".", "."),
            ("/", "/", ""),
            ("..a/b", "..a/b", "..a/b"),
        ] {
            let normal = normalize(typed.as_bytes());
            assert_eq!(normal, walked.as_bytes(), "{typed}");
            assert_eq!(&normal[unsafe_prefix(&normal)..], stored.as_bytes(), "{typed}");
        }
        assert_eq!(strip_prefix(b"/a//b/./c").as_deref(), Some(&b"/a/b/"[..]));
        assert_eq!(strip_prefix(b"/./c"), None);
        assert_eq!(strip_prefix(b"./c"), None);
    }
}
