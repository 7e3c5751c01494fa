//! What is empty, stale or odd, and what to do about it.

use souk_core::Timestamp;

use crate::config::WebhookKind;
use crate::{App, AppError, Caller, FeedOutcome, Readiness};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// All is well.
    Fine,
    /// Worth knowing.
    Notice,
    /// Something does not work.
    Trouble,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found, and the remedy.
    pub detail: String,
}

const DAY_MS: i64 = 86_400_000;
/// Milliseconds after which a feed that did not run counts as forgotten; chosen.
const OVERDUE_MS: i64 = 3_600_000;
/// Days without an event after which the data counts as stale; chosen: shops close on a Sunday.
const STALE_DAYS: i64 = 2;
/// People with whom a holdout could tell something within some months (chosen: a twentieth of them is a
/// group of two hundred and fifty).
const MEASURABLE_PEOPLE: usize = 5_000;
/// Records that the views may be behind without it being worth a word.
const LAG_MAX: u64 = 50_000;

impl App {
    /// Looks at everything that makes answers empty or old.
    ///
    /// # Errors
    ///
    /// As the log.
    pub async fn examine(&self) -> Result<Vec<Finding>, AppError> {
        let mut findings = Vec::new();
        let mut find = |weight, subject, detail: String| {
            findings.push(Finding { weight, subject, detail });
        };
        match self.readiness() {
            Readiness::Ready => find(Weight::Fine, "views", "complete".to_owned()),
            Readiness::Starting { folded } => {
                find(Weight::Notice, "views", format!("still starting; {folded} records read"));
            }
            Readiness::Failed(why) => find(Weight::Trouble, "views", why),
        }
        let status = self.parts.log.status().await?;
        let bytes = status.bytes as f64 / 1e6;
        if status.records == 0 {
            let remedy = "empty; send events to /v1/batch or run `souk import FILE…`";
            find(Weight::Trouble, "log", remedy.to_owned());
        } else {
            let (records, archived) = (status.records, status.archived_records);
            let detail = format!("{records} records in {bytes:.1} MB, {archived} of them archived");
            find(Weight::Fine, "log", detail);
        }
        let lag = self.lag().await?;
        if lag.records > LAG_MAX {
            let detail =
                format!("{} records behind the log; answers miss what is newer", lag.records);
            find(Weight::Notice, "views", detail);
        }
        for (weight, subject, detail) in self.look_at_views() {
            find(weight, subject, detail);
        }
        for finding in self.look_at_rules().await {
            find(finding.weight, finding.subject, finding.detail);
        }
        for alarm in self.feed_alarms() {
            // Two sites may share a place.
            let site = match alarm.site == self.config.main_site() {
                true => String::new(),
                false => format!(" (site `{}`)", alarm.site),
            };
            let detail = format!(
                "`{}` of `{}`{site} is {}: {}",
                alarm.feed,
                alarm.location,
                alarm.word(),
                alarm.text
            );
            find(Weight::Trouble, "feeds", detail);
        }
        let overdue = self.overdue_orders(|_| true);
        if let Some(first) = overdue.first() {
            let more = match overdue.len() - 1 {
                0 => String::new(),
                n => format!("; and {n} more"),
            };
            find(Weight::Notice, "orders", format!("{first}{more}"));
        }
        if self.known_keys().await?.is_empty() {
            let remedy = "there are none; make one with `souk keys create --role ROLE`";
            find(Weight::Notice, "keys", remedy.to_owned());
        }
        if self.rules.place(&self.config.main_site()).jurisdiction.is_none() {
            let detail = "no jurisdiction is set, so nothing personal is used before a yes; set \
                          `privacy.default_jurisdiction`, for example us";
            find(Weight::Notice, "privacy", detail.to_owned());
        }
        if let Err(error) = self.compare_with_published().await {
            find(Weight::Trouble, "audit", format!("its published heads cannot be read: {error}"));
        }
        if let Some(detail) = self.audit_difference() {
            find(
                Weight::Trouble,
                "audit",
                format!("{detail}; run `souk audit verify --heads FILE`"),
            );
        } else if self.config.audit.heads_file.is_none()
            && !self.door.outbox.wants(WebhookKind::AuditHead)
        {
            let detail = "its heads are published nowhere, so whoever owns this machine could rewrite \
                          it unseen; set `audit.heads_file`, or a webhook of kind `audit_head`";
            find(Weight::Notice, "audit", detail.to_owned());
        }
        for notice in self.config.check() {
            find(Weight::Notice, "settings", format!("{}: {}", notice.setting, notice.detail));
        }
        self.examine_webhooks(&mut findings).await?;
        self.examine_feeds(&mut findings).await?;
        Ok(findings)
    }

    /// Feeds of the catalogue that failed, were refused, or did not run.
    async fn examine_feeds(&self, findings: &mut Vec<Finding>) -> Result<(), AppError> {
        for state in self.feed_states(&Caller::local_admin()).await? {
            let name = &state.name;
            let good = state.good_at.map_or("never".to_owned(), |at| at.to_string());
            let Some(last) = state.last else {
                let detail = format!("`{name}` has not run yet; a server runs it");
                findings.push(Finding { weight: Weight::Notice, subject: "feeds", detail });
                continue;
            };
            let why = match (last.outcome, &last.error, &last.run) {
                (FeedOutcome::Failed, Some(error), _) => error.clone(),
                (FeedOutcome::Refused, _, Some(run)) => run.notes.join("; "),
                _ if state.next_at.plus_ms(OVERDUE_MS) < self.clock.now() => {
                    format!("was due at {}; is a server running?", state.next_at)
                }
                _ => {
                    let detail = format!("`{name}` is good since {good}");
                    findings.push(Finding { weight: Weight::Fine, subject: "feeds", detail });
                    continue;
                }
            };
            let detail = format!("`{name}` {}, last good: {good}: {why}", last.outcome.as_str());
            findings.push(Finding { weight: Weight::Trouble, subject: "feeds", detail });
        }
        Ok(())
    }

