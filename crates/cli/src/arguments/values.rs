//! Values in Borg's spelling.

/// `--umask 077`
pub(super) fn octal(text: &str) -> Result<u32, String> {
    let digits = text.trim().trim_start_matches("0o");
    u32::from_str_radix(digits, 8).map_err(|_| format!("not an octal number: {text}"))
}

/// `--first`, `--last`
pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err(format!("A positive integer is required: {text}")),
        Ok(number) => Ok(number),
    }
}

/// Bytes with Borg's decimal suffixes: `1234`, `55G`, `1.7T`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.chars().last() {
        Some('K') => (&text[..text.len() - 1], 1e3),
        Some('M') => (&text[..text.len() - 1], 1e6),
        Some('G') => (&text[..text.len() - 1], 1e9),
        Some('T') => (&text[..text.len() - 1], 1e12),
        Some('P') => (&text[..text.len() - 1], 1e15),
        _ => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok((number * factor) as u64),
        _ => Err(format!("not a size: {text}")),
    }
}

/// `--keep-within`, in hours: a number with H, d, w, m (31 days) or y (365 days).
pub(super) fn hours(text: &str) -> Result<u64, String> {
    let unit = text.chars().next_back().unwrap_or(' ');
    let hours = match unit {
        'H' => 1,
        'd' => 24,
        'w' => 24 * 7,
        'm' => 24 * 31,
        'y' => 24 * 365,
        _ => {
            return Err(format!("Unexpected interval time unit \"{unit}\": expected one of ['H', 'd', 'w', 'm', 'y']"));
        }
    };
    let number = &text[..text.len() - 1];
    match number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(hours)) {
        Some(hours) if hours > 0 => Ok(hours),
        _ => Err(format!("Unexpected interval number \"{number}\": expected an integer greater than 0")),
    }
}

/// `--storage-quota`
pub(super) fn storage_quota(text: &str) -> Result<u64, String> {
    match size(text)? {
        1..10_000_000 => Err(format!("quota is too small ({text}). At least 10M are required.")),
        quota => Ok(quota),
    }
}

/// NANOPROBE_JOURNAL: bytes with binary suffixes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.trim().trim_end_matches("iB").trim_end_matches(['b', 'B']) {
        text if text.ends_with(['k', 'K']) => (&text[..text.len() - 1], 10),
        text if text.ends_with(['m', 'M']) => (&text[..text.len() - 1], 20),
        text if text.ends_with(['g', 'G']) => (&text[..text.len() - 1], 30),
        text => (text, 0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok((number * f64::from(1u32 << shift)) as u64),
        _ => Err(format!("not a size: {text}")),
    }
}

/// `--memory-limit` and NANOPROBE_MEMORY: the same, at least [`LEAST_MEMORY`].
pub(crate) fn memory(text: &str) -> Result<usize, String> {
    match bytes(text).map(usize::try_from)? {
        Ok(bytes) if bytes >= LEAST_MEMORY => Ok(bytes),
        Ok(_) => Err(format!("at least {} MiB are needed: {text}", LEAST_MEMORY >> 20)),
        Err(_) => Err(format!("not a size: {text}")),
    }
}

/// Below this not even one chunk of the largest kind can be worked on.
const LEAST_MEMORY: usize = 16 << 20;
