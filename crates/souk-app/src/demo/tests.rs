#![allow(clippy::unwrap_used)]

use souk_core::{Channel, Currency, Money, OrderChange, Quantity, Timestamp};

use super::titles::{readable, readable_size};
use super::{SampleOrder, SampleShop};
use crate::{Draft, DraftFact};

#[test]
fn titles_become_readable() {
    for (capitals, title) in [
        ("BREAD:ITALIAN/FRENCH", "Bread: Italian/French"),
        ("FRZN SS PREMIUM ENTREES/DNRS/N", "Frozen Single Serve Premium Entrees/Dinners/N"),
        ("ICE - CRUSHED/CUBED", "Ice - Crushed/Cubed"),
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy Bars (Singles) (Including)"),
        ("SALD DRSNG/SNDWCH SPRD", "Salad Dressing/Sandwich Spread"),
        ("", ""),
    ] {
        assert_eq!(readable(capitals), title);
    }
    assert_eq!(readable_size("20 OZ").as_deref(), Some("20 oz"));
    assert_eq!(readable_size("1.5 L").as_deref(), Some("1.5 L"));
    assert_eq!(readable_size("   "), None);
}

fn at(day: i64) -> Timestamp {
    Timestamp::EPOCH.plus_ms(day * 86_400_000)
}

fn shop() -> SampleShop {
    let mut shop = SampleShop::new(Vec::new(), at(10));
    let line = |id| (id, Quantity::each(1), Money::from_minor(100, Currency::USD));
    // Added out of order: drafts come by time.
    for (id, user, day) in
        [("o5", "u1", 12), ("o1", "u1", 1), ("o2", "u1", 2), ("o3", "u1", 3), ("o4", "u2", 11)]
    {
        let lines = [line("a"), line("b")];
        let (channel, location) = (Channel::Store, "s");
        shop.add_order(SampleOrder { id, user, at: at(day), channel, location, lines: &lines });
    }
    shop.add_view(Draft::new(at(5), DraftFact::Searched("tea".into())));
    shop
}

#[test]
fn the_busiest_place_has_the_most_lines() {
    let mut shop = shop();
    assert_eq!(shop.busiest_place().as_deref(), Some("s"));
    let line = ("a", Quantity::each(1), Money::from_minor(100, Currency::USD));
    let mut add = |id: &str, location: &str, n: usize| {
        let (lines, channel) = (vec![line; n], Channel::Store);
        let order = SampleOrder { id, user: "u3", at: at(4), channel, location, lines: &lines };
        shop.add_order(order);
    };
    // As many as the first place has: the first name counts.
    add("t1", "t", 4);
    add("t2", "t", 6);
    add("r1", "r", 10);
    assert_eq!(shop.busiest_place().as_deref(), Some("r"));
    assert_eq!(SampleShop::new(Vec::new(), at(1)).busiest_place(), None);
}

#[test]
fn drafts_come_by_time() {
    let drafts: Vec<Draft> = shop().into_drafts().collect();
    let days: Vec<i64> = drafts.iter().map(|draft| draft.at.as_ms() / 86_400_000).collect();
    assert_eq!(days, [1, 2, 3, 5, 11, 12]);
    let DraftFact::Order { change, lines, .. } = &drafts[0].fact else { panic!("no order") };
    assert_eq!((*change, lines.len()), (OrderChange::Placed, 2));
}

#[test]
fn only_shoppers_with_three_baskets_are_judged() {
    let (train, test) = shop().basket_rows();
    assert_eq!(train.len(), 6);
    // Shopper u2 has no basket before the cut.
    assert_eq!(test.len(), 2);
    assert_eq!(shop().shoppers(2), ["u1"]);
}
