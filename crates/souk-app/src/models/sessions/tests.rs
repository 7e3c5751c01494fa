use souk_recommend::visits::{VisitId, VisitLimits};
use souk_recommend::{Item, Shopper};

use super::*;

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
