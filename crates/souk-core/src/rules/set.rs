//! Many rules, compiled: what they say of a product is found by its values, which of them hold by a
//! request's.
//!
//! A rule whose selection has an anchor (see [`crate::filter`]) is *narrow*: it is looked up by the
//! product's brand, category, tag or id. A rule for all products is *common* and is looked at once a
//! request. Any other is *broad* and tried on every product. Broad rules have the small numbers, in blocks of
//! one kind of action each, so that a product's row is a short set of bits for them, read without a
//! decision for each bit, and a list for the narrow ones, which have blocks of one kind too.

use std::hash::{Hash, Hasher};

use jiff::tz::TimeZone;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::bits::{Bits, numbers};
use super::conditions::ConditionIndex;
use super::effect::Effect;
use super::held::{Deed, HeldWord};
use super::row::RuleRow;
use super::schedule::Now;
use super::{Rule, RuleAction, RuleContext, RuleId, Selection};
use crate::filter::{Anchor, each_anchor};
use crate::{Field, Fields, Timestamp};

/// Reserved shares, and caps, that are looked at in one list; those beyond have no effect. Chosen: a bit
/// of one word each, and far beyond what a list of a hundred can honour.
pub(super) const WORD_MAX: usize = 64;

/// Marks a rule that is no reserved share or cap that holds.
const NO_SLOT: u8 = u8::MAX;

/// A rule's number in its set; means another rule in another set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleNo(pub(super) u32);

/// The rules by what they do, for a glance at those that hold.
#[derive(Clone, Debug, Default)]
struct Kinds {
    /// In the order that decides contradictions, as the three below.
    pins: Vec<RuleNo>,
    reserves: Vec<RuleNo>,
    caps: Vec<RuleNo>,
    messages: Vec<RuleNo>,
    /// Those that change the weight of products, or bury them.
    weighing: Bits,
    hiding: Bits,
    after_purchases: Bits,
    on_margin: Bits,
    on_stock: Bits,
}

impl Kinds {
    /// Of actions in the order that decides contradictions.
    fn of(actions: impl Iterator<Item = (RuleNo, RuleAction)>, n: usize) -> Kinds {
        let mut kinds = Kinds::default();
        let sets = [
            &mut kinds.weighing,
            &mut kinds.hiding,
            &mut kinds.after_purchases,
            &mut kinds.on_margin,
            &mut kinds.on_stock,
        ];
        sets.into_iter().for_each(|set| *set = Bits::none(n));
        for (rule, action) in actions {
            match action {
                RuleAction::Pin { .. } => kinds.pins.push(rule),
                RuleAction::Reserve { .. } => kinds.reserves.push(rule),
                RuleAction::Cap { .. } => kinds.caps.push(rule),
                RuleAction::Boost { .. } | RuleAction::Bury => kinds.weighing.set(rule.0),
                RuleAction::Hide => kinds.hiding.set(rule.0),
                RuleAction::Redirect | RuleAction::Banner => kinds.messages.push(rule),
                RuleAction::ExcludeBought { .. } => kinds.after_purchases.set(rule.0),
                RuleAction::Margin { .. } => {
                    kinds.weighing.set(rule.0);
                    kinds.on_margin.set(rule.0);
                }
                RuleAction::Stock { .. } => {
                    kinds.weighing.set(rule.0);
                    kinds.on_stock.set(rule.0);
                }
            }
        }
        kinds
    }
}

/// Broad or narrow rules of one kind of action: whole words of bits.
#[derive(Clone, Copy, Debug)]
struct Block {
    reach: Reach,
    first_word: usize,
    end_word: usize,
}

/// How a selection is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Broad,
    Narrow,
    Common,
}

