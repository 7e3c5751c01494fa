//! Pauses in long work.

use std::fmt;

/// What long work calls between its steps, from any of its threads, so that whoever waits can go first.
#[derive(Clone, Copy)]
pub struct Rests<'a>(&'a (dyn Fn() + Sync));

impl<'a> Rests<'a> {
    /// Work that never rests.
    pub const NONE: Rests<'static> = Rests(&|| {});

    /// Calls this between steps of some milliseconds to some tenths of a second.
    pub fn by(rest: &'a (dyn Fn() + Sync)) -> Rests<'a> {
        Rests(rest)
    }

    pub(crate) fn rest(self) {
        (self.0)();
    }
}

impl fmt::Debug for Rests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rests").finish_non_exhaustive()
    }
}
