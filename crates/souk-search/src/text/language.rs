//! What depends on the language: stems and words that say nothing.

use frostem::{Algorithm, Stemmer};

/// A language with rules of its own; all others are [`Language::Other`], which takes words as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
    /// French.
    French,
    /// German.
    German,
    /// Any other.
    Other,
}

impl Language {
    /// Every language, in the order of their codes in snapshots.
    pub const ALL: [Language; 5] =
        [Language::English, Language::Spanish, Language::French, Language::German, Language::Other];

    /// The language of an IETF tag: `de-AT` is German.
    pub fn from_tag(tag: &str) -> Language {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Language::English,
            "es" => Language::Spanish,
            "fr" => Language::French,
            "de" => Language::German,
            _ => Language::Other,
        }
    }

    /// The tag, `und` for [`Language::Other`].
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
            Language::French => "fr",
            Language::German => "de",
            Language::Other => "und",
        }
    }

    /// The stem of a folded word.
    pub(crate) fn stem(self, word: &str) -> String {
        match self {
            Language::English => english_singular(word),
            Language::Spanish => Stemmer::new(Algorithm::Spanish).stem(word).into(),
            Language::French => Stemmer::new(Algorithm::French).stem(word).into(),
            Language::German => Stemmer::new(Algorithm::German).stem(word).into(),
            Language::Other => word.to_owned(),
        }
    }

    /// The plural of a folded word, or the singular of a plural, where that follows a rule; English alone, for the
    /// stems of the others are no words.
    pub(crate) fn other_number(self, word: &str) -> Option<String> {
        if self != Language::English {
            return None;
        }
        let singular = english_singular(word);
        if singular != word {
            return Some(singular);
        }
        let before_y = word.strip_suffix('y');
        let stem = before_y.filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
        Some(stem.map_or_else(|| format!("{word}s"), |stem| format!("{stem}ies")))
    }

    /// Whether a folded word says nothing about a product.
    pub(crate) fn is_stop_word(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Language::English => &[
                "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "i", "in", "is",
                "it", "me", "my", "of", "on", "or", "some", "that", "the", "this", "to", "with",
                "your",
            ],
            Language::Spanish => &[
                "a", "al", "con", "de", "del", "el", "en", "es", "la", "las", "lo", "los", "para",
                "por", "que", "se", "sin", "su", "un", "una", "unas", "unos", "y", "o",
            ],
            Language::French => &[
                "a", "au", "aux", "avec", "ce", "ces", "dans", "de", "des", "du", "en", "et", "la",
                "le", "les", "ou", "par", "pour", "sur", "un", "une",
            ],
            Language::German => &[
                "am", "an", "auf", "aus", "bei", "das", "dem", "den", "der", "des", "die", "ein",
                "eine", "einem", "einen", "einer", "fur", "im", "in", "ist", "mit", "oder", "und",
                "von", "zu", "zum", "zur",
            ],
            Language::Other => &[],
        };
        words.contains(&word)
    }

    /// How many of the first folded words of a query ask and say nothing: three of `how to make pancakes`. None where it
    /// is no question, and none of one that says nothing else.
    pub(crate) fn question(self, words: &[&str]) -> usize {
        let (openers, others): (&[&str], &[&str]) = match self {
            Language::English => (
                &[
                    "what",
                    "which",
                    "where",
                    "how",
                    "can",
                    "do",
                    "does",
                    "is",
                    "are",
                    "i",
                    "need",
                    "looking",
                    "show",
                    "find",
                    "something",
                    "anything",
                ],
                &[
                    "there", "we", "you", "me", "my", "to", "the", "a", "an", "any", "some",
                    "needed", "want", "would", "should", "like", "buy", "get", "make", "use",
                    "have", "for", "good", "best",
                ],
            ),
            Language::Spanish => (
                &["que", "cual", "donde", "como", "necesito", "busco", "quiero", "algo"],
                &[
                    "cuales", "es", "son", "el", "la", "los", "las", "mejor", "un", "una", "hacer",
                    "puedo", "comprar", "hay", "para", "de",
                ],
            ),
            Language::French => (
                &["quel", "quelle", "quels", "ou", "comment", "que", "cherche", "je"],
                &[
                    "est", "le", "la", "les", "meilleur", "un", "une", "faire", "j", "ai",
                    "besoin", "acheter", "trouver", "pour", "de", "d",
                ],
            ),
            Language::German => (
                &["was", "welche", "welcher", "welches", "wo", "wie", "ich", "suche", "etwas"],
                &[
                    "brauche", "mochte", "kann", "man", "gibt", "es", "ist", "der", "die", "das",
                    "ein", "eine", "einen", "kaufen", "machen", "mache", "beste", "fur", "zum",
                ],
            ),
            Language::Other => return 0,
        };
        let opens = |word: &&str| openers.contains(word);
        if !words.first().is_some_and(opens) {
            return 0;
        }
        let n_asking = words.iter().take_while(|word| opens(word) || others.contains(word)).count();
        if n_asking < words.len() { n_asking } else { 0 }
    }

    /// Whether a folded word opens an aside: what follows says what a thing is for or comes with, not
    /// what it is.
    pub(crate) fn opens_aside(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Language::English => &["for", "with", "without", "from", "fits", "compatible", "w"],
            Language::Spanish => &["para", "con", "sin", "compatible"],
            Language::French => &["pour", "avec", "sans", "compatible"],
            Language::German => &["fur", "mit", "ohne", "passend", "kompatibel"],
            Language::Other => &[],
        };
        words.contains(&word)
    }

    /// Whether a folded word says how much of a thing there is, or what it comes in. Where no product has all
    /// words of a query, it is not what was looked for: `spinach` is, of `spinach bag`.
    pub(crate) fn is_packing(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Language::English => &[
                "bag", "bags", "bottle", "bottles", "box", "boxes", "bulk", "bunch", "can", "cans",
                "canned", "carton", "cartons", "count", "dozen", "fresh", "gallon", "gallons",
                "jar", "jars", "kg", "lb", "lbs", "liter", "liters", "multi", "ounce", "ounces",
                "oz", "pack", "packs", "packet", "pound", "pounds", "size", "sizes", "tin", "tins",
                "tub", "unit", "units",
            ],
            Language::Spanish => &[
                "bolsa", "bote", "botella", "brick", "caja", "docena", "gramos", "kilo", "kilos",
                "lata", "latas", "litro", "litros", "paquete", "talla", "tamano", "unidades",
            ],
            Language::French => &[
                "boite",
                "boites",
                "bouteille",
                "brique",
                "canette",
                "douzaine",
                "kilo",
                "litre",
                "litres",
                "paquet",
                "sachet",
                "taille",
                "unites",
            ],
            Language::German => &[
                "beutel", "dose", "dosen", "dutzend", "flasche", "glas", "groesse", "grosse",
                "karton", "kilo", "liter", "pack", "packung", "stuck", "tute",
            ],
            Language::Other => &[],
        };
        words.contains(&word)
    }

    /// Where the word stands that says what a thing is, among those that say which; unknown for
    /// [`Language::Other`].
    pub(crate) fn head_side(self) -> Option<HeadSide> {
        match self {
            Language::English | Language::German => Some(HeadSide::Last),
            Language::Spanish | Language::French => Some(HeadSide::First),
            Language::Other => None,
        }
    }

    /// Whether words are written together to make new ones.
    pub(crate) fn has_compounds(self) -> bool {
        self == Language::German
    }
}

