#![allow(clippy::unwrap_used)]

use souk_core::wire::Writer;
use souk_core::{LocationId, ProductId, Quantity};

use super::*;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + hours * 3_600_000).unwrap()
}

fn change(movement: StockMovement, pieces: i32) -> StockChange {
    StockChange {
        movement,
        product: ProductId::new("p").unwrap(),
        variant: None,
        location: LocationId::new("l").unwrap(),
        to: None,
        quantity: Quantity::each(pieces),
        lot: Some("a".into()),
        expires_on: Some(Day::from_number(20_000)),
    }
}

fn promotion(phase: PromotionPhase, from: i32, until: i32) -> Promotion {
    Promotion {
        promotion_id: "weekly".into(),
        phase,
        products: Vec::new(),
        from: Some(Day::from_number(from)),
        until: Some(Day::from_number(until)),
        discount_bp: Some(1_000),
    }
}

fn told() -> Supply {
    let mut supply = Supply::default();
    let place = (Item(3), 1);
    for (milli, hours) in [(5_000, 0), (0, 10), (-1_000, 12), (7_000, 30), (0, 50)] {
        supply.note_level(place, Some(milli), at(hours));
    }
    supply.note_level((Item(4), 1), None, at(1));
    supply.note_price(Item(3), Some(Money::from_minor(500, Currency::USD)), at(0));
    supply.note_price(Item(3), Some(Money::from_minor(500, Currency::USD)), at(5));
    supply.note_price(Item(3), Some(Money::from_minor(450, Currency::USD)), at(9));
    for (from, until) in [(10, 12), (17, 19)] {
        let planned = promotion(PromotionPhase::Planned, from, until);
        supply.note_promotion(0, (&planned, vec![Item(3)]), at(0));
        supply.note_promotion(0, (&planned, vec![Item(4)]), at(0));
    }
    for (movement, pieces) in [
        (StockMovement::Counted, 8),
        (StockMovement::Received, 5),
        (StockMovement::Received, 5),
        (StockMovement::Received, 6),
        (StockMovement::WrittenOff, 2),
    ] {
        let change = change(movement, pieces);
        let fact = StockFact {
            item: Item(3),
            place: (0, 1),
            change: &change,
            before: Some(4_000),
            at: at(40),
        };
        supply.note_stock(&fact);
    }
    supply.note_sale(((0, 1), Day::from_number(19_000)), 3_000, 1);
    supply.note_sale(((0, 1), Day::from_number(19_000)), 1_000, 1);
    supply.note_sale(((0, 1), Day::from_number(19_000)), 1_000, -1);
    supply
}

#[test]
fn what_was_told_can_be_read() {
    let supply = told();
    let outs: Vec<_> = supply.outs((Item(3), 1), at(60)).collect();
    assert_eq!(outs, [(at(10), at(30)), (at(50), at(60))]);
    assert_eq!(supply.outs((Item(4), 1), at(60)).count(), 0);
    let prices: Vec<i64> = supply.prices(Item(3)).iter().map(|price| price.minor).collect();
    assert_eq!(prices, [500, 450]);
    // A file has a row for each product of a promotion, and an id may come again.
    let runs: Vec<_> = supply.runs(0, Item(4)).map(|run| (run.from, run.items.len())).collect();
    let day = |number| Some(Day::from_number(number));
    assert_eq!(runs, [(day(10), 2), (day(17), 2)]);
    assert_eq!(supply.runs(0, Item(5)).count() + supply.runs(1, Item(4)).count(), 0);
    assert_eq!(supply.expires((Item(3), 1), "a"), day(20_000));
    let feed = supply.feed((0, 1)).unwrap();
    assert_eq!(feed.sales[&19_000], SalesDay { lines: 1, milli: 3_000 });
    let sums = feed.stock.values().next().unwrap();
    assert_eq!((sums.counts, sums.counted_milli, sums.believed_milli), (1, 8_000, 4_000));
    assert_eq!((sums.receipts, sums.received_milli, sums.repeats), (3, 16_000, 1));
}

