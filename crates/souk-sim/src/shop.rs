//! A made-up shop: catalogue, shoppers with tastes, visits and orders, all from one seed.
//!
//! Meant to exercise the program, not to be confused with real shoppers: popularity is skewed,
//! tastes repeat, staples come back at their own rhythm, and some things are bought together, so
//! that every recommender has something to find.

use souk_core::{AttributeValue, Channel, Currency, Money, Product, ProductId, SiteId, Timestamp};

use crate::Random;

/// Products of one kind that a shopper chooses among.
const PER_KIND: usize = 12;
/// Kinds that a shopper buys from again and again.
const STAPLES: usize = 9;
/// Days that the shop has been open.
const DAYS: i64 = 180;
const DAY_MS: i64 = 86_400_000;
/// 2025-01-06T00:00:00Z, a Monday: any fixed day would do.
const OPENING_MS: i64 = 1_736_121_600_000;

const DEPARTMENTS: [(&str, [&str; 6]); 8] = [
    ("Bakery", ["Rye Bread", "Bagels", "Croissants", "Tortillas", "Muffins", "Sourdough"]),
    ("Dairy", ["Whole Milk", "Yogurt", "Cheddar", "Butter", "Cream", "Eggs"]),
    ("Produce", ["Apples", "Bananas", "Tomatoes", "Lettuce", "Carrots", "Onions"]),
    ("Pantry", ["Pasta", "Rice", "Olive Oil", "Beans", "Flour", "Honey"]),
    ("Drinks", ["Coffee", "Green Tea", "Orange Juice", "Cola", "Sparkling Water", "Cider"]),
    ("Frozen", ["Pizza", "Ice Cream", "Peas", "Fish Fillets", "Berries", "Dumplings"]),
    ("Household", ["Dish Soap", "Paper Towels", "Laundry Powder", "Candles", "Sponges", "Foil"]),
    ("Care", ["Shampoo", "Toothpaste", "Hand Cream", "Razor Blades", "Soap Bar", "Sunscreen"]),
];
const BRANDS: [&str; 10] = [
    "Amber Mill",
    "Blue Door",
    "Cedar & Co",
    "Dunes",
    "Eastgate",
    "Foxglove",
    "Golden Hour",
    "Harbour",
    "Isola",
    "Juniper",
];
const STYLES: [&str; 12] = [
    "Classic",
    "Organic",
    "Family",
    "Small Batch",
    "Light",
    "Rich",
    "Traditional",
    "Fresh",
    "Premium",
    "Everyday",
    "Mild",
    "Bold",
];

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopPlan {
    /// The same seed makes the same shop.
    pub seed: u64,
    /// Products.
    pub products: u32,
    /// Shoppers.
    pub shoppers: u32,
}

/// Something a shopper did.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Looked at a product on the web.
    Viewed {
        /// When.
        at: Timestamp,
        /// Who, by number.
        shopper: u32,
        /// What, by number.
        product: u32,
    },
    /// Bought.
    Ordered {
        /// When.
        at: Timestamp,
        /// Who, by number.
        shopper: u32,
        /// Where.
        channel: Channel,
        /// Products, by number, and how many of each.
        lines: Vec<(u32, u32)>,
    },
}

/// A made-up shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The catalogue; a product's number is its place here.
    pub products: Vec<Product>,
    plan: ShopPlan,
}

/// What one shopper is like.
struct Taste {
    /// The kinds bought again and again, and after how many days.
    staples: Vec<(usize, f64)>,
    /// Days between two orders.
    pace: f64,
    /// The chance that an order is placed on the web.
    online: f64,
}

impl Shop {
    /// Makes the catalogue of a plan.
    pub fn generate(plan: ShopPlan) -> Shop {
        let mut random = Random::new(plan.seed);
        let products = (0..plan.products).map(|number| product(number, &mut random)).collect();
        Shop { products, plan }
    }

