#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn names_and_codes_are_read_back() {
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
    }
    for basis in LegalBasis::ALL {
        assert_eq!(LegalBasis::parse(basis.as_str()), Some(basis));
        let origin = ConsentOrigin::Stated(basis);
        assert_eq!(ConsentOrigin::from_code(origin.code()), Some(origin));
    }
    let codes = (0..=u8::MAX).filter(|code| ConsentOrigin::from_code(*code).is_some());
    assert_eq!(codes.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 16, 17, 18, 19]);
    assert_eq!(Purpose::parse("ads"), None);
}

#[test]
fn sets_hold_what_was_put_in() {
    let set: Purposes = [Purpose::Marketing, Purpose::Analytics].into_iter().collect();
    assert_eq!(format!("{set:?}"), "{Analytics, Marketing}");
    assert!(set.contains(Purpose::Marketing) && !set.contains(Purpose::Essential));
    assert_eq!(Purposes::from_bits(set.bits()), Some(set));
    assert_eq!(Purposes::from_bits(0b10_0000), None);
    assert_eq!(
        Purposes::ALL.without(Purposes::OPTIONAL).iter().collect::<Vec<_>>(),
        [Purpose::Essential]
    );
    assert_eq!(set.without(set), Purposes::NONE);
    assert_eq!(set.intersection(Purposes::OPTIONAL), set);
    assert_eq!(Purposes::NONE.union(set), set);
}
