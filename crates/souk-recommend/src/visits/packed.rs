//! Numbers in as few bits as the largest of them needs, one behind the other in 32-bit words.
//!
//! What a visit holds are short lists of small numbers: items of a shop's thousands and milliseconds of half an
//! hour take 15 to 21 bits. All numbers of a list are equally wide, so that any of them is read without those before it.

/// A list of numbers of the same width, to read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packed<'a> {
    words: &'a [u32],
    /// The bit at which the first number begins.
    begin: usize,
    width: u32,
    len: usize,
}

impl<'a> Packed<'a> {
    /// The list of `len` numbers of `width` ≤ 32 bits that begins at a bit of these words.
    pub(super) fn new(words: &'a [u32], begin: usize, (len, width): (usize, u32)) -> Packed<'a> {
        debug_assert!(begin + len * width as usize <= 32 * words.len());
        Packed { words, begin, width, len }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// The number at a position below [`Packed::len`].
    #[inline]
    pub(crate) fn get(self, idx: usize) -> u32 {
        debug_assert!(idx < self.len);
        let bit = self.begin + idx * self.width as usize;
        let word = |at: usize| self.words.get(at).map_or(0, |&word| u64::from(word));
        let both = word(bit / 32) | word(bit / 32 + 1) << 32;
        let mask = (1_u64 << self.width) - 1;
        (both >> (bit % 32) & mask) as u32
    }

    /// The numbers in order.
    #[inline]
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + use<'a> {
        (0..self.len).map(move |idx| self.get(idx))
    }

    /// A word of the list, read so that the processor fetches it.
    #[inline]
    pub(crate) fn touch(self) -> u32 {
        self.words.last().copied().unwrap_or_default()
    }
}

/// The bits that a number needs.
pub(super) fn width_of(number: u32) -> u32 {
    u32::BITS - number.leading_zeros()
}

/// How many words hold so many bits.
pub(super) fn words_for(bits: usize) -> usize {
    bits.div_ceil(32)
}

/// Writes numbers, each with its width, from the first bit of `words` on.
pub(super) fn pack(words: &mut [u32], numbers: impl Iterator<Item = (u32, u32)>) {
    let mut places = words.iter_mut();
    let mut write = |word: u64| *places.next().expect("there is room for all bits") = word as u32;
    let (mut held, mut n_held) = (0_u64, 0);
    for (number, width) in numbers {
        held |= u64::from(number) << n_held;
        n_held += width;
        if n_held >= 32 {
            write(held);
            held >>= 32;
            n_held -= 32;
        }
    }
    if n_held > 0 {
        write(held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Two lists behind each other are read as they were written, whatever their widths.
        #[test]
        fn reads_what_was_written(
            (shift, first) in (0..32_u32, prop::collection::vec(any::<u32>(), 0..40)),
            (other_shift, second) in (0..32_u32, prop::collection::vec(any::<u32>(), 0..40)),
        ) {
            let first: Vec<u32> = first.iter().map(|number| number >> shift).collect();
            let second: Vec<u32> = second.iter().map(|number| number >> other_shift).collect();
            let width = |of: &[u32]| of.iter().map(|&number| width_of(number)).max().unwrap_or(0);
            let widths = [width(&first), width(&second)];
            let begin = first.len() * widths[0] as usize;
            let mut words = vec![7; words_for(begin + second.len() * widths[1] as usize)];
            let numbers = first.iter().map(|&number| (number, widths[0]));
            pack(&mut words, numbers.chain(second.iter().map(|&number| (number, widths[1]))));
            let read = [
                Packed::new(&words, 0, (first.len(), widths[0])),
                Packed::new(&words, begin, (second.len(), widths[1])),
            ];
            prop_assert!(read[0].iter().eq(first.iter().copied()));
            prop_assert!(read[1].iter().rev().eq(second.iter().rev().copied()));
        }
    }

    #[test]
    fn a_list_of_zeros_takes_nothing() {
        assert_eq!((width_of(0), width_of(1), width_of(u32::MAX)), (0, 1, 32));
        let zeros = Packed::new(&[], 0, (3, 0));
        assert!(zeros.iter().eq([0, 0, 0]));
        assert_eq!((zeros.len(), zeros.touch()), (3, 0));
    }
}