/// Rules as they are asked: see the module.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// By number; some numbers at the end of a block are free.
    rules: Vec<Option<Rule>>,
    n_rules: usize,
    /// Actions by number, close together because every request reads many of them.
    actions: Vec<RuleAction>,
    /// What kind of thing each does, and a boost's factor or the weight of margin or stock, by number: side by side,
    /// because each product of a request asks for a dozen.
    doings: Vec<(Deed, f32)>,
    /// By number: its place in the order that decides contradictions.
    precedence: Vec<u32>,
    kinds: Kinds,
    /// Broad, then narrow rules of one kind of action, in the order in which they win.
    blocks: Vec<Block>,
    /// Rules for all products.
    common: Vec<u32>,
    /// Narrow rules by the hash of an anchor.
    by_anchor: FxHashMap<u64, Vec<u32>>,
    /// Fields that any anchor names.
    anchor_fields: Vec<Field>,
    conditions: ConditionIndex,
    /// Rules that hold at all times.
    always: Bits,
    /// Rules with a schedule.
    scheduled: Vec<u32>,
    by_id: FxHashMap<RuleId, RuleNo>,
}

/// Which rules hold at one time, and for how long that stays so.
#[derive(Clone, Debug)]
pub struct InForce {
    holding: Bits,
    from: Timestamp,
    until: Timestamp,
}

