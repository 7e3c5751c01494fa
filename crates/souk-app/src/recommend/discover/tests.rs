#![allow(clippy::unwrap_used)]

use souk_recommend::sources::{Histories, Recipe, SourceParams};

use super::*;

/// Items 0 to 3 are taken together by twenty shoppers, 4 to 7 by twenty others.
fn discoveries() -> Arc<Discoveries> {
    let mut histories = Histories::default();
    for shopper in 0..40_u32 {
        let from = if shopper < 20 { 0 } else { 4 };
        for item in from..from + 4 {
            histories.update(Shopper(shopper), Item(item), i64::from(item));
        }
    }
    let recipe = Recipe::new(SourceParams::affordable(histories.n_items(), 160, false));
    Discoveries::of_blend(recipe.fit(&histories, &[], 1))
}

fn past(items: &[u32]) -> Past {
    let history: Vec<Item> = items.iter().copied().map(Item).collect();
    Past { had: history.iter().copied().collect(), history }
}

fn ask(discoveries: &Arc<Discoveries>, person: &[Shopper], items: &[u32]) -> Vec<u32> {
    let proposals = discoveries.of(person, || past(items), &mut BlendScratch::default());
    proposals.iter().map(|proposal| proposal.item.0).collect()
}

/// Asks until the answer is another one.
async fn ask_until_renewed(
    discoveries: &Arc<Discoveries>,
    items: &[u32],
    before: &[u32],
) -> Vec<u32> {
    for _ in 0..500 {
        let now = ask(discoveries, &[Shopper(1)], items);
        if now != before {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("proposals were not made anew");
}

#[tokio::test]
async fn old_proposals_are_made_anew_beside_the_requests() {
    let discoveries = discoveries();
    let first = ask(&discoveries, &[Shopper(1)], &[0, 1]);
    assert_eq!(first[..2], [2, 3]);
    assert_eq!(ask(&discoveries, &[Shopper(1)], &[4, 5]), first, "kept");
    // Nobody is ever answered with what was made for another set of ids.
    assert_eq!(ask(&discoveries, &[Shopper(1), Shopper(2)], &[4, 5])[..2], [6, 7]);
    discoveries.age();
    assert_eq!(
        ask(&discoveries, &[Shopper(1)], &[4, 5]),
        first,
        "old ones until there are new ones"
    );
    assert_eq!(ask_until_renewed(&discoveries, &[4, 5], &first).await[..2], [6, 7]);
}

#[tokio::test]
async fn people_without_proposals_wait_when_too_many_of_them_ask() {
    let discoveries = discoveries();
    discoveries.spend_all();
    assert!(
        ask(&discoveries, &[Shopper(1)], &[0, 1]).is_empty(),
        "answered from the rest at first"
    );
    assert_eq!(ask_until_renewed(&discoveries, &[0, 1], &[]).await[..2], [2, 3]);
}

#[test]
fn long_lists_cost_what_requests_may_spend() {
    let discoveries = discoveries();
    let afford = || discoveries.afford((|| past(&[0, 1]), 1_000), &mut BlendScratch::default());
    assert_eq!(afford().unwrap()[0].item, Item(2));
    discoveries.spend_all();
    assert_eq!(afford(), None);
}

#[test]
fn what_was_made_for_who_left_is_never_kept_again() {
    let discoveries = discoveries();
    ask(&discoveries, &[Shopper(1)], &[0, 1]);
    discoveries.close();
    assert!(discoveries.people().is_empty());
    let late = discoveries.propose(&past(&[0, 1]), 10, &mut BlendScratch::default());
    discoveries.keep(&[Shopper(1)], late);
    assert!(discoveries.people().is_empty(), "made before somebody left, and put in after");
}