/// Where the word stands that says what a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadSide {
    /// `zapatillas rojas`.
    First,
    /// `red shoes`.
    Last,
}

/// Words whose plural, or whose `s`, follows no rule.
const IRREGULAR: &[(&str, &str)] = &[
    ("buses", "bus"),
    ("canvas", "canvas"),
    ("canvases", "canvas"),
    ("children", "child"),
    ("christmas", "christmas"),
    ("feet", "foot"),
    ("gas", "gas"),
    ("gases", "gas"),
    ("geese", "goose"),
    ("halves", "half"),
    ("knives", "knife"),
    ("leaves", "leaf"),
    ("lens", "lens"),
    ("lenses", "lens"),
    ("loaves", "loaf"),
    ("men", "man"),
    ("mens", "man"),
    ("mice", "mouse"),
    ("news", "news"),
    ("pies", "pie"),
    ("scarves", "scarf"),
    ("series", "series"),
    ("shelves", "shelf"),
    ("ties", "tie"),
    ("shoes", "shoe"),
    ("species", "species"),
    ("teeth", "tooth"),
    ("toes", "toe"),
    ("tvs", "tv"),
    ("dvds", "dvd"),
    ("cds", "cd"),
    ("pcs", "pcs"),
    ("wolves", "wolf"),
    ("women", "woman"),
    ("womens", "woman"),
    ("wireless", "wireless"),
    ("kids", "kid"),
    ("hose", "hose"),
    ("axes", "axe"),
    ("dies", "die"),
];

/// The singular of an English noun: what shoppers expect of a search, and no more. Snowball's English
/// stemmer also makes `organ` of `organic` and `univers` of `universal`, which finds strange things.
///
/// After Harman (1991), "How effective is suffixing?" (the S stemmer), with the endings that it gets wrong
/// on products' names.
fn english_singular(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    let stem_before = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() >= 2);
    // `movie` and `movies` must meet, and so must `battery` and `batteries`.
    if let Some(stem) = stem_before("ies").or_else(|| stem_before("ie"))
        && stem.len() >= 3
    {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zzes", "oes"] {
        if stem_before(ending).is_some() {
            return word[..word.len() - 2].to_owned();
        }
    }
    let keeps = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(stem) if !keeps && stem.len() >= 3 => stem.to_owned(),
        _ => word.to_owned(),
    }
}
