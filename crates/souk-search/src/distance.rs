//! How far off products are: by the fields that place them themselves, and by whoever knows where else they are.
//!
//! Places are compared as points of a sphere, by the square of the straight way through it: that rises with the way around, and
//! takes no sine for each product.

use std::sync::{Arc, PoisonError, RwLock};

use souk_core::GeoPoint;

use crate::chunk::{Chunk, FieldFacts};
use crate::facets::find_field;
use crate::index::SearchIndex;
use crate::lexicon::Values;
use crate::request::Around;

/// How much farther a radius reaches than it says, so that rounding leaves nothing out: a millimetre of a kilometre.
const HAIR: f64 = 1e-6;

/// A point of a sphere of radius 1.
type Unit = [f64; 3];

/// What has no place: it is farther off than any radius reaches.
const NOWHERE: Unit = [f64::INFINITY; 3];

/// Distances of an index's products from one place.
#[derive(Debug)]
pub(crate) struct Distances<'a> {
    around: &'a Around,
    origin: Unit,
    /// Latitude and longitude, with their values.
    fields: Option<[(u16, &'a Values); 2]>,
}

impl<'a> Distances<'a> {
    pub(crate) fn new(index: &'a SearchIndex, around: &'a Around) -> Distances<'a> {
        let field = |name| {
            let field = find_field(index, name)?;
            Some((field, &index.lexicon.values[usize::from(field)]))
        };
        let [latitude, longitude] = around.fields;
        let fields = field(latitude).zip(field(longitude));
        let origin = unit(around.origin);
        Distances { around, origin, fields: fields.map(<[_; 2]>::from) }
    }

    /// Those of one chunk's rows.
    pub(crate) fn within<'c>(&self, chunk: &'c Chunk) -> ChunkDistances<'c>
    where
        'a: 'c,
    {
        let points = self.fields.map(|fields| chunk.points.of(chunk, fields));
        ChunkDistances { around: self.around, origin: self.origin, points, chunk }
    }
}

/// Distances of the rows of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkDistances<'a> {
    around: &'a Around,
    origin: Unit,
    points: Option<Arc<Points>>,
    chunk: &'a Chunk,
}

impl ChunkDistances<'_> {
    /// The [square](square_of_km) of the way to the nearest place where a row's product can be had; `None` where it is
    /// nowhere.
    pub(crate) fn square(&self, row: u16) -> Option<f64> {
        let own = Some(self.own(row)).filter(|square| square.is_finite());
        own.into_iter().chain(self.elsewhere(row)).reduce(f64::min)
    }

    /// Whether it can be had within a way of that square.
    #[inline]
    pub(crate) fn is_within(&self, row: u16, square_max: f64) -> bool {
        self.own(row) <= square_max
            || self.elsewhere(row).is_some_and(|square| square <= square_max)
    }

    /// The rows whose products are themselves within a way of that square, rising; `None` where others may be in reach
    /// too, because they can be had elsewhere.
    pub(crate) fn rows_within(&self, square_max: f64) -> Option<Vec<u16>> {
        if self.around.places.is_some() {
            return None;
        }
        let Some(points) = &self.points else { return Some(Vec::new()) };
        // The third coordinate is the height above the equator's plane, which differs by no more than the way.
        let (height, reach) = (self.origin[2], square_max.sqrt());
        let height_of = |row: &u16| points.at[usize::from(*row)][2];
        let from = points.by_height.partition_point(|row| height_of(row) < height - reach);
        let rest = points.by_height[from..].iter().copied();
        let band = rest.take_while(|row| height_of(row) <= height + reach);
        let mut rows: Vec<u16> = band.filter(|row| self.own(*row) <= square_max).collect();
        rows.sort_unstable();
        Some(rows)
    }

    #[inline]
    fn own(&self, row: u16) -> f64 {
        let points = self.points.as_ref();
        points.map_or(f64::INFINITY, |points| square(self.origin, points.at[usize::from(row)]))
    }

    fn elsewhere(&self, row: u16) -> Option<f64> {
        let km = self.around.places.as_ref()?.km(self.chunk.ids.get(u32::from(row)))?;
        Some(square_of_km(km))
    }
}

