//! Demand forecasts: series in; means, intervals, quantiles and reasons out.
//!
//! [`series`] reads rows into clean series, [`forecast`] forecasts many of them at once, [`evaluate`] says
//! how good that is. Every model is one file, with its source. Nothing here knows files, clocks or threads'
//! order: the same series give the same bytes on any number of threads.

#[cfg(test)]
mod air;
pub mod arima;
pub mod auto;
pub mod calendar;
pub mod ces;
pub mod cross_learning;
mod decompose;
pub mod drivers;
pub mod ets;
pub mod evaluate;
pub mod guard;
pub mod hierarchy;
pub mod intermittent;
mod intervals;
pub mod measures;
pub mod model;
pub mod mstl;
pub mod naive;
mod numbers;
mod optimise;
mod profile;
pub mod series;
pub mod theta;
pub mod totals;

pub use auto::{Forecast, Settings, Task, forecast};
pub use drivers::forecast_with;
pub use model::{Model, outlook};
pub use souk_math::counts;
pub use souk_math::normal::quantile as normal_quantile;
