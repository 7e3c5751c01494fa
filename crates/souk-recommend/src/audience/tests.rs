#![allow(clippy::unwrap_used)]

use super::rivals::lift_at;
use super::*;

fn basket(day: i64, items: &[u32]) -> Basket {
    let items: Vec<Item> = items.iter().map(|&item| Item(item)).collect();
    Basket::new(day as u64, day * DAY_MS, &items)
}

/// Three hundred people: a third buys the even items each week, a third the odd ones, a third neither.
/// Items from 20 on, three for each of the specials, are bought by one kind each from time to time.
fn shop(n_specials: u32) -> BasketVectors {
    let mut baskets = Vec::new();
    let mut random = Random::new(7);
    for person in 0..300_u32 {
        let kind = person % 3;
        for week in 0..20 {
            let mut items = match kind {
                0 => vec![0, 2, 4],
                1 => vec![1, 3, 5],
                _ => vec![6, 7],
            };
            let often = random.below(4) as u32;
            for special in 0..n_specials {
                if random.below(3) == 0 && often > 0 {
                    items.push(20 + special * 3 + kind);
                }
            }
            baskets.push((Shopper(person), basket(week * 7 + i64::from(person % 7), &items)));
        }
    }
    BasketVectors::build(baskets)
}

#[test]
fn those_who_will_want_it_come_first() {
    let vectors = shop(4);
    let now = 20 * 7 * DAY_MS;
    let examples: Vec<Vec<Item>> = (20..32).map(|item| vec![Item(item)]).collect();
    let audience = Audience::learn(&vectors, &examples, (now, None)).unwrap();
    assert!(audience.quality.n_judged == 4 && audience.quality.n_taught == 8);
    assert!(audience.quality.lift > 1.5, "{:?}", audience.quality);
    // A newcomer who buys as the even ones do, and never met the special item.
    let wanted = Wanted::of(&[Item(20)], &vectors);
    let newcomer = |items: &[u32]| [basket(120, items), basket(130, items)];
    let even = audience.likelihood(&newcomer(&[0, 2, 4]), &wanted, now);
    let odd = audience.likelihood(&newcomer(&[1, 3, 5]), &wanted, now);
    assert!(even > odd && (0.0..=1.0).contains(&even), "{even} {odd}");
    // What somebody did after the moment of the question does not count.
    let later = [basket(120, &[1]), basket(150, &[20]), basket(160, &[20])];
    assert_eq!(
        audience.likelihood(&later, &wanted, now),
        audience.likelihood(&later[..1], &wanted, now)
    );
}

#[test]
fn a_model_that_is_surely_worse_is_refused() {
    use Basis::{Before, FrequencyAndRecency, Learned};
    // Thirty judges around a mean.
    let lifts = |mean: f64, spread: f64| -> Vec<f64> {
        (0..30).map(|n| mean + spread * (f64::from(n * 7 % 30) / 15.0 - 1.0)).collect()
    };
    let basis = |learned: f64, before: Option<f64>, by_hand: f64| {
        let before = before.map(|before| lifts(before, 0.3));
        // The learned one's lifts differ from the others' in another order, so that a difference has a spread.
        let learned: Vec<f64> = lifts(learned, 0.3).into_iter().rev().collect();
        chosen(&learned, before.as_deref(), &lifts(by_hand, 0.3))
    };
    assert_eq!(basis(2.0, None, 1.6), Learned);
    assert_eq!(basis(1.2, None, 1.6), FrequencyAndRecency);
    assert_eq!(basis(1.59, None, 1.6), Learned, "that is noise");
    assert_eq!(basis(2.0, Some(1.5), 1.6), Learned);
    assert_eq!(basis(2.0, Some(2.5), 1.6), Before);
    assert_eq!(basis(1.99, Some(2.0), 1.6), Learned, "that is noise too");
    assert_eq!(basis(1.0, Some(1.2), 1.6), FrequencyAndRecency, "neither is as good as the hand");
}

#[test]
fn a_model_is_judged_beside_the_one_before() {
    let vectors = shop(12);
    let now = 20 * 7 * DAY_MS;
    let examples: Vec<Vec<Item>> = (20..56).map(|item| vec![Item(item)]).collect();
    let learn = |before| Audience::learn(&vectors, &examples, (now, before)).unwrap();
    let first = learn(None);
    assert_eq!(learn(Some(&first)), first, "it is no worse than itself");
    // A bad one is never in the way.
    let upside_down = Audience { weights: first.weights.map(|weight| -weight), ..first.clone() };
    assert_eq!(learn(Some(&upside_down)), first);
}