impl InForce {
    /// Whether it says the truth of this moment.
    pub fn covers(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// The rules that hold for one request.
#[derive(Clone, Debug, Default)]
pub struct ActiveRules {
    holding: Bits,
    /// In the order that decides contradictions, as the four below.
    pub(super) pins: Vec<RuleNo>,
    pub(super) reserves: Vec<RuleNo>,
    pub(super) caps: Vec<RuleNo>,
    messages: Vec<RuleNo>,
    /// Whether any changes the weight of products, or buries them.
    is_weighing: bool,
    /// The broad rules, a word of bits at a time.
    pub(super) words: Vec<HeldWord>,
    /// What the rules for all products do.
    pub(super) base: Effect,
    /// By number: the place among the reserved shares or caps that hold; empty where there are none.
    pub(super) slots: Vec<u8>,
    is_hiding: bool,
    is_after_purchases: bool,
    is_on_margin: bool,
    is_on_stock: bool,
}

impl ActiveRules {
    /// Whether no rule holds.
    pub fn is_empty(&self) -> bool {
        self.holding.is_empty()
    }

    /// Whether any rule that holds does more than taking products out: then more candidates are wanted
    /// than places.
    pub fn reorders(&self) -> bool {
        self.is_weighing
            || !(self.pins.is_empty() && self.reserves.is_empty() && self.caps.is_empty())
    }

    /// Whether any takes products out.
    pub fn removes(&self) -> bool {
        self.is_hiding || self.is_after_purchases
    }

    /// Whether any asks when the shopper bought a product.
    pub fn asks_purchases(&self) -> bool {
        self.is_after_purchases
    }

    /// Whether any asks for margins.
    pub fn asks_margins(&self) -> bool {
        self.is_on_margin
    }

    /// Whether any asks for stock.
    pub fn asks_stock(&self) -> bool {
        self.is_on_stock
    }

    /// The pins, those first that win.
    pub fn pins(&self) -> &[RuleNo] {
        &self.pins
    }

    /// The redirects and banners, those first that win.
    pub fn messages(&self) -> &[RuleNo] {
        &self.messages
    }

    /// The reserved shares, those first that win.
    pub fn reserves(&self) -> &[RuleNo] {
        &self.reserves
    }
}

/// By what an action multiplies, or how much it lets count.
fn amount(action: RuleAction) -> f32 {
    match action {
        RuleAction::Boost { factor } => factor,
        RuleAction::Margin { weight } | RuleAction::Stock { weight } => weight,
        _ => 0.0,
    }
}

/// What decides between two rules of one kind before precedence does: more days exclude more.
fn strength(rule: &Rule) -> i32 {
    match rule.action {
        RuleAction::ExcludeBought { days } => -i32::from(days),
        _ => 0,
    }
}

fn anchor_hash(field: &Field, value: &str) -> u64 {
    let mut hasher = FxHasher::default();
    field.hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}

/// The anchors of a selection; `None` for a broad one.
fn anchors(selection: &Selection) -> Option<Vec<Anchor>> {
    match selection {
        Selection::All => None,
        Selection::Filter(filter) => filter.anchors(),
        Selection::Products(ids) => {
            let anchor = |value: String| Anchor { field: Field::Id, value: value.into() };
            Some(ids.iter().map(|id| anchor(id.as_str().to_ascii_lowercase())).collect())
        }
    }
}

impl RuleSet {
    /// Compiles the rules that are switched on.
    pub fn compile(rules: impl IntoIterator<Item = Rule>) -> RuleSet {
        let reached = rules.into_iter().filter(|rule| rule.is_on).map(|rule| {
            let anchors = anchors(&rule.selection);
            let reach = match (&rule.selection, &anchors) {
                (Selection::All, _) => Reach::Common,
                (_, None) => Reach::Broad,
                (_, Some(_)) => Reach::Narrow,
            };
            (reach, anchors, rule)
        });
        let mut reached: Vec<(Reach, Option<Vec<Anchor>>, Rule)> = reached.collect();
        reached.sort_by(|(a, _, left), (b, _, right)| {
            let kind = |reach: &Reach, rule: &Rule| match reach {
                Reach::Common => ("", 0),
                _ => (rule.action.as_str(), strength(rule)),
            };
            (a, kind(a, left), left.precedence()).cmp(&(b, kind(b, right), right.precedence()))
        });
        let mut set = RuleSet::default();
        let mut fields = FxHashSet::default();
        let mut block = None;
        for (reach, anchors, rule) in reached {
            let kind = (reach != Reach::Common).then(|| (reach, rule.action.as_str()));
            if kind != block {
                set.end_block();
                let first_word = set.rules.len() / 64;
                if kind.is_some() {
                    set.blocks.push(Block { reach, first_word, end_word: first_word });
                }
                block = kind;
            }
            let number = set.rules.len() as u32;
            if reach == Reach::Common {
                set.common.push(number);
            }
            for anchor in anchors.into_iter().flatten() {
                let list = set.by_anchor.entry(anchor_hash(&anchor.field, &anchor.value));
                list.or_default().push(number);
                fields.insert(anchor.field);
            }
            set.by_id.insert(rule.id.clone(), RuleNo(number));
            set.actions.push(rule.action);
            set.rules.push(Some(rule));
            set.n_rules += 1;
        }
        set.end_block();
        set.anchor_fields = fields.into_iter().collect();
        set.index();
        set
    }

    /// Ends a block at a whole word.
    fn end_block(&mut self) {
        let end = self.rules.len().next_multiple_of(64);
        self.rules.resize(end, None);
        self.actions.resize(end, RuleAction::Bury);
        if let Some(block) = self.blocks.last_mut().filter(|b| b.end_word == b.first_word) {
            block.end_word = end / 64;
        }
    }

    /// Orders the rules, and finds them by what their conditions ask.
    fn index(&mut self) {
        let n = self.rules.len();
        self.always = Bits::none(n);
        let numbered = (0..).zip(&self.rules).filter_map(|(n, rule)| Some((n, rule.as_ref()?)));
        let mut order: Vec<(u32, &Rule)> = numbered.clone().collect();
        for (number, rule) in numbered.clone() {
            match rule.when.schedule.is_always() {
                true => self.always.set(number),
                false => self.scheduled.push(number),
            }
        }
        self.conditions = ConditionIndex::of(numbered, n);
        order.sort_by(|(_, a), (_, b)| a.precedence().cmp(&b.precedence()));
        let order: Vec<u32> = order.into_iter().map(|(number, _)| number).collect();
        let doing = |action: &RuleAction| (Deed::of(*action), amount(*action));
        self.doings = self.actions.iter().map(doing).collect();
        self.precedence = vec![u32::MAX; n];
        for (place, number) in (0..).zip(&order) {
            self.precedence[*number as usize] = place;
        }
        let actions = order.iter().map(|&number| (RuleNo(number), self.actions[number as usize]));
        self.kinds = Kinds::of(actions, n);
    }

    /// How many rules are switched on.
    pub fn len(&self) -> usize {
        self.n_rules
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.n_rules == 0
    }

    /// A rule by its number.
    ///
    /// # Panics
    ///
    /// For a number of another set.
    pub fn rule(&self, number: RuleNo) -> &Rule {
        self.rules[number.0 as usize].as_ref().expect("a set names only rules that it has")
    }

    /// The groups of people that any rule asks for, in no order.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.conditions.segments()
    }

    /// The rules that are switched on, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (RuleNo, &Rule)> {
        let numbered = (0..).map(RuleNo).zip(&self.rules);
        numbered.filter_map(|(number, rule)| Some((number, rule.as_ref()?)))
    }

