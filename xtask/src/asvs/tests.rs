use super::{SECTIONS, check_names, check_rows, has_test, items_of};

/// ASVS 5.0.0 counts 70, 183 and 92 items of levels 1, 2 and 3.
#[test]
fn the_numbers_of_items_are_those_of_the_standard() {
    let of_level = |level: char| {
        SECTIONS.iter().flat_map(|(_, levels)| levels.chars()).filter(move |l| *l == level)
    };
    assert_eq!(['1', '2', '3'].map(|level| of_level(level).count()), [70, 183, 92]);
    assert_eq!(items_of("v5.0.0-*").len(), 253);
}

#[test]
fn an_id_means_one_item_a_section_or_a_chapter() {
    assert_eq!(items_of("v5.0.0-1.2.3").len(), 1);
    assert_eq!(items_of("v5.0.0-1.2.10").len(), 0, "of level 3");
    assert_eq!(items_of("v5.0.0-1.2.*").len(), 9);
    assert_eq!(items_of("v5.0.0-1.*").len(), 27, "not those of chapters 10 to 17");
    assert_eq!(items_of("1.2.3").len(), 0);
}

#[test]
fn a_dead_name_is_found() {
    let root = crate::root();
    let found = |text: &str| check_names(&root, "x.md", text);
    let own = "xtask/src/asvs/tests.rs";
    assert!(found(&format!("`{own}::a_dead_name_is_found` `{own}` `GET /v1/x` `fn`")).is_empty());
    assert_eq!(
        found(&format!("\n`{own}::no_such_test`")),
        [format!("x.md:2: {own} has no test no_such_test")]
    );
    assert_eq!(
        found("`xtask/src/none.rs::x`, `docs/none.md`"),
        [
            "x.md:1 names xtask/src/none.rs, which does not exist",
            "x.md:1 names docs/none.md, which does not exist"
        ]
    );
}

#[test]
fn only_what_runs_as_a_test_is_one() {
    // The first line of many test files looks like that of a script.
    let code = "#![allow(clippy::unwrap_used)]\n#[test]\n/// Says it.\n#[rustfmt::skip]\nfn real() {}\n\
                fn plain() {}\n#[tokio::test]\nasync fn late() {}\nfn real_not() {}\n";
    assert!(has_test(code, "real"));
    assert!(has_test(code, "late"));
    assert!(!has_test(code, "plain"));
    assert!(!has_test(code, "rea"));
    assert!(has_test("#!/bin/sh\nall_arrived() {\n", "all_arrived"));
    assert!(!has_test("#!/bin/sh\nall_arrived\n", "all_arrived"));
}

#[test]
fn a_missing_a_double_and_an_empty_row_are_found() {
    let mut rows: Vec<String> = items_of("v5.0.0-*")
        .iter()
        .map(|item| format!("| v5.0.0-{item} | what | design | because it is so |"))
        .collect();
    assert_eq!(check_rows(&rows.join("\n")), [] as [&str; 0]);
    let kept = rows.remove(0);
    assert_eq!(
        check_rows(&rows.join("\n")),
        ["docs/security/asvs.md does not answer v5.0.0-1.1.1"]
    );
    rows.extend([kept.clone(), kept.clone()]);
    assert!(check_rows(&rows.join("\n"))[0].ends_with("answers v5.0.0-1.1.1 2 times"));
    rows.truncate(rows.len() - 2);
    for (bad, why) in [
        (kept.replace("design", "fine"), "verdict"),
        (kept.replace("design", "test"), "names no test"),
        (kept.replace("because it is so", "yes"), "no evidence"),
        (kept.replace(" | what", ""), "cells"),
    ] {
        let mut rows = rows.clone();
        rows.push(bad);
        assert!(check_rows(&rows.join("\n"))[0].contains(why), "{why}");
    }
}
