#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_late_sale_belongs_to_yesterday_at_the_shop_but_not_on_the_site() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let site = Site {
        id: SiteId::main(),
        currency: Currency::USD,
        time_zone: zone.clone(),
        languages: vec!["de".into()],
    };
    let location = Location {
        id: LocationId::new("367").unwrap(),
        site: SiteId::main(),
        time_zone: zone,
        day_cut_minutes: 120,
        point: None,
    };
    let sold = Timestamp::parse("2026-02-01T01:30:00+01:00").unwrap();
    assert_eq!(location.day(sold).to_string(), "2026-01-31");
    assert_eq!(site.day(sold).to_string(), "2026-02-01");
}

/// Kilometres as Python reckons them by another formula: `atan2(|u x v|, u . v)` of unit vectors.
#[test]
fn distances_are_those_of_the_sphere() {
    let vienna = GeoPoint::new(48.2082, 16.3738).unwrap();
    for ((latitude, longitude), km) in [
        ((52.52, 13.405), 523.545_718_513_597_8),
        ((48.2082, 16.3738), 0.0),
        ((48.2083, 16.3738), 0.011_119_508_023_316_804),
        ((-48.2082, -163.6262), 20_015.114_442_035_923),
    ] {
        let there = GeoPoint::new(latitude, longitude).unwrap();
        assert!((vienna.km_to(there) - km).abs() < 1e-6 * (1.0 + km), "{latitude} {longitude}");
        assert_eq!(vienna.km_to(there), there.km_to(vienna));
    }
    // Over the date line the way is short.
    let (west, east) = (GeoPoint::new(0.0, 179.5).unwrap(), GeoPoint::new(0.0, -179.5).unwrap());
    assert!((west.km_to(east) - 111.195_080_233_532_22).abs() < 1e-6);
}

#[test]
fn what_is_no_place_says_so() {
    for (latitude, longitude, field) in [
        (90.1, 0.0, "latitude"),
        (0.0, -180.5, "longitude"),
        (f64::NAN, 0.0, "latitude"),
        (0.0, f64::INFINITY, "longitude"),
    ] {
        assert_eq!(GeoPoint::new(latitude, longitude).unwrap_err().field, field);
    }
}
