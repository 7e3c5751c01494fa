//! Whose acts no statistic is made of, against a model that decides at the end, from all that was said.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::Config;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    View { who: u8, minutes: i64, number: u8 },
    Order { who: u8, units: i64, numbers: Vec<u8> },
    Staff { who: u8, is_staff: bool },
    Link { a: u8, b: u8 },
    Forget { who: u8 },
}

const WHO: u8 = 4;
const UNITS_MAX: i64 = 5;
const HOUR_MAX: usize = 10;

fn limited() -> Arc<ConsentRules> {
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\nlearning: {{views_per_hour_max: {HOUR_MAX}, \
         views_per_day_max: null, order_units_max: {UNITS_MAX}, order_products_max: 3}}"
    );
    Arc::new(ConsentRules::of(&Config::parse(&settings, []).unwrap()).unwrap())
}

fn open() -> Arc<ConsentRules> {
    let settings = "privacy: {default_jurisdiction: us}\nlearning: {views_per_hour_max: null, \
                    views_per_day_max: null, order_units_max: null, order_products_max: null, \
                    staff_trait: \"\"}";
    Arc::new(ConsentRules::of(&Config::parse(settings, []).unwrap()).unwrap())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0..WHO, 0..90i64, 0..30u8)
            .prop_map(|(who, minutes, number)| Step::View { who, minutes, number }),
        8 => (0..WHO, 1..8i64, proptest::collection::btree_set(0..30u8, 1..6))
            .prop_map(|(who, units, numbers)| Step::Order {
                who, units, numbers: numbers.into_iter().collect(),
            }),
        2 => (0..WHO, any::<bool>()).prop_map(|(who, is_staff)| Step::Staff { who, is_staff }),
        1 => (0..WHO, 0..WHO).prop_map(|(a, b)| Step::Link { a, b }),
        1 => (0..WHO).prop_map(|who| Step::Forget { who }),
    ]
}

fn lines(units: i64, numbers: &[u8]) -> Vec<(u8, i64, i64)> {
    numbers.iter().map(|number| (*number, units * 1_000, 200)).collect()
}

/// The records of a step; an order's number is that of its step, so that none comes twice.
fn records_of(place: usize, step: &Step) -> Vec<(Option<u8>, Event)> {
    match step {
        Step::View { who, minutes, number } => {
            vec![(Some(*who), touched(*minutes, Action::Viewed, &[*number]))]
        }
        Step::Order { who, units, numbers, .. } => {
            let (change, source, location) = (OrderChange::Placed, Source::Server, 0);
            let (order, minutes) = (place as u8, place as i64);
            let lines = lines(*units, numbers);
            let said = Said { order, change, source, minutes, location, lines };
            vec![(Some(*who), said.order()), (None, said.sale())]
        }
        Step::Staff { who, is_staff } => {
            let traits = format!("{{\"staff\": {is_staff}}}");
            vec![(Some(*who), event(0, Fact::Identified { traits: Some(traits.into()) }))]
        }
        Step::Link { a, b } => {
            let (other, basis) = (subject(*b), LinkBasis::Identify);
            vec![(Some(*a), event(0, Fact::Linked { other, basis }))]
        }
        Step::Forget { who } => vec![(None, event(0, Fact::Forgotten { subject: subject(*who) }))],
    }
}

fn is_bulk(units: i64, numbers: &[u8]) -> bool {
    units > UNITS_MAX || numbers.len() > 3
}

