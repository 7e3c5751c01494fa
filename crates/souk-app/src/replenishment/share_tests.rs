//! A share to serve: one chance for all products of a place.
#![allow(clippy::unwrap_used)]

use souk_core::SiteId;

use super::tests::{plan, stocked, tea_line};
use crate::Role;
use crate::demand::tests::{place, send, stock, tea};
use crate::test_shop::{Shop, caller};

#[tokio::test]
async fn a_share_to_serve_sets_one_chance_for_all_products() {
    let counted = async |shop: Shop| {
        let milk = stock("Stock Counted", ("milk", 40), "2026-01-14T22:31:00Z");
        send(&shop, vec![milk]).await;
        shop
    };
    let by_chance = counted(stocked("service_level: 0.95").await).await;
    let by_share = counted(stocked("service_level: 0.95, fill_rate: 0.95").await).await;
    let (chance, share) = (plan(&by_chance).await, plan(&by_share).await);
    let told: Vec<f64> = share.lines.iter().map(|line| line.service_level).collect();
    // To serve 95 of a hundred, all need not suffice in 95 of a hundred times.
    assert_eq!(told.len(), 2);
    assert!(told[0] == told[1] && (0.4..0.9).contains(&told[0]), "{told:?}");
    let (of_chance, of_share) = (tea_line(&chance), tea_line(&share));
    assert_eq!(of_chance.service_level, 0.95);
    assert!(of_share.order_up_to < of_chance.order_up_to, "{of_share:?}");
    assert!(of_share.order_up_to > 0.9 * of_share.demand_mean, "{of_share:?}");
    // Why is in the line, and what it serves of its own.
    assert!(of_share.text.contains("all products here together serve 95.0 %: "), "{of_share:?}");
    assert!((0.9..=1.0).contains(&of_share.serves.unwrap()), "{of_share:?}");
    let request = crate::ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days: 7,
        levels: vec![0.8],
    };
    let optimal = by_share.app.forecast(request, &caller(Role::Planner)).await.unwrap().optimal;
    // That of the plan, which asks for an order.
    assert_eq!(optimal.service_level, of_share.service_level);
    // Of an empty shelf, what is wanted in the three days until the order comes is lost, and not ordered for a share.
    for (shop, is_spared) in [(&by_chance, false), (&by_share, true)] {
        send(shop, vec![stock("Stock Counted", ("tea", 0), "2026-01-14T22:50:00Z")]).await;
        let plan = plan(shop).await;
        let line = tea_line(&plan);
        assert_eq!(line.need, line.order_up_to - line.spared);
        assert_eq!(line.spared > 0.0, is_spared, "{line:?}");
        let lost = "that are missing before it is there and lost = ";
        assert_eq!(line.text.contains(lost), is_spared, "{}", line.text);
        let of_lead = line.demand_mean * line.lead_time_days / line.protection_days;
        assert!(line.spared < 1.5 * of_lead, "{line:?}");
    }
    let refused = crate::Config::parse("inventory: {fill_rate: 0.2}", []).unwrap_err().to_string();
    assert!(refused.contains("0.2 must lie between 0.5 and 0.9999"), "{refused}");
}
