/// A point on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPoint {
    latitude: f64,
    longitude: f64,
}

/// Why two numbers are no point.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {value}; it must be between -{limit} and {limit} degrees")]
pub struct GeoPointError {
    /// `latitude` or `longitude`.
    pub field: &'static str,
    /// What it is.
    pub value: f64,
    /// How far from 0 it may be.
    pub limit: u32,
}

impl GeoPoint {
    /// The mean radius of the earth, R1 of the IUGG (Moritz 2000, "Geodetic Reference System 1980").
    pub const EARTH_KM: f64 = 6_371.008_8;

    /// Takes degrees: north and east of the equator and of Greenwich are above 0.
    ///
    /// # Errors
    ///
    /// [`GeoPointError`] for a number that is not finite or out of range.
    pub fn new(latitude: f64, longitude: f64) -> Result<GeoPoint, GeoPointError> {
        for (field, value, limit) in [("latitude", latitude, 90), ("longitude", longitude, 180)] {
            // What is no number is in no range.
            if !(-f64::from(limit)..=f64::from(limit)).contains(&value) {
                return Err(GeoPointError { field, value, limit });
            }
        }
        Ok(GeoPoint { latitude, longitude })
    }

    /// Degrees north of the equator.
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east of Greenwich.
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// Kilometres along a great circle of a sphere, by the haversine formula (Sinnott 1984, "Virtues of the
    /// Haversine"). The earth is flattened, so it may be off by half a percent.
    pub fn km_to(self, other: GeoPoint) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let cosines = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        let haversine =
            half(self.latitude, other.latitude) + cosines * half(self.longitude, other.longitude);
        2.0 * GeoPoint::EARTH_KM * haversine.clamp(0.0, 1.0).sqrt().asin()
    }
}