    /// The number of a rule that is switched on.
    pub fn number(&self, id: &RuleId) -> Option<RuleNo> {
        self.by_id.get(id).copied()
    }

    pub(super) fn action(&self, number: RuleNo) -> RuleAction {
        self.actions[number.0 as usize]
    }

    pub(super) fn precedence(&self, number: RuleNo) -> u32 {
        self.precedence[number.0 as usize]
    }

    /// What the rules say of a product, whenever they hold.
    pub fn row<F: Fields + ?Sized>(&self, product: &F) -> RuleRow {
        let selects = |number: u32| {
            let rule = self.rules[number as usize].as_ref();
            rule.is_some_and(|rule| rule.selection.selects(product))
        };
        let n_words = self.blocks_of(Reach::Broad).last().map_or(0, |block| block.end_word);
        let mut broad = vec![0_u64; n_words];
        for number in (0..n_words as u32 * 64).filter(|number| selects(*number)) {
            broad[number as usize / 64] |= 1 << (number % 64);
        }
        let mut narrow: Vec<u32> = Vec::new();
        for field in &self.anchor_fields {
            each_anchor(product, field, &mut |value| {
                let found = self.by_anchor.get(&anchor_hash(field, value));
                narrow.extend(found.into_iter().flatten());
            });
        }
        narrow.sort_unstable();
        narrow.dedup();
        narrow.retain(|number| selects(*number));
        RuleRow::of(&broad, &narrow)
    }

    /// The rules that mean the product of this row, whenever they hold.
    pub fn each_of_row(&self, row: &RuleRow, mut each: impl FnMut(RuleNo)) {
        let broad = row.words().enumerate();
        broad.flat_map(|(idx, word)| numbers(idx, word)).for_each(|number| each(RuleNo(number)));
        row.narrow().iter().chain(&self.common).for_each(|number| each(RuleNo(*number)));
    }

    /// The rules that hold and mean the product of this row.
    pub fn each_touching(&self, active: &ActiveRules, row: &RuleRow, mut each: impl FnMut(RuleNo)) {
        let words = row.words().zip(active.holding.words()).enumerate();
        for (idx, (word, holding)) in words {
            numbers(idx, word & holding).for_each(|number| each(RuleNo(number)));
        }
        let others = row.narrow().iter().chain(&self.common);
        for number in others.filter(|number| active.holding.has(**number)) {
            each(RuleNo(*number));
        }
    }

