#![allow(clippy::unwrap_used)]

use super::*;

const PEOPLE_MIN: u64 = 4;
const N_DAYS: i32 = 9;
/// The first day of some stretch.
const FIRST: i32 = 91 * 220;

/// What one person brought on one day: a bit of its own, so that a sum says what it is a sum of.
#[derive(Clone, Copy)]
struct Brought {
    day: i32,
    person: u32,
    is_clicked: bool,
    is_costed: bool,
}

fn counted(brought: &[Brought], wants: impl Fn(&Brought) -> bool) -> Counted {
    let (mut sum, mut people) = (0, BTreeSet::new());
    for (bit, one) in brought.iter().enumerate().filter(|(_, one)| wants(one)) {
        sum += 1i64 << bit;
        people.insert(one.person);
    }
    let n = people.len() as u32;
    let few = if u64::from(n) < PEOPLE_MIN { people.into_iter().collect() } else { Vec::new() };
    Counted { sum, people: n, few }
}

fn figures(brought: &[Brought], days: std::ops::RangeInclusive<i32>) -> Figures {
    let of =
        |wants: fn(&Brought) -> bool| counted(brought, |one| days.contains(&one.day) && wants(one));
    let money = MoneyFigures {
        revenue: of(|_| true),
        clicked_revenue: of(|one| one.is_clicked),
        other_revenue: of(|one| !one.is_clicked),
        margin: of(|one| one.is_costed),
        costed_revenue: of(|one| one.is_costed),
        uncosted_revenue: of(|one| !one.is_costed),
    };
    Figures { answers: of(|_| true), money: vec![(Currency::USD, money)], ..Figures::default() }
}

fn rows(brought: &[Brought], (from, to): (i32, i32)) -> Vec<FigureRow> {
    let row = |day: Option<i32>, figures| FigureRow {
        day: day.map(Day::from_number),
        site: "main".to_owned(),
        placement: None,
        strategy: "popular".to_owned(),
        figures,
    };
    let days = (FIRST..FIRST + N_DAYS).map(|day| row(Some(day), figures(brought, day..=day)));
    days.chain([row(None, figures(brought, from..=to))]).collect()
}

fn asked(days: (i32, i32)) -> Asked {
    Asked { days, people_min: PEOPLE_MIN, oldest: 0, settled: i32::MAX }
}

fn windows() -> impl Iterator<Item = (i32, i32)> {
    let last = FIRST + N_DAYS;
    (FIRST..last).flat_map(move |from| (from..last).map(move |to| (from, to)))
}

/// Every amount that reports over any days tell of.
fn all_told(brought: &[Brought]) -> BTreeSet<i64> {
    let mut told_sums = BTreeSet::new();
    for days in windows() {
        let [by_day, totals] = told(&rows(brought, days), &asked(days));
        for row in by_day.iter().chain(&totals) {
            told_sums.extend(row.answers);
            for money in &row.money {
                told_sums.extend(money.revenue);
                told_sums.extend(money.clicked_revenue);
                told_sums.extend(money.costed_revenue);
                told_sums.extend(money.margin);
            }
        }
    }
    told_sums
}

/// What a report tells that leaves out figures of few people and nothing else.
fn all_large(brought: &[Brought]) -> BTreeSet<i64> {
    let mut large = BTreeSet::new();
    for (from, to) in windows() {
        let figures = figures(brought, from..=to);
        let money = &figures.money[0].1;
        for counted in [&money.revenue, &money.clicked_revenue, &money.costed_revenue] {
            large.extend((u64::from(counted.people) >= PEOPLE_MIN).then_some(counted.sum));
        }
    }
    large
}

/// Subtracts what is told from what is told, over and over, and returns a group of too few people that is
/// left alone, if there is one.
fn attack(brought: &[Brought], mut known: BTreeSet<i64>) -> Option<Vec<u32>> {
    loop {
        let mut more = BTreeSet::new();
        for whole in &known {
            for part in known.iter().filter(|part| *part < whole && whole & **part == **part) {
                more.insert(whole - part);
            }
        }
        let before = known.len();
        known.extend(more);
        for sum in known.iter().filter(|sum| **sum != 0) {
            let bits = (0..brought.len()).filter(|bit| sum >> bit & 1 == 1);
            let people: BTreeSet<u32> = bits.map(|bit| brought[bit].person).collect();
            if (people.len() as u64) < PEOPLE_MIN {
                return Some(people.into_iter().collect());
            }
        }
        if known.len() == before {
            return None;
        }
    }
}

fn made_up(seed: u64) -> Vec<Brought> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % n
    };
    (0..56)
        .map(|_| Brought {
            day: FIRST + below(N_DAYS as u64) as i32,
            person: below(14) as u32,
            is_clicked: below(3) == 0,
            is_costed: below(4) > 0,
        })
        .collect()
}

#[test]
fn no_subtraction_of_what_is_told_leaves_few_people() {
    let (mut n_told, mut n_broken) = (0, 0);
    for seed in 1..=60 {
        let brought = made_up(seed);
        let sums = all_told(&brought);
        n_told += sums.len();
        assert_eq!(attack(&brought, sums), None, "seed {seed}");
        n_broken += usize::from(attack(&brought, all_large(&brought)).is_some());
    }
    assert!(n_told > 60 * 5, "{n_told}: something is told");
    assert_eq!(n_broken, 60, "the attack works on reports that leave out small figures alone");
}

fn many(day: i32, people: std::ops::Range<u32>) -> impl Iterator<Item = Brought> {
    people.map(move |person| Brought { day, person, is_clicked: false, is_costed: true })
}

