use super::*;

fn counted(count: u64) -> Counted {
    Counted::many(AuditOperation::Ingest, count)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_040_000 + seconds * 1_000).unwrap()
}

fn names() -> Hmac<Sha256> {
    Hmac::new_from_slice(&[3; 32]).unwrap()
}

#[test]
fn a_minute_is_one_entry_for_each_key_and_kind() {
    let sheet = TallySheet::default();
    let (names, one, two) = (names(), Caller::new("one", Role::IngestServer), privacy());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    sheet.add(&one, counted(2), (&names, at(5)));
                    sheet.add(&two, Counted::denied(), (&names, at(59)));
                }
            });
        }
    });
    sheet.add(&one, counted(1), (&names, at(60)));
    // The running minute stays.
    let entries = sheet.take(Some(at(61)));
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (&*entry.who, &*entry.operation, entry.outcome, entry.tally.unwrap().count))
        .collect();
    assert_eq!(
        told,
        [
            ("91f2a6c4d0e8", "access.denied", Outcome::Denied, 8_000),
            ("one", "ingest", Outcome::Done, 16_000)
        ]
    );
    assert_eq!(entries[0].at, at(0));
    assert_eq!(sheet.take(Some(at(61))), []);
    // What could not be written is counted on.
    sheet.put_back(&entries);
    sheet.add(&one, counted(4), (&names, at(7)));
    let again = sheet.take(None);
    assert_eq!(again.iter().map(|entry| entry.tally.unwrap().count).sum::<u64>(), 24_005);
    assert_eq!(again.len(), 3);
}

/// Whoever tries the same again and again is one line; whoever tries many doors is many.
#[test]
fn refusals_are_counted_by_route() {
    let sheet = TallySheet::default();
    let names = names();
    let at_door = |route: &str| Caller { route: Some(Arc::from(route)), ..privacy() };
    let (one, two) = (at_door("/v1/keys"), at_door("/v1/subjects/:id/export"));
    for n in 0..500 {
        sheet.add(&one, Counted::denied(), (&names, at(n % 60)));
        sheet.add(&two, Counted::denied(), (&names, at(3)));
        sheet.add(if n % 2 == 0 { &one } else { &two }, counted(1), (&names, at(3)));
    }
    let entries = sheet.take(None);
    let told = |entries: &[AuditEntry]| -> Vec<(String, u64)> {
        let route = |entry: &AuditEntry| entry.details.get("route").cloned().unwrap_or_default();
        entries.iter().map(|entry| (route(entry), entry.tally.unwrap().count)).collect()
    };
    let expected = [
        (String::new(), 500),
        ("/v1/keys".to_owned(), 500),
        ("/v1/subjects/:id/export".to_owned(), 500),
    ];
    let mut found = told(&entries);
    found.sort();
    assert_eq!(found, expected);
    assert!(entries.iter().all(|entry| entry.to_bytes().is_ok()), "the log takes routes");
    sheet.put_back(&entries);
    let mut again = told(&sheet.take(None));
    again.sort();
    assert_eq!(again, expected);
}

#[test]
fn the_digest_of_subjects_depends_on_who_and_when_and_not_on_the_order() {
    let (names, caller) = (names(), privacy());
    let digest = |subjects: &[u8], seconds: i64, names: &Hmac<Sha256>| {
        let sheet = TallySheet::default();
        for subject in subjects {
            let what = Counted::of_subject(AuditOperation::Recommend, SubjectId([*subject; 16]));
            sheet.add(&caller, what, (names, at(seconds)));
        }
        let [entry] = &sheet.take(None)[..] else { panic!("one minute, one entry") };
        entry.tally.unwrap().subjects.unwrap()
    };
    assert_eq!(digest(&[1, 2, 3], 0, &names), digest(&[3, 1, 2], 30, &names));
    assert_ne!(digest(&[1, 2], 0, &names), digest(&[1, 3], 0, &names));
    assert_ne!(digest(&[1], 0, &names), digest(&[1, 1], 0, &names));
    assert_ne!(digest(&[1], 0, &names), digest(&[1], 60, &names), "minutes cannot be compared");
    let other = Hmac::new_from_slice(&[4; 32]).unwrap();
    assert_ne!(digest(&[1], 0, &names), digest(&[1], 0, &other));
}

#[test]
fn what_cannot_be_written_does_not_grow_for_ever() {
    let sheet = TallySheet::default();
    let names = names();
    for number in 0..20_000 {
        sheet.add(&Caller::new(format!("k{number}"), Role::Analyst), counted(1), (&names, at(0)));
    }
    let entries = sheet.take(None);
    assert!(entries.len() <= 4_097, "{}", entries.len());
    assert_eq!(entries.iter().map(|entry| entry.tally.unwrap().count).sum::<u64>(), 20_000);
    assert!(entries.iter().any(|entry| entry.who == "many"));
}

#[tokio::test]
async fn what_was_counted_is_written_at_the_end() {
    let desk = Desk::new();
    let open = desk.open().await;
    let subject = SubjectId([9; 16]);
    for _ in 0..3 {
        open.app.tally(&privacy(), Counted::of_subject(AuditOperation::Recommend, subject));
    }
    open.app.tally_denied(&privacy());
    open.close().await;
    let open = desk.open().await;
    let filter = AuditFilter { operation: Some("recommend".to_owned()), ..Default::default() };
    let page = open.app.audit_entries(&privacy(), &filter, (None, 10)).await.unwrap();
    let total: u64 = page.items.iter().map(|item| item.entry.tally.unwrap().count).sum();
    assert_eq!(total, 3);
    assert!(page.items.iter().all(|item| item.entry.purpose == "personalization"));
    assert!(page.items.iter().all(|item| !item.leaf.contains("0909")));
    open.close().await;
    assert_eq!(desk.check().await.problems, []);
}
