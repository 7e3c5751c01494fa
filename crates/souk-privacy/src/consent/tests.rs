#![allow(clippy::unwrap_used)]

use souk_core::{ConsentOrigin, LegalBasis, Purpose, Purposes, Timestamp};

use super::*;

fn choice(is_granted: bool, at_ms: i64) -> Choice {
    let at = Timestamp::from_ms(at_ms).unwrap();
    Choice { is_granted, at, seq: 0, origin: ConsentOrigin::Shopper, is_outdated: false }
}

fn said(purpose: Purpose, choice: Choice) -> Choices {
    let mut choices = Choices::default();
    choices.say(purpose, choice);
    choices
}

fn ask(mechanism: Mechanism, persons: &[Choices], purpose: Purpose) -> Decision {
    decide(&Regime::all(mechanism), persons.iter(), (purpose, Purposes::NONE))
}

/// What silence, a yes and a no mean, written by hand.
#[test]
fn silence_yes_and_no() {
    use Purpose::Personalization;
    let yes = said(Personalization, choice(true, 1));
    let no = said(Personalization, choice(false, 1));
    let table = [
        (Mechanism::OptIn, "unasked", false),
        (Mechanism::OptOut, "not_opted_out", true),
        (Mechanism::Notice, "noticed", true),
    ];
    for (mechanism, reason, is_allowed) in table {
        let silent = ask(mechanism, &[], Personalization);
        assert_eq!((silent.reason.as_str(), silent.is_allowed), (reason, is_allowed));
        let granted = ask(mechanism, std::slice::from_ref(&yes), Personalization);
        assert_eq!(granted, Decision::yes(Reason::Granted));
        let denied = ask(mechanism, std::slice::from_ref(&no), Personalization);
        assert_eq!(denied, Decision::no(Reason::Denied));
        // A choice for one purpose says nothing of another.
        let other = ask(mechanism, std::slice::from_ref(&yes), Purpose::Marketing);
        assert_eq!(other.is_allowed, is_allowed);
        assert!(ask(mechanism, std::slice::from_ref(&no), Purpose::Essential).is_allowed);
    }
}

#[test]
fn the_latest_choice_of_an_id_and_the_strictest_id_count() {
    let purpose = Purpose::ModelTraining;
    let mut choices = said(purpose, choice(true, 5));
    choices.say(purpose, choice(false, 4));
    assert!(!choices.is_denied(purpose), "an older no came late");
    choices.say(purpose, choice(false, 5));
    assert!(choices.is_denied(purpose), "of one moment the last one counts");
    let other = said(purpose, choice(true, 9));
    let both = ask(Mechanism::OptOut, &[other, choices], purpose);
    assert_eq!(both, Decision::no(Reason::Denied));
}

#[test]
fn a_signal_wins_over_a_yes_for_its_own_purposes() {
    let yes = [said(Purpose::Marketing, choice(true, 1))];
    let signals = Purposes::NONE.with(Purpose::Marketing);
    let regime = Regime::all(Mechanism::OptOut);
    let ask = |purpose| decide(&regime, yes.iter(), (purpose, signals));
    assert_eq!(ask(Purpose::Marketing), Decision::no(Reason::Signal));
    assert!(ask(Purpose::Analytics).is_allowed);
    let all = decide(&regime, yes.iter(), (Purpose::Essential, Purposes::ALL));
    assert!(all.is_allowed, "no signal stops what the person asked for");
}

#[test]
fn an_outdated_yes_is_silence_and_an_outdated_no_is_a_no() {
    let purpose = Purpose::Personalization;
    let old = |is_granted| Choice { is_outdated: true, ..choice(is_granted, 1) };
    let yes = [said(purpose, old(true))];
    assert_eq!(ask(Mechanism::OptIn, &yes, purpose), Decision::no(Reason::AskAgain));
    assert_eq!(ask(Mechanism::OptOut, &yes, purpose), Decision::yes(Reason::NotOptedOut));
    let no = [said(purpose, old(false))];
    assert_eq!(ask(Mechanism::OptOut, &no, purpose), Decision::no(Reason::Denied));
}

#[test]
fn versions_that_ask_again() {
    let notice = |version: &str, asks_again| Notice { version: version.to_owned(), asks_again };
    let notices = Notices::new(vec![notice("1", false), notice("2", true), notice("3", false)]);
    assert_eq!(notices.current(), Some("3"));
    let outdated: Vec<bool> =
        [None, Some("0"), Some("1"), Some("2"), Some("3")].map(|v| notices.is_outdated(v)).into();
    assert_eq!(outdated, [true, true, true, false, false]);
    assert!(!Notices::default().is_outdated(None));
}

/// What each stated basis covers, written by hand: opt-in and opt-out, by purpose.
#[test]
fn what_a_stated_basis_covers() {
    let table = [
        (LegalBasis::Consent, "eparm", "eparm"),
        (LegalBasis::Contract, "e", "e"),
        (LegalBasis::LegitimateInterest, "eam", "eam"),
        (LegalBasis::OptOutNotice, "e", "eparm"),
    ];
    let letters = "eparm";
    for (basis, opt_in, opt_out) in table {
        for (mechanism, expected) in [(Mechanism::OptIn, opt_in), (Mechanism::OptOut, opt_out)] {
            let covered: String = Purpose::ALL
                .into_iter()
                .zip(["e", "p", "a", "r", "m"])
                .filter(|(purpose, _)| covers(basis, (*purpose, mechanism)))
                .map(|(_, letter)| letter)
                .collect();
            assert_eq!(covered, expected, "{basis:?} {mechanism:?} of {letters}");
        }
        let no = Choices { basis: Some(basis), ..said(Purpose::Analytics, choice(false, 1)) };
        let denied = ask(Mechanism::OptOut, &[no], Purpose::Analytics);
        assert_eq!(denied, Decision::no(Reason::Denied), "no statement outweighs a no");
    }
}

#[test]
fn jurisdictions_and_what_silence_means_there() {
    for name in ["eu", "EEA", "uk", "GB", "ch", "de", "NO"] {
        assert_eq!(mechanism_of(name), Some(Mechanism::OptIn), "{name}");
    }
    for name in ["us", "US-CA", "us-ny"] {
        assert_eq!(mechanism_of(name), Some(Mechanism::OptOut), "{name}");
    }
    for name in ["", "us-", "us-cal", "atlantis"] {
        assert_eq!(mechanism_of(name), None, "{name}");
    }
}
