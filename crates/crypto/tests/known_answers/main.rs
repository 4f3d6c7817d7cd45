//! Published vectors and answers of independent implementations (`record.py` made `known_answers.txt`).

use nanoprobe_crypto::{
    Aes256Ctr, HmacSha256, PrefixedBlake2b, Sha256, Xxh64, crc32, equal, hkdf_sha512, hmac_sha512, pbkdf2_sha256,
    sha256,
};

const ANSWERS: &str = include_str!("known_answers.txt");

#[test]
fn sha256_gives_the_known_answers() {
    for [data, answer] in cases("sha256", 27) {
        assert_eq!(sha256(&[&data])[..], answer);
        for at in [0, data.len() / 3, data.len()] {
            assert_eq!(sha256(&[&data[..at], &data[at..]])[..], answer);
            let mut hash = Sha256::new();
            hash.update(&data[..at]);
            hash.update(&data[at..]);
            assert_eq!(hash.finish()[..], answer);
        }
    }
}

#[test]
fn hmac_sha256_gives_the_known_answers() {
    for [key, data, answer] in cases("hmac_sha256", 32) {
        let keyed = HmacSha256::new(&key);
        assert_eq!(keyed.authenticate(&[&data])[..], answer);
        assert_eq!(keyed.clone().authenticate(&[&data[..data.len() / 2], &data[data.len() / 2..]])[..], answer);
    }
}

#[test]
fn hmac_sha256_of_several_messages_gives_the_known_answers() {
    let cases: Vec<_> = cases("hmac_sha256", 32).collect();
    let keys: Vec<_> = cases.iter().map(|[key, _, _]| HmacSha256::new(key)).collect();
    let mut macs = vec![[0; 32]; cases.len()];
    let messages = cases.iter().map(|[_, data, _]| [&data[..data.len() / 3], &data[data.len() / 3..]]);
    HmacSha256::authenticate_each(
        keys.iter().zip(messages).zip(&mut macs).map(|((key, parts), mac)| (key, parts, mac)),
    );
    for ([_, data, answer], mac) in cases.iter().zip(macs) {
        assert_eq!(mac[..], *answer, "{}", data.len());
    }
}

#[test]
fn hmac_sha512_gives_the_known_answers() {
    for [key, data, answer] in cases("hmac_sha512", 32) {
        assert_eq!(hmac_sha512(&key, &[&data])[..], answer);
        assert_eq!(hmac_sha512(&key, &[&[], &data[..data.len() / 2], &data[data.len() / 2..]])[..], answer);
    }
}

#[test]
fn hkdf_sha512_gives_the_known_answers() {
    for [key, salt, info, answer] in cases("hkdf_sha512", 3) {
        let mut output = [0; 64];
        hkdf_sha512(&key, &salt, &info, &mut output);
        assert_eq!(output[..], answer);
    }
}

#[test]
fn pbkdf2_sha256_gives_the_known_answers() {
    for line in lines("pbkdf2_sha256", 5) {
        let [passphrase, salt, iterations, answer] = fields(line);
        let mut output = [0; 32];
        pbkdf2_sha256(&bytes(passphrase), &bytes(salt), iterations.parse().unwrap(), &mut output);
        assert_eq!(output[..], bytes(answer));
    }
}

#[test]
fn aes256_ctr_gives_the_known_answers() {
    for line in lines("aes256_ctr", 60) {
        let [key, counter, plain, answer] = fields(line);
        let (counter, plain, answer): (u64, _, _) = (counter.parse().unwrap(), bytes(plain), bytes(answer));
        let cipher = Aes256Ctr::new(&bytes(key).try_into().unwrap());
        let mut whole = plain.clone();
        cipher.apply(counter, &mut whole);
        assert_eq!(whole, answer);
        // In two calls, the second from a later block.
        if let Some(second) = counter.checked_add(1)
            && plain.len() > 16
        {
            let mut halves = plain.clone();
            cipher.apply(counter, &mut halves[..16]);
            cipher.clone().apply(second, &mut halves[16..]);
            assert_eq!(halves, answer);
        }
    }
}

#[test]
fn prefixed_blake2b_gives_the_known_answers() {
    for [prefix, data, answer] in cases("prefixed_blake2b", 29) {
        let prefixed = PrefixedBlake2b::new(&prefix.try_into().unwrap());
        assert_eq!(prefixed.digest(&[&data])[..], answer);
        for at in [0, 1, data.len() / 2, data.len()] {
            let at = at.min(data.len());
            assert_eq!(prefixed.clone().digest(&[&data[..at], &[], &data[at..]])[..], answer);
        }
    }
}

#[test]
fn prefixed_blake2b_of_several_messages_gives_the_known_answers() {
    let cases: Vec<_> = cases("prefixed_blake2b", 29).collect();
    let prefixed = PrefixedBlake2b::new(cases[0][0][..].try_into().unwrap());
    let forward: Vec<_> = cases.iter().collect();
    let backward: Vec<_> = cases.iter().rev().collect();
    for cases in [forward, backward] {
        let mut digests = vec![[0; 32]; cases.len()];
        let parts = cases.iter().map(|[_, data, _]| [&data[..data.len() / 3], &data[data.len() / 3..]]);
        PrefixedBlake2b::digest_each(parts.zip(&mut digests).map(|(parts, digest)| (&prefixed, parts, digest)));
        for ([_, data, answer], digest) in cases.iter().zip(digests) {
            assert_eq!(digest[..], *answer, "{}", data.len());
        }
    }
}

#[test]
fn crc32_gives_the_known_answers() {
    for line in lines("crc32", 76) {
        let [start, data, answer] = fields(line);
        assert_eq!(crc32(start.parse().unwrap(), &bytes(data)).to_be_bytes()[..], bytes(answer));
    }
}

#[test]
fn xxh64_gives_the_known_answers() {
    for [data, answer] in cases("xxh64", 25) {
        let mut hash = Xxh64::new();
        for piece in data.chunks(7) {
            hash.update(piece);
        }
        assert_eq!(hash.digest().to_be_bytes()[..], answer);
    }
}

#[test]
fn equal_compares_whole_slices() {
    assert!(equal(b"", b""));
    assert!(equal(b"same bytes", b"same bytes"));
    assert!(!equal(b"same bytes", b"same bytez"));
    assert!(!equal(b"Same bytes", b"same bytes"));
    assert!(!equal(b"same", b"same bytes"));
}

/// The lines of one primitive; their number is stated so that an empty file cannot pass.
fn lines(primitive: &'static str, count: usize) -> impl Iterator<Item = &'static str> {
    let chosen = ANSWERS.lines().filter_map(move |line| line.strip_prefix(primitive)?.strip_prefix(' '));
    assert_eq!(chosen.clone().count(), count, "{primitive}");
    chosen
}

fn cases<const FIELDS: usize>(primitive: &'static str, count: usize) -> impl Iterator<Item = [Vec<u8>; FIELDS]> {
    lines(primitive, count).map(|line| fields(line).map(bytes))
}

fn fields<const FIELDS: usize>(line: &str) -> [&str; FIELDS] {
    line.split(' ').collect::<Vec<_>>().try_into().unwrap()
}

/// The field's bytes; `@N` stands for N bytes of the script's message.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    if let Some(length) = hexadecimal.strip_prefix('@') {
        return (0..length.parse().unwrap()).map(|index: usize| (index * 197 + (index >> 8)) as u8).collect();
    }
    if hexadecimal == "-" {
        return Vec::new();
    }
    let (pairs, odd) = hexadecimal.as_bytes().as_chunks::<2>();
    assert!(odd.is_empty());
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
