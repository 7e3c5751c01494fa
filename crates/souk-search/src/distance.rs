//! How far off products are: by the fields that place them themselves, and by whoever knows where else they are.

use souk_core::GeoPoint;

use crate::chunk::{Chunk, FieldFacts};
use crate::facets::find_field;
use crate::index::SearchIndex;
use crate::lexicon::Values;
use crate::request::Around;

/// A little less than a degree of latitude is, so that rounding leaves nothing out.
const KM_OF_DEGREE: f64 = 111.0;

/// Distances of an index's products from one place.
#[derive(Debug)]
pub(crate) struct Distances<'a> {
    around: &'a Around,
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
        Distances { around, fields: fields.map(<[_; 2]>::from) }
    }

    /// Those of one chunk's rows.
    pub(crate) fn within<'c>(&self, chunk: &'c Chunk) -> ChunkDistances<'c>
    where
        'a: 'c,
    {
        let columns =
            self.fields.map(|both| both.map(|(field, values)| (chunk.facts.field(field), values)));
        ChunkDistances { around: self.around, columns, chunk }
    }
}

/// Distances of the rows of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkDistances<'a> {
    around: &'a Around,
    columns: Option<[(FieldFacts<'a>, &'a Values); 2]>,
    chunk: &'a Chunk,
}

impl ChunkDistances<'_> {
    /// Kilometres to the nearest place where a row's product can be had; `None` where it is nowhere.
    pub(crate) fn km(&self, row: u16) -> Option<f64> {
        let own = self.own(row).map(|point| self.around.origin.km_to(point));
        own.into_iter().chain(self.elsewhere(row)).reduce(f64::min)
    }

    /// Whether it can be had within so many kilometres.
    pub(crate) fn is_within(&self, row: u16, radius_km: f64) -> bool {
        let is_near = |km| km <= radius_km;
        let origin = self.around.origin;
        // Most are too far north or south, which is known without the sines of a distance.
        let span = radius_km / KM_OF_DEGREE;
        let may_be_near = |latitude: f64| (latitude - origin.latitude()).abs() <= span;
        let latitude = self.columns.and_then(|[latitude, _]| degrees(row, latitude));
        latitude.is_some_and(may_be_near)
            && self.own(row).is_some_and(|point| is_near(origin.km_to(point)))
            || self.elsewhere(row).is_some_and(is_near)
    }

    /// Where a row's product is itself: one number, or a text that is one, in each field.
    fn own(&self, row: u16) -> Option<GeoPoint> {
        let [latitude, longitude] = self.columns?;
        GeoPoint::new(degrees(row, latitude)?, degrees(row, longitude)?).ok()
    }

    fn elsewhere(&self, row: u16) -> Option<f64> {
        self.around.places.as_ref()?.km(self.chunk.ids.get(u32::from(row)))
    }
}

/// The only number of a row, or the text that is one.
fn degrees(row: u16, (facts, values): (FieldFacts<'_>, &Values)) -> Option<f64> {
    let [value] = facts.get(row) else { return None };
    let number = values.number(*value);
    if number.is_nan() { values.text(*value).trim().parse().ok() } else { Some(number) }
}
