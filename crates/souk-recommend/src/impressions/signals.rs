//! What is known of a product at the moment it is shown, in one byte each.
//!
//! What is recorded and what is asked are the same bytes, so that an order learned from records meets in service just what
//! it learned from.

use souk_math::Random;

/// Names signals with their codes, which are never used again for anything else: they stand in records. There is no
/// gap between them; a signal that is no longer told keeps its code.
macro_rules! signals {
    ($($(#[$doc:meta])* $signal:ident = $code:literal, $name:literal;)*) => {
        /// What is told of a product, or of the list for which it is a candidate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Signal { $($(#[$doc])* $signal = $code,)* }

        impl Signal {
            /// Every signal, in the order of a row.
            pub const ALL: [Signal; N_SIGNALS] = [$(Signal::$signal),*];

            /// What it is called.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$signal => $name),* }
            }
        }
    };
}

/// How many signals there are.
pub const N_SIGNALS: usize = 64;
/// Those that lists of recommendations tell, from the first on.
const N_RECOMMENDED: usize = 45;

signals! {
    /// Its place among the candidates before any learned order, from 0.
    Rank = 1, "rank";
    /// Whether a source that the list is for proposed it, and not one that only fills it up.
    IsFound = 2, "is_found";
    /// Its score by that source.
    Score = 3, "score";
    /// Its place by that source, from 0.
    SourceRank = 4, "source_rank";
    /// How many purchases, baskets or visits support it.
    Support = 5, "support";
    /// How many products speak for it.
    Evidence = 6, "evidence";
    /// Whether it follows from what the shopper did.
    IsPersonal = 7, "is_personal";
    /// What it rests on, as its reason says.
    IsBoughtTogether = 8, "is_bought_together";
    /// Likewise.
    IsBoughtBefore = 9, "is_bought_before";
    /// Likewise.
    IsSimilarShoppers = 10, "is_similar_shoppers";
    /// Likewise.
    IsSimilarProduct = 11, "is_similar_product";
    /// Likewise.
    IsViewedTogether = 12, "is_viewed_together";
    /// Likewise.
    IsRecentlyViewed = 13, "is_recently_viewed";
    /// Likewise.
    IsTrending = 14, "is_trending";
    /// Likewise.
    IsPopular = 15, "is_popular";
    /// Likewise.
    IsNew = 16, "is_new";
    /// Places of the list.
    Places = 17, "places";
    /// Baskets of the shopper.
    OwnBaskets = 18, "own_baskets";
    /// Products of the running visit.
    VisitProducts = 19, "visit_products";
    /// Whether a product or a cart is on the page.
    HasAnchor = 20, "has_anchor";
    /// How often it is taken up where it is shown, drawn to its kind.
    ClickRate = 21, "click_rate";
    /// The same lately, drawn to the former.
    ClickRateLately = 22, "click_rate_lately";
    /// How often it is ordered where it is shown.
    OrderRate = 23, "order_rate";
    /// How often it was looked at in lists.
    Looks = 24, "looks";
    /// Visits to it in a day.
    VisitsOfDay = 25, "visits_1_day";
    /// In three days.
    VisitsOfDays = 26, "visits_3_days";
    /// In a week.
    VisitsOfWeek = 27, "visits_7_days";
    /// Days since the last one.
    VisitAge = 28, "days_since_visit";
    /// Baskets with it in a week.
    BasketsOfWeek = 29, "baskets_7_days";
    /// Days since the last one.
    BasketAge = 30, "days_since_basket";
    /// Baskets for each visit in a week, drawn to one in fifty.
    BasketsPerVisit = 31, "baskets_per_visit";
    /// Its price.
    Price = 32, "price";
    /// Its price against what the shopper usually takes, as a logarithm.
    PriceToHabit = 33, "price_to_habit";
    /// By how much it is reduced.
    Reduction = 34, "reduction";
    /// The share of the price that the shop keeps.
    Margin = 35, "margin";
    /// The share of its brand in what the shopper did.
    OwnBrand = 36, "own_brand";
    /// The share of its category in what the shopper did.
    OwnKind = 37, "own_kind";
    /// Levels of its category that it shares with what is looked at.
    SharedLevels = 38, "shared_levels";
    /// Days since the shopper looked at it.
    ViewedAgo = 39, "days_since_viewed";
    /// How often the shopper did.
    ViewedTimes = 40, "times_viewed";
    /// Days since the shopper bought it.
    BoughtAgo = 41, "days_since_bought";
    /// How often the shopper did.
    BoughtTimes = 42, "times_bought";
    /// Whether it was looked at in the running visit.
    IsOfVisit = 43, "is_of_visit";
    /// Days since it was first offered.
    Age = 44, "days_offered";
    /// What stands in stock.
    Stock = 45, "stock";
    /// How much of the query a hit lacks: exactly, from 0.
    MissingWords = 46, "missing_words";
    /// Its score against the best hit's.
    ScoreToBest = 47, "score_to_best";
    /// What its words are worth against the best hit's.
    TextToBest = 48, "text_to_best";
    /// How the words stand in its title.
    TitleFit = 49, "title_fit";
    /// How they stand in the name of its category, and whether most of the best hits are of it.
    CategoryFit = 50, "category_fit";
    /// How near it is to what the query means.
    MeaningFit = 51, "meaning_fit";
    /// How far it is what was understood as a preference.
    PreferenceFit = 52, "preference_fit";
    /// Whether it can be sold.
    Availability = 53, "availability";
    /// How much it is wanted, as the search has it.
    Popularity = 54, "popularity";
    /// By what clicks after this very query multiply its score.
    QueryClicks = 55, "query_clicks";
    /// By what the shopper's purchases multiply it.
    OwnTaste = 56, "own_taste";
    /// Whether others' clicks bring it, and not its words.
    IsBroughtIn = 57, "is_brought_in";
    /// Its price against the middle one of the hits, as a logarithm.
    PriceToHits = 58, "price_to_hits";
    /// Its rating against the best one of the hits.
    RatingToHits = 59, "rating_to_hits";
    /// Words of the query.
    QueryWords = 60, "query_words";
    /// Hits in all.
    Hits = 61, "hits";
    /// Whether the query was read as another.
    IsCorrected = 62, "is_corrected";
    /// Whether something of it was given up.
    IsRelaxed = 63, "is_relaxed";
    /// Whether words of it were read as conditions or preferences.
    IsUnderstood = 64, "is_understood";
}

/// Which lists an order is for. Those of one kind never teach the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// Recommendations.
    #[default]
    Recommended,
    /// The hits of a search.
    Found,
}

