//! The bitsliced form with what every 64-bit x86 has: for boxes older than AES-NI, which many NAS are.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_loadu_si128, _mm_or_si128, _mm_set1_epi8, _mm_shuffle_epi32, _mm_shufflehi_epi16,
    _mm_shufflelo_epi16, _mm_slli_epi32, _mm_slli_epi64, _mm_srli_epi32, _mm_srli_epi64, _mm_storeu_si128,
    _mm_xor_si128,
};
use core::ops::{BitAnd, BitXor};

use crate::aes_ctr::bitsliced::Vector;

#[derive(Clone, Copy)]
pub(super) struct Sse2(__m128i);

// SAFETY of every block below: SSE2 is part of the architecture, and loads and stores need no alignment.
impl Vector for Sse2 {
    #[inline(always)]
    fn load(bytes: &[u8; 16]) -> Self {
        // SAFETY: sixteen readable bytes.
        Self(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, bytes: &mut [u8; 16]) {
        // SAFETY: sixteen writable bytes.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), self.0) };
    }

    #[inline(always)]
    fn exchange<const BITS: i32>(low: Self, high: Self) -> (Self, Self) {
        // SAFETY: as above.
        unsafe {
            let lower_half = Self(_mm_set1_epi8(if BITS == 1 {
                0x55
            } else if BITS == 2 {
                0x33
            } else {
                0x0f
            }));
            let differing = (Self(_mm_srli_epi64::<BITS>(low.0)) ^ high) & lower_half;
            (low ^ Self(_mm_slli_epi64::<BITS>(differing.0)), high ^ differing)
        }
    }

    #[inline(always)]
    fn turn<const ROWS: u32, const COLUMNS: u32>(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let columns = match COLUMNS {
                0 => self.0,
                1 => _mm_shuffle_epi32::<0b00_11_10_01>(self.0),
                2 => _mm_shuffle_epi32::<0b01_00_11_10>(self.0),
                _ => _mm_shuffle_epi32::<0b10_01_00_11>(self.0),
            };
            Self(match ROWS {
                1 => _mm_or_si128(_mm_srli_epi32::<8>(columns), _mm_slli_epi32::<24>(columns)),
                _ => _mm_shufflehi_epi16::<0b10_11_00_01>(_mm_shufflelo_epi16::<0b10_11_00_01>(columns)),
            })
        }
    }
}

impl BitAnd for Sse2 {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_and_si128(self.0, other.0) })
    }
}

impl BitXor for Sse2 {
    type Output = Self;

    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_xor_si128(self.0, other.0) })
    }
}
