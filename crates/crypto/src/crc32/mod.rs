//! CRC-32 (IEEE): every log entry Borg stores carries one, so every byte of a repository passes here when it is checked.
//!
//! One file per instruction set with equal signatures.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use nanoprobe_cpu::{Choice, Features, Form};

use crate::forms::known_message;

/// A way to compute CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crc32Form {
    /// Carry-less multiplication.
    #[cfg(target_arch = "x86_64")]
    Pclmulqdq,
    /// Eight bytes an instruction.
    #[cfg(target_arch = "aarch64")]
    Crc32,
    /// Tables, eight bytes a step.
    Portable,
}

impl Form for Crc32Form {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Pclmulqdq,
        #[cfg(target_arch = "aarch64")]
        Self::Crc32,
        Self::Portable,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Pclmulqdq => "pclmulqdq",
            #[cfg(target_arch = "aarch64")]
            Self::Crc32 => "crc32",
            Self::Portable => "portable",
        }
    }

    fn needs(self) -> Features {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Pclmulqdq => x86::NEEDS,
            #[cfg(target_arch = "aarch64")]
            Self::Crc32 => aarch64::NEEDS,
            Self::Portable => Features::NONE,
        }
    }

    fn choice() -> &'static Choice<Self> {
        &CHOICE
    }

    fn is_right(self) -> bool {
        crc32_with(self, 0x1234_5678, &known_message()[3..]) == 0x64b1_63ec
    }
}

static CHOICE: Choice<Crc32Form> = Choice::undecided();

/// Continues a CRC-32 (IEEE) that began with `crc` = 0.
pub fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    crc32_with(Crc32Form::chosen(), crc, bytes)
}

/// The same by one form; by the portable one where the CPU cannot run it.
pub fn crc32_with(form: Crc32Form, crc: u32, bytes: &[u8]) -> u32 {
    match form {
        #[cfg(target_arch = "x86_64")]
        Crc32Form::Pclmulqdq => x86::update(crc, bytes),
        #[cfg(target_arch = "aarch64")]
        Crc32Form::Crc32 => aarch64::update(crc, bytes),
        Crc32Form::Portable => portable::update(crc, bytes),
    }
}

#[cfg(test)]
mod tests;
