//! Looking around in a text: groups of digits, neighbours, context words.

/// How far back and ahead context words count, in bytes; chosen: a sentence's half.
const CONTEXT_BYTES: usize = 56;
const AHEAD_BYTES: usize = 24;
/// More digits than any number of interest.
const DIGITS_MAX: usize = 24;
pub(super) const GROUPS_MAX: usize = 9;

/// A place in a text at which something may begin.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> View<'a> {
    /// The byte at a position, 0 outside.
    pub(super) fn byte(self, pos: usize) -> u8 {
        self.text.as_bytes().get(pos).copied().unwrap_or(0)
    }

    /// The byte before a position, 0 at the start.
    pub(super) fn before(self, pos: usize) -> u8 {
        pos.checked_sub(1).map_or(0, |prev| self.byte(prev))
    }

    /// Whether a word may end here.
    pub(super) fn ends_at(self, pos: usize) -> bool {
        !is_word(self.byte(pos))
    }

    /// Whether a word may begin here.
    pub(super) fn begins_at(self, pos: usize) -> bool {
        !is_word(self.before(pos))
    }

    /// The end of the run of letters and digits from a position.
    pub(super) fn run_end(self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        from + bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
    }

    /// Whether one of the words (lower case) stands shortly before.
    pub(super) fn follows(self, words: &[&str]) -> bool {
        self.within(self.at.saturating_sub(CONTEXT_BYTES), self.at, words)
    }

    /// Whether one of the words (lower case) stands right before, within `bytes`.
    pub(super) fn follows_closely(self, words: &[&str], bytes: usize) -> bool {
        self.within(self.at.saturating_sub(bytes), self.at, words)
    }

    /// Whether one of the words (lower case) stands shortly before or after.
    pub(super) fn near(self, end: usize, words: &[&str]) -> bool {
        self.follows(words) || self.within(end, end + AHEAD_BYTES, words)
    }

    fn within(self, from: usize, to: usize, words: &[&str]) -> bool {
        let bytes = &self.text.as_bytes()[from..to.min(self.text.len())];
        words.iter().any(|word| contains_word(bytes, word.as_bytes()))
    }

    /// The groups of digits from here on: runs with a single separator between.
    pub(super) fn groups(self) -> Groups {
        let mut groups = Groups::default();
        let mut pos = self.at;
        loop {
            let run = self.text.as_bytes()[pos.min(self.text.len())..]
                .iter()
                .take(DIGITS_MAX + 1)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if run == 0 || groups.n_digits + run > DIGITS_MAX || groups.len == GROUPS_MAX {
                return groups;
            }
            for byte in &self.text.as_bytes()[pos..pos + run] {
                groups.digits[groups.n_digits] = byte - b'0';
                groups.n_digits += 1;
            }
            pos += run;
            groups.ends[groups.len] = pos;
            groups.totals[groups.len] = groups.n_digits;
            groups.separators[groups.len] = self.byte(pos);
            groups.len += 1;
            match self.byte(pos) {
                b' ' | b'-' | b'.' | b'/' => pos += 1,
                // The narrow and the plain no-break space, as French writes numbers.
                0xC2 if self.byte(pos + 1) == 0xA0 => pos += 2,
                _ => return groups,
            }
        }
    }
}

/// Runs of digits with single separators between them.
#[derive(Default)]
pub(super) struct Groups {
    digits: [u8; DIGITS_MAX],
    n_digits: usize,
    ends: [usize; GROUPS_MAX],
    totals: [usize; GROUPS_MAX],
    separators: [u8; GROUPS_MAX],
    /// How many groups there are.
    pub(super) len: usize,
}

impl Groups {
    /// All digits of the first `n` groups.
    pub(super) fn digits(&self, n: usize) -> &[u8] {
        &self.digits[..self.totals[n - 1]]
    }

    /// Where group number `n`, from 1, ends in the text.
    pub(super) fn end(&self, n: usize) -> usize {
        self.ends[n - 1]
    }

    /// How many digits group number `n`, from 0, has.
    pub(super) fn size(&self, n: usize) -> usize {
        self.totals[n] - if n == 0 { 0 } else { self.totals[n - 1] }
    }

    /// What stands behind group number `n`, from 0.
    pub(super) fn separator(&self, n: usize) -> u8 {
        self.separators[n]
    }

    /// How many digits all groups have.
    pub(super) fn total(&self) -> usize {
        self.n_digits
    }

    /// Whether the first groups have exactly these sizes.
    pub(super) fn has_sizes(&self, sizes: &[usize]) -> bool {
        self.len >= sizes.len() && sizes.iter().enumerate().all(|(n, size)| self.size(n) == *size)
    }

    /// The number of groups whose digits are exactly `total` together.
    pub(super) fn reaching(&self, total: usize) -> Option<usize> {
        (1..=self.len).find(|n| self.totals[n - 1] == total)
    }
}

/// Whether a byte belongs to a word; bytes of other scripts and of accented letters do.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0xC3
}

/// Whether a word begins somewhere; a short one has to end there too, a longer one may be inflected.
fn contains_word(bytes: &[u8], word: &[u8]) -> bool {
    let Some(last) = bytes.len().checked_sub(word.len()) else { return false };
    let first = word[0].to_ascii_lowercase();
    (0..=last).any(|pos| {
        let end = pos + word.len();
        // Most places fail at the first byte.
        bytes[pos].to_ascii_lowercase() == first
            && (pos == 0 || !is_word(bytes[pos - 1]))
            && bytes[pos..end].eq_ignore_ascii_case(word)
            && (word.len() >= 5 || bytes.get(end).is_none_or(|next| !next.is_ascii_alphabetic()))
    })
}