    /// Messages to other systems that were given up, or that wait because their receiver fails.
    async fn examine_webhooks(&self, findings: &mut Vec<Finding>) -> Result<(), AppError> {
        for state in self.webhook_states().await? {
            let name = &state.endpoint;
            let why =
                state.last_error.map_or(String::new(), |why| format!("; the last one: {why}"));
            if state.unreadable > 0 {
                let detail = format!(
                    "{} messages to `{name}` cannot be read and were set aside, so it does not hear of \
                     them; `souk privacy webhooks` names them",
                    state.unreadable
                );
                findings.push(Finding { weight: Weight::Trouble, subject: "webhooks", detail });
            }
            let (weight, detail) = match (state.dead, state.pending) {
                (0, 0) => continue,
                (0, n) => (Weight::Notice, format!("{n} messages wait for `{name}`{why}")),
                (n, _) => {
                    let detail = format!(
                        "{n} messages to `{name}` were given up{why}; look with `souk privacy \
                         webhooks`, mend it, then send them again with `--resend all`"
                    );
                    (Weight::Trouble, detail)
                }
            };
            findings.push(Finding { weight, subject: "webhooks", detail });
        }
        Ok(())
    }

    fn look_at_views(&self) -> Vec<(Weight, &'static str, String)> {
        let views = self.views.read();
        let sizes = views.sizes();
        let mut found = Vec::new();
        let catalogue = &views.catalogue;
        let sites: Vec<_> = catalogue.sites().cloned().collect();
        let known = sites.iter().flat_map(|site| catalogue.iter_site(site));
        let n_servable = known.filter(|item| catalogue.is_servable(*item, None)).count();
        let n_foreign = sizes.items.saturating_sub(sizes.products);
        found.push(match (sizes.products, n_servable) {
            (0, _) => {
                let remedy = "no products: nothing can be recommended; PUT /v1/products or `souk \
                              import products.csv`";
                (Weight::Trouble, "catalogue", remedy.to_owned())
            }
            (n, 0) => {
                let detail = format!("{n} products, none of them in stock and sellable");
                (Weight::Trouble, "catalogue", detail)
            }
            (n, servable) => {
                let detail = format!("{n} products, {servable} of them can be recommended");
                (Weight::Fine, "catalogue", detail)
            }
        });
        if n_foreign > 0 {
            let detail = format!(
                "{n_foreign} products were removed, or events alone name them: what is known of \
                 them is kept, and they are not recommended"
            );
            found.push((Weight::Notice, "catalogue", detail));
        }
        let people_min = self.config.privacy.statistics.people_min;
        let shoppers = if (1..people_min).contains(&(sizes.subjects as u64)) {
            format!("fewer than {people_min} subjects")
        } else {
            format!("{} subjects, {} orders, {} visits", sizes.subjects, sizes.orders, sizes.visits)
        };
        let weight = if sizes.subjects == 0 { Weight::Notice } else { Weight::Fine };
        found.push((weight, "shoppers", shoppers));
        if sizes.shared_browsers as u64 >= people_min {
            let detail = format!(
                "in {} browsers several users were identified; what was done in them before a login counts for none of \
                 these users",
                sizes.shared_browsers
            );
            found.push((Weight::Fine, "shoppers", detail));
        }
        found.extend(self.kept_out(&sizes));
        if self.config.holdout.share <= 0.0 && views.n_measured() >= MEASURABLE_PEOPLE {
            let detail = "everybody gets personal answers, so nobody knows what they bring; set \
                          `holdout.share` to 0.05 (docs/measuring.md)";
            found.push((Weight::Notice, "holdout", detail.to_owned()));
        }
        found.extend(staleness(views.now_seen, self.clock.now()));
        found
    }
}

impl App {
    /// What is kept and not learned from.
    fn kept_out(&self, sizes: &crate::ViewSizes) -> Option<(Weight, &'static str, String)> {
        let counts = self.ingest_counts();
        let all = [
            (counts.crawlers, "events of crawlers since the start"),
            (counts.staff, "events of the shop's own people since the start"),
            (sizes.floods as u64, "visitors who look at more products than a shopper can"),
            (sizes.bulk_orders as u64, "bulk orders and orders of the shop's own people"),
        ];
        let shown = all.iter().filter(|(count, _)| *count > 0);
        let mut some: Vec<String> = shown.map(|(count, what)| format!("{count} {what}")).collect();
        // How many they are is said once it tells nothing of one of them.
        let people_min = self.config.privacy.statistics.people_min;
        match sizes.staff as u64 {
            0 => {}
            count if count < people_min => {
                some.push(format!("fewer than {people_min} ids of the shop's own people"));
            }
            count => some.push(format!("{count} ids of the shop's own people")),
        }
        if some.is_empty() {
            return None;
        }
        let detail = format!(
            "kept and not learned from: {}; where that is too much, change `learning` in souk.yaml",
            some.join(", ")
        );
        Some((Weight::Notice, "learning", detail))
    }
}

fn staleness(newest: Timestamp, now: Timestamp) -> Option<(Weight, &'static str, String)> {
    let days = now.ms_since(newest) / DAY_MS;
    (newest > Timestamp::EPOCH && days >= STALE_DAYS).then(|| {
        let detail = format!(
            "the newest event is {days} days old ({newest}): trends and recency stand still; is the \
             sender still running?"
        );
        (Weight::Notice, "events", detail)
    })
}
