//! Short lists of 32-bit words in shared memory, one number per list.
//!
//! A `Vec` per visit and per item would cost 24 bytes of header and an allocator's rounding for
//! lists of about five words. Here a list of `len` words lies in a block whose size follows from
//! `len` alone, so that neither a capacity nor a pointer is stored. *Not* for lists that are
//! shared: there is no reference count.

/// Words in a shared chunk: 256 KiB, which the allocator maps lazily.
const CHUNK_WORDS: usize = 1 << 16;
/// Longer blocks get a chunk of their own, so that a chunk's unused end stays small.
const SHARED_WORDS_MAX: usize = 1 << 13;
/// More classes of block sizes than there are: see [`Blocks::class_of`].
const CLASSES: usize = 96;

/// Where a block begins: chunk number and word within it, 16 bits each.
pub(super) type Address = u32;

/// No block: the address of an empty list.
pub(super) const NOWHERE: Address = u32::MAX;

/// The blocks, and which of them are free.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// The logarithm of the length up to which a block is exactly as long as its list.
    exact_log: u32,
    chunks: Vec<Box<[u32]>>,
    free: Vec<Vec<Address>>,
    free_chunks: Vec<u32>,
    /// The shared chunk that is being cut up, and its first unused word.
    open: Option<(u32, usize)>,
}

impl Blocks {
    /// No blocks. Lists of up to 2^`exact_log` ≥ 4 words lie in blocks of their length: tight where lists soon stop
    /// growing, but lists that grow on and on leave behind a block of each size that they had.
    pub(super) fn new(exact_log: u32) -> Blocks {
        Blocks {
            exact_log,
            chunks: Vec::new(),
            free: vec![Vec::new(); CLASSES],
            free_chunks: Vec::new(),
            open: None,
        }
    }

    /// The list of `len` words at `address`.
    pub(super) fn get(&self, address: Address, len: usize) -> &[u32] {
        if len == 0 {
            return &[];
        }
        let (chunk, start) = split(address);
        &self.chunks[chunk][start..start + len]
    }

    /// The list of `len` words at `address`, to write.
    pub(super) fn get_mut(&mut self, address: Address, len: usize) -> &mut [u32] {
        if len == 0 {
            return &mut [];
        }
        let (chunk, start) = split(address);
        &mut self.chunks[chunk][start..start + len]
    }

    /// Takes a block for `len` words (of any content) and returns its address.
    pub(super) fn take(&mut self, len: usize) -> Address {
        if len == 0 {
            return NOWHERE;
        }
        let (class, words) = self.class_of(len);
        if let Some(address) = self.free[class].pop() {
            return address;
        }
        if words > SHARED_WORDS_MAX {
            return self.add_chunk(words) << 16;
        }
        let (chunk, start) = match self.open {
            Some((chunk, start)) if start + words <= CHUNK_WORDS => (chunk, start),
            _ => (self.add_chunk(CHUNK_WORDS), 0),
        };
        self.open = Some((chunk, start + words));
        chunk << 16 | start as u32
    }

    /// Gives back the block of a list of `len` words.
    pub(super) fn give_back(&mut self, address: Address, len: usize) {
        if len == 0 {
            return;
        }
        let (class, words) = self.class_of(len);
        if words > SHARED_WORDS_MAX {
            let (chunk, _) = split(address);
            self.chunks[chunk] = Box::default();
            self.free_chunks.push(chunk as u32);
        } else {
            self.free[class].push(address);
        }
    }

    /// Inserts `word` before position `idx` of a list of `len`; returns the list's address.
    pub(super) fn insert(&mut self, list: (Address, usize), idx: usize, word: u32) -> Address {
        let (from, len) = list;
        let address = self.resize(from, len, len + 1);
        let words = self.get_mut(address, len + 1);
        words.copy_within(idx..len, idx + 1);
        words[idx] = word;
        address
    }

    /// Removes position `idx` of a list of `len`; returns the list's address.
    pub(super) fn remove(&mut self, list: (Address, usize), idx: usize) -> Address {
        let (from, len) = list;
        self.get_mut(from, len).copy_within(idx + 1.., idx);
        self.resize(from, len, len - 1)
    }

    /// Exchanges the block of a list of `len` words for one of `new_len` words of any content.
    pub(super) fn renew(&mut self, (from, len): (Address, usize), new_len: usize) -> Address {
        if len > 0 && new_len > 0 && self.class_of(len) == self.class_of(new_len) {
            return from;
        }
        self.give_back(from, len);
        self.take(new_len)
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let words: usize = self.chunks.iter().map(|chunk| chunk.len()).sum();
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        4 * (words + free + self.free_chunks.capacity())
    }

