use souk_recommend::visits::{VisitId, VisitLimits};
use souk_recommend::{Item, Shopper};

use super::*;

#[test]
fn an_order_serves_when_it_is_surely_better_and_no_worse_than_before() {
    let verdict = |low, serving| SessionVerdict {
        n_judges: 200,
        mixture: 0.40,
        reading: 0.38,
        gain: Difference { mean: 0.02, low, high: 0.03, n: 200 },
        serving,
    };
    assert_eq!(judge(&verdict(0.001, None)), ModelState::Accepted);
    assert_eq!(judge(&verdict(0.0, None)), ModelState::Refused, "it may be luck");
    assert_eq!(judge(&verdict(0.001, Some(0.403))), ModelState::Accepted);
    assert_eq!(judge(&verdict(0.001, Some(0.41))), ModelState::Refused);
}

#[test]
fn whole_visits_are_copied_in_the_order_in_which_they_began() {
    let mut index = VisitIndex::new(VisitLimits::default());
    let event = |visit, item, time| VisitEvent {
        visit: VisitId(visit),
        shopper: Some(Shopper(7)),
        item: Item(item),
        time,
    };
    let events = [event(2, 5, 30), event(1, 8, 10), event(1, 9, 40), event(2, 6, 35)];
    events.iter().for_each(|event| index.push(*event));
    assert_eq!(copy(&index), [events[1], events[2], events[0], events[3]]);
}