impl ListKind {
    /// The signals that its lists tell and its trees ask, in the order of a row.
    pub(super) fn signals(self) -> &'static [Signal] {
        match self {
            ListKind::Recommended => &Signal::ALL[..N_RECOMMENDED],
            ListKind::Found => &OF_FOUND,
        }
    }

    /// What they are called.
    pub(super) fn names(self) -> Vec<&'static str> {
        self.signals().iter().map(|signal| signal.name()).collect()
    }

    /// By what products are alike in whether they are taken up.
    fn alike(self) -> &'static [Signal] {
        match self {
            ListKind::Recommended => &ALIKE,
            ListKind::Found => &ALIKE_FOUND,
        }
    }
}

/// The signals of hits.
const OF_FOUND: [Signal; 34] = [
    Signal::Rank,
    Signal::MissingWords,
    Signal::ScoreToBest,
    Signal::TextToBest,
    Signal::TitleFit,
    Signal::CategoryFit,
    Signal::MeaningFit,
    Signal::PreferenceFit,
    Signal::Availability,
    Signal::Popularity,
    Signal::QueryClicks,
    Signal::OwnTaste,
    Signal::IsBroughtIn,
    Signal::PriceToHits,
    Signal::RatingToHits,
    Signal::QueryWords,
    Signal::Hits,
    Signal::IsCorrected,
    Signal::IsRelaxed,
    Signal::IsUnderstood,
    Signal::ClickRate,
    Signal::ClickRateLately,
    Signal::OrderRate,
    Signal::Looks,
    Signal::VisitsOfDay,
    Signal::VisitsOfWeek,
    Signal::VisitAge,
    Signal::BasketsOfWeek,
    Signal::BasketsPerVisit,
    Signal::Price,
    Signal::Reduction,
    Signal::Margin,
    Signal::Age,
    Signal::Stock,
];

/// A number that levels of counts reach up to; more is as much.
const COUNT_MAX: f64 = 1e6;