/// Everybody whose acts do not count at the end.
fn outsiders(steps: &[Step]) -> BTreeSet<u8> {
    let mut looks: BTreeMap<u8, Vec<(i64, u8)>> = BTreeMap::new();
    let (mut floods, mut staff) = (BTreeSet::new(), BTreeSet::new());
    let mut links: BTreeSet<(u8, u8)> = BTreeSet::new();
    for step in steps {
        match step {
            Step::View { who, minutes, number } => {
                let looks = looks.entry(*who).or_default();
                looks.push((*minutes, *number));
                let near = looks.iter().filter(|(at, _)| (0..60).contains(&(minutes - at)));
                let products: BTreeSet<u8> = near.map(|(_, number)| *number).collect();
                if products.len() > HOUR_MAX {
                    floods.insert(*who);
                }
            }
            Step::Staff { who, is_staff: true } => drop(staff.insert(*who)),
            Step::Staff { who, is_staff: false } => drop(staff.remove(who)),
            Step::Link { a, b } if a != b => drop(links.insert((*a, *b))),
            Step::Forget { who } => {
                looks.remove(who);
                floods.remove(who);
                staff.remove(who);
                links.retain(|(a, b)| a != who && b != who);
            }
            _ => {}
        }
    }
    // A browser with two users joins nobody.
    let n_users = |browser: u8| links.iter().filter(|(_, b)| *b == browser).count();
    let links: Vec<(u8, u8)> = links.iter().copied().filter(|(_, b)| n_users(*b) == 1).collect();
    let mut out = floods;
    let mut whole = staff;
    loop {
        let mut wider = whole.clone();
        for (a, b) in &links {
            if whole.contains(a) || whole.contains(b) {
                wider.extend([*a, *b]);
            }
        }
        if wider == whole {
            break;
        }
        whole = wider;
    }
    out.extend(whole);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What all make together is that of a shop where the others never were; and a snapshot at any moment
    /// goes on to the same.
    #[test]
    fn what_counts_is_what_shoppers_did(
        steps in proptest::collection::vec(step(), 0..120), cut in 0..120usize,
    ) {
        let out = outsiders(&steps);
        let (mut all, mut shoppers, mut offset) = (Vec::new(), Vec::new(), 0);
        for (place, step) in steps.iter().enumerate() {
            for (who, event) in records_of(place, step) {
                offset += 1;
                let record = record(offset, who.map(subject), event);
                let counts = match step {
                    Step::View { who, .. } => !out.contains(who),
                    // The person-free side of an order knows no visitor.
                    Step::Order { units, numbers, .. } if is_bulk(*units, numbers) => false,
                    Step::Order { who: of, .. } => who.is_none() || !out.contains(of),
                    Step::Forget { .. } => true,
                    Step::Staff { .. } | Step::Link { .. } => false,
                };
                if counts {
                    shoppers.push(record.clone());
                }
                all.push(record);
            }
        }
        let live = fold_with(limited(), &all);
        let expected = fold_with(open(), &shoppers);
        prop_assert_eq!(live.crowd_fingerprints(), expected.crowd_fingerprints());
        let cut = cut.min(all.len());
        let mut resumed = restored(&fold_with(limited(), &all[..cut]));
        all[cut..].iter().for_each(|record| resumed.apply(record.clone()));
        prop_assert_eq!(resumed.fingerprints(), live.fingerprints());
        let kept = |reason| live.histories.n_out(reason);
        prop_assert_eq!(kept(Out::STAFF) + kept(Out::FLOOD) > 0, resumed.sizes().staff + resumed.sizes().floods > 0);
    }
}

/// A bulk order counts once it is corrected, and no longer once it grows.
#[test]
fn an_update_decides_anew_whether_an_order_is_one_of_bulk() {
    let said = |minutes, units| Said {
        order: 1,
        change: OrderChange::Placed,
        source: Source::Server,
        minutes,
        location: 0,
        lines: lines(units, &[1, 2]),
    };
    let reports = |all: &[Said]| -> Vec<Decoded> {
        let both =
            all.iter().flat_map(|said| [(Some(subject(0)), said.order()), (None, said.sale())]);
        both.zip(1..).map(|((who, event), offset)| record(offset, who, event)).collect()
    };
    let crowd = |all: &[Said]| fold_with(limited(), &reports(all)).crowd_fingerprints();
    let nothing = fold_with(limited(), &[]).crowd_fingerprints();
    assert_eq!(crowd(&[said(0, 10_000)]), nothing);
    assert_eq!(crowd(&[said(0, 10_000), said(5, 2)]), crowd(&[said(0, 1), said(5, 2)]));
    assert_eq!(crowd(&[said(0, 1), said(5, 10_000)]), nothing);
    // It was sold all the same, and its buyer has it.
    let views = fold_with(limited(), &reports(&[said(0, 10_000)]));
    assert_eq!(views.sizes().bulk_orders, 1);
    assert_eq!(views.audit().history(&[subject(0)]).baskets.len(), 1);
    assert!(views.sales.n_cells() > 0);
}