    /// Everything that one shopper did, in order of time; shoppers do not depend on each other.
    pub fn happenings(&self, shopper: u32) -> Vec<Happening> {
        let mut random =
            Random::new(self.plan.seed ^ (u64::from(shopper) + 1).wrapping_mul(0x9e37_79b9));
        let taste = self.taste(&mut random);
        let mut last_bought = vec![-100.0f64; taste.staples.len()];
        let mut happenings = Vec::new();
        let mut day = random.unit() * taste.pace;
        while day < DAYS as f64 {
            let is_online = random.unit() < taste.online;
            let at = moment(day, &mut random);
            let mut basket = Vec::new();
            for (staple, last) in taste.staples.iter().zip(&mut last_bought) {
                // The longer ago, the likelier: certain after twice its rhythm.
                let due = (day - *last) / (2.0 * staple.1);
                if random.unit() < due {
                    basket.push(self.choose(staple.0, shopper, &mut random));
                    *last = day;
                }
            }
            for _ in 0..random.below(4) {
                let kind = random.skewed(self.n_kinds() as u64) as usize;
                basket.push(self.choose(kind, shopper, &mut random));
                // What goes with it stands in the next kind.
                if random.unit() < 0.4 {
                    basket.push(self.choose((kind + 1) % self.n_kinds(), shopper, &mut random));
                }
            }
            basket.sort_unstable();
            basket.dedup();
            if is_online {
                self.browse(&basket, (at, shopper), (&mut random, &mut happenings));
            }
            if !basket.is_empty() {
                let lines = basket.iter().map(|one| (*one, 1 + random.skewed(4) as u32)).collect();
                let channel = if is_online { Channel::Web } else { Channel::Store };
                happenings.push(Happening::Ordered { at, shopper, channel, lines });
            }
            day += taste.pace * (0.5 + random.unit());
        }
        happenings
    }

    /// A visit before an order: what is bought later and some of its neighbours.
    fn browse(
        &self,
        basket: &[u32],
        (ordered, shopper): (Timestamp, u32),
        (random, happenings): (&mut Random, &mut Vec<Happening>),
    ) {
        let mut before = basket.len() as i64 * 2 + 2;
        for bought in basket {
            let near = (u64::from(*bought) + random.below(PER_KIND as u64)) as u32;
            for product in [near % self.plan.products, *bought] {
                let at = ordered.plus_ms(-before * 40_000);
                happenings.push(Happening::Viewed { at, shopper, product });
                before -= 1;
            }
        }
    }

    fn taste(&self, random: &mut Random) -> Taste {
        let kinds = self.n_kinds() as u64;
        let staples =
            (0..STAPLES).map(|_| (random.skewed(kinds) as usize, 5.0 + random.unit() * 25.0));
        Taste {
            staples: staples.collect(),
            pace: 3.0 + random.unit() * 12.0,
            online: random.unit() * 0.6,
        }
    }

    /// A product of a kind: mostly the shopper's own, sometimes any.
    fn choose(&self, kind: usize, shopper: u32, random: &mut Random) -> u32 {
        let first = (kind * PER_KIND) as u64;
        let size = (u64::from(self.plan.products) - first).min(PER_KIND as u64);
        let habit = (u64::from(shopper) * 7 + kind as u64 * 3) % size;
        let offset = if random.unit() < 0.8 { habit } else { random.below(size) };
        (first + offset) as u32
    }

    fn n_kinds(&self) -> usize {
        (self.plan.products as usize).div_ceil(PER_KIND)
    }
}

fn moment(day: f64, random: &mut Random) -> Timestamp {
    // Shops are busy between 8 and 20 o'clock.
    let in_day = 8 * 3_600_000 + random.below(12 * 3_600_000) as i64;
    Timestamp::EPOCH.plus_ms(OPENING_MS + day as i64 * DAY_MS + in_day)
}

fn product(number: u32, random: &mut Random) -> Product {
    let kind = number as usize / PER_KIND;
    let (department, kinds) = DEPARTMENTS[kind % DEPARTMENTS.len()];
    let name = kinds[kind / DEPARTMENTS.len() % kinds.len()];
    let style = STYLES[number as usize % PER_KIND];
    let series = kind / (DEPARTMENTS.len() * kinds.len());
    let brand = BRANDS[(number as usize * 7 + series) % BRANDS.len()];
    let series_mark = if series == 0 { String::new() } else { format!(" No. {}", series + 1) };
    let title = format!("{brand} {style} {name}{series_mark}");
    let id = ProductId::new(format!("p{number}")).expect("the text is short and not empty");
    let mut product = Product::new(id, SiteId::main(), title);
    product.brand = Some(brand.to_owned());
    product.categories = vec![format!("{department} > {name}")];
    let cents = 99 + 10 * random.skewed(200) as i64;
    product.price = Some(Money::from_minor(cents, Currency::USD));
    product.attributes.insert("style".to_owned(), AttributeValue::Text(style.to_owned()));
    product
}

#[cfg(test)]
mod tests;
