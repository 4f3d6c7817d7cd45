//! Cuts recorded from Borg (`record.py`), however the stream is read.

use nanoprobe_chunker::{Chunker, Parameters, Stream};

const CUTS: &str = include_str!("borg_cuts.txt");

#[test]
fn cuts_are_borgs() {
    let longest = 3_000_000;
    let kinds = [("zeros", vec![0; longest]), ("4", noise(4, longest)), ("251", noise(251, longest))];
    let mut count = 0;
    for line in CUTS.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [parameters, seed, kind, size, expected] = fields[..] else { panic!("{line}") };
        let parameters: Parameters = parameters.parse().unwrap();
        let (_, bytes) = kinds.iter().find(|(name, _)| *name == kind).unwrap();
        let bytes = &bytes[..size.parse().unwrap()];
        let mut chunker = Chunker::new(parameters, seed.parse().unwrap(), None);
        for read in [bytes.len().max(1), 65_536, 4093] {
            assert_eq!(
                cuts(&mut chunker, bytes, read),
                sizes(expected),
                "{parameters} {seed} {kind} {size} read by {read}"
            );
        }
        count += 1;
    }
    assert_eq!(count, LINES);
}

const LINES: usize = 727;

fn cuts(chunker: &mut Chunker, bytes: &[u8], read: usize) -> Vec<usize> {
    chunker.start();
    let (mut cuts, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        end = bytes.len().min(end + read);
        let stream = if end == bytes.len() { Stream::Ends } else { Stream::Continues };
        while let Some(cut) = chunker.next_cut(&bytes[start..end], stream) {
            start += cut;
            cuts.push(cut);
        }
        if stream == Stream::Ends {
            return cuts;
        }
    }
}

/// `SxN` stands for N chunks of S bytes.
fn sizes(text: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    for field in text.split(',').filter(|field| *field != "-") {
        let (size, count) = field.split_once('x').unwrap_or((field, "1"));
        sizes.extend(std::iter::repeat_n(size.parse::<usize>().unwrap(), count.parse().unwrap()));
    }
    sizes
}

/// The script's `data`: Marsaglia's xorshift.
fn noise(values: u64, size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % values) as u8
        })
        .collect()
}