impl Signal {
    /// The signal of a code in a record; `None` for one that this program does not know.
    pub fn of_code(code: u8) -> Option<Signal> {
        Signal::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// A share from 0 to 1 as a level.
pub fn share(value: f64) -> u8 {
    // 0 is what is not known, as is what is no number: a cast makes 0 of it.
    (1.0 + 254.0 * value.clamp(0.0, 1.0)).round() as u8
}

/// A count or an age, from 0, as a level: what is small is told apart better than what is large.
pub fn count(value: f64) -> u8 {
    share(value.clamp(0.0, COUNT_MAX).ln_1p() / COUNT_MAX.ln_1p())
}

/// A probability as a level by its log odds, from one in two thousand to six in ten: most chances of a click are small.
pub fn chance(value: f64) -> u8 {
    around((value / (1.0 - value)).ln() + 3.5, 4.0)
}

/// A number around 0 as a level; beyond `span` it is as much as `span`.
pub fn around(value: f64, span: f64) -> u8 {
    share(0.5 + value / (2.0 * span))
}

/// The signals of one product, as levels from 1 to 255; 0 is what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalRow([u8; N_SIGNALS]);

impl Default for SignalRow {
    /// Nothing is known.
    fn default() -> SignalRow {
        SignalRow([0; N_SIGNALS])
    }
}

impl SignalRow {
    /// The level of a signal.
    pub fn level(&self, signal: Signal) -> u8 {
        self.0[signal as usize - 1]
    }

    /// Notes the level of a signal.
    pub fn set(&mut self, signal: Signal, level: u8) {
        self.0[signal as usize - 1] = level;
    }

    /// Its place among the candidates, which levels tell exactly up to 254; `None` for a product that was no candidate.
    pub fn rank(&self) -> Option<u8> {
        self.level(Signal::Rank).checked_sub(1)
    }

    /// Whether a source that the list is for proposed it; what only fills a list up is not found.
    pub fn is_found(&self) -> bool {
        self.level(Signal::IsFound) > 1
    }

    /// Of which kind of list it is: hits alone tell what they lack.
    pub fn kind(&self) -> ListKind {
        match self.level(Signal::MissingWords) {
            0 => ListKind::Recommended,
            _ => ListKind::Found,
        }
    }

    /// Notes how much of the query a hit lacks.
    pub fn set_missing(&mut self, n_missing: usize) {
        self.set(Signal::MissingWords, u8::try_from(n_missing + 1).unwrap_or(u8::MAX));
    }

    /// What no order mixes, from 0: what only fills a list up stays behind what was found for it, and a hit behind those
    /// that have more of the words.
    pub(super) fn tier(&self) -> u8 {
        match self.level(Signal::MissingWords).checked_sub(1) {
            Some(n_missing) => n_missing,
            None => u8::from(!self.is_found()),
        }
    }

    /// Notes its place among the candidates, from 0.
    pub fn set_rank(&mut self, rank: usize) {
        self.set(Signal::Rank, u8::try_from(rank + 1).unwrap_or(u8::MAX));
    }

    /// What trees are asked with: numbers, and no number for what is not known.
    pub(super) fn extend(&self, kind: ListKind, rows: &mut Vec<f32>) {
        let value = |level: u8| if level == 0 { f32::NAN } else { f32::from(level) };
        rows.extend(kind.signals().iter().map(|signal| value(self.level(*signal))));
    }

    /// A number that products share which are alike in what mostly tells whether they are taken up.
    pub(super) fn stratum(&self) -> u32 {
        let levels = self.kind().alike().iter().map(|signal| self.level(*signal).div_ceil(STEP));
        levels.fold(0, |key: u64, level| Random::new(key ^ u64::from(level)).bits()) as u32
    }

    /// The codes of the signals that are known of any row, and these alone row by row.
    pub fn encode(rows: &[SignalRow]) -> (Box<[u8]>, Box<[u8]>) {
        let is_told = |signal: &&Signal| rows.iter().any(|row| row.level(**signal) > 0);
        let told: Vec<Signal> = Signal::ALL.iter().filter(is_told).copied().collect();
        let levels = rows.iter().flat_map(|row| told.iter().map(|signal| row.level(*signal)));
        (told.iter().map(|signal| *signal as u8).collect(), levels.collect())
    }

    /// Reads a row of [`SignalRow::encode`]; what this program does not know is passed over.
    pub fn decode(codes: &[u8], levels: &[u8]) -> SignalRow {
        let mut row = SignalRow::default();
        for (code, level) in codes.iter().zip(levels) {
            if let Some(signal) = Signal::of_code(*code) {
                row.set(signal, *level);
            }
        }
        row
    }
}

/// Levels that strata do not tell apart.
const STEP: u8 = 32;
/// By what recommended products are alike, and hits.
const ALIKE: [Signal; 9] = [
    Signal::IsFound,
    Signal::IsBoughtBefore,
    Signal::IsSimilarShoppers,
    Signal::IsViewedTogether,
    Signal::IsPopular,
    Signal::Score,
    Signal::ClickRate,
    Signal::OwnKind,
    Signal::ViewedTimes,
];
const ALIKE_FOUND: [Signal; 4] =
    [Signal::ScoreToBest, Signal::ClickRate, Signal::QueryClicks, Signal::OwnTaste];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stay_and_have_no_gap() {
        for (signal, code) in Signal::ALL.into_iter().zip(1..) {
            assert_eq!((signal as u8, Signal::of_code(code)), (code, Some(signal)));
        }
        assert_eq!((Signal::Rank as u8, Signal::ClickRate as u8, Signal::Stock as u8), (1, 21, 45));
        assert_eq!((Signal::MissingWords as u8, Signal::IsUnderstood as u8), (46, 64));
        assert_eq!((Signal::of_code(0), Signal::of_code(N_SIGNALS as u8 + 1)), (None, None));
    }

    #[test]
    fn levels_rise_with_what_they_tell_and_nothing_is_nothing() {
        assert_eq!([share(-1.0), share(0.0), share(0.5), share(2.0)], [1, 1, 128, 255]);
        assert_eq!([count(0.0), count(1e6), count(1e9)], [1, 255, 255]);
        assert!(count(1.0) > count(0.0) && count(100.0) > count(80.0));
        assert_eq!([around(-9.0, 2.0), around(0.0, 2.0), around(2.0, 2.0)], [1, 128, 255]);
        assert_eq!([share(f64::NAN), around(f64::NAN, 1.0), count(f64::NAN)], [0, 0, 0]);
        assert!(chance(0.001) > 1 && chance(0.03) > chance(0.02) && chance(0.9) == 255);
    }

    #[test]
    fn what_is_recorded_is_read_and_unknown_codes_are_passed_over() {
        let mut rows = [SignalRow::default(); 2];
        rows[0].set_rank(0);
        rows[1].set_rank(300);
        rows[1].set(Signal::Stock, 9);
        let (codes, levels) = SignalRow::encode(&rows);
        assert_eq!((&codes[..], &levels[..]), (&[1, 45][..], &[1, 0, 255, 9][..]));
        assert_eq!(SignalRow::decode(&codes, &levels[2..]), rows[1]);
        assert_eq!((rows[0].rank(), rows[1].rank()), (Some(0), Some(254)));
        let newer = SignalRow::decode(&[1, 200], &[1, 77]);
        assert_eq!(newer, rows[0]);
        assert_eq!(SignalRow::default().rank(), None);
    }

    #[test]
    fn hits_lie_in_tiers_by_what_they_lack_and_recommendations_by_whether_they_were_found() {
        let hit = |n_missing| {
            let mut row = SignalRow::default();
            row.set_missing(n_missing);
            (row.kind(), row.tier())
        };
        assert_eq!([hit(0), hit(3)], [(ListKind::Found, 0), (ListKind::Found, 3)]);
        assert_eq!(hit(999).1, 254);
        let mut row = SignalRow::default();
        assert_eq!((row.kind(), row.tier()), (ListKind::Recommended, 1));
        row.set(Signal::IsFound, share(1.0));
        assert_eq!(row.tier(), 0);
        let kinds = [ListKind::Recommended, ListKind::Found];
        let [mut recommended, mut found] = kinds.map(|kind| kind.signals().to_vec());
        assert_eq!(recommended.len(), 45);
        assert!(!recommended.contains(&Signal::MissingWords));
        found.sort_by_key(|signal| *signal as u8);
        found.dedup();
        assert_eq!(found.len(), OF_FOUND.len(), "each once");
        recommended.retain(|signal| found.contains(signal));
        assert_eq!(recommended.len(), 15, "told by both");
    }
}