    fn blocks_of(&self, reach: Reach) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.reach == reach)
    }

    /// The words of bits in which any broad rule holds that has an effect.
    fn words_of(&self, active: &ActiveRules) -> Vec<HeldWord> {
        let words = self.blocks_of(Reach::Broad).flat_map(|block| {
            let (deed, _) = self.doings[block.first_word * 64];
            (block.first_word..block.end_word).map(move |word| (word, deed))
        });
        let held = words.filter_map(|(word, deed)| {
            let holding = active.holding.words()[word];
            let has_slot = |rule: &u32| active.slots[*rule as usize] != NO_SLOT;
            let mask = match deed {
                // Most of many hundred have no place among those that count.
                Deed::Reserve | Deed::Cap => {
                    let those = numbers(word, holding).filter(has_slot);
                    those.fold(0, |mask, rule| mask | 1 << (rule % u64::BITS))
                }
                _ => holding,
            };
            let amount = |rule| self.doing(rule).1;
            (mask != 0).then(|| HeldWord::new((word as u32, mask), deed, amount))
        });
        held.collect()
    }

    /// What kind of thing a rule does; a boost's factor, or the weight of margin or stock.
    pub(super) fn doing(&self, number: u32) -> (Deed, f32) {
        self.doings[number as usize]
    }

    /// Whether a rule holds, by its number.
    pub(super) fn is_held(&self, active: &ActiveRules, number: u32) -> bool {
        active.holding.has(number)
    }

    /// The rules for all products that hold.
    pub(super) fn common_hits<'h>(
        &'h self,
        active: &'h ActiveRules,
    ) -> impl Iterator<Item = RuleNo> + 'h {
        let holding = self.common.iter().filter(|number| active.holding.has(**number));
        holding.map(|number| RuleNo(*number))
    }

    /// Which rules hold at this time by their schedules, on a site with this clock.
    pub fn in_force(&self, at: Timestamp, zone: &TimeZone) -> InForce {
        let now = Now::of(at, zone);
        let mut holding = self.always.clone();
        let mut until = Timestamp::LAST;
        for &number in &self.scheduled {
            let schedule = &self.rule(RuleNo(number)).when.schedule;
            until = until.min(schedule.stands_until(&now));
            if schedule.holds_now(&now) {
                holding.set(number);
            }
        }
        InForce { holding, from: at, until }
    }

    /// Which of the rules in force hold for a request.
    pub fn active(&self, in_force: &InForce, context: &RuleContext<'_>) -> ActiveRules {
        let mut active =
            ActiveRules { holding: in_force.holding.clone(), ..ActiveRules::default() };
        self.conditions.narrow(&mut active.holding, context);
        if active.holding.is_empty() {
            return active;
        }
        let (kinds, holding) = (&self.kinds, &active.holding);
        let those = |of: &[RuleNo], max: usize| -> Vec<RuleNo> {
            of.iter().filter(|rule| holding.has(rule.0)).take(max).copied().collect()
        };
        active.pins = those(&kinds.pins, usize::MAX);
        active.reserves = those(&kinds.reserves, WORD_MAX);
        active.caps = those(&kinds.caps, WORD_MAX);
        active.messages = those(&kinds.messages, usize::MAX);
        active.is_weighing = holding.meets(&kinds.weighing);
        active.is_hiding = holding.meets(&kinds.hiding);
        active.is_after_purchases = holding.meets(&kinds.after_purchases);
        active.is_on_margin = holding.meets(&kinds.on_margin);
        active.is_on_stock = holding.meets(&kinds.on_stock);
        if !(active.reserves.is_empty() && active.caps.is_empty()) {
            active.slots = vec![NO_SLOT; self.rules.len()];
            for list in [&active.reserves, &active.caps] {
                for (slot, rule) in (0..).zip(list) {
                    active.slots[rule.0 as usize] = slot;
                }
            }
        }
        active.words = self.words_of(&active);
        active.base = self.base(&active);
        active
    }

    /// The rules that hold without those that take products out for no reason of their own: what is
    /// named one by one stays out. For a list that rules have emptied.
    pub fn without_broad_removals(&self, active: &ActiveRules) -> ActiveRules {
        let mut kept = Bits::none(self.rules.len());
        for (rule, _) in self.iter().filter(|(rule, _)| active.holding.has(rule.0)) {
            let is_listed = matches!(self.rule(rule).selection, Selection::Products(_));
            let is_removal = match self.action(rule) {
                RuleAction::Hide => !is_listed,
                RuleAction::ExcludeBought { .. } => true,
                _ => false,
            };
            if !is_removal {
                kept.set(rule.0);
            }
        }
        let mut spared = ActiveRules { holding: kept, is_after_purchases: false, ..active.clone() };
        spared.words = self.words_of(&spared);
        spared.base = self.base(&spared);
        spared
    }

    /// The rules that hold and hide products.
    pub fn hiding(&self, active: &ActiveRules) -> impl Iterator<Item = RuleNo> {
        let both = active.holding.words().iter().zip(self.kinds.hiding.words());
        both.enumerate()
            .flat_map(|(idx, (holding, hiding))| numbers(idx, holding & hiding))
            .map(RuleNo)
    }

    /// Whether a rule is among those that hold.
    pub fn holds(&self, active: &ActiveRules, rule: RuleNo) -> bool {
        active.holding.has(rule.0)
    }
}
