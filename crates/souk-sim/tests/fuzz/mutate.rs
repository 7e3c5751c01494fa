//! Inputs that are almost right.

use souk_sim::Random;

/// Bytes of a mutated input at most; chosen: parsers have their bounds below it or none.
const INPUT_BYTES_MAX: u64 = 256 << 10;

/// Numbers at which arithmetic breaks.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Pieces that mean something to one parser or another.
const WORDS: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-",
    "1e999",
    "-0",
    "0.1",
    "9223372036854775808",
    "\u{0}",
    "\u{feff}",
    "\\u0000",
    "\\ud800",
    "é",
    "\n",
    "\r\n",
    "\t",
    ";",
    "'",
    "(",
    ")",
    " and ",
    " or ",
    " not ",
    "=",
    "!=",
    "<=",
    "&a",
    "*a",
    "!!",
    "%00",
    "..",
    "/",
    "1970-01-01T00:00:00Z",
];

/// One to four changes of a seed.
pub(crate) fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = pick(random, seeds).clone();
    for _ in 0..=random.below(4) {
        change(random, &mut input, seeds);
    }
    input.truncate(INPUT_BYTES_MAX as usize);
    input
}

fn pick<'a>(random: &mut Random, seeds: &'a [Vec<u8>]) -> &'a Vec<u8> {
    &seeds[random.below(seeds.len() as u64) as usize]
}

fn change(random: &mut Random, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = random.below(input.len() as u64 + 1) as usize;
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.bits() as u8,
        2 => input.truncate(at),
        3 => {
            let word = WORDS[random.below(WORDS.len() as u64) as usize];
            input.splice(at..at, word.bytes());
        }
        4 => {
            let edge = EDGES[random.below(EDGES.len() as u64) as usize];
            let n_bytes = 1 << random.below(4);
            for (idx, byte) in edge.to_le_bytes().iter().take(n_bytes).enumerate() {
                if let Some(place) = input.get_mut(at + idx) {
                    *place = *byte;
                }
            }
        }
        5 => {
            let end = (at + random.below(64) as usize).min(input.len());
            input.drain(at..end);
        }
        6 => {
            let end = (at + random.below(64) as usize).min(input.len());
            let piece = input[at..end].to_vec();
            let times = 1 + random.skewed(2_000) as usize;
            input.splice(at..at, piece.repeat(times));
        }
        7 => {
            let other = pick(random, seeds);
            let from = random.below(other.len() as u64 + 1) as usize;
            let end = (from + random.below(256) as usize).min(other.len());
            input.splice(at..at, other[from..end].iter().copied());
        }
        _ => {
            let other = pick(random, seeds);
            let from = random.below(other.len() as u64 + 1) as usize;
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}
