//! Signs manifests and archives with their TAM, and verifies it. See `nanoprobe_format::tam` for where it stands.

use std::{convert::Infallible, ops::Range};

use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::tam::{TAM_BYTES, Tam};
use nanoprobe_key::{Key, TamContext};

use crate::Error;

/// What became of a structure's TAM.
pub(crate) enum Verdict {
    /// It is the key owner's.
    Authentic,
    /// There is none.
    Absent,
    /// It was made in a way that is not known.
    Unsupported(String),
    /// It is not the key owner's.
    Invalid,
}

/// Verifies `tam`, which was read from `packed`. The HMAC's bytes in there are left zero.
pub(crate) fn verify(key: &Key, context: TamContext, tam: &Tam, packed: &mut [u8]) -> Verdict {
    match tam {
        Tam::Absent => Verdict::Absent,
        Tam::Unsupported(suite) => {
            Verdict::Unsupported(crate::text::displayable(&crate::text::decode(suite)).into_owned())
        }
        Tam::Present { salt, hmac, hmac_range } => {
            if let Some(zeros) = packed.get_mut(hmac_range.clone()) {
                zeros.fill(0);
            }
            if key.verify_tam(context, salt, packed, hmac) { Verdict::Authentic } else { Verdict::Invalid }
        }
        Tam::Malformed => Verdict::Invalid,
    }
}

/// Has `emit` write a structure with the salt it is given, and signs it.
pub(crate) fn sign(
    key: &Key,
    context: TamContext,
    emit: impl FnOnce(&[u8; TAM_BYTES], &mut Writer<&mut Vec<u8>>) -> Result<Range<usize>, Infallible>,
) -> Result<Vec<u8>, Error> {
    let mut salt = [0; TAM_BYTES];
    getrandom::fill(&mut salt)?;
    let mut packed = Vec::new();
    let Ok(hmac_range) = emit(&salt, &mut Writer::new(&mut packed));
    let hmac = key.tam(context, &salt, &packed);
    packed[hmac_range].copy_from_slice(&hmac);
    Ok(packed)
}
