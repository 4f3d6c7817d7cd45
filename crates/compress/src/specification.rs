//! What `--compression` says, in Borg's spelling.

use core::fmt;
use core::str::FromStr;

use crate::Error;
use crate::obfuscation::Obfuscation;

/// What `--compression` says: `none`, `lz4`, `zstd[,L]`, `zlib[,L]`, `lzma[,L]`, `auto,C[,L]`, `obfuscate,SPEC,C[,L]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specification {
    pub(crate) method: Method,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Method {
    None,
    #[default]
    Lz4,
    Zstd {
        level: i32,
    },
    Zlib {
        level: u32,
    },
    Lzma {
        level: u32,
    },
    /// lz4 decides whether the inner method is worth its time.
    Auto(Box<Method>),
    /// Padding hides the size that the inner method gives.
    Obfuscate(Obfuscation, Box<Method>),
}

impl Specification {
    /// Chunks are stored as they are.
    pub const NONE: Self = Self { method: Method::None };
}

impl FromStr for Specification {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self { method: Method::parse(text)? })
    }
}

impl fmt::Display for Specification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.method.fmt(formatter)
    }
}

impl Method {
    fn parse(text: &str) -> Result<Self, Error> {
        let fields = text.split(',').count();
        let (name, rest) = text.split_once(',').unwrap_or((text, ""));
        Ok(match name {
            // Borg looks at nothing after these two names.
            "none" => Self::None,
            "lz4" => Self::Lz4,
            "zlib" => Self::Zlib { level: level(fields, rest, 6, 0, 9)? as u32 },
            "lzma" => Self::Lzma { level: level(fields, rest, 6, 0, 9)? as u32 },
            "zstd" => Self::Zstd { level: level(fields, rest, 3, 1, 22)? },
            "auto" if (2..=3).contains(&fields) => Self::Auto(Box::new(Self::parse(rest)?)),
            "obfuscate" if (3..=5).contains(&fields) => {
                let (level, inner) = rest.split_once(',').ok_or(Error::BadArguments)?;
                let obfuscation = Obfuscation::from_level(number(level)?).ok_or(Error::ObfuscationLevel)?;
                Self::Obfuscate(obfuscation, Box::new(Self::parse(inner)?))
            }
            "auto" | "obfuscate" => return Err(Error::BadArguments),
            _ => return Err(Error::UnsupportedType),
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("none"),
            Self::Lz4 => formatter.write_str("lz4"),
            Self::Zstd { level } => write!(formatter, "zstd,{level}"),
            Self::Zlib { level } => write!(formatter, "zlib,{level}"),
            Self::Lzma { level } => write!(formatter, "lzma,{level}"),
            Self::Auto(inner) => write!(formatter, "auto,{inner}"),
            Self::Obfuscate(obfuscation, inner) => write!(formatter, "obfuscate,{},{inner}", obfuscation.level()),
        }
    }
}

fn level(fields: usize, field: &str, default: i32, minimum: i32, maximum: i32) -> Result<i32, Error> {
    match fields {
        1 => Ok(default),
        2 => Some(number(field)?)
            .filter(|level| (minimum..=maximum).contains(level))
            .ok_or(Error::Level { minimum, maximum }),
        _ => Err(Error::TooManyArguments),
    }
}

/// A decimal number; spaces around it and a sign are allowed, as Borg allows them.
fn number(field: &str) -> Result<i32, Error> {
    field.trim().parse().map_err(|_| Error::NotANumber { field: field.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_borgs() {
        for (given, shown) in [
            ("none", "none"),
            ("lz4", "lz4"),
            ("lz4,7", "lz4"),
            ("zstd", "zstd,3"),
            ("zstd,1", "zstd,1"),
            ("zstd,22", "zstd,22"),
            ("zlib", "zlib,6"),
            ("zlib,0", "zlib,0"),
            ("lzma", "lzma,6"),
            ("lzma, 9", "lzma,9"),
            ("auto,zstd", "auto,zstd,3"),
            ("auto,lzma,4", "auto,lzma,4"),
            ("auto,none", "auto,none"),
            ("obfuscate,1,none", "obfuscate,1,none"),
            ("obfuscate,110,zlib,9", "obfuscate,110,zlib,9"),
            ("obfuscate,250,auto,zstd,10", "obfuscate,250,auto,zstd,10"),
        ] {
            let specification: Specification = given.parse().unwrap();
            assert_eq!(specification.to_string(), shown);
            assert_eq!(shown.parse(), Ok(specification));
        }
        assert_eq!(Specification::default().to_string(), "lz4");
    }

    #[test]
    fn mistakes_are_named_as_borg_names_them() {
        for (given, message) in [
            ("", "unsupported compression type"),
            ("LZ4", "unsupported compression type"),
            ("gzip", "unsupported compression type"),
            ("zlib,10", "level must be >= 0 and <= 9"),
            ("zlib,-1", "level must be >= 0 and <= 9"),
            ("lzma,6,6", "too many arguments"),
            ("zstd,0", "level must be >= 1 and <= 22"),
            ("zstd,23", "level must be >= 1 and <= 22"),
            ("zstd,x", "invalid CompressionSpec value: 'x'"),
            ("auto", "bad arguments"),
            ("auto,zstd,3,3", "bad arguments"),
            ("auto,obfuscate,1", "bad arguments"),
            ("obfuscate,1", "bad arguments"),
            ("obfuscate,0,lz4", "level must be (inclusively) within 1...6, 110...123 or equal to 250"),
            ("obfuscate,124,lz4", "level must be (inclusively) within 1...6, 110...123 or equal to 250"),
            ("obfuscate,1,auto,zstd,3,3", "bad arguments"),
        ] {
            assert_eq!(given.parse::<Specification>().unwrap_err().to_string(), message, "{given}");
        }
    }
}
