#![allow(clippy::unwrap_used)]

use super::*;

fn proposals(support: u32) -> Vec<Proposal> {
    let kind = ReasonKind::Popular;
    let (item, evidence) = (Item(1), Vec::new());
    vec![Proposal { item, score: 1.0, kind, evidence, support, is_personal: false }]
}

#[test]
fn old_proposals_are_made_anew_by_one_request_with_rests() {
    let discoveries = Discoveries::default();
    let ask = |person: u32, n| discoveries.of(&[Shopper(person)], || proposals(n))[0].support;
    assert_eq!((ask(1, 1), ask(1, 2), ask(2, 3)), (1, 1, 3), "kept, each person's own");
    let age = |person: u32| {
        let mut kept = discoveries.kept.write();
        let discovery = kept[0].get_mut(&[Shopper(person)][..]).unwrap();
        discovery.made = discovery.made.checked_sub(KEPT_AGE_MAX).unwrap();
    };
    age(1);
    let renewing = discoveries.renewing.lock();
    assert_eq!(ask(1, 4), 1, "another request makes some anew");
    drop(renewing);
    let slow = || {
        std::thread::sleep(Duration::from_millis(20));
        proposals(5)
    };
    assert_eq!(discoveries.of(&[Shopper(1)], slow)[0].support, 5);
    age(2);
    assert_eq!(ask(2, 6), 3, "the next ones after a rest");
    *discoveries.renewing.lock() = None;
    assert_eq!(ask(2, 7), 7);
    // Nobody is ever answered with what was made for another set of ids.
    assert_eq!(discoveries.of(&[Shopper(1), Shopper(2)], || proposals(8))[0].support, 8);
}
