//! A growing row of bits.

/// Bits, each set or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// Appends a set bit.
    pub(crate) fn push_one(&mut self) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.words[self.len / 64] |= 1 << (self.len % 64);
        self.len += 1;
    }

    /// Appends a bit that is not set.
    pub(crate) fn push_zero(&mut self) {
        self.push_one();
        self.clear(self.len - 1);
    }

    #[inline]
    pub(crate) fn get(&self, idx: usize) -> bool {
        self.words[idx / 64] >> (idx % 64) & 1 == 1
    }

    /// Clears a bit; says whether it was set.
    pub(crate) fn clear(&mut self, idx: usize) -> bool {
        let was = self.get(idx);
        self.words[idx / 64] &= !(1 << (idx % 64));
        was
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }
}
