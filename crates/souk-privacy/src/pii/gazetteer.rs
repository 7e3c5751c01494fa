//! Lists of names, places and common words. Where they come from: `data/pii/PROVENANCE.md`.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::ZlibDecoder;
/// The lists, as `scripts/pii-gazetteer.py` makes them.
static PACKED: &[u8] = include_bytes!("../../data/pii/gazetteer.txt.z");
/// Words that are used alike, as `scripts/pii-clusters.py` puts them together.
static CLUSTERS: &[u8] = include_bytes!("../../data/pii/clusters.txt.z");

/// The bits of an entry that hold flags, and flags with the cluster.
const FLAG_BITS: u32 = 8;
const KNOWN_BITS: u32 = FLAG_BITS + 10;
const KNOWN: u64 = (1 << KNOWN_BITS) - 1;

/// Words of the longest phrase.
pub(super) const PHRASE_WORDS_MAX: usize = 6;

/// What the lists say of a word or phrase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed(u8);

impl Listed {
    /// A first or a last name.
    pub(super) const NAME: u8 = 1 | 2;
    pub(super) const CITY: u8 = 4;
    pub(super) const COUNTRY: u8 = 8;
    /// Among the first 400 words of a language.
    pub(super) const FREQUENT: u8 = 16;
    /// Among the first 400, 3,000, 30,000 words of a language.
    pub(super) const COMMON: u8 = 16 | 32 | 64;
    /// A longer phrase begins with it.
    const OPENS: u8 = 128;

    pub(super) fn is(self, flags: u8) -> bool {
        self.0 & flags != 0
    }

    /// All but the internal flag, as a signal.
    pub(super) fn bits(self) -> u8 {
        self.0 & !Listed::OPENS
    }

    pub(super) fn opens_phrase(self) -> bool {
        self.is(Listed::OPENS)
    }

    pub(super) fn with(self, flags: u8) -> Listed {
        Listed(self.0 | flags)
    }
}

/// The number of a set of words that are used alike, 1 to 512; 0 for a word of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cluster(u16);

impl Cluster {
    /// The set.
    pub(super) fn fine(self) -> u64 {
        u64::from(self.0)
    }

    /// The group of eight sets that it belongs to, from 1.
    pub(super) fn coarse(self) -> u64 {
        u64::from(self.0.div_ceil(8))
    }
}

/// The lists in memory: an open table of hashes whose lowest bits hold the flags (8) and the cluster (10), eight megabytes
/// for half a million entries. 46 bits of hash are left, so that a word outside the lists hits one by chance in 10⁸ times.
pub(super) struct Gazetteer {
    slots: Vec<u64>,
}

impl Gazetteer {
    /// The lists that come with the program; unpacked at the first use, some 60 ms.
    pub(super) fn builtin() -> &'static Gazetteer {
        static BUILTIN: OnceLock<Gazetteer> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut text = String::new();
            ZlibDecoder::new(PACKED).read_to_string(&mut text).expect("the packed lists are text");
            let mut clusters = String::new();
            ZlibDecoder::new(CLUSTERS)
                .read_to_string(&mut clusters)
                .expect("the packed clusters are text");
            Gazetteer::parse(&text, &clusters)
        })
    }

    fn parse(text: &str, clusters: &str) -> Gazetteer {
        // A phrase also marks its first word, so that there may be more entries than lines.
        let mut lists =
            Gazetteer { slots: vec![0; (text.lines().count() * 3 / 2).next_power_of_two()] };
        for (flags, key) in text.lines().filter_map(|line| line.split_once('\t')) {
            lists.add(hash(key), flags.parse::<u8>().expect("the packed lists hold flags").into());
            if let Some((first, _)) = key.split_once(' ') {
                lists.add(hash(first), Listed::OPENS.into());
            }
        }
        for (number, word) in clusters.lines().filter_map(|line| line.split_once('\t')) {
            let number: u64 = number.parse().expect("the packed clusters hold numbers");
            lists.add(hash(word), number << FLAG_BITS);
        }
        lists
    }

    fn add(&mut self, hash: u64, known: u64) {
        let place = self.place(hash);
        self.slots[place] |= hash & !KNOWN | known;
    }

    /// Where an entry is or would be.
    fn place(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = ((hash ^ hash >> 29) >> KNOWN_BITS) as usize & mask;
        while self.slots[place] != 0 && self.slots[place] & !KNOWN != hash & !KNOWN {
            place = (place + 1) & mask;
        }
        place
    }

    /// What is known of a folded word or of a phrase with single spaces, by its hash.
    pub(super) fn look_up(&self, hash: u64) -> (Listed, Cluster) {
        let slot = self.slots[self.place(hash)];
        (Listed(slot as u8), Cluster(((slot & KNOWN) >> FLAG_BITS) as u16))
    }
}

/// FNV-1a; a phrase can be hashed word by word ([`extend`]).
pub(super) fn hash(text: &str) -> u64 {
    extend(0xcbf2_9ce4_8422_2325, text)
}

/// Goes on hashing.
pub(super) fn extend(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Writes a text in lower case without diacritics, the form in which the lists have it.
pub(super) fn fold_into(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        for lower in c.to_lowercase() {
            match lower {
                'à'..='å' | 'ā' | 'ă' | 'ą' => out.push('a'),
                'æ' => out.push_str("ae"),
                'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => out.push('c'),
                'ď' | 'đ' | 'ð' => out.push('d'),
                'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => out.push('e'),
                'ĝ' | 'ğ' | 'ġ' | 'ģ' => out.push('g'),
                'ĥ' | 'ħ' => out.push('h'),
                'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => out.push('i'),
                'ĵ' => out.push('j'),
                'ķ' => out.push('k'),
                'ĺ' | 'ļ' | 'ľ' | 'ł' => out.push('l'),
                'ñ' | 'ń' | 'ņ' | 'ň' => out.push('n'),
                'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => out.push('o'),
                'œ' => out.push_str("oe"),
                'ŕ' | 'ŗ' | 'ř' => out.push('r'),
                'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => out.push('s'),
                'ß' => out.push_str("ss"),
                'ţ' | 'ť' | 'ŧ' | 'ț' => out.push('t'),
                'þ' => out.push_str("th"),
                'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => out.push('u'),
                'ŵ' => out.push('w'),
                'ý' | 'ÿ' | 'ŷ' => out.push('y'),
                'ź' | 'ż' | 'ž' => out.push('z'),
                '’' => out.push('\''),
                // What is left over of a letter that was taken apart.
                '\u{300}'..='\u{36f}' => {}
                other => out.push(other),
            }
        }
    }
}