#[test]
fn a_snapshot_gives_the_same_back() {
    let supply = told();
    let entries = |supply: &Supply| {
        let mut all = Vec::new();
        supply
            .entries(&mut |item, location, text| all.push(format!("{item:?} {location:?} {text}")));
        all.sort();
        all
    };
    let bytes = supply.snapshot();
    let mut again = Supply::restore(&bytes, 10).unwrap();
    assert_eq!(entries(&again), entries(&supply));
    // Also what only later facts show: the receipts that were seen.
    let change = change(StockMovement::Received, 6);
    let fact =
        StockFact { item: Item(3), place: (0, 1), change: &change, before: None, at: at(41) };
    again.note_stock(&fact);
    assert_eq!(again.feed((0, 1)).unwrap().stock.values().next().unwrap().repeats, 2);
    assert!(Supply::restore(&bytes, 3).is_err(), "items that the catalogue does not have");
    for end in 0..bytes.len() {
        assert!(Supply::restore(&bytes[..end], 10).is_err(), "{end} of {} bytes", bytes.len());
    }
    assert!(Supply::restore(&Writer::new().into_bytes(), 1).is_err());
}

/// A filling station sells thousands of litres beside a hundred pieces of bread and milk.
#[test]
fn what_is_measured_counts_as_one_piece_a_line() {
    let mut supply = Supply::default();
    let (place, day) = ((0, 1), Day::from_number(20_000));
    for (milli, sign) in [(3_000, 1), (1_000, 1), (40_250, 1), (35_500, 1), (35_500, -1)] {
        supply.note_sale((place, day), milli, sign);
    }
    let sums = supply.feed(place).unwrap().sales[&20_000];
    assert_eq!((sums.lines, sums.milli), (3, 5_000));
    let mut told = |movement, quantity: Quantity, before| {
        let change = StockChange { quantity, ..change(movement, 1) };
        let fact = StockFact { item: Item(3), place, change: &change, before, at: at(0) };
        supply.note_stock(&fact);
    };
    let litres = |count: i64| Quantity::from_milli(count * 1_000, Unit::Litre).unwrap();
    told(StockMovement::Counted, litres(9_000), Some(20_000_000));
    told(StockMovement::Counted, Quantity::each(8), Some(9_000));
    told(StockMovement::Received, litres(20_000), None);
    told(StockMovement::Received, litres(30_000), None);
    told(StockMovement::WrittenOff, litres(7), None);
    let sums = *supply.feed(place).unwrap().stock.values().next().unwrap();
    assert_eq!((sums.counted_milli, sums.believed_milli), (8_000, 9_000));
    // Two deliveries of two amounts are no repetition.
    assert_eq!((sums.received_milli, sums.repeats, sums.written_off_milli), (2_000, 0, 1_000));
}

/// M5 has 30,490 products at stores over 1,941 days. With a stock-out each month, a price each quarter and every
/// product counted each week this takes below 75 MB beside the sales themselves, a year of past stock among them.
#[test]
fn the_shape_of_m5_stays_small() {
    let mut supply = Supply::default();
    for series in 0..3_049u32 {
        let place = (Item(series), series % 10);
        for month in 0..64 {
            supply.note_level(place, Some(0), at(month * 720));
            supply.note_level(place, Some(9_000), at(month * 720 + 24));
        }
        for quarter in 0..21 {
            let price = Money::from_minor(500 + quarter, Currency::USD);
            supply.note_price(Item(series), Some(price), at(quarter * 2_190));
        }
    }
    for day in 0..1_941 {
        for place in 0..10 {
            supply.note_sale(((0, place), Day::from_number(day)), 1_000, 1);
        }
    }
    assert_eq!(supply.feed((0, 3)).unwrap().sales.len(), SALES_DAYS);
    // A tenth of the series, so ten times as much for all of them.
    let bytes = supply.bytes() * 10;
    assert!((20_000_000..75_000_000).contains(&bytes), "{bytes} bytes");
    assert!(supply.snapshot().len() * 10 < 50_000_000);
}
