//! What the shop's own model proposes that the shopper does not have yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use souk_core::{Purpose, Purposes};
use souk_recommend::sources::BlendScratch;
use souk_recommend::{Item, Shopper};

use super::candidates::{List, Scene};
use super::state::Scratches;
use crate::models::{Fitted, HISTORY_MAX};
use crate::projections::{Touch, Use};
use crate::threads::at_leisure;
use crate::{App, AppError};

mod kept;
#[cfg(test)]
mod tests;

pub(crate) use kept::Discoveries;
use kept::{KEPT_FOR_MAX, KEPT_LEN, KEPT_MAX, Past};

/// How long a new model may be prepared before it serves.
const PREPARE_MAX: Duration = Duration::from_secs(20);
/// People whose pasts are looked at together meanwhile.
const PREPARED_AT_ONCE: usize = 32;

/// What the model proposes; nothing without a model or without a past.
pub(crate) fn discover<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let Some(model) = scene.model else { return List::kept(Arc::default(), 0) };
    let limit = scene.proposals_max;
    let person = scene.personal.numbers();
    // What a request tells of a visit that the shop does not store is nobody's.
    let is_kept = scene.is_seen_stored && !person.is_empty();
    if !is_kept || limit > KEPT_FOR_MAX {
        let asked = (|| past(scene), limit);
        match model.discoveries.afford(asked, &mut scratches.blend) {
            Some(proposals) => return List::kept(Arc::new(proposals), limit),
            None if !is_kept => return List::kept(Arc::default(), 0),
            // Too many ask for long lists: the best of theirs are at hand.
            None => {}
        }
    }
    let kept = model.discoveries.of(person, || past(scene), &mut scratches.blend);
    let met: FxHashSet<Item> = visited(scene).map(|touch| touch.item).collect();
    let has_had = |item| met.contains(&item) || scene.personal.has_bought(item, scene.own);
    match kept.iter().take(limit).any(|one| has_had(one.item)) {
        true => {
            let new = kept.iter().filter(|one| !has_had(one.item)).take(limit);
            List::kept(Arc::new(new.cloned().collect()), limit)
        }
        false => List::kept(kept, limit),
    }
}

/// Makes the proposals of a fit that does not serve yet for those who asked lately, so that they do not all
/// wait for them at once.
///
/// # Errors
///
/// [`AppError::Bug`] when the work broke off.
pub(crate) async fn prepare(app: &App, fitted: &Fitted) -> Result<(), AppError> {
    let mut people = app.models.serving().map_or_else(Vec::new, |fit| fit.discoveries.people());
    if people.is_empty() {
        // The first fit since the start: of those who are known, the latest.
        people = app.views.read().latest_numbers(KEPT_MAX / 2);
    }
    let began = Instant::now();
    let mut people = people.into_iter().peekable();
    while people.peek().is_some() && began.elapsed() < PREPARE_MAX {
        let mut pasts = Vec::with_capacity(PREPARED_AT_ONCE);
        if !fitted.knows_all_departures(&app.views.read()) {
            // Somebody left, so it will not serve.
            return Ok(());
        }
        for person in people.by_ref().take(PREPARED_AT_ONCE) {
            if let Some(past) = past_of(&person, app, fitted) {
                pasts.push((person, past));
            }
        }
        let discoveries = Arc::clone(&fitted.discoveries);
        let make = move || {
            let mut scratch = BlendScratch::default();
            let made = pasts.into_iter().map(|(person, past)| {
                let proposals = discoveries.propose(&past, KEPT_LEN, &mut scratch);
                (person, proposals)
            });
            made.collect::<Vec<_>>()
        };
        for (person, proposals) in at_leisure(make).await? {
            fitted.discoveries.keep(&person, proposals);
        }
    }
    Ok(())
}

/// What somebody's proposals are to be made from; `None` where nothing may be.
fn past_of(person: &[Shopper], app: &App, fitted: &Fitted) -> Option<Past> {
    let views = app.views.read();
    let site = app.config.main_site();
    let purpose = Use { purpose: Purpose::Personalization, site: &site, withheld: Purposes::NONE };
    let personal = views.again_for(person, purpose)?;
    let scene = Scene {
        views: &views,
        ranking: &app.ranking,
        model: Some(fitted),
        now: app.clock.now(),
        site: views.catalogue.find_site(&site)?,
        site_id: &site,
        channel: None,
        personal: &personal,
        own: &personal.baskets(),
        seen: &[],
        is_seen_stored: true,
        anchors: &[],
        filter: None,
        proposals_max: KEPT_LEN,
    };
    Some(past(&scene))
}

fn visited<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a Touch> {
    scene.personal.touches().filter(|touch| touch.action.is_visit())
}

/// The latest different products of a shopper, the youngest last: what they did before, then what the
/// request says of this visit.
fn latest(scene: &Scene<'_>) -> Vec<Item> {
    let mut dated: Vec<(i64, Item)> =
        visited(scene).map(|touch| (touch.at.as_ms(), touch.item)).collect();
    let baskets = scene.own.iter().rev().take(HISTORY_MAX);
    dated.extend(baskets.flat_map(|basket| basket.items().iter().map(|&item| (basket.time, item))));
    dated.sort_unstable();
    let shown = scene.seen.iter().filter(|_| !scene.is_seen_stored).copied();
    let all: Vec<Item> = dated.into_iter().map(|(_, item)| item).chain(shown).collect();
    let mut latest: Vec<Item> = Vec::with_capacity(HISTORY_MAX);
    for &item in all.iter().rev() {
        if latest.len() == HISTORY_MAX {
            break;
        }
        if !latest.contains(&item) {
            latest.push(item);
        }
    }
    latest.reverse();
    latest
}

fn past(scene: &Scene<'_>) -> Past {
    let history = latest(scene);
    let bought = scene.own.iter().flat_map(|basket| basket.items());
    let had = bought.chain(&history).copied().collect();
    Past { history, had }
}
