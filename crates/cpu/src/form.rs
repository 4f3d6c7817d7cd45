//! Which form of a primitive is used: the first, of those listed with the fastest in front, that the CPU can run, that was not
//! withdrawn and that gives known answers.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::{Features, allowed, detected};

/// One way to compute a primitive.
pub trait Form: Copy + Eq + 'static {
    /// The forms that were compiled for this architecture, the fastest first; the last one runs everywhere.
    const ALL: &'static [Self];

    /// Its name.
    fn name(self) -> &'static str;

    /// What it needs of the CPU.
    fn needs(self) -> Features;

    /// Whether it gives known answers. Called only where the CPU can run it.
    fn is_right(self) -> bool;

    /// Where the choice among them is kept.
    fn choice() -> &'static Choice<Self>;

    /// The one in use.
    fn chosen() -> Self {
        Self::choice().form()
    }

    /// Whether the CPU can run it and nothing it needs was withdrawn.
    fn is_available(self) -> bool {
        allowed().contains(self.needs())
    }

    /// Those that would be used if they gave known answers: what the choice has passed over.
    fn wrong() -> impl Iterator<Item = Self> {
        let passed_over = Self::ALL.iter().copied().take_while(|&form| form != Self::chosen());
        passed_over.filter(|form| form.is_available())
    }

    /// What became of it, and why.
    fn standing(self) -> Standing {
        let missing = self.needs().without(detected());
        let withdrawn = self.needs().without(allowed());
        if !missing.is_empty() {
            Standing::Missing(missing)
        } else if !withdrawn.is_empty() {
            Standing::Withdrawn(withdrawn)
        } else if !self.is_right() {
            Standing::Wrong
        } else if self == Self::chosen() {
            Standing::Chosen
        } else {
            Standing::Slower
        }
    }
}

/// Is shown the forms of one primitive after the other.
pub trait FormVisitor {
    /// Those of `primitive`.
    fn visit<F: Form>(&mut self, primitive: &'static str);
}

/// What became of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It is used.
    Chosen,
    /// It would run, but another one is faster.
    Slower,
    /// The CPU has not got these.
    Missing(Features),
    /// The CPU has these, but the program may not use them.
    Withdrawn(Features),
    /// It does not give known answers on this machine.
    Wrong,
}

/// A primitive's form, chosen at first use; racing threads come to the same one.
#[derive(Debug)]
pub struct Choice<F> {
    /// The place in [`Form::ALL`], from one; 0 before the first use.
    place: AtomicU8,
    form: PhantomData<fn() -> F>,
}

impl<F: Form> Choice<F> {
    /// Nothing is chosen yet.
    pub const fn undecided() -> Self {
        Self { place: AtomicU8::new(0), form: PhantomData }
    }

    /// The form in use. One look at a byte after the first time.
    #[inline]
    pub fn form(&self) -> F {
        match self.place.load(Ordering::Relaxed) {
            0 => self.choose(),
            place => F::ALL[usize::from(place) - 1],
        }
    }

    #[cold]
    fn choose(&self) -> F {
        let last = F::ALL.len() - 1;
        let place = F::ALL[..last].iter().position(|form| form.is_available() && form.is_right()).unwrap_or(last);
        self.place.store(place as u8 + 1, Ordering::Relaxed);
        F::ALL[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature;

    /// Forms for a CPU that is not this one, one that computes wrongly, and two that run everywhere.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Sum {
        Foreign,
        Broken,
        Portable,
        Slow,
    }

    impl Form for Sum {
        const ALL: &'static [Self] = &[Self::Foreign, Self::Broken, Self::Portable, Self::Slow];

        fn name(self) -> &'static str {
            "sum"
        }

        fn needs(self) -> Features {
            let foreign = if cfg!(target_arch = "x86_64") { Feature::Pmull } else { Feature::Avx512 };
            if self == Self::Foreign { Features::NONE.with(foreign) } else { Features::NONE }
        }

        fn choice() -> &'static Choice<Self> {
            &CHOICE
        }

        fn is_right(self) -> bool {
            assert_ne!(self, Self::Foreign, "the CPU cannot run this");
            self != Self::Broken
        }
    }

    static CHOICE: Choice<Sum> = Choice::undecided();

    #[test]
    fn the_first_form_that_runs_and_is_right_is_chosen() {
        assert_eq!([Sum::chosen(), Sum::chosen()], [Sum::Portable; 2]);
        assert_eq!(Sum::Foreign.standing(), Standing::Missing(Sum::Foreign.needs()));
        assert_eq!(Sum::Broken.standing(), Standing::Wrong);
        assert_eq!(Sum::Portable.standing(), Standing::Chosen);
        assert!(Sum::wrong().eq([Sum::Broken]));
        assert_eq!(Sum::Slow.standing(), Standing::Slower);
    }
}
