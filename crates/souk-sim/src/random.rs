/// A small seeded generator (xorshift64*; Vigna 2016, "An experimental exploration of Marsaglia's
/// xorshift generators, scrambled"): same seed, same sequence, on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Any seed; two seeds give unrelated sequences.
    pub fn new(seed: u64) -> Random {
        // One round of splitmix64 keeps small seeds apart and away from the forbidden zero.
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((z ^ (z >> 31)) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `bound` that is small far more often than large, as sales over products are.
    pub fn skewed(&mut self, bound: u64) -> u64 {
        let share = self.unit();
        ((share * share * share) * bound as f64) as u64
    }
}
