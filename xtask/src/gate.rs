//! Nobody reads what is known of persons past the gate in `projections/gate.rs`.
//!
//! The compiler keeps the personal folds private to their folder. This check keeps the words out that
//! could open another way: making a shopper's number by hand to look it up in what all make together,
//! reading the log itself, or the accessor that is for tests.

/// Where the gate stands; files in it may say everything.
const INSIDE: &str = "crates/souk-app/src/projections";

const FILES_OF_THEIR_OWN: &[&str] = &[
    "crates/souk-app/src/demo.rs",
    "crates/souk/src/commands/evaluate/baskets.rs",
    "crates/souk/src/commands/evaluate/ratings.rs",
];

/// What only the gate, or the files named, may say, and why.
const WORDS: &[(&str, &[&str], &str)] = &[
    (".audit()", &[], "is for tests; ask `for_purpose`"),
    // Sample data and evaluations number the shoppers of their own files.
    ("Shopper(", FILES_OF_THEIR_OWN, "makes a shopper's number by hand; ask `for_purpose`"),
    ("map(Shopper)", FILES_OF_THEIR_OWN, "makes shoppers' numbers by hand; ask `for_purpose`"),
    ("visits_of(", &[], "reads one person's visits; ask `for_purpose`"),
    (".shopper()", &[], "tells whose a visit is; ask `for_purpose`"),
    (
        ".read_subject(",
        &[
            // The copy that a person is owed, whatever they allow.
            "crates/souk-app/src/privacy/copy.rs",
            // Traits of people who allow marketing, which is asked before.
            "crates/souk-app/src/segments/members.rs",
        ],
        "reads a person's records; ask `for_purpose` first, then name the file here",
    ),
    (
        "log.read(",
        &[
            "crates/souk-app/src/export.rs",
            // Whose time is over, and who there is at all.
            "crates/souk-app/src/retention/plan.rs",
        ],
        "reads everybody's records; ask `for_purpose` for each, then name the file here",
    ),
];

/// Crates whose code serves shoppers or people.
const SERVING: &[&str] = &["crates/souk-app/src/", "crates/souk-server/src/", "crates/souk/src/"];

pub(crate) fn check(name: &str, text: &str) -> Vec<String> {
    let is_test =
        name.contains("/tests/") || name.ends_with("tests.rs") || name.ends_with("test_shop.rs");
    if is_test || name.starts_with(INSIDE) || !SERVING.iter().any(|folder| name.starts_with(folder))
    {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (word, allowed, why) in WORDS {
            if code.contains(word) && !allowed.contains(&name) {
                faults.push(format!("{name}:{}: `{word}` {why}", idx + 1));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_way_around_the_gate_is_found_and_tests_may_look() {
        let code = "let mine = views.crowd().visits.visits_of(Shopper(7));\n// Shopper(8)\n";
        let found = check("crates/souk-app/src/report.rs", code);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/souk-app/src/report.rs:1: "), "{found:?}");
        let by_name = "let all = (0..9).map(Shopper);\n";
        assert_eq!(check("crates/souk-app/src/report.rs", by_name).len(), 1);
        assert!(check("crates/souk-app/src/projections/gate.rs", code).is_empty());
        assert!(check("crates/souk-app/src/recommend/tests.rs", code).is_empty());
        assert!(check("crates/souk-recommend/src/visits.rs", code).is_empty());
    }

    #[test]
    fn the_log_is_read_where_it_is_said() {
        let code = "let batch = self.parts.log.read(&cursor, 10).await?;";
        assert!(check("crates/souk-app/src/export.rs", code).is_empty());
        assert_eq!(check("crates/souk-app/src/doctor.rs", code).len(), 1);
    }
}
