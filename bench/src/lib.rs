//! Nothing here: see `benches/suite`.
