//! Figures of many products together. Only money is added up over products: pieces and kilograms have no sum.

use souk_inventory::measures::{Period, value_added};

use super::{ForecastWorth, StockFigures};

/// How the stock of many products did; money in minor units of the site's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StockSums {
    /// How many products.
    pub n_products: usize,
    /// Of these, those whose cost is known: sums at cost are of them.
    pub n_costed: usize,
    /// Pieces that were sold; what is measured is left out.
    pub pieces_sold: f64,
    /// What they brought.
    pub revenue: f64,
    /// The share of the place's revenue.
    pub revenue_share: Option<f64>,
    /// What the units sold cost.
    pub cost_of_sales: f64,
    /// What the units there now cost; `None` where of none both is known.
    pub on_hand_cost: Option<f64>,
    /// What stood there on average, at cost; likewise.
    pub mean_stock_cost: Option<f64>,
    /// How often the mean stock is sold in a year, at cost.
    pub turns: Option<f64>,
    /// Days that what is there now lasts at the period's rate, at cost.
    pub days_of_supply: Option<f64>,
    /// Days of all products on which something was there, over all of their days.
    pub availability: Option<f64>,
    /// The share of wanted money that was served.
    pub fill_rate: Option<f64>,
    /// What lost units would have brought; `None` where no stock was known.
    pub lost_revenue: Option<f64>,
    /// The same over what they cost; `None` where of none both is known.
    pub lost_margin: Option<f64>,
    /// What the units written off cost.
    pub written_off_cost: f64,
    /// What was written off over all that left the shelves, at cost.
    pub waste_share: Option<f64>,
    /// The share of the error of repeating the week before that forecasts save, each product's error at what it brings.
    pub value_added: Option<f64>,
}

const NOTHING: Period =
    Period { days: 1.0, sold: 0.0, stock: 0.0, wasted: 0.0, demand: 0.0, unmet: 0.0, margin: 0.0 };

fn add(sum: &mut Option<f64>, amount: f64) {
    *sum = Some(sum.unwrap_or(0.0) + amount);
}

impl StockSums {
    /// Of these products, over so many days and beside so much revenue of the place.
    pub(super) fn of<'a>(
        products: impl Iterator<Item = &'a StockFigures>,
        (days, whole): (f64, f64),
    ) -> StockSums {
        let mut sums = StockSums::default();
        // Of products whose past, present or lost sales are known: each share has only them above and below its line.
        let mut turned = Period { days, ..NOTHING };
        let mut held = turned;
        let mut served = turned;
        let mut wasted = turned;
        let (mut days_known, mut days_with) = (0, 0);
        let mut missed = (0.0, 0.0);
        for one in products {
            sums.n_products += 1;
            sums.revenue += one.revenue;
            sums.pieces_sold += if one.is_measured { 0.0 } else { one.sold };
            days_known += one.n_stock_days;
            days_with += one.n_stock_days - one.n_empty_days;
            if let Some(lost) = one.lost_revenue().filter(|_| one.n_stock_days > 0) {
                add(&mut sums.lost_revenue, lost);
                served.demand += one.sold_since * one.unit_revenue.unwrap_or(0.0) + lost;
                served.unmet += lost;
            }
            one.lost_margin().into_iter().for_each(|lost| add(&mut sums.lost_margin, lost));
            if let Some(cost) = one.unit_cost {
                sums.n_costed += 1;
                let sold = one.sold * cost;
                sums.cost_of_sales += sold;
                one.on_hand_cost().into_iter().for_each(|cost| add(&mut sums.on_hand_cost, cost));
                sums.written_off_cost += one.written_off_cost().unwrap_or(0.0);
                if let Some(mean) = one.mean_stock {
                    add(&mut sums.mean_stock_cost, mean * cost);
                    if one.is_long_known() {
                        turned.stock += mean * cost;
                        turned.sold += sold;
                    }
                }
                held.sold += if one.on_hand.is_some() { sold } else { 0.0 };
            }
            if let (ForecastWorth::Judged { missed: own, by_last_week }, Some(unit)) =
                (one.worth, one.unit_revenue)
            {
                missed.0 += own * unit;
                missed.1 += by_last_week * unit;
            }
        }
        held.stock = sums.on_hand_cost.unwrap_or(0.0);
        wasted.sold = sums.cost_of_sales;
        wasted.wasted = sums.written_off_cost.max(0.0);
        sums.revenue_share = (whole > 0.0).then(|| sums.revenue / whole);
        sums.turns = turned.figures().ok().and_then(|figures| figures.turns);
        sums.days_of_supply = held.figures().ok().and_then(|figures| figures.days_of_supply);
        sums.availability = (days_known > 0).then(|| days_with as f64 / days_known as f64);
        sums.fill_rate = served.figures().ok().and_then(|figures| figures.fill_rate);
        sums.waste_share = wasted.figures().ok().and_then(|figures| figures.waste_share);
        sums.value_added = value_added(missed.0, missed.1);
        sums
    }
}
