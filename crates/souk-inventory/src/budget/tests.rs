use super::*;
use crate::demand::{DayDemand, Grain, Outlook};
use souk_math::Random;

fn line(cost: f64, gains: &[f64]) -> Line {
    Line { cost, room: 0.0, minimum: 1, gains: gains.to_vec() }
}

const FREE: Limits = Limits { money: f64::INFINITY, room: f64::INFINITY };

/// By hand: gains for each unit of money are 3, 2, .5 and 2.5, 1; money for 3 of the cases.
#[test]
fn best_cases_come_first() {
    let lines = [line(10.0, &[30.0, 20.0, 5.0]), line(10.0, &[25.0, 10.0])];
    let found = allot(&lines, &Limits { money: 30.0, ..FREE }).unwrap();
    assert_eq!((found.cases, found.money, found.gain), (vec![2, 1], 30.0, 75.0));
    // The next best would bring 1 for each unit of money.
    assert_eq!(found.worth, 1.0);
    let all = allot(&lines, &FREE).unwrap();
    assert_eq!((all.cases, all.worth), (vec![3, 2], 0.0));
    // What brings nothing or less is not ordered, however much money there is.
    assert_eq!(allot(&[line(1.0, &[2.0, -1.0])], &FREE).unwrap().cases, [1]);
    assert_eq!(allot(&lines, &Limits { money: 0.0, ..FREE }).unwrap().cases, [0, 0]);
    assert_eq!(allot(&[], &FREE).unwrap().cases, [0; 0]);
}

/// The smallest order of 3 cases brings 12 for 30, which is less than 5 for 10; with money for 30 the other two cases go first,
/// and what is left does not suffice for it.
#[test]
fn smallest_orders_are_whole() {
    let block = Line { minimum: 3, ..line(10.0, &[4.0, 4.0, 4.0]) };
    let lines = [block, line(10.0, &[6.0, 5.0])];
    let found = allot(&lines, &Limits { money: 40.0, ..FREE }).unwrap();
    assert_eq!((found.cases, found.gain), (vec![0, 2], 11.0));
    let found = allot(&lines, &Limits { money: 50.0, ..FREE }).unwrap();
    assert_eq!(found.cases, [3, 2]);
}

/// Room is what is short: the bulky line gives way, though it brings more for its money.
#[test]
fn room_counts_as_money_does() {
    let bulky = Line { room: 10.0, ..line(1.0, &[10.0, 10.0, 10.0]) };
    let small = Line { room: 1.0, ..line(2.0, &[8.0, 8.0, 8.0]) };
    let found = allot(&[bulky, small], &Limits { money: 100.0, room: 13.0 }).unwrap();
    assert_eq!((found.cases, found.room), (vec![1, 3], 13.0));
}

/// Against going through everything: within the gain of one case, as a Lagrangian is.
#[test]
fn is_near_the_best_of_all() {
    let mut random = Random::new(11);
    let (mut sum, mut best_sum) = (0.0, 0.0);
    for _ in 0..200 {
        let mut lines = Vec::new();
        for _ in 0..3 {
            let mut gain = 20.0 + random.below(30) as f64;
            let mut gains = Vec::new();
            for _ in 0..5 {
                gains.push(gain);
                gain *= 0.3 + 0.6 * random.unit64();
            }
            let cost = 1.0 + random.below(9) as f64;
            lines.push(Line {
                cost,
                room: random.below(6) as f64,
                minimum: 1 + random.below(2),
                gains,
            });
        }
        let limits =
            Limits { money: 20.0 + random.below(30) as f64, room: 10.0 + random.below(20) as f64 };
        let found = allot(&lines, &limits).unwrap();
        assert!(found.money <= limits.money && found.room <= limits.room);
        let mut best = 0.0_f64;
        for code in 0..216_usize {
            let cases = [code % 6, code / 6 % 6, code / 36];
            let sum = |of: fn(&Line) -> f64| -> f64 {
                lines.iter().zip(cases).map(|(line, n)| of(line) * n as f64).sum()
            };
            let is_whole = lines.iter().zip(cases).all(|(line, n)| n == 0 || n >= line.minimum);
            if is_whole
                && sum(|line| line.cost) <= limits.money
                && sum(|line| line.room) <= limits.room
            {
                let gain =
                    lines.iter().zip(cases).map(|(line, n)| line.gains[..n].iter().sum::<f64>());
                best = best.max(gain.sum());
            }
        }
        assert!(found.gain <= best + 1e-9);
        (sum, best_sum) = (sum + found.gain, best_sum + best);
    }
    assert!(sum > 0.98 * best_sum, "{sum} of {best_sum}");
}

/// Gains fall, and add up to what the cost falls by; the case at which they turn negative is beyond the newsvendor's stock.
#[test]
fn gains_of_cases() {
    let days = [DayDemand { mean: 6.0, dispersion: 1.0 }];
    let outlook = Outlook::Days { days: &days, level_error: 0.0, grain: Grain::Pieces };
    let demand = Total::of_days(&outlook, 1).unwrap();
    let found = gains(&demand, 0.0, (1.0, 4.0), (1.0, 15)).unwrap();
    assert!(found.windows(2).all(|pair| pair[0] >= pair[1]));
    // 4 − 5 · P(D ≤ 0).
    assert!((found[0] - (4.0 - 5.0 * (-6.0_f64).exp())).abs() < 1e-9);
    // stockpyl: the best stock is 8.
    assert_eq!(found.iter().position(|gain| *gain < 0.0), Some(8));
    assert!(gains(&demand, f64::NAN, (1.0, 4.0), (1.0, 1)).is_err());
    assert!(gains(&demand, 0.0, (1.0, 4.0), (0.0, 1)).is_err());
}

#[test]
fn bad_numbers_are_named() {
    for bad in [f64::NAN, -1.0] {
        assert!(allot(&[line(bad, &[1.0])], &FREE).is_err());
        assert!(allot(&[], &Limits { money: bad, ..FREE }).is_err());
        assert!(allot(&[Line { room: bad, ..line(1.0, &[1.0]) }], &FREE).is_err());
    }
    assert!(allot(&[line(1.0, &[f64::NAN])], &FREE).is_err());
    assert!(allot(&[Line { minimum: 0, ..line(1.0, &[1.0]) }], &FREE).is_err());
}
