use super::*;

#[test]
fn names_are_those_of_the_contract() {
    let channels = Channel::ALL.map(Channel::as_str);
    assert_eq!(channels, ["web", "mobile", "store", "email", "call_center"]);
    for channel in Channel::ALL {
        assert_eq!(Channel::parse(channel.as_str()), Some(channel));
    }
    for source in Source::ALL {
        assert_eq!(Source::parse(source.as_str()), Some(source));
    }
    assert_eq!(Channel::parse("Web"), None);
}

#[test]
fn the_ledger_is_the_strongest_source() {
    assert!(Source::ALL.is_sorted());
    assert_eq!(Source::ALL.into_iter().max(), Some(Source::Ledger));
}