#[test]
fn days_with_few_people_are_told_together_once_they_are_many() {
    let day = |n: i32| FIRST + n;
    let brought: Vec<Brought> = many(day(0), 0..3)
        .chain(many(day(1), 0..5))
        .chain(many(day(2), 0..3))
        .chain(many(day(3), 7..9))
        .chain(many(day(4), 0..2))
        .collect();
    let total = |days: (i32, i32)| {
        let [by_day, totals] = told(&rows(&brought, days), &asked(days));
        let days: Vec<i32> = by_day.iter().map(|row| row.day.unwrap().number() - FIRST).collect();
        (days, totals.first().and_then(|row| row.money[0].revenue).map(i64::count_ones))
    };
    // The same three on days 0 and 2 are three; two more on day 3 make them enough; day 4 waits.
    assert_eq!(total((day(0), day(4))), (vec![1], Some(5 + 3 + 3 + 2)));
    assert_eq!(total((day(0), day(3))), (vec![1], Some(13)));
    assert_eq!(total((day(0), day(2))), (vec![1], Some(5)));
    assert_eq!(total((day(1), day(3))), (vec![1], Some(5)), "day 0 belongs to the cell");
    assert_eq!(total((day(2), day(4))), (vec![], None));
    // Where the stretch has lost days, only days of their own are told.
    let lost = Asked { oldest: day(1), ..asked((day(0), day(4))) };
    let [_, totals] = told(&rows(&brought, (day(0), day(4))), &lost);
    assert_eq!(totals[0].money[0].revenue.unwrap().count_ones(), 5);
    // Nothing waits from one stretch into the next.
    let across: Vec<Brought> = many(FIRST - 1, 0..3).chain(many(FIRST, 5..8)).collect();
    let of = |day: i32| (Some(day), figures(&across, day..=day));
    let both = [of(FIRST - 1), of(FIRST), (None, figures(&across, FIRST - 1..=FIRST))];
    let both = both.map(|(day, figures)| FigureRow {
        day: day.map(Day::from_number),
        figures,
        ..rows(&across, (FIRST, FIRST)).remove(0)
    });
    let [by_day, totals] = told(&both, &asked((FIRST - 1, FIRST)));
    assert_eq!((by_day, totals), (vec![], vec![]), "and no row says that somebody was there");
}

/// One person on one day and three on the next, then a fourth there: the one must not be what two readings differ by.
#[test]
fn running_days_are_not_told_together() {
    let brought: Vec<Brought> = many(FIRST, 0..1).chain(many(FIRST + 1, 1..4)).collect();
    let more: Vec<Brought> = brought.iter().copied().chain(many(FIRST + 1, 4..5)).collect();
    let days = (FIRST, FIRST + 1);
    let revenue = |brought: &[Brought], settled: i32| {
        let [_, totals] = told(&rows(brought, days), &Asked { settled, ..asked(days) });
        totals.first().and_then(|row| row.money.first()?.revenue).map(i64::count_ones)
    };
    assert_eq!(revenue(&brought, FIRST), None);
    assert_eq!(revenue(&more, FIRST), Some(4), "the second day alone");
    assert_eq!(revenue(&brought, FIRST + 1), Some(4), "both, once nothing more comes");
}

#[test]
fn a_part_is_told_where_the_rest_is_nobody_or_many() {
    let clicked = |n: u32| {
        move |(idx, one): (usize, Brought)| Brought { is_clicked: (idx as u32) < n, ..one }
    };
    let told_of = |n: u32| {
        let brought: Vec<Brought> = many(FIRST, 0..10).enumerate().map(clicked(n)).collect();
        let days = (FIRST, FIRST);
        let [_, totals] = told(&rows(&brought, days), &asked(days));
        (totals[0].money[0].revenue.is_some(), totals[0].money[0].clicked_revenue.is_some())
    };
    assert_eq!(told_of(10), (true, true));
    assert_eq!(told_of(7), (true, false), "three did not click");
    assert_eq!(told_of(6), (true, true));
    assert_eq!(told_of(3), (true, false));
    assert_eq!(told_of(0), (true, false));
}

#[test]
fn people_of_several_days_are_told_in_steps() {
    let brought: Vec<Brought> = many(FIRST, 0..7).chain(many(FIRST + 1, 5..10)).collect();
    let days = (FIRST, FIRST + 1);
    let [by_day, totals] = told(&rows(&brought, days), &asked(days));
    assert_eq!(by_day.iter().map(|row| row.people).collect::<Vec<_>>(), [Some(7), Some(5)]);
    assert_eq!(totals[0].people, Some(8), "ten, in steps of four");
}

#[test]
fn answers_to_nobody_known_are_told_in_the_same_way() {
    let row = |day: Option<i32>, unnamed| FigureRow {
        day: day.map(Day::from_number),
        site: "main".to_owned(),
        placement: None,
        strategy: "popular".to_owned(),
        figures: Figures { unnamed, ..Figures::default() },
    };
    let counts = [9, 2, 3, 1];
    let mut rows: Vec<FigureRow> =
        (0..4).zip(counts).map(|(n, count)| row(Some(FIRST + n), count)).collect();
    rows.push(row(None, 15));
    let total = |to: i32| {
        let [by_day, totals] = told(&rows, &asked((FIRST, FIRST + to)));
        (by_day.len(), totals[0].anonymous_answers)
    };
    assert_eq!(
        [total(0), total(1), total(2), total(3)],
        [(1, Some(9)), (1, Some(9)), (1, Some(14)), (1, Some(14))]
    );
}
