//! Which rules hold for a request, found without asking each of them.
//!
//! For every part of a condition there is the set of rules that ask nothing of it, and for every value
//! the rules that name it. The rules that hold are the meet of one set for each part: the work is a few
//! words for each part, however many rules there are.

use rustc_hash::FxHashMap;

use super::bits::Bits;
use super::query::{query_forms, query_key};
use super::{Condition, Rule, RuleContext};
use crate::filter::{each_of_path, path_key};

/// Rules of one value from which they are kept as a set, not as a list; chosen: the size of a set for
/// ten thousand rules is that of a list of three hundred.
const SET_FROM: usize = 300;

/// The parts of a condition that the index knows; the schedule is looked at apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Placement,
    Strategy,
    PageType,
    PageProduct,
    PageCategory,
    Query,
    Channel,
    Site,
    /// Comes last, because it costs most to know.
    Segment,
}

const PARTS: [Part; 9] = [
    Part::Placement,
    Part::Strategy,
    Part::PageType,
    Part::PageProduct,
    Part::PageCategory,
    Part::Query,
    Part::Channel,
    Part::Site,
    Part::Segment,
];

impl Part {
    /// The name in a rule's JSON shape.
    fn as_str(self) -> &'static str {
        match self {
            Part::Placement => "placements",
            Part::Strategy => "strategies",
            Part::PageType => "page_types",
            Part::PageProduct => "product_ids",
            Part::PageCategory => "categories",
            Part::Query => "queries",
            Part::Channel => "channels",
            Part::Site => "sites",
            Part::Segment => "segments",
        }
    }

    /// What a condition asks for; nothing when empty.
    fn wanted(self, condition: &Condition) -> Vec<String> {
        let texts = |texts: &[String]| texts.to_vec();
        match self {
            Part::Placement => texts(&condition.placements),
            Part::Strategy => texts(&condition.strategies),
            Part::PageType => texts(&condition.page_types),
            Part::PageProduct => condition.page_products.iter().map(ToString::to_string).collect(),
            Part::PageCategory => condition.page_categories.iter().map(|c| path_key(c)).collect(),
            Part::Query => condition.queries.iter().filter_map(|entry| query_key(entry)).collect(),
            Part::Channel => condition.channels.iter().map(|c| c.as_str().to_owned()).collect(),
            Part::Site => condition.sites.iter().map(ToString::to_string).collect(),
            Part::Segment => texts(&condition.segments),
        }
    }

    /// What a request has; of groups of people only those that are asked for can be told.
    fn each_given(self, context: &RuleContext<'_>, each: &mut dyn FnMut(&str)) {
        match self {
            Part::Placement => context.placement.into_iter().for_each(each),
            Part::Strategy => each(context.strategy),
            Part::PageType => context.page_type.into_iter().for_each(each),
            Part::PageProduct => {
                context.page_product.into_iter().for_each(|id| each(id.as_str()));
            }
            Part::PageCategory => {
                context.page_categories.iter().for_each(|path| each_of_path(path, each));
            }
            Part::Query => {
                context.query.into_iter().for_each(|search| query_forms(search, each));
            }
            Part::Channel => context.channel.into_iter().for_each(|channel| each(channel.as_str())),
            Part::Site => each(context.site.as_str()),
            Part::Segment => {}
        }
    }
}

impl Condition {
    /// The first part that a request does not fulfil, its schedule apart, by its name in the JSON shape.
    pub fn unmet(&self, context: &RuleContext<'_>) -> Option<&'static str> {
        let is_unmet = |part: &&Part| {
            let wanted = part.wanted(self);
            let mut is_met = wanted.is_empty();
            if **part == Part::Segment {
                is_met |= wanted.iter().any(|key| context.segments.has(key));
            }
            part.each_given(context, &mut |given| is_met |= wanted.iter().any(|one| one == given));
            !is_met
        };
        PARTS.iter().find(is_unmet).map(|part| part.as_str())
    }
}

/// The rules that name a value.
#[derive(Clone, Debug)]
enum Naming {
    Few(Vec<u32>),
    Many(Bits),
}

impl Naming {
    fn add_to(&self, set: &mut Bits) {
        match self {
            Naming::Few(list) => list.iter().for_each(|number| set.set(*number)),
            Naming::Many(many) => set.or(many),
        }
    }

    /// Whether any of these rules is in the set.
    fn meets(&self, set: &Bits) -> bool {
        match self {
            Naming::Few(list) => list.iter().any(|number| set.has(*number)),
            Naming::Many(many) => many.meets(set),
        }
    }
}

/// The rules by one part of their conditions.
#[derive(Clone, Debug)]
struct PartIndex {
    part: Part,
    /// Rules that ask nothing of this part.
    free: Bits,
    by_value: FxHashMap<Box<str>, Naming>,
}

impl PartIndex {
    /// Adds the rules of the groups that the shopper is in, asking only for groups of rules that still hold.
    fn add_segments(&self, fitting: &mut Bits, (holding, context): (&Bits, &RuleContext<'_>)) {
        for (key, naming) in &self.by_value {
            if naming.meets(holding) && context.segments.has(key) {
                naming.add_to(fitting);
            }
        }
    }
}

/// The rules by their conditions.
#[derive(Clone, Debug, Default)]
pub(super) struct ConditionIndex {
    /// Parts that any rule asks for.
    parts: Vec<PartIndex>,
}

impl ConditionIndex {
    /// Of rules in the order of their numbers, which are below `n`.
    pub(super) fn of<'r>(rules: impl Iterator<Item = (u32, &'r Rule)> + Clone, n: usize) -> Self {
        let parts = PARTS.iter().filter_map(|&part| {
            let mut free = Bits::none(n);
            let mut lists: FxHashMap<Box<str>, Vec<u32>> = FxHashMap::default();
            for (number, rule) in rules.clone() {
                let wanted = part.wanted(&rule.when);
                if wanted.is_empty() {
                    free.set(number);
                }
                for value in wanted {
                    lists.entry(value.into()).or_default().push(number);
                }
            }
            let named = |(value, list): (Box<str>, Vec<u32>)| {
                if list.len() < SET_FROM {
                    return (value, Naming::Few(list));
                }
                let mut set = Bits::none(n);
                list.iter().for_each(|number| set.set(*number));
                (value, Naming::Many(set))
            };
            let is_asked = !lists.is_empty();
            let by_value = lists.into_iter().map(named).collect();
            is_asked.then_some(PartIndex { part, free, by_value })
        });
        ConditionIndex { parts: parts.collect() }
    }

    /// The groups of people that any rule asks for.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().filter(|index| index.part == Part::Segment);
        parts.flat_map(|index| index.by_value.keys().map(|key| &**key))
    }

    /// Takes the rules out of `holding` whose conditions the request does not fulfil.
    pub(super) fn narrow(&self, holding: &mut Bits, context: &RuleContext<'_>) {
        let mut fitting = holding.clone();
        for index in &self.parts {
            fitting.copy_from(&index.free);
            if index.part == Part::Segment {
                index.add_segments(&mut fitting, (holding, context));
            }
            index.part.each_given(context, &mut |value| {
                if let Some(naming) = index.by_value.get(value) {
                    naming.add_to(&mut fitting);
                }
            });
            holding.and(&fitting);
        }
    }
}
