extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Values and their bytes, as Python's msgpack packs them with `use_bin_type=False`.
const INTEGERS: [(i128, &[u8]); 20] = [
    (0, b"\x00"),
    (127, b"\x7f"),
    (128, b"\xcc\x80"),
    (255, b"\xcc\xff"),
    (256, b"\xcd\x01\x00"),
    (65_535, b"\xcd\xff\xff"),
    (65_536, b"\xce\x00\x01\x00\x00"),
    (0xffff_ffff, b"\xce\xff\xff\xff\xff"),
    (0x1_0000_0000, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
    (u64::MAX as i128, b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    (-1, b"\xff"),
    (-32, b"\xe0"),
    (-33, b"\xd0\xdf"),
    (-128, b"\xd0\x80"),
    (-129, b"\xd1\xff\x7f"),
    (-32_768, b"\xd1\x80\x00"),
    (-32_769, b"\xd2\xff\xff\x7f\xff"),
    (-0x8000_0000, b"\xd2\x80\x00\x00\x00"),
    (-0x8000_0001, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
    (i64::MIN as i128, b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
];

fn emitted(emit: impl FnOnce(&mut Writer<&mut [u8]>)) -> Vec<u8> {
    let mut buffer = std::vec![0; 1 << 17];
    let mut writer = Writer::new(&mut buffer[..]);
    emit(&mut writer);
    let written = writer.written_bytes();
    assert_eq!(writer.into_inner().len(), (1 << 17) - written);
    buffer.truncate(written);
    buffer
}

#[test]
fn integers_take_their_smallest_form() {
    for (value, bytes) in INTEGERS {
        assert_eq!(Reader::new(bytes).integer(), Ok(value));
        if let Ok(value) = u64::try_from(value) {
            assert_eq!(emitted(|writer| writer.unsigned(value).unwrap()), bytes);
        }
        if let Ok(value) = i64::try_from(value) {
            assert_eq!(emitted(|writer| writer.signed(value).unwrap()), bytes);
        }
    }
}

#[test]
fn lengths_take_their_smallest_form() {
    for (length, header) in
        [(31, &b"\xbf"[..]), (32, b"\xda\x00\x20"), (65_535, b"\xda\xff\xff"), (65_536, b"\xdb\x00\x01\x00\x00")]
    {
        let content = std::vec![7; length];
        let bytes = emitted(|writer| writer.raw(&content).unwrap());
        assert_eq!(&bytes[..header.len()], header);
        assert_eq!(Reader::new(&bytes).raw(), Ok(&content[..]));
    }
    for (length, array, map) in [
        (15, &b"\x9f"[..], &b"\x8f"[..]),
        (16, b"\xdc\x00\x10", b"\xde\x00\x10"),
        (65_536, b"\xdd\x00\x01\x00\x00", b"\xdf\x00\x01\x00\x00"),
    ] {
        assert_eq!(emitted(|writer| writer.array(length).unwrap()), array);
        assert_eq!(emitted(|writer| writer.map(length).unwrap()), map);
        assert_eq!((Reader::new(array).array(), Reader::new(map).map()), (Ok(length), Ok(length)));
    }
}

#[test]
fn newer_strings_are_read_too() {
    for bytes in [&b"\xd9\x02ab"[..], b"\xc4\x02ab", b"\xc5\x00\x02ab", b"\xc6\x00\x00\x00\x02ab"] {
        assert_eq!(Reader::new(bytes).raw(), Ok(&b"ab"[..]));
    }
}

#[test]
fn a_declared_length_is_not_believed() {
    for bytes in [&b"\xdb\xff\xff\xff\xffabc"[..], b"\xdd\xff\xff\xff\xff\x00", b"\xdf\xff\xff\xff\xff\xa0\x00"] {
        assert_eq!(Reader::new(bytes).skip(), Err(Error::Truncated));
        assert_eq!(Scanner::default().feed(bytes), Ok(None));
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = |levels: usize| [std::vec![0x91; levels], std::vec![0xc0]].concat();
    assert!(Reader::new(&deep(15)).skip().is_ok());
    assert_eq!(Reader::new(&deep(16)).skip(), Err(Error::TooDeep));
    assert_eq!(Scanner::default().feed(&deep(15)), Ok(Some(16)));
    assert_eq!(Scanner::default().feed(&deep(16)), Err(Error::TooDeep));
}

#[test]
fn find_gives_the_last_of_two() {
    assert_eq!(Reader::new(b"\x83\xa1a\x01\xa1b\x02\xa1a\x03").find(b"a"), Ok(Some(&b"\x03"[..])));
    assert_eq!(Reader::new(b"\x81\xa1a\x01").find(b"b"), Ok(None));
}

/// Bytes that are mostly msgpack: random markers and lengths in front of random content.
fn nearly_msgpack() -> impl Strategy<Value = Vec<u8>> {
    let marker = prop_oneof![0x80..=0x84u8, 0x90..=0x94u8, 0xa0..=0xa4u8, 0xc0..=0xdfu8, any::<u8>(), Just(0)];
    prop::collection::vec(marker, 0..64)
}

proptest! {
    #[test]
    fn any_integer_comes_back(value: i64, unsigned: u64) {
        prop_assert_eq!(Reader::new(&emitted(|writer| writer.signed(value).unwrap())).number(), Ok(value));
        prop_assert_eq!(Reader::new(&emitted(|writer| writer.unsigned(unsigned).unwrap())).number(), Ok(unsigned));
    }

    #[test]
    fn scanner_and_reader_agree(bytes in nearly_msgpack(), pieces in 1..8usize) {
        let mut scanner = Scanner::default();
        let mut scanned = Ok(None);
        let mut before = 0;
        for piece in bytes.chunks(pieces) {
            scanned = scanner.feed(piece).map(|length| length.map(|length| before + length));
            if scanned != Ok(None) {
                break;
            }
            before += piece.len();
        }
        let skipped = match Reader::new(&bytes).skip() {
            Ok(value) => Ok(Some(value.len())),
            Err(Error::Truncated) => Ok(None),
            Err(error) => Err(error),
        };
        prop_assert_eq!(scanned, skipped);
    }

    #[test]
    fn nothing_makes_a_reader_panic(bytes in nearly_msgpack()) {
        let reads: [fn(&mut Reader<'_>) -> bool; 8] = [
            |reader| reader.map().is_ok(),
            |reader| reader.array().is_ok(),
            |reader| reader.raw().is_ok(),
            |reader| reader.raw_array::<4>().is_ok(),
            |reader| reader.number::<u16>().is_ok(),
            |reader| reader.boolean().is_ok(),
            |reader| reader.nil().is_ok(),
            |reader| reader.find(b"a").is_ok(),
        ];
        for read in reads {
            let mut reader = Reader::new(&bytes);
            while read(&mut reader) && reader.skip().is_ok() {}
            prop_assert!(reader.rest().len() <= bytes.len());
        }
    }
}
