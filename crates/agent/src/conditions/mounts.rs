//! Mount points that must be mounted, by what the kernel lists.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// The first of these where nothing is mounted.
pub fn missing(wanted: &[PathBuf]) -> Option<String> {
    if wanted.is_empty() {
        return None;
    }
    let Ok(list) = fs::read("/proc/self/mountinfo") else {
        return Some("the list of mounts cannot be read".to_owned());
    };
    let mounted = mount_points(&list);
    let missing = wanted.iter().find(|path| {
        // A name that leads there through a link counts too.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        !mounted.iter().any(|point| point == &real)
    });
    missing.map(|path| format!("{} is not mounted", path.display()))
}

/// The fifth field of each line, where spaces and the like are written as `\040`.
pub fn mount_points(mountinfo: &[u8]) -> Vec<PathBuf> {
    let fields = mountinfo.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&byte| byte == b' ').nth(4));
    fields.map(|field| Path::new(&OsString::from_vec(unescape(field))).to_path_buf()).collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| first == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = &after[3..];
            }
            None => {
                plain.push(first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_is_read() {
        let list =
            b"36 35 98:0 / /mnt/usb\\040disk rw,noatime - ext3 /dev/root rw\n21 1 0:1 / / rw - tmpfs x rw\nbad\n";
        assert_eq!(mount_points(list), [Path::new("/mnt/usb disk"), Path::new("/")]);
        assert_eq!(unescape(b"a\\0b\\134c\\9"), b"a\\0b\\c\\9");
        assert_eq!(missing(&["/proc".into()]), None);
        assert_eq!(missing(&["/proc".into(), "/nowhere".into()]).as_deref(), Some("/nowhere is not mounted"));
    }
}