/// The square of the straight way through a sphere of radius 1 that a way along its surface has on the earth.
pub(crate) fn square_of_km(km: f64) -> f64 {
    let half = (km / GeoPoint::EARTH_KM / 2.0).min(std::f64::consts::FRAC_PI_2);
    (2.0 * half.sin()).powi(2)
}

/// The same of a radius, and a hair more.
pub(crate) fn square_of_radius(km: f64) -> f64 {
    square_of_km(km * (1.0 + HAIR))
}

fn unit(point: GeoPoint) -> Unit {
    let (latitude, longitude) = (point.latitude().to_radians(), point.longitude().to_radians());
    let (east, north) = (longitude.sin_cos(), latitude.sin_cos());
    [north.1 * east.1, north.1 * east.0, north.0]
}

#[inline]
fn square(left: Unit, right: Unit) -> f64 {
    let sides = [left[0] - right[0], left[1] - right[1], left[2] - right[2]];
    sides[0] * sides[0] + sides[1] * sides[1] + sides[2] * sides[2]
}

/// Where the rows of a chunk are themselves, by one pair of fields.
#[derive(Debug, Default)]
pub(crate) struct Points {
    fields: [u16; 2],
    /// By row.
    at: Vec<Unit>,
    /// The rows that are somewhere, by their third coordinate.
    by_height: Vec<u16>,
}

impl Points {
    /// The points of rows that came since; a row that is there never moves.
    fn and_newer(&self, chunk: &Chunk, fields: [(u16, &Values); 2]) -> Points {
        let columns = fields.map(|(field, values)| (chunk.facts.field(field), values));
        let numbers = fields.map(|(field, _)| field);
        let (mut at, mut by_height) = match self.fields == numbers {
            true => (self.at.clone(), self.by_height.clone()),
            false => (Vec::new(), Vec::new()),
        };
        for row in at.len()..chunk.len() {
            let point = own_point(row as u16, columns).map(unit);
            by_height.extend(point.map(|_| row as u16));
            at.push(point.unwrap_or(NOWHERE));
        }
        // Mostly sorted already, which the stable sort makes use of.
        let height_of = |row: &u16| at[usize::from(*row)][2];
        by_height.sort_by(|left, right| height_of(left).total_cmp(&height_of(right)));
        Points { fields: numbers, at, by_height }
    }
}

/// The [`Points`] of a chunk once somebody asked for them; rows that came since are added when the next one asks.
#[derive(Debug, Default)]
pub(crate) struct KeptPoints(RwLock<Arc<Points>>);

impl Clone for KeptPoints {
    /// They are made again where they are asked for.
    fn clone(&self) -> KeptPoints {
        KeptPoints::default()
    }
}

impl KeptPoints {
    fn of(&self, chunk: &Chunk, fields: [(u16, &Values); 2]) -> Arc<Points> {
        let kept = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let is_whole = kept.at.len() == chunk.len();
        if is_whole && kept.fields == fields.map(|(field, _)| field) {
            return kept;
        }
        let points = Arc::new(kept.and_newer(chunk, fields));
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::clone(&points);
        points
    }

    /// Bytes on the heap, about.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.at.capacity() * size_of::<Unit>() + kept.by_height.capacity() * 2
    }
}

/// Where a row's product is itself: one number, or a text that is one, in each field.
fn own_point(row: u16, [latitude, longitude]: [(FieldFacts<'_>, &Values); 2]) -> Option<GeoPoint> {
    GeoPoint::new(degrees(row, latitude)?, degrees(row, longitude)?).ok()
}

/// The only number of a row, or the text that is one.
fn degrees(row: u16, (facts, values): (FieldFacts<'_>, &Values)) -> Option<f64> {
    let [value] = facts.get(row) else { return None };
    let number = values.number(*value);
    if number.is_nan() { values.text(*value).trim().parse().ok() } else { Some(number) }
}

#[cfg(test)]
mod tests;
