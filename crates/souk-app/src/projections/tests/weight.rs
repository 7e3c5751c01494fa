//! How much one person's purchases weigh in what is popular, against a model that counts at the end.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const DAY_MINUTES: i64 = 1_440;
const DAY_MS: i64 = DAY_MINUTES * MINUTE;
/// What a purchase counts, as `popularity.rs` has it.
const BOUGHT: i64 = 5;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An order, of somebody known or of nobody.
    Buy {
        who: Option<u8>,
        minutes: i64,
        numbers: Vec<u8>,
    },
    Staff {
        who: u8,
        is_staff: bool,
    },
    Forget {
        who: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = proptest::collection::btree_set(0..4u8, 1..4);
    prop_oneof![
        20 => (proptest::option::weighted(0.8, 0..3u8), 0..3 * DAY_MINUTES, numbers)
            .prop_map(|(who, minutes, numbers)| Step::Buy {
                who, minutes, numbers: numbers.into_iter().collect(),
            }),
        2 => (0..3u8, any::<bool>()).prop_map(|(who, is_staff)| Step::Staff { who, is_staff }),
        1 => (0..3u8).prop_map(|who| Step::Forget { who }),
    ]
}

fn said(place: usize, minutes: i64, numbers: &[u8]) -> Said {
    Said {
        order: place as u8,
        change: OrderChange::Placed,
        source: Source::Server,
        minutes,
        location: 0,
        lines: numbers.iter().map(|number| (*number, 1_000, 200)).collect(),
    }
}

fn records_of(steps: &[Step]) -> Vec<Decoded> {
    let mut records = Vec::new();
    let mut push = |who: Option<u8>, event: Event| {
        let offset = records.len() as u64 + 1;
        records.push(record(offset, who.map(subject), event));
    };
    for (place, step) in steps.iter().enumerate() {
        match step {
            Step::Buy { who, minutes, numbers } => {
                let said = said(place, *minutes, numbers);
                push(None, said.sale());
                if who.is_some() {
                    push(*who, said.order());
                }
            }
            Step::Staff { who, is_staff } => {
                let traits = format!("{{\"staff\": {is_staff}}}");
                push(Some(*who), event(0, Fact::Identified { traits: Some(traits.into()) }));
            }
            Step::Forget { who } => {
                push(None, event(0, Fact::Forgotten { subject: subject(*who) }))
            }
        }
    }
    records
}

/// Purchases by product and day: a person who is known and shared once, everybody else each time.
fn expected(steps: &[Step]) -> BTreeMap<(ProductId, i64), i64> {
    let mut staff = BTreeSet::new();
    for step in steps {
        match step {
            Step::Staff { who, is_staff: true } => drop(staff.insert(*who)),
            Step::Staff { who, is_staff: false } | Step::Forget { who } => drop(staff.remove(who)),
            Step::Buy { .. } => {}
        }
    }
    let mut known = BTreeSet::new();
    let mut counts = BTreeMap::new();
    for (place, step) in steps.iter().enumerate() {
        let Step::Buy { who, minutes, numbers } = step else { continue };
        let later = &steps[place..];
        let is_forgotten = |who: u8| {
            later.iter().any(|step| matches!(step, Step::Forget { who: one } if *one == who))
        };
        let who = who.filter(|who| !is_forgotten(*who) && !staff.contains(who));
        let day = at(*minutes).as_ms().div_euclid(DAY_MS);
        for number in numbers {
            if who.is_none_or(|who| known.insert((who, *number, day))) {
                *counts.entry((product(*number), day)).or_default() += BOUGHT;
            }
        }
    }
    counts
}

fn found(views: &Views) -> BTreeMap<(ProductId, i64), i64> {
    let whole = views.popularity.scope(views.catalogue.find_site(&SiteId::main()).unwrap(), None);
    let days = views.popularity.windows().sums().filter(|sum| sum.width == DAY_MS);
    days.filter(|sum| sum.scope.0 == whole)
        .map(|sum| {
            let id = views.catalogue.product_id(sum.item).clone();
            ((id, sum.from.div_euclid(DAY_MS)), sum.weight)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whoever is known counts once a day for a product, whatever they order; nobody else is held back.
    #[test]
    fn a_person_counts_once_a_day_for_a_product(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let views = fold(&records_of(&steps));
        if views.catalogue.find_site(&SiteId::main()).is_some() {
            prop_assert_eq!(found(&views), expected(&steps));
        }
    }

    /// Forgetting is exact also when days have gone by that popularity no longer holds.
    #[test]
    fn forgetting_later_equals_never_having_seen(
        steps in proptest::collection::vec(step(), 1..40),
        (who, days) in (0..3u8, 0..60i64),
    ) {
        let mut records = records_of(&steps);
        let offset = records.len() as u64 + 1;
        let mut late = record(offset, None, said(99, 0, &[1]).sale());
        late.received_at = at(days * DAY_MINUTES);
        records.push(late);
        let forgotten = event(0, Fact::Forgotten { subject: subject(who) });
        let mut forgotten = record(offset + 1, None, forgotten);
        forgotten.received_at = at(days * DAY_MINUTES);
        records.push(forgotten);
        let without = fold(records.iter().filter(|record| !names(record, subject(who))));
        prop_assert_eq!(fold(&records).fingerprints(), without.fingerprints());
        // A snapshot in between changes nothing.
        let mut resumed = restored(&fold(&records[..records.len() / 2]));
        records[records.len() / 2..].iter().for_each(|record| resumed.apply(record.clone()));
        prop_assert_eq!(resumed.fingerprints(), without.fingerprints());
    }
}

/// Fifty orders of a day by one person are one purchase; fifty people are fifty.
#[test]
fn one_person_cannot_make_a_product_popular() {
    let buy = |who: u8, number: u8| Step::Buy { who: Some(who), minutes: 1, numbers: vec![number] };
    let one: Vec<Step> = (0..50).map(|_| buy(0, 1)).collect();
    let two: Vec<Step> = (0..2).map(|who| buy(who, 2)).collect();
    let views = fold(&records_of(&[one, two].concat()));
    let scope = views.popularity.scope(0, None);
    let popular = views.popularity.popular(scope, at(10), 10);
    let ids: Vec<&ProductId> =
        popular.iter().map(|one| views.catalogue.product_id(one.item)).collect();
    assert_eq!(ids, [&product(2), &product(1)]);
}
