//! What this CPU has beyond the baseline of its architecture, and which form of a primitive that lets run.
//!
//! A release binary is compiled for the baseline alone, and every function that uses more is called only where the machine
//! was asked: here, and nowhere else. What the machine has can be withdrawn from the program, so that each form can be
//! tested, measured and avoided. A form is believed only after it has given known answers; the next one takes its place.
//!
//! RAM: a word, and a byte a primitive.
#![no_std]

#[cfg(test)]
extern crate std;

mod detect;
mod feature;
mod form;

pub use detect::{allowed, detected, withdraw};
pub use feature::{Feature, Features, UnknownFeature};
pub use form::{Choice, Form, FormVisitor, Standing};
