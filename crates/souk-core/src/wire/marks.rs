//! What was shown, as bytes: five times, because most answers were touched by no chance and no experiment,
//! answer no search, stand in no list of several and tell no signals, and those from before there was any must be read, and written, as they were.

use super::bytes::{Reader, WireError, Writer};
use super::event::{flag, read_flags, read_product_id, read_rest, write_product_ids, write_rest};
use crate::{ArmMark, Impressions, Marks, ProductMark, Propensity, SearchMark, SignalMark, Team};

/// Writes what was shown without its marks: the whole of it where it has none.
pub(super) fn write_impressions(impressions: &Impressions, w: &mut Writer) {
    w.id(&impressions.request_id);
    write_rest(impressions.placement.as_deref(), w);
    w.text(&impressions.strategy);
    write_product_ids(&impressions.products, w);
}

pub(super) fn read_impressions(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    Ok(Impressions {
        request_id: r.id()?,
        placement: read_rest(r)?,
        strategy: r.text()?.into(),
        products: r.list(read_product_id)?,
        marks: Marks::default(),
    })
}

const HAS_PROPENSITY: u8 = 1;
const IS_EXPLORED: u8 = 2;
const HAS_TEAM: u8 = 4;
const IS_TEAM_B: u8 = 8;

/// Writes what was shown with its marks: first as [`write_impressions`], then the arms, then whether
/// products have marks, and one for each of them.
pub(super) fn write_marked(impressions: &Impressions, w: &mut Writer) {
    write_impressions(impressions, w);
    let marks = &impressions.marks;
    w.count(marks.arms.len());
    for ArmMark { experiment, arm } in &marks.arms {
        w.text(experiment);
        w.text(arm);
    }
    w.u8(u8::from(!marks.products.is_empty()));
    if marks.products.is_empty() {
        return;
    }
    for idx in 0..impressions.products.len() {
        let mark = marks.products.get(idx).copied().unwrap_or_default();
        w.u8(flag(mark.propensity.is_some(), HAS_PROPENSITY)
            | flag(mark.is_explored, IS_EXPLORED)
            | flag(mark.team.is_some(), HAS_TEAM)
            | flag(mark.team == Some(Team::B), IS_TEAM_B));
        if let Some(propensity) = mark.propensity {
            w.varint(u64::from(propensity.millionths()));
        }
    }
}

pub(super) fn read_marked(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    let impressions = read_with_marks(r)?;
    if impressions.marks.is_empty() {
        // What has no marks has another code, so that an event has one form only.
        return Err(r.fault("at least one mark"));
    }
    Ok(impressions)
}

/// Writes what was shown to a search: first as [`write_marked`], then the search.
pub(super) fn write_searched((impressions, search): (&Impressions, &SearchMark), w: &mut Writer) {
    write_marked(impressions, w);
    write_search(search, w);
}

fn write_search(search: &SearchMark, w: &mut Writer) {
    w.text(&search.query);
    w.varint(u64::from(search.n_found));
    w.varint(u64::from(search.took_us));
}

pub(super) fn read_searched(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    let mut impressions = read_with_marks(r)?;
    impressions.marks.search = Some(read_search(r)?);
    Ok(impressions)
}

fn read_search(r: &mut Reader<'_>) -> Result<SearchMark, WireError> {
    let query = r.text()?.into();
    let mut number = || {
        let number = u32::try_from(r.varint()?);
        number.map_err(|_| r.fault("a number of four bytes"))
    };
    Ok(SearchMark { query, n_found: number()?, took_us: number()?, places: Box::default() })
}

/// Whether products have places in a list of several searches.
pub(super) fn has_places(impressions: &Impressions) -> bool {
    let search = impressions.marks.search.as_ref();
    !impressions.products.is_empty() && search.is_some_and(|search| !search.places.is_empty())
}

/// Writes what was shown of a search in a list of several: first as [`write_searched`], then a place for each product.
pub(super) fn write_merged((impressions, search): (&Impressions, &SearchMark), w: &mut Writer) {
    write_searched((impressions, search), w);
    write_places((impressions, search), w);
}

