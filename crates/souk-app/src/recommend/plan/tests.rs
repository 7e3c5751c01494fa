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
fn a_shop_where_nobody_buys_again_proposes_what_is_new_to_the_shopper() {
    let buyer = Known { baskets: 3, has_model: true, again_share: Some(0.02), ..Known::default() };
    assert_eq!(chosen("home", buyer), Strategy::ForYou);
    let made = plan(&request(Strategy::ForYou, "home"), buyer);
    assert_eq!(made.first, [Source::Model]);
    assert!(!made.fill.contains(&Source::BuyAgain));
    let grocer = Known { again_share: Some(0.5), ..buyer };
    assert_eq!(chosen("home", grocer), Strategy::NextBasket);
    let made = plan(&request(Strategy::ForYou, "home"), grocer);
    assert_eq!(made.first, [Source::NextBasket, Source::Model]);
}

#[test]
fn what_speaks_of_the_shopper_is_never_filled_up() {
    for strategy in [Strategy::BuyAgain, Strategy::RecentlyViewed] {
        assert!(plan(&request(strategy, "home"), Known::default()).fill.is_empty());
    }
}
