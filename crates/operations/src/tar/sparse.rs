//! Which pieces of a sparse file are stored: GNU's old format and its three formats in pax records.

use std::io;

use super::{
    BLOCK_BYTES,
    header::read_number,
    pax::number,
    read::{MOST_PIECES, malformed},
};

/// A stored piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: u64,
    pub(super) bytes: u64,
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes)
    }
}

/// Reads entries of 24 bytes as they stand in headers, up to the first that is none.
pub(super) fn entries(table: &[u8], pieces: &mut Vec<Piece>) -> io::Result<()> {
    for entry in table.chunks_exact(24) {
        // Behind the last one there are zeros.
        if entry[0] == 0 && entry[12] == 0 {
            break;
        }
        let (Some(start), Some(bytes)) = (read_number(&entry[..12]), read_number(&entry[12..])) else { break };
        push(pieces, start, bytes)?;
    }
    Ok(())
}

/// Reads a block of more entries; true when another block follows.
pub(super) fn extend(block: &[u8; BLOCK_BYTES], pieces: &mut Vec<Piece>) -> io::Result<bool> {
    entries(&block[..504], pieces)?;
    Ok(block[504] != 0)
}

/// `offset,bytes,offset,bytes…`
pub(super) fn listed(text: &[u8]) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut numbers = text.split(|&byte| byte == b',').map(number::<u64>);
    while let Some(start) = numbers.next() {
        let (Some(start), Some(Some(bytes))) = (start, numbers.next()) else { return Err(bad_map()) };
        push(&mut pieces, start.into(), bytes.into())?;
    }
    Ok(pieces)
}

/// Offsets and sizes in turns.
pub(super) fn pairs(numbers: &[u64]) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for pair in numbers.chunks(2) {
        let &[start, bytes] = pair else { return Err(bad_map()) };
        push(&mut pieces, start.into(), bytes.into())?;
    }
    Ok(pieces)
}

/// Pieces come one behind the other, inside of the file, and are all stored.
pub(super) fn check(pieces: &[Piece], size: u64, stored_bytes: u64) -> io::Result<()> {
    let (mut end, mut sum) = (0, 0_u64);
    for piece in pieces {
        if piece.start < end || piece.end() > size {
            return Err(bad_map());
        }
        end = piece.end();
        sum = sum.saturating_add(piece.bytes);
    }
    if sum > stored_bytes { Err(bad_map()) } else { Ok(()) }
}

/// A map in lines: how many pieces, then offset and size of each.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) pieces: Vec<Piece>,
    count: Option<u64>,
    start: Option<u64>,
    line: Vec<u8>,
}

impl Map {
    pub(super) fn is_complete(&self) -> bool {
        self.count == Some(self.pieces.len() as u64)
    }

    /// Takes the next block.
    pub(super) fn feed(&mut self, block: &[u8]) -> io::Result<()> {
        for &byte in block {
            if self.is_complete() {
                break;
            }
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() > 20 {
                    return Err(bad_map());
                }
                continue;
            }
            let value = number::<u64>(&self.line).ok_or_else(bad_map)?;
            self.line.clear();
            match (self.count, self.start.take()) {
                (None, _) => self.count = Some(value),
                (_, None) => self.start = Some(value),
                (_, Some(start)) => push(&mut self.pieces, start.into(), value.into())?,
            }
        }
        Ok(())
    }
}

fn push(pieces: &mut Vec<Piece>, start: i128, bytes: i128) -> io::Result<()> {
    let (Ok(start), Ok(bytes)) = (u64::try_from(start), u64::try_from(bytes)) else { return Err(bad_map()) };
    if pieces.len() == MOST_PIECES {
        return Err(malformed("sparse file has too many pieces"));
    }
    pieces.push(Piece { start, bytes });
    Ok(())
}

fn bad_map() -> io::Error {
    malformed("bad map of a sparse file")
}
