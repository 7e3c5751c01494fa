//! Seeded choices of suppliers, one JSON object a line with the case, the cost found and the milliseconds it took: for checking
//! against another solver (`tests/suppliers`).
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::fmt::Write as _;
use std::time::Instant;

use souk_inventory::demand::LeadTime;
use souk_inventory::economic_order::Break;
use souk_inventory::supplier::{Load, Need, Offer, choose};
use souk_math::Random;

fn main() {
    let argument = |place| std::env::args().nth(place).and_then(|text| text.parse::<u64>().ok());
    let mut random = Random::new(argument(1).unwrap_or(6));
    for _ in 0..argument(2).unwrap_or(200) {
        let units = (20.0 * 100.0_f64.powf(random.unit64())).round();
        let need = Need {
            units,
            most: if random.below(3) == 0 { (1.3 * units).round() + 30.0 } else { f64::INFINITY },
            by_days: 6.0,
            late: 0.5,
            missing: 1.5,
            surplus: [0.0, 0.2, 2.0][random.below(3)],
            splits: 1 + random.below(4),
        };
        let base = 5.0 + 5.0 * random.unit64();
        let offers: Vec<Offer> =
            (0..2 + random.below(7)).map(|_| offer(&mut random, units, base)).collect();
        let begun = Instant::now();
        let found = choose(&need, &offers);
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let cost = found.map_or(f64::NAN, |found| found.cost);
        println!("{}", told(&need, &offers, (cost, ms)));
    }
}

fn offer(random: &mut Random, units: f64, base: f64) -> Offer {
    let price = (base * (0.9 + 0.2 * random.unit64()) * 100.0).round() / 100.0;
    let mut prices = vec![Break { from: 0.0, price }];
    for k in 1..=random.below(4) {
        let from = (prices[k - 1].from + units * (0.1 + 0.5 * random.unit64())).ceil();
        prices
            .push(Break { from, price: (price * 0.96_f64.powi(k as i32) * 100.0).round() / 100.0 });
    }
    let part = |random: &mut Random, most: f64| (units * most * random.unit64()).ceil();
    let per_pallet = 24.0 * (1 + random.below(8)) as f64;
    Offer {
        prices,
        minimum: if random.below(2) == 0 { part(random, 0.4) } else { 0.0 },
        multiple: [1.0, 6.0, 12.0, 24.0][random.below(4)],
        pallet: (random.below(2) == 0)
            .then(|| Load { units: per_pallet, cost: 5.0 + random.below(20) as f64 }),
        truck: (random.below(3) == 0)
            .then(|| Load { units: 8.0 * per_pallet, cost: 40.0 + random.below(100) as f64 }),
        per_order: random.below(25) as f64,
        lead_time: LeadTime::of_moments(1.0 + random.below(8) as f64, 2.0).expect("positive"),
        reliability: 0.85 + 0.15 * random.unit64(),
        capacity: if random.below(2) > 0 { part(random, 1.2) } else { f64::INFINITY },
        contract: [(0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 0.5), (0.1, 0.6)]
            [random.below(6)],
    }
}

fn told(need: &Need, offers: &[Offer], (cost, ms): (f64, f64)) -> String {
    let number = |value: f64| if value.is_finite() { value.to_string() } else { "null".to_owned() };
    let load = |load: &Option<Load>| {
        load.as_ref().map_or("null".to_owned(), |load| format!("[{},{}]", load.units, load.cost))
    };
    let mut text = format!(
        "{{\"units\":{},\"most\":{},\"late\":{},\"missing\":{},\"surplus\":{},\"splits\":{},\"cost\":{},\"ms\":{ms:.3},\"offers\":[",
        need.units,
        number(need.most),
        need.late,
        need.missing,
        need.surplus,
        need.splits,
        number(cost)
    );
    for (idx, one) in offers.iter().enumerate() {
        let prices: Vec<String> =
            one.prices.iter().map(|tier| format!("[{},{}]", tier.from, tier.price)).collect();
        let _ = write!(
            text,
            "{}{{\"prices\":[{}],\"minimum\":{},\"multiple\":{},\"pallet\":{},\"truck\":{},\"per_order\":{},\
             \"late_chance\":{},\"reliability\":{},\"capacity\":{},\"contract\":[{},{}]}}",
            if idx > 0 { "," } else { "" },
            prices.join(","),
            one.minimum,
            one.multiple,
            load(&one.pallet),
            load(&one.truck),
            one.per_order,
            one.lead_time.chance_beyond(need.by_days),
            one.reliability,
            number(one.capacity),
            one.contract.0,
            one.contract.1
        );
    }
    text + "]}"
}
