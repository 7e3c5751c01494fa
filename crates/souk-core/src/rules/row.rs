/// Halves of words that processors fetch at once: 64 bytes.
const PIECE: usize = 16;

/// What the rules of a set say of one product: those whose selection means it.
///
/// Bits of the broad rules, then the numbers of the narrow ones, which lie together: three hundred rows are read for
/// one list, and each place that one is spread over is another wait for memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleRow {
    halves: Box<[u32]>,
    /// How many halves of words of bits there are.
    n_halves: u32,
}

impl RuleRow {
    /// Whether no rule means the product.
    pub fn is_empty(&self) -> bool {
        self.narrow().is_empty() && self.halves.iter().all(|half| *half == 0)
    }

    pub(super) fn of(broad: &[u64], narrow: &[u32]) -> RuleRow {
        let halves = broad.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]);
        let halves = halves.chain(narrow.iter().copied()).collect();
        RuleRow { halves, n_halves: 2 * broad.len() as u32 }
    }

    pub(super) fn word(&self, idx: usize) -> u64 {
        match self.halves[..self.n_halves as usize].get(2 * idx..2 * idx + 2) {
            Some(halves) => u64::from(halves[0]) | u64::from(halves[1]) << 32,
            None => 0,
        }
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        (0..self.n_halves as usize / 2).map(|idx| self.word(idx))
    }

    /// Looks into each piece of it that a processor fetches from memory; what comes of it means nothing.
    pub(super) fn fetch(&self) -> u32 {
        let pieces = self.halves.chunks(PIECE);
        pieces.fold(0, |all, piece| all ^ piece[0]) ^ self.halves.last().copied().unwrap_or(0)
    }

    pub(super) fn narrow(&self) -> &[u32] {
        &self.halves[self.n_halves as usize..]
    }
}
