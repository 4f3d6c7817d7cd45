//! `debug search-repo-objs`: finds bytes in what objects hold, also where they lie across two objects in storage order.

use std::io::{self, Write};

use nanoprobe_format::Id;
use nanoprobe_repository::Locking;

use super::objects::{any_key, for_each_object};
use crate::{
    Failure,
    arguments::DebugSearch,
    commands::{Context, context::Archive},
};

/// Bytes shown around what was found.
const AROUND: usize = 32;

pub(super) fn search(arguments: &DebugSearch, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let wanted = wanted(&arguments.wanted)
        .ok_or_else(|| Failure::command("search term needs to be hex:123abc or str:foobar style"))?;
    let mut opener = any_key(&*repository, context)?.opener();
    let (mut number, mut data, mut out) = (0u64, Vec::new(), io::stdout());
    // The end of the object before, as much as can matter.
    let (mut before, mut before_id): (Vec<u8>, Option<Id>) = (Vec::new(), None);
    let overlap = wanted.len() - 1;
    for_each_object(&*repository, &mut |id, object| {
        opener.open_in_place(Some(id).filter(|id| **id != Id::MANIFEST), object, &mut data)?;
        let border = |length: usize| {
            let end = &before[before.len() - length.min(before.len())..];
            [end, &data[..length.min(data.len())]].concat()
        };
        if let Some(before_id) = before_id.filter(|_| find(&border(overlap), &wanted).is_some()) {
            let around = border(overlap + AROUND);
            if let Some(offset) = find(&around, &wanted) {
                writeln!(out, "{number} {before_id} | {id}: {}", finding(&wanted, &around, offset))?;
            }
        }
        if let Some(offset) = find(&data, &wanted) {
            let count = count(&data, &wanted);
            writeln!(out, "{number} {id} #{count}: {}", finding(&wanted, &data, offset))?;
        }
        before.clear();
        before.extend_from_slice(&data[data.len() - (overlap + AROUND).min(data.len())..]);
        before_id = Some(*id);
        number += 1;
        if number.is_multiple_of(10_000) {
            writeln!(out, "{number} objects processed.")?;
        }
        Ok(())
    })?;
    Ok(writeln!(out, "Done.")?)
}

fn wanted(text: &str) -> Option<Vec<u8>> {
    let wanted = if let Some(text) = text.strip_prefix("str:") {
        text.as_bytes().to_vec()
    } else {
        let (pairs, []) = text.strip_prefix("hex:")?.as_bytes().as_chunks::<2>() else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect::<Option<_>>()?
    };
    (!wanted.is_empty()).then_some(wanted)
}

fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    data.windows(wanted.len()).position(|window| window == wanted)
}

/// How often it occurs, without overlaps.
fn count(mut data: &[u8], wanted: &[u8]) -> usize {
    let mut count = 0;
    while let Some(offset) = find(data, wanted) {
        count += 1;
        data = &data[offset + wanted.len()..];
    }
    count
}

/// What was found and what is around it, in digits and as Python shows bytes. Where less than [`AROUND`] bytes are before it,
/// Borg counts from the end, which as a rule leaves nothing.
fn finding(wanted: &[u8], data: &[u8], offset: usize) -> String {
    let start = offset.checked_sub(AROUND).unwrap_or_else(|| (data.len() + offset).saturating_sub(AROUND));
    let before = data.get(start..offset).unwrap_or_default();
    let end = offset + wanted.len();
    let after = &data[end..(end + AROUND).min(data.len())];
    let [digits, shown] =
        [digits as fn(&[u8]) -> String, shown].map(|form| [before, wanted, after].map(form).join(" "));
    format!("{digits} == {shown}")
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Python's `repr` of bytes.
fn shown(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            byte if char::from(byte) == quote => text.extend(['\\', quote]),
            b' '..=b'~' => text.push(char::from(byte)),
            byte => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text
}
