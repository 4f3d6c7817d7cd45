//! Frames recorded from Borg (`record.py`) decompress to the same bytes, and `auto` decides as Borg does.

use nanoprobe_compress::{Codec, Compressor, Decompressor, Error, Specification};

const FRAMES: &str = include_str!("borg_frames.txt");

#[test]
fn frames_of_borg_decompress() {
    let mut decompressor = Decompressor::new();
    let mut plain = Vec::new();
    let mut count = 0;
    for frame in frames() {
        decompressor
            .decompress(&frame.bytes, frame.data.len(), &mut plain)
            .unwrap_or_else(|error| panic!("{} {error}", frame.line));
        assert_eq!(plain, frame.data, "{}", frame.line);
        if let Some(less) = frame.data.len().checked_sub(1) {
            let refused = decompressor.decompress(&frame.bytes, less, &mut plain);
            assert_eq!(refused, Err(Error::TooLarge { limit_bytes: less }), "{}", frame.line);
        }
        count += 1;
    }
    assert_eq!(count, 136);
}

#[test]
fn the_codec_chosen_is_borgs() {
    for frame in frames() {
        let mut framed = vec![7; 41];
        Compressor::new(&frame.specification.parse::<Specification>().unwrap())
            .compress(&frame.data, &mut framed)
            .unwrap();
        assert_eq!(framed[..41], [7; 41]);
        let (ours, theirs) = (codec_inside(&framed[41..]), codec_inside(&frame.bytes));
        // Borg keeps zlib's result even where it is larger than the data.
        if !(theirs == Some(Codec::Zlib) && frame.bytes.len() >= frame.data.len()) {
            assert_eq!(ours, theirs, "{}", frame.line);
        }
    }
}

fn codec_inside(frame: &[u8]) -> Option<Codec> {
    match Codec::of(frame) {
        Some(Codec::Obfuscate) => codec_inside(&frame[6..]),
        codec => codec,
    }
}

struct Frame {
    line: &'static str,
    specification: &'static str,
    data: Vec<u8>,
    bytes: Vec<u8>,
}

fn frames() -> impl Iterator<Item = Frame> {
    FRAMES.lines().map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [specification, kind, size, hexadecimal] = fields[..] else { panic!("{line}") };
        let bytes = hexadecimal
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        Frame { line: &line[..40.min(line.len())], specification, data: data(kind, size.parse().unwrap()), bytes }
    })
}

/// The script's `data`.
fn data(kind: &str, size: usize) -> Vec<u8> {
    if kind == "zeros" {
        return vec![0; size];
    }
    let mut state = 12345_u64;
    let mut bytes = Vec::new();
    while bytes.len() < size {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        if kind == "random" {
            bytes.extend_from_slice(&(state >> 24).to_le_bytes()[..5]);
        } else {
            bytes.extend_from_slice(format!("line {} of some text\n", state >> 58).as_bytes());
        }
    }
    bytes.truncate(size);
    bytes
}
