//! What the counts mean: findings with a remedy each, and what every part of Souk can do with them.

use souk_core::{Currency, LegalBasis, ProductId, Purpose, Purposes, Timestamp};
use souk_privacy::consent::{Choices, decide};

use super::{PartReady, ReadinessReport, Sufficiency};
use crate::consent::Place;
use crate::{Finding, Weight};

/// Kinds of events that a finding names.
const NAMED_MAX: usize = 5;
const DAY_MS: i64 = 86_400_000;
/// Days that popularity looks back on.
const POPULAR_DAYS: i64 = 28;
/// Orders of several products from which pairs show; chosen: a pair in one order of a hundred is then seen
/// ten times.
const PAIRS_ENOUGH: u64 = 1_000;
/// People with habits from which others' habits can be told; chosen.
const BUYERS_ENOUGH: u64 = 200;
/// People whose visits teach what belongs together; chosen.
const VISITORS_ENOUGH: u64 = 1_000;
/// Days of sales that hold every season once.
const SEASONS_DAYS: u64 = 365;

/// Fills in findings and parts.
pub(super) fn advise(
    readiness: &mut ReadinessReport,
    currency: Currency,
    (negative, newest, now): (&[&str], Option<Timestamp>, Timestamp),
) {
    let mut findings = Vec::new();
    of_currencies(readiness, currency, &mut findings);
    of_products(readiness, negative, &mut findings);
    of_orders(readiness, &mut findings);
    of_events(readiness, &mut findings);
    of_people(readiness, &mut findings);
    of_files(readiness, &mut findings);
    let age_days = newest.map(|newest| now.ms_since(newest).div_euclid(DAY_MS));
    if let Some(days) = age_days.filter(|days| *days > 2) {
        let detail = format!(
            "the newest fact is {days} days old: trends and recency begin with the live events; connect \
             the shop before the export is older still"
        );
        findings.push(Finding { weight: Weight::Notice, subject: "freshness", detail });
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    readiness.findings = findings;
    readiness.parts = parts(readiness, age_days);
}

fn notice(findings: &mut Vec<Finding>, count: u64, subject: &'static str, detail: String) {
    if count > 0 {
        findings.push(Finding { weight: Weight::Notice, subject, detail });
    }
}

/// Amounts in two currencies are never added up, so those in another one than the site's count for nothing.
fn of_currencies(readiness: &ReadinessReport, currency: Currency, findings: &mut Vec<Finding>) {
    let (products, orders) = (&readiness.products, &readiness.orders);
    let told = [
        (&orders.foreign_lines, orders.lines, "order lines have amounts", "what was spent"),
        (&products.foreign_prices, products.count, "products have prices", "filters by price"),
    ];
    for (foreign, all, what, lost) in told {
        let n: u64 = foreign.values().sum();
        if n == 0 {
            continue;
        }
        let named: Vec<&str> = foreign.keys().map(String::as_str).collect();
        let detail = format!(
            "{n} of {all} {what} in {}, and the site's currency is {currency}: they do not count for {lost}; set \
             `currency` of the site in souk.yaml to it, or import them to a site that has it",
            named.join(", ")
        );
        findings.push(Finding { weight: Weight::Trouble, subject: "currency", detail });
    }
}

fn of_products(readiness: &ReadinessReport, negative: &[&str], findings: &mut Vec<Finding>) {
    let read = &readiness.products;
    let mut note = |count: u64, detail: String| notice(findings, count, "products", detail);
    note(
        read.without_price,
        format!(
            "{} of {} products have no price: filters by price pass them over; fill it in",
            read.without_price, read.count
        ),
    );
    note(
        read.of_events,
        format!(
            "{} of {} products are known from events alone (title, brand, category and price, as they were \
             measured; `taken_from` is `events`): import the shop's own catalogue, which takes their place",
            read.of_events, read.count
        ),
    );
    note(
        read.negative_stock,
        format!(
            "{} products have a stock below 0 ({}): count them and correct the number, or the shop \
             oversells",
            read.negative_stock,
            negative.join(", ")
        ),
    );
    note(
        read.without_category,
        format!(
            "{} of {} products are in no category: similar products and reasons by kind need one",
            read.without_category, read.count
        ),
    );
    note(
        read.without_title,
        format!(
            "{} products have no title, so their id serves: send titles with PUT /v1/products",
            read.without_title
        ),
    );
    note(
        read.twice,
        format!("{} products are named twice or more; the last one holds", read.twice),
    );
    note(
        read.not_sellable,
        format!(
            "{} of {} products cannot be sold now (out of stock, hidden or discontinued) and are not \
             recommended until they can",
            read.not_sellable, read.count
        ),
    );
}

fn of_orders(readiness: &ReadinessReport, findings: &mut Vec<Finding>) {
    let read = &readiness.orders;
    let mut note = |count: u64, detail: String| notice(findings, count, "orders", detail);
    let named: Vec<&str> = read.unknown_named.iter().map(ProductId::as_str).collect();
    note(
        read.unknown_products,
        format!(
            "{} sold products have no row in the catalogue ({}): they are kept in the history and not \
             recommended; import them too, also those that are no longer sold",
            read.unknown_products,
            named.join(", ")
        ),
    );
    if let Some((first, last)) = read.longest_gap {
        note(
            read.days_without_sales,
            format!(
                "nothing was sold on {} days, the longest time from {first} to {last}: was the shop \
                 closed, or is a part of the export missing?",
                read.days_without_sales
            ),
        );
    }
    note(
        read.twice,
        format!("{} orders are in the files twice or more; each counts once", read.twice),
    );
    note(
        read.lines_without_price,
        format!(
            "{} of {} order lines cost nothing: gifts and samples, or a price that is missing",
            read.lines_without_price, read.lines
        ),
    );
    note(
        read.without_person,
        format!(
            "{} of {} orders name nobody: they count for demand, and teach no habits",
            read.without_person, read.count
        ),
    );
    let weight = Weight::Trouble;
    if read.count == 0 && read.cancelled + read.refunds > 0 {
        let detail =
            "there are cancellations and refunds and no order with products: export the order \
                      items too"
                .to_owned();
        findings.push(Finding { weight, subject: "orders", detail });
    }
}

fn of_events(readiness: &ReadinessReport, findings: &mut Vec<Finding>) {
    let read = &readiness.events;
    let count: u64 = read.unknown_kinds.values().sum();
    if count == 0 {
        return;
    }
    let mut kinds: Vec<(&String, &u64)> = read.unknown_kinds.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let named: Vec<String> =
        kinds.iter().take(NAMED_MAX).map(|(name, count)| format!("`{name}` {count}")).collect();
    // A tenth is no slip of a few rows.
    let weight = if count * 10 > read.count { Weight::Trouble } else { Weight::Notice };
    let detail = format!(
        "{count} of {} events are of kinds that have no meaning here ({}): they are kept by their name, and \
         teach nothing; if one of them is a purchase or a look, rename it in the file to `purchase` or `view`",
        read.count,
        named.join(", ")
    );
    findings.push(Finding { weight, subject: "events", detail });
}

fn of_people(readiness: &ReadinessReport, findings: &mut Vec<Finding>) {
    let read = &readiness.people;
    let no = read.said_no_to_marketing;
    notice(
        findings,
        no,
        "people",
        format!(
            "{no} people said no to marketing: they get no such messages, and recommendations in the \
             shop are another purpose"
        ),
    );
    if read.active > 0 && read.with_two_orders == 0 && readiness.orders.count > 0 {
        let detail =
            "nobody has two orders: is a longer export to be had, or do the orders name people \
                      differently each time?"
                .to_owned();
        findings.push(Finding { weight: Weight::Notice, subject: "people", detail });
    }
}

/// What people who said nothing are not used for, as the basis that is stated and the law of the site have it.
pub(super) fn of_consent(
    (place, basis): (&Place, Option<LegalBasis>),
    active: u64,
) -> Option<Finding> {
    let mut choices = Choices::default();
    choices.basis = basis;
    let is_used = |purpose: Purpose| {
        decide(&place.regime, std::iter::once(&choices), (purpose, Purposes::NONE)).is_allowed
    };
    let lost = match (is_used(Purpose::Personalization), is_used(Purpose::ModelTraining)) {
        _ if active == 0 => return None,
        (true, true) => return None,
        (false, false) => "they see what strangers see, and teach nothing",
        (false, true) => "they see what strangers see",
        (true, false) => "they teach nothing",
    };
    let stated = match basis {
        Some(basis) => format!("the stated basis `{}`", basis.as_str()),
        None => "no stated basis".to_owned(),
    };
    let law = match &place.jurisdiction {
        Some(name) => format!("the jurisdiction `{name}`"),
        None => "no `privacy.default_jurisdiction` (so a yes is needed)".to_owned(),
    };
    let detail = format!(
        "of {active} people those who said nothing are not used for everything: {lost}, with {stated} and \
         {law}; import what they said with `--kind consents`, or state with `--consent-basis` what is true of \
         them: `consent` where they agreed, `opt_out_notice` where the law lets silence count"
    );
    Some(Finding { weight: Weight::Trouble, subject: "consent", detail })
}

fn of_files(readiness: &ReadinessReport, findings: &mut Vec<Finding>) {
    for file in readiness.files.iter().filter(|file| file.facts == 0) {
        let path = file.path.display();
        let detail = match (file.passed_over.iter().next(), file.rejected.iter().next()) {
            (Some((why, _)), _) => format!("{path}: nothing was taken: {why}"),
            (_, Some((why, _))) => format!("{path}: nothing was taken: {why}"),
            _ => format!("{path}: has no rows"),
        };
        findings.push(Finding { weight: Weight::Trouble, subject: "files", detail });
    }
    for file in readiness.files.iter().filter(|file| file.n_rejected() > 0) {
        let n_rejected = file.n_rejected();
        // A tenth is no slip of a few rows.
        let weight = match n_rejected * 10 > file.facts {
            true => Weight::Trouble,
            false => Weight::Notice,
        };
        let path = file.path.display();
        let most = file.rejected.iter().max_by_key(|(_, count)| **count);
        let most = most.map_or(String::new(), |(why, count)| format!(", most ({count}): {why}"));
        let detail = format!("{path}: {n_rejected} rows were left out{most}");
        findings.push(Finding { weight, subject: "files", detail });
    }
}

fn verdict(count: u64, enough: u64) -> Sufficiency {
    match count {
        0 => Sufficiency::Missing,
        count if count < enough => Sufficiency::Thin,
        _ => Sufficiency::Ready,
    }
}

/// What each part of Souk can do with it.
fn parts(readiness: &ReadinessReport, age_days: Option<i64>) -> Vec<PartReady> {
    let ReadinessReport { products, orders, events, people, .. } = readiness;
    let is_within = |days: i64| age_days.is_some_and(|age| age <= days);
    // What no product of the catalogue stands behind can be counted, and not shown.
    let recent = |days: i64| match (products.wanted, is_within(days)) {
        (0, _) => Sufficiency::Missing,
        (_, false) => Sufficiency::Thin,
        (_, true) => Sufficiency::Ready,
    };
    let acts = format!(
        "{} orders and {} events about {} products of the catalogue, of which one is enough",
        orders.count, events.count, products.wanted
    );
    let part = |part, verdict, detail| PartReady { part, verdict, detail };
    let days = match (orders.first_day, orders.last_day) {
        (Some(first), Some(last)) => u64::try_from(last.number() - first.number() + 1).unwrap_or(0),
        _ => 0,
    };
    let described_enough = products.count.clamp(1, 100);
    let described = products.count - products.without_category.min(products.count);
    vec![
        part(
            "popular",
            recent(POPULAR_DAYS),
            format!(
                "{acts}; looks back {POPULAR_DAYS} days: older sales show nothing of today's demand"
            ),
        ),
        part(
            "trending",
            recent(2),
            format!(
                "{acts}; compares the last two days with those before: live events fill it within days"
            ),
        ),
        part(
            "bought_together",
            verdict(orders.with_several_products, PAIRS_ENOUGH),
            format!(
                "{} orders hold several products; from {PAIRS_ENOUGH} on pairs stand out",
                orders.with_several_products
            ),
        ),
        part(
            "next_basket",
            verdict(people.with_two_orders, BUYERS_ENOUGH),
            format!(
                "{} people bought twice or more, {} five times or more; habits show from two orders on, and \
                 {BUYERS_ENOUGH} such people are enough",
                people.with_two_orders, people.with_five_orders
            ),
        ),
        part(
            "for_you",
            verdict(people.with_two_orders.max(people.with_views), BUYERS_ENOUGH),
            format!(
                "{} people with several orders or products looked at, from whom a model of the shop's own is \
                 learned; {BUYERS_ENOUGH} are enough",
                people.with_two_orders.max(people.with_views)
            ),
        ),
        part(
            "session",
            verdict(people.with_views, VISITORS_ENOUGH),
            format!(
                "{} people looked at more than one product; from {VISITORS_ENOUGH} on visits tell what goes on",
                people.with_views
            ),
        ),
        part(
            "similar",
            verdict(described.max(people.with_views.min(products.wanted)), described_enough),
            format!(
                "{described} of {} products are in a category, and {} people looked at more than one product; \
                 {described_enough} of either are enough",
                products.count, people.with_views
            ),
        ),
        part(
            "new",
            verdict(products.count, 1),
            format!("{} products; one is enough", products.count),
        ),
        part(
            "forecasts",
            verdict(days, SEASONS_DAYS),
            format!("{days} days of sales; a year ({SEASONS_DAYS}) holds every season once"),
        ),
    ]
}
