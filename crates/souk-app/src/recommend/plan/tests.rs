use super::*;

fn request(strategy: Strategy, page: &str) -> RecommendRequest {
    RecommendRequest { placement: Some(page.to_owned()), ..RecommendRequest::new(strategy, 10) }
}

fn chosen(page: &str, known: Known) -> Strategy {
    plan(&request(Strategy::Auto, page), known).strategy
}

#[test]
fn auto_follows_page_and_shopper() {
    let nothing = Known::default();
    let regular = Known { baskets: 12, ..nothing };
    let browsing = Known { seen: 3, ..nothing };
    assert_eq!(chosen("home", nothing), Strategy::Popular);
    assert_eq!(chosen("home", regular), Strategy::NextBasket);
    assert_eq!(chosen("home", browsing), Strategy::Session);
    assert_eq!(chosen("home", Known { seen: 3, ..regular }), Strategy::ForYou);
    assert_eq!(chosen("product", Known { has_product: true, ..regular }), Strategy::Similar);
    assert_eq!(chosen("cart", Known { has_cart: true, ..regular }), Strategy::BoughtTogether);
    assert_eq!(chosen("account", regular), Strategy::BuyAgain);
}

#[test]
fn what_speaks_of_the_shopper_is_never_filled_up() {
    for strategy in [Strategy::BuyAgain, Strategy::RecentlyViewed] {
        assert!(plan(&request(strategy, "home"), Known::default()).fill.is_empty());
    }
}
