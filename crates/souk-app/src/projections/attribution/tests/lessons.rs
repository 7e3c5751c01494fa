use souk_recommend::impressions::ShownList;
use souk_recommend::impressions::signals::Signal;

use super::super::super::searches::Windows;
use super::*;

/// A name whose answers have signals, see [`served`].
const TOLD: &str = "r-0";

fn lists(views: &Views) -> Vec<ShownList> {
    let mut lists = Vec::new();
    let windows = Windows { click_days: 7, order_days: 14 };
    views.each_lesson((0..views.n_trial_rows(), windows), |list| lists.push(list));
    lists
}

fn worths(list: &ShownList) -> Vec<f32> {
    list.products.iter().map(|product| product.worth).collect()
}

#[test]
fn what_was_known_is_told_with_what_came_of_it() {
    let mut events = vec![
        (Some(1), event(10, served(TOLD, &[3, 4, 5]))),
        (Some(1), did(11, Action::ListViewed, 3, Some(TOLD))),
        (Some(1), did(11, Action::Clicked, 4, Some(TOLD))),
        (Some(2), event(12, served("r-2", &[3, 4]))),
        // Without signals, as all were before there were any.
        (Some(3), event(13, served("r-1", &[3, 4]))),
        (Some(4), event(15, served("r-4", &[3, 4]))),
        (Some(4), did(16, Action::Clicked, 4, Some("r-4"))),
    ];
    events.extend(order_of(1, (14, 0, OrderChange::Placed), &[(5, 100)]));
    let views = fold(&log(events));
    let lists = lists(&views);
    assert_eq!(lists.len(), 3);
    assert!(!lists[2].is_seen && worths(&lists[2])[1] > 0.0, "a click tells of no look");
    assert_eq!((worths(&lists[0]), lists[0].is_seen), (vec![0.0, 1.0, 3.0], true));
    assert_eq!((worths(&lists[1]), lists[1].is_seen), (vec![0.0, 0.0], false));
    assert_eq!(lists[0].time, at(10).as_ms());
    let rows: Vec<_> = lists[0].products.iter().map(|product| product.row).collect();
    let told: Vec<_> = rows.iter().map(|row| (row.rank(), row.level(Signal::Stock))).collect();
    assert_eq!(told, [(Some(0), 4), (Some(1), 5), (Some(2), 6)]);
    assert_ne!(lists[0].person, lists[1].person);
}

#[test]
fn ids_of_one_person_are_one_and_those_who_refuse_or_left_are_not_told() {
    let said = |granted: Purposes, denied| {
        let origin = souk_core::ConsentOrigin::Shopper;
        Fact::Consent(souk_core::ConsentChange { granted, denied, origin, notice: None })
    };
    let linked = Fact::Linked { other: subject(2), basis: LinkBasis::Identify };
    let base = vec![
        (Some(1), event(10, served(TOLD, &[3, 4]))),
        (Some(2), event(11, served("r-2", &[3, 4]))),
    ];
    let with = |fact: Fact| {
        let mut events = base.clone();
        events.push((Some(1), event(12, fact)));
        lists(&fold(&log(events)))
    };
    let joined = with(linked);
    assert_eq!((joined.len(), joined[0].person), (2, joined[1].person));
    let left = with(Fact::Forgotten { subject: subject(1) });
    assert_eq!((left.len(), left[0].time), (1, at(11).as_ms()));
    for purpose in [Purpose::ModelTraining, Purpose::Analytics] {
        let told = with(said(Purposes::NONE, Purposes::NONE.with(purpose)));
        assert_eq!((told.len(), told[0].time), (1, at(11).as_ms()), "{purpose:?}");
    }
    for purpose in [Purpose::ModelTraining, Purpose::Analytics] {
        let purposes = Purposes::NONE.with(purpose);
        let mut events = base.clone();
        events.push((Some(1), event(12, said(Purposes::NONE, purposes))));
        // Shown before the no, and written after it.
        events.push((Some(1), event(9, served("r-6", &[3]))));
        events.push((Some(1), event(13, said(purposes, Purposes::NONE))));
        events.push((Some(1), event(14, served("r-4", &[3]))));
        let views = fold(&log(events));
        let told: Vec<_> = lists(&views).iter().map(|list| list.time).collect();
        let expected = [14, 11].map(|minute| at(minute).as_ms());
        assert_eq!(told, expected, "only what comes after the new yes: {purpose:?}");
    }
}

#[test]
fn they_are_kept_for_two_months_and_so_many_of_each() {
    let day = |day: i64, request: &str| (Some(1), event(day * DAY, served(request, &[3])));
    let many: Vec<_> = (0..40).map(|n| day(n, &format!("r-{n}0"))).collect();
    let views = fold(&log(many));
    let kept = lists(&views);
    assert_eq!((kept.len(), kept[0].time), (LESSONS_MAX, at(8 * DAY).as_ms()));
    let views = fold(&log(vec![day(0, "r-0"), day(30, "r-2"), day(61, "r-4")]));
    let kept = lists(&views);
    assert_eq!((kept.len(), kept[0].time), (2, at(30 * DAY).as_ms()));
}