    /// Moves a list to the block for its new length, keeping its first words.
    fn resize(&mut self, from: Address, len: usize, new_len: usize) -> Address {
        if len > 0 && new_len > 0 && self.class_of(len) == self.class_of(new_len) {
            return from;
        }
        let to = self.take(new_len);
        let kept = len.min(new_len);
        if kept > 0 {
            let ((old, old_start), (new, new_start)) = (split(from), split(to));
            if old == new {
                let end = old_start + kept;
                self.chunks[old].copy_within(old_start..end, new_start);
            } else {
                let source = std::mem::take(&mut self.chunks[old]);
                let words = &source[old_start..old_start + kept];
                self.chunks[new][new_start..new_start + kept].copy_from_slice(words);
                self.chunks[old] = source;
            }
        }
        self.give_back(from, len);
        to
    }

    /// The class number and the block size for a list of `len` ≥ 1 words: its length where that is exact, else
    /// 1.5 · 2^k or 2^(k+1), of which at most a third is unused.
    fn class_of(&self, len: usize) -> (usize, usize) {
        let exact = 1 << self.exact_log;
        if len <= exact {
            return (len - 1, len);
        }
        let k = (len - 1).ilog2() as usize;
        let class = exact + 2 * (k - self.exact_log as usize);
        let middle = 3 << (k - 1);
        if len <= middle { (class, middle) } else { (class + 1, 2 << k) }
    }

    fn add_chunk(&mut self, words: usize) -> u32 {
        let chunk = vec![0; words].into_boxed_slice();
        if let Some(number) = self.free_chunks.pop() {
            self.chunks[number as usize] = chunk;
            return number;
        }
        // The last number stays unused: its last word would have the address NOWHERE.
        assert!(self.chunks.len() < 0xFFFF, "an index holds at most 4 billion words");
        self.chunks.push(chunk);
        self.chunks.len() as u32 - 1
    }
}

fn split(address: Address) -> (usize, usize) {
    ((address >> 16) as usize, (address & 0xFFFF) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_are_tight_and_distinct() {
        for exact_log in [2, 4] {
            let blocks = Blocks::new(exact_log);
            let mut last = (0, 1);
            for len in 1..5000 {
                let (class, words) = blocks.class_of(len);
                let is_tight = words == len || (len > 1 << exact_log && words * 2 < len * 3);
                assert!(words >= len && is_tight, "{len} in {words}");
                let is_next = class == last.0 + 1 && words > last.1;
                assert!((class, words) == last || is_next, "{len}");
                last = (class, words);
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert { list: usize, at: usize, word: u32 },
        Remove { list: usize, at: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..6usize, any::<usize>(), any::<u32>())
                .prop_map(|(list, at, word)| Step::Insert { list, at, word }),
            2 => (0..6usize, any::<usize>()).prop_map(|(list, at)| Step::Remove { list, at }),
        ]
    }

    proptest! {
        /// Lists of blocks behave like vectors, whatever is freed and reused around them.
        #[test]
        fn equals_vectors(
            (exact_log, steps) in (2..5_u32, prop::collection::vec(step(), 1..300))
        ) {
            let mut blocks = Blocks::new(exact_log);
            let mut lists = [(NOWHERE, 0); 6];
            let mut model: [Vec<u32>; 6] = Default::default();
            for step in steps {
                match step {
                    Step::Insert { list, at, word } => {
                        let at = at % (model[list].len() + 1);
                        lists[list].0 = blocks.insert(lists[list], at, word);
                        lists[list].1 += 1;
                        model[list].insert(at, word);
                    }
                    Step::Remove { list, at } if !model[list].is_empty() => {
                        let at = at % model[list].len();
                        lists[list].0 = blocks.remove(lists[list], at);
                        lists[list].1 -= 1;
                        model[list].remove(at);
                    }
                    Step::Remove { .. } => {}
                }
                for (&(address, len), expected) in lists.iter().zip(&model) {
                    prop_assert_eq!(blocks.get(address, len), &expected[..]);
                }
            }
        }
    }

    #[test]
    fn a_long_list_gets_and_frees_its_own_chunk() {
        let mut blocks = Blocks::new(2);
        let mut list = (NOWHERE, 0);
        for word in 0..100_000 {
            list = (blocks.insert(list, list.1, word), list.1 + 1);
        }
        assert!(blocks.get(list.0, list.1).iter().copied().eq(0..100_000));
        let held = blocks.bytes();
        for _ in 0..99_990 {
            list = (blocks.remove(list, list.1 - 1), list.1 - 1);
        }
        assert!(blocks.get(list.0, list.1).iter().copied().eq(0..10));
        assert!(blocks.bytes() < held / 2);
    }
}
