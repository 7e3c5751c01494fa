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
    };
    let sold = Timestamp::parse("2026-02-01T01:30:00+01:00").unwrap();
    assert_eq!(location.day(sold).to_string(), "2026-01-31");
    assert_eq!(site.day(sold).to_string(), "2026-02-01");
}
