use super::*;

#[test]
fn actions_have_segment_s_names() {
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(action));
    }
    assert_eq!(Action::parse("product viewed"), None);
    assert_eq!(Action::parse("Order Completed"), None);
    assert_eq!(Action::parse("Wishlist Product Added to Cart"), Some(Action::WishlistAddedToCart));
}

#[test]
fn a_visit_is_made_of_interest_in_products() {
    let visits: Vec<&str> =
        Action::ALL.into_iter().filter(|action| action.is_visit()).map(Action::as_str).collect();
    let expected = [
        "Product Viewed",
        "Product Clicked",
        "Product Added",
        "Product Added to Wishlist",
        "Wishlist Product Added to Cart",
    ];
    assert_eq!(visits, expected);
}
