//! What the plan of a place says of one product, and how much of it to hold.

use souk_core::{Day, LocationId, ProductId, SiteId};

use super::{PlanLine, Scene, choice};
use crate::demand::{Share, Stretch, TotalDemand, chances_to_serve};
use crate::forecasts::OptimalStock;
use crate::{App, AppError};

/// What the plan of a place says of one product.
pub(crate) enum Advised {
    /// This is to be ordered.
    Order(Box<PlanLine>),
    /// A person should look at it; why.
    Look(String),
    /// Nothing is to be ordered now.
    Nothing,
}

impl App {
    /// What the plan of a place says of one product: the same line as in the plan.
    pub(crate) fn advised(
        &self,
        (site, product): (&SiteId, &ProductId),
        (location, today): (&LocationId, Day),
    ) -> Result<Advised, AppError> {
        let key = self.series_key((site, product), Some(location))?;
        let number = key.location.expect("a place was asked for");
        let scene = Scene { site: site.clone(), location: location.clone(), number, today };
        let mut planned = self.products_at(&scene);
        if !planned.keys.contains(&key) {
            let text = "no order is proposed of what is discontinued or was never sold here";
            return Ok(Advised::Look(text.to_owned()));
        }
        self.refresh_some(&[(key, site.clone())], 1);
        if self.forecasts.get(key).is_none() {
            let text = "no day on which it was sold is over yet, so no order is proposed";
            return Ok(Advised::Look(text.to_owned()));
        }
        // Others matter where all products serve a share together, or share what an order costs.
        let suppliers = self.purchasing.suppliers();
        let mut offering = suppliers.values().map(|stored| &stored.supplier);
        let costs =
            offering.any(|one| one.offer(product.as_str()).is_some() && one.order_cost.is_some());
        if self.config.inventory.fill_rate.is_none() && !costs {
            planned.keys.retain(|one| *one == key);
        }
        let plan = self.plan_of(&scene, planned);
        let line = plan.lines.into_iter().find(|line| line.product == *product);
        let mut odd = plan.exceptions.into_iter().filter(|odd| odd.products.contains(product));
        Ok(match (line, odd.next()) {
            (Some(line), _) => Advised::Order(Box::new(line)),
            (None, Some(odd)) => Advised::Look(odd.text),
            (None, None) => Advised::Nothing,
        })
    }

    /// How much of a product to hold, with the times of the supplier that the plan orders at, or would.
    pub(crate) fn optimal_stock(
        &self,
        ((site, product), today): ((&SiteId, &ProductId), Day),
        advised: Option<&Advised>,
        demand: impl Fn(f64) -> TotalDemand,
    ) -> OptimalStock {
        let settings = &self.config.inventory;
        let suppliers = self.purchasing.suppliers();
        let review_days = settings.review_days as f64;
        let line = match advised {
            Some(Advised::Order(line)) => Some(line),
            _ => None,
        };
        let ordered = line.and_then(|line| line.supplier());
        let ordered = ordered.and_then(|chosen| suppliers.get(&chosen.supplier_id));
        let offered = (product, self.config.site(site).map(|site| site.currency));
        let times = ordered
            .map(|stored| choice::times(stored, today, review_days))
            .or_else(|| choice::usual(&suppliers, offered, (today, review_days), &demand))
            .unwrap_or_else(|| choice::Times::usual(settings.lead_time_days as f64, review_days));
        let lead = times.total(&demand, times.lead_days);
        let protection = times.total(&demand, times.protection_days);
        // The plan's, where it asks for an order.
        let service = match (line, settings.fill_rate) {
            (Some(line), _) => line.service_level,
            (None, Some(of_all)) => {
                let alone = [Stretch::keeping(lead, protection)];
                chances_to_serve(&alone, Share { of_all, of_each: 0.0 })[0].chance
            }
            (None, None) => settings.service_level,
        };
        let reorder_point = lead.quantile(service);
        OptimalStock {
            reorder_point,
            order_up_to: protection.quantile(service).max(reorder_point),
            safety_stock: (reorder_point - lead.mean).max(0.0),
            lead_time_days: times.lead_days,
            protection_days: times.protection_days,
            service_level: service,
        }
    }
}