fn write_places((impressions, search): (&Impressions, &SearchMark), w: &mut Writer) {
    for idx in 0..impressions.products.len() {
        w.u8(search.places.get(idx).copied().unwrap_or(u8::MAX));
    }
}

pub(super) fn read_merged(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    let mut impressions = read_searched(r)?;
    read_places(&mut impressions, r)?;
    Ok(impressions)
}

fn read_places(impressions: &mut Impressions, r: &mut Reader<'_>) -> Result<(), WireError> {
    let n_products = impressions.products.len();
    if n_products == 0 {
        // What has no places has another code, so that an event has one form only.
        return Err(r.fault("at least one product"));
    }
    let places = r.raw(n_products)?.into();
    if let Some(search) = &mut impressions.marks.search {
        search.places = places;
    }
    Ok(())
}

/// How a signalled answer says that it answers a search, and that its products have places in a list of several.
const HAS_SEARCH: u8 = 1;
const HAS_PLACES: u8 = 2;

/// Writes what was shown with its signals: first as [`write_marked`], then whether it answers a search, which, and
/// the places of its products in a list of several, then the codes of the signals, and a row for each product.
pub(super) fn write_signalled((impressions, signals): (&Impressions, &SignalMark), w: &mut Writer) {
    write_marked(impressions, w);
    let search = impressions.marks.search.as_ref();
    let is_placed = has_places(impressions);
    w.u8(flag(search.is_some(), HAS_SEARCH) | flag(is_placed, HAS_PLACES));
    if let Some(search) = search {
        write_search(search, w);
        if is_placed {
            write_places((impressions, search), w);
        }
    }
    w.bytes(&signals.codes);
    w.raw(&signals.rows);
}

pub(super) fn read_signalled(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    let mut impressions = read_with_marks(r)?;
    let flags = read_flags(r, HAS_SEARCH | HAS_PLACES, "whether it answers a search")?;
    if flags == HAS_PLACES {
        return Err(r.fault("places of a search alone"));
    }
    if flags & HAS_SEARCH != 0 {
        impressions.marks.search = Some(read_search(r)?);
    }
    if flags & HAS_PLACES != 0 {
        read_places(&mut impressions, r)?;
    }
    let codes: Box<[u8]> = r.bytes()?.into();
    let n_bytes = codes.len().checked_mul(impressions.products.len());
    let rows = r.raw(n_bytes.ok_or_else(|| r.fault("fewer signals"))?)?.into();
    impressions.marks.signals = Some(SignalMark { codes, rows });
    Ok(impressions)
}

fn read_with_marks(r: &mut Reader<'_>) -> Result<Impressions, WireError> {
    let mut impressions = read_impressions(r)?;
    let arms = r.list(|r| Ok(ArmMark { experiment: r.text()?.into(), arm: r.text()?.into() }))?;
    let has_products = read_flags(r, 1, "whether products have marks")? == 1;
    let count = if has_products { impressions.products.len() } else { 0 };
    let products = r.items(count, read_mark)?;
    impressions.marks = Marks { arms, products, ..Marks::default() };
    Ok(impressions)
}

fn read_mark(r: &mut Reader<'_>) -> Result<ProductMark, WireError> {
    let at = r.position();
    let flags = read_flags(r, 15, "flags of a product's mark")?;
    let team = match flags & (HAS_TEAM | IS_TEAM_B) {
        0 => None,
        HAS_TEAM => Some(Team::A),
        IS_TEAM_B => return Err(WireError::Malformed { at, expected: "a team before its name" }),
        _ => Some(Team::B),
    };
    let propensity = match flags & HAS_PROPENSITY {
        0 => None,
        _ => {
            let millionths = u32::try_from(r.varint()?).ok();
            let read = millionths.and_then(Propensity::from_millionths);
            Some(read.ok_or_else(|| r.fault("a propensity in millionths"))?)
        }
    };
    Ok(ProductMark { propensity, is_explored: flags & IS_EXPLORED != 0, team })
}
