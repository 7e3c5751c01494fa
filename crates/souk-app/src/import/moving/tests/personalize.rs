use souk_core::Money;

use super::{Desk, findings};
use crate::Sufficiency;
use crate::import::moving::{MoveMode, System};

#[tokio::test]
async fn personalize_purchases_of_one_moment_are_one_order() {
    let desk = Desk::open(System::Personalize).await;
    let names = ["interactions.csv", "users.csv", "items.csv"];
    let report = desk.move_in(&names, MoveMode::Import).await;
    let facts = desk.facts().await;
    for fact in [
        "2026-01-10T08:00:00.000Z web somebody: Product Viewed i1",
        "2026-01-10T08:01:00.000Z web somebody: Product Added i2",
        "2026-01-10T08:02:00.000Z web nobody: sale Placed of 2 lines",
        "[i1/- x1 1999, i2/- x1 500]",
        "2026-01-11T08:00:00.000Z web somebody: Product Viewed i9",
        "somebody: is {\"age\":\"34\",\"membership\":\"gold\"}",
    ] {
        assert!(facts.contains(fact), "{fact} is missing in {facts}");
    }
    assert_eq!(facts.lines().count(), 7);
    let rejected = desk.rejected("interactions.csv");
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0].starts_with("7 | timestamp | "), "{rejected:?}");
    let phones = desk.product("i1");
    assert_eq!(phones.title, "i1", "the data set has no titles");
    assert_eq!(phones.categories, ["Electronics > Headphones", "Gifts"]);
    assert_eq!(phones.price.map(Money::minor), Some(1_999));
    let findings = findings(&report.readiness, desk.folder.path());
    assert!(findings.contains("2 products have no title"), "{findings}");
    let next = report.readiness.parts.iter().find(|part| part.part == "next_basket").unwrap();
    assert_eq!(next.verdict, Sufficiency::Missing, "nobody has two orders");
}

#[tokio::test]
async fn personalize_counts_titles_of_what_it_takes_and_reads_purchases_by_many_names() {
    let desk = Desk::open(System::Personalize).await;
    let write = |name: &str, text: &str| {
        std::fs::write(desk.folder.path().join(name), text).unwrap();
    };
    write("items2.csv", "ITEM_ID,PRICE\ni1,5.00\ni2,abc\n");
    write(
        "acts2.csv",
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\nu1,i1,1768000000,order_completed,5\n\
         u1,i1,1768000100,Bought,5\nu1,i1,1768000200,weird,\n",
    );
    let report = desk.move_in(&["items2.csv", "acts2.csv"], MoveMode::Import).await.readiness;
    assert_eq!((report.products.count, report.products.without_title), (1, 1));
    assert_eq!(report.orders.count, 2);
    assert_eq!(
        report.events.unknown_kinds.into_iter().collect::<Vec<_>>(),
        [("weird".to_owned(), 1)]
    );
}
