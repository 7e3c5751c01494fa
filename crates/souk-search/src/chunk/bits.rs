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

    /// The places of bits that are not set, rising; of the first 65,536.
    pub(crate) fn zeros(&self) -> impl Iterator<Item = u16> + '_ {
        let len = self.len;
        self.words.iter().enumerate().flat_map(move |(idx, word)| {
            let in_use = (len - idx * 64).min(64);
            let mask = if in_use == 64 { u64::MAX } else { (1 << in_use) - 1 };
            let mut left = !word & mask;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    (idx * 64) as u16 + bit as u16
                })
            })
        })
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }
}