#[test]
fn without_a_better_model_people_are_ranked_by_how_often_and_lately_they_bought() {
    let rows: Vec<Row> = (0..400)
        .map(|n| {
            let mut signals = [f64::from(n % 7); SIGNALS];
            signals[2] = f64::from(n % 5);
            signals[3] = f64::from(n % 3);
            Row { signals, has_bought: n % 5 + n % 3 > 4 }
        })
        .collect();
    let weights = fit(&rows, (&scales(&rows), &FREQUENCY_AND_RECENCY)).unwrap();
    assert!(weights[2] > 0.0 && weights[3] > 0.0, "{weights:?}");
    let others = (0..SIGNALS).filter(|idx| !FREQUENCY_AND_RECENCY.contains(idx));
    assert!(others.into_iter().all(|idx| weights[idx] == 0.0), "{weights:?}");
}

#[test]
fn a_shop_with_few_sales_teaches_nothing() {
    let vectors = BasketVectors::build(vec![(Shopper(0), basket(1, &[1, 2]))]);
    let examples: Vec<Vec<Item>> = (0..20).map(|item| vec![Item(item)]).collect();
    assert_eq!(Audience::learn(&vectors, &examples, (30 * DAY_MS, None)), None);
}

#[test]
fn lift_by_hand() {
    let scores = |list: &[(f64, bool)]| list.to_vec();
    // Two of four bought; the best one did.
    let some = scores(&[(0.1, false), (0.9, true), (0.5, true), (0.2, false)]);
    assert_eq!(lift_at(some.clone(), 1), 2.0);
    assert_eq!(lift_at(some.clone(), 4), 1.0);
    assert_eq!(lift_at(some, 99), 1.0);
    // Equal scores say nothing.
    let same = scores(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)]);
    assert_eq!(lift_at(same, 2), 1.0);
    assert_eq!(lift_at(scores(&[(0.5, false)]), 1), 0.0);
}

#[test]
fn kin_are_what_its_buyers_buy_more_than_others() {
    let vectors = shop(4);
    let wanted = Wanted::of(&[Item(20)], &vectors);
    assert!(wanted.is_wanted(Item(20)) && !wanted.is_wanted(Item(0)));
    let (is_there, even) = wanted.met_in(&[Item(0), Item(2)]);
    assert!(!is_there && even > 1.0, "{even}");
    assert_eq!(wanted.met_in(&[Item(1), Item(3)]), (false, 0.0));
    assert_eq!(wanted.met_in(&[Item(20), Item(900)]), (true, 0.0));
    assert_eq!(Wanted::of(&[Item(999)], &vectors).n_buyers, 0);
}

#[test]
fn what_was_wanted_then_is_what_the_baskets_up_to_then_say() {
    let vectors = shop(4);
    let then = 12 * 7 * DAY_MS;
    for items in [vec![Item(20)], vec![Item(20), Item(21), Item(22)], vec![Item(999)]] {
        let mut counted = WantedThen::new(&items, then, &vectors);
        let n = vectors.n_shoppers() as u32;
        [0..7, 7..100, 100..n].into_iter().for_each(|some| counted.count(&vectors, some));
        let (then, now) =
            (Wanted::of(&items, &until(&vectors, then)), Wanted::of(&items, &vectors));
        let met = |of: &Wanted| (0..32).map(|item| of.met_in(&[Item(item)])).collect::<Vec<_>>();
        assert_eq!(
            (counted.wanted().n_buyers, met(&counted.wanted())),
            (then.n_buyers, met(&then))
        );
        assert!(items == [Item(999)] || met(&now) != met(&then), "time makes a difference");
    }
}

#[test]
fn outcomes_are_of_those_who_were_known_then() {
    let baskets = [(0, 10, 1), (0, 40, 2), (1, 10, 1), (1, 70, 2), (2, 40, 2), (3, 38, 2)];
    let baskets = baskets.map(|(who, day, item)| (Shopper(who), basket(day, &[item])));
    let vectors = BasketVectors::build(baskets.to_vec());
    let audience = Audience {
        weights: [0.0; WEIGHTS],
        scales: [(0.0, 1.0); SIGNALS],
        quality: Quality {
            lift: 0.0,
            baseline_lift: 0.0,
            n_judged: 0,
            n_taught: 0,
            basis: Basis::Learned,
        },
    };
    let wanted = Wanted::of(&[Item(2)], &vectors);
    let found = audience.outcomes(&vectors, 0..5, (&wanted, 38 * DAY_MS));
    // The second bought it later than within four weeks, the third came later; the fourth had just bought it.
    let bought: Vec<bool> = found.iter().map(|one| one.has_bought).collect();
    assert_eq!(bought, [true, false, false]);
    assert!(found.iter().all(|one| one.likelihood == 0.5));
}
