//! An outlook as bytes, so that a start need not make it again.

use souk_core::wire::{Reader, WireError, Writer};

use super::price::{Lever, LowerPrice};
use super::{Misses, Outlook, Spread};

impl Outlook {
    pub(in crate::forecasts) fn write(&self, w: &mut Writer) {
        w.raw(&self.fingerprint.to_le_bytes());
        w.day(self.first);
        w.count(self.mean.len());
        self.mean.iter().for_each(|mean| w.raw(&mean.to_le_bytes()));
        w.f64(self.spread.dispersion);
        w.f64(self.spread.known_days);
        w.u8(u8::from(self.is_count));
        // Not a number where it is not known.
        w.f64(self.confidence.unwrap_or(f64::NAN));
        let misses = self.misses.map_or((f64::NAN, f64::NAN), |one| (one.forecast, one.last_week));
        w.f64(misses.0);
        w.f64(misses.1);
        w.f64(self.peaks.0);
        w.f64(self.peaks.1);
        w.text(&self.model);
        w.timestamp(self.fitted_at);
        let Some(lower) = self.lower_price else { return w.u8(0) };
        w.u8(match lower.lever {
            Lever::Promotion => 1,
            Lever::Price => 2,
        });
        w.f64(lower.beta);
        w.f64(lower.deepest);
        w.count(lower.days);
    }

    pub(in crate::forecasts) fn read(r: &mut Reader<'_>) -> Result<Outlook, WireError> {
        let fingerprint = r.raw(8)?.try_into().map(u64::from_le_bytes);
        let fingerprint = fingerprint.map_err(|_| r.fault("eight bytes"))?;
        let first = r.day()?;
        let mean = r.list(|r| {
            let bytes = r.raw(4)?.try_into().map(f32::from_le_bytes);
            bytes.map_err(|_| r.fault("four bytes"))
        })?;
        let spread = Spread { dispersion: r.f64()?, known_days: r.f64()? };
        let is_count = r.u8()? != 0;
        let confidence = Some(r.f64()?).filter(|value| !value.is_nan());
        let misses = Misses { forecast: r.f64()?, last_week: r.f64()? };
        let misses = Some(misses).filter(|misses| !misses.forecast.is_nan());
        let peaks = (r.f64()?, r.f64()?);
        let (model, fitted_at) = (r.text()?.to_owned(), r.timestamp()?);
        let lever = match r.u8()? {
            0 => None,
            1 => Some(Lever::Promotion),
            2 => Some(Lever::Price),
            _ => return Err(r.fault("0, 1 or 2")),
        };
        let lower_price = match lever {
            Some(lever) => {
                let (beta, deepest) = (r.f64()?, r.f64()?);
                // Days, of which none follow.
                let days = usize::try_from(r.varint()?).map_err(|_| r.fault("a number of days"))?;
                Some(LowerPrice { beta, lever, deepest, days })
            }
            None => None,
        };
        Ok(Outlook {
            fingerprint,
            first,
            mean,
            spread,
            is_count,
            confidence,
            misses,
            peaks,
            lower_price,
            model,
            fitted_at,
        })
    }
}

#[cfg(test)]
mod tests;
