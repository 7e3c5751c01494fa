#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::json;
use souk_core::{GeoPoint, Product};

use crate::test_shop::{ids, product};
use crate::{Around, SearchIndex, SearchRequest, Settings, SortBy};

fn placed(number: usize, point: GeoPoint) -> Product {
    let attributes = json!({"lat": point.latitude(), "lng": point.longitude()});
    product(&number.to_string(), json!({"title": "Shoe", "attributes": attributes}))
}

/// Ids around a place by the index.
fn around(
    index: &SearchIndex,
    query: &str,
    (origin, radius_km): (GeoPoint, Option<f64>),
) -> Vec<usize> {
    let request = SearchRequest {
        around: Some(Around { origin, radius_km, fields: ["lat", "lng"], places: None }),
        sort: vec![SortBy::parse("distance").unwrap()],
        limit: 1_000,
        ..SearchRequest::new(query)
    };
    ids(&index.search(&request).unwrap()).iter().map(|id| id.parse().unwrap()).collect()
}

/// The same by the formula, one by one; what is nearly as far as another, or as the radius, is in `doubt`.
fn plain(points: &[GeoPoint], (origin, radius_km): (GeoPoint, Option<f64>)) -> (Vec<usize>, bool) {
    let mut all: Vec<(f64, usize)> =
        points.iter().map(|point| origin.km_to(*point)).zip(0..).collect();
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let is_same = |left: f64, right: f64| (left - right).abs() <= 1e-4 * (1.0 + left);
    let doubt = all.windows(2).any(|pair| is_same(pair[0].0, pair[1].0))
        || radius_km.is_some_and(|radius| all.iter().any(|(km, _)| is_same(*km, radius)));
    all.retain(|(km, _)| radius_km.is_none_or(|radius| *km <= radius));
    (all.into_iter().map(|(_, number)| number).collect(), doubt)
}

fn point() -> impl Strategy<Value = GeoPoint> {
    let somewhere = (-90.0f64..90.0, -180.0f64..180.0);
    // Many around the poles and the line where days change.
    let corners = (
        prop::sample::select(vec![-90.0f64, -89.9, 0.0, 89.9, 90.0]),
        prop::sample::select(vec![-180.0f64, -179.9, 0.0, 179.9, 180.0]),
    );
    prop_oneof![3 => somewhere, 1 => corners]
        .prop_map(|(latitude, longitude)| GeoPoint::new(latitude, longitude).unwrap())
}

proptest! {
    #[test]
    fn what_is_near_is_what_the_formula_says(
        points in prop::collection::vec(point(), 1..40),
        origin in point(),
        radius_km in prop::option::of(1.0f64..25_000.0),
    ) {
        let (expected, doubt) = plain(&points, (origin, radius_km));
        prop_assume!(!doubt);
        let products: Vec<Product> =
            points.iter().enumerate().map(|(number, point)| placed(number, *point)).collect();
        let mut index = SearchIndex::build(Settings::default(), &products, 1);
        for query in ["", "shoe"] {
            prop_assert_eq!(around(&index, query, (origin, radius_km)), expected.clone());
        }
        // What comes later, and what moves, is where it is now.
        let moved = points.len() / 2;
        let mut points = points;
        points.push(origin);
        points[moved] = GeoPoint::new(-origin.latitude(), 0.0).unwrap();
        index.upsert(&[placed(points.len() - 1, origin), placed(moved, points[moved])]);
        let (expected, doubt) = plain(&points, (origin, radius_km));
        prop_assume!(!doubt);
        for query in ["", "shoe"] {
            prop_assert_eq!(around(&index, query, (origin, radius_km)), expected.clone());
        }
    }
}
