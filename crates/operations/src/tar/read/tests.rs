use super::*;

/// A header of the given kind and size.
fn header(name: &[u8], kind: u8, size: u64) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    sum(&mut block);
    block
}

fn sum(block: &mut [u8; BLOCK_BYTES]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(content.len().next_multiple_of(BLOCK_BYTES), 0);
    content
}

fn with_content(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    [&header(name, kind, content.len() as u64)[..], &padded(content)].concat()
}

fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length = (rest + 1..).find(|length| length.to_string().len() + rest == *length).expect("a length");
    format!("{length} {key}={value}\n")
}

fn all(bytes: &[u8], zeros: Zeros) -> io::Result<Vec<(Member, Vec<u8>)>> {
    let mut reader = TarReader::new(bytes, zeros);
    let mut members = Vec::new();
    while let Some(member) = reader.next()? {
        let mut content = vec![0; 1 << 16];
        let got =
            if member.kind == kind::REGULAR || member.kind == kind::SPARSE { reader.read(&mut content)? } else { 0 };
        content.truncate(got);
        members.push((member, content));
    }
    Ok(members)
}

#[test]
fn extensions_are_about_the_next_member() {
    let records =
        [record("path", "of pax/"), record("mtime", "1.25"), record("uid", "7"), record("size", "3")].concat();
    let global = [record("gid", "9"), record("uid", "8")].concat();
    let archive = [
        with_content(b"././@LongLink", b'L', &[&[b'n'; 200][..], &[0]].concat()),
        with_content(b"long", b'0', b"content"),
        with_content(b"pax", b'g', global.as_bytes()),
        with_content(b"pax", b'x', records.as_bytes()),
        [&header(b"short", b'0', 5000)[..], &padded(b"abc")].concat(),
        header(b"folder//", 0, 0).to_vec(),
        vec![0; 1024],
        with_content(b"behind", b'0', b""),
    ]
    .concat();
    let members = all(&archive, Zeros::End).expect("well formed");
    let names: Vec<&[u8]> = members.iter().map(|(member, _)| &member.name[..]).collect();
    assert_eq!(names, [&[b'n'; 200][..], b"of pax", b"folder"]);
    assert_eq!((members[0].0.uid, &members[0].1[..]), (0, &b"content"[..]));
    assert_eq!((members[1].0.uid, members[1].0.gid, members[1].0.mtime), (7, 9, 1_250_000_000));
    assert_eq!(members[1].1, b"abc");
    assert_eq!((members[2].0.kind, members[2].0.uid), (kind::DIRECTORY, 8));
    assert_eq!(all(&archive, Zeros::Ignore).expect("well formed").len(), 4);
}

#[test]
fn sparse_files_have_their_holes() {
    let expected = [&[0; 1000][..], b"first", &[0; 95], b"second", &[0; 94]].concat();
    let map = "1000,5,1100,6";
    let list = [record("GNU.sparse.map", map), record("GNU.sparse.size", "1200")].concat();
    let lines = [
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
        record("GNU.sparse.realsize", "1200"),
        record("GNU.sparse.name", "real"),
    ]
    .concat();
    let pieces = ["GNU.sparse.offset", "GNU.sparse.numbytes"];
    let pairs: String = map.split(',').enumerate().map(|(place, number)| record(pieces[place % 2], number)).collect();
    let pairs = pairs + &record("GNU.sparse.size", "1200");
    let with_map = [padded(b"2\n1000\n5\n1100\n6\n"), b"firstsecond".to_vec()].concat();
    let mut old = header(b"old", b'S', 11);
    for (place, number) in [1000, 5, 1100, 6].into_iter().enumerate() {
        old[386 + 12 * place..][..11].copy_from_slice(format!("{number:011o}").as_bytes());
    }
    old[483..494].copy_from_slice(format!("{:011o}", 1200).as_bytes());
    sum(&mut old);
    let archive = [
        with_content(b"pax", b'x', list.as_bytes()),
        with_content(b"listed", b'0', b"firstsecond"),
        with_content(b"pax", b'x', lines.as_bytes()),
        with_content(b"GNUSparseFile.1/x", b'0', &with_map),
        with_content(b"pax", b'x', pairs.as_bytes()),
        with_content(b"paired", b'0', b"firstsecond"),
        [&old[..], &padded(b"firstsecond")].concat(),
        with_content(b"plain", b'0', b"x"),
    ]
    .concat();
    let members = all(&archive, Zeros::End).expect("well formed");
    let names: Vec<&[u8]> = members.iter().map(|(member, _)| &member.name[..]).collect();
    assert_eq!(names, [&b"listed"[..], b"real", b"paired", b"old", b"plain"]);
    assert!(members[..4].iter().all(|(member, content)| member.size == 1200 && *content == expected));
    assert_eq!(members[4].1, b"x");
}

#[test]
fn hostile_archives_end_with_an_error() {
    let sparse = |records: &[(&str, &str)], content: &[u8]| {
        let records: String = records.iter().map(|(key, value)| record(key, value)).collect();
        [with_content(b"pax", b'x', records.as_bytes()), with_content(b"file", b'0', content)].concat()
    };
    let huge = u64::MAX.to_string();
    for archive in [
        Vec::new(),
        vec![1; 512],
        vec![0; 100],
        header(b"truncated", b'0', 513).to_vec(),
        header(b"name", b'L', 0o77_777_777_777).to_vec(),
        with_content(b"name", b'L', b"nothing behind"),
        with_content(b"pax", b'x', b"5 a=\n99999999 b=c\n"),
        sparse(&[("GNU.sparse.map", "5,2,0,1"), ("GNU.sparse.size", "10")], b"abc"),
        sparse(&[("GNU.sparse.map", "0,5"), ("GNU.sparse.size", "4")], b"abcde"),
        sparse(&[("GNU.sparse.map", "0,5"), ("GNU.sparse.size", "5")], b"abc"),
        sparse(&[("GNU.sparse.map", &huge), ("GNU.sparse.size", &huge)], b""),
        sparse(&[("GNU.sparse.map", "0,0"), ("GNU.sparse.size", &huge)], b""),
        sparse(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")], b"99999999999\n"),
    ] {
        assert!(all(&archive, Zeros::End).is_err(), "{:?}", String::from_utf8_lossy(&archive));
    }
    let good =
        [with_content(b"a", b'0', b"content"), with_content(b"pax", b'x', b"11 path=b\n"), vec![0; 1024]].concat();
    for length in 0..good.len() {
        let _ = all(&good[..length], Zeros::End);
    }
    for place in 0..good.len() {
        let mut damaged = good.clone();
        damaged[place] ^= 0xff;
        let _ = all(&damaged, Zeros::Ignore);
        let _ = all(&damaged, Zeros::End);
    }
}
