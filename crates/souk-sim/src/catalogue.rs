//! A made-up catalogue of any size, with text like a large shop's: kinds, brands, colours, measures, model
//! numbers, and words of which few are frequent and many rare. Made to load a search index, not to
//! learn from.

use souk_core::{AttributeValue, Currency, Money, Product, ProductId, SiteId};

use crate::Random;

/// What is sold: department, group, kind, and the unit that it is measured in.
const KINDS: [(&str, &str, &str, &str); 48] = [
    ("Electronics", "Audio", "Wireless Headphones", "mAh"),
    ("Electronics", "Audio", "Bluetooth Speaker", "W"),
    ("Electronics", "Audio", "Soundbar", "W"),
    ("Electronics", "Computers", "Gaming Laptop", "inch"),
    ("Electronics", "Computers", "Laptop Sleeve", "inch"),
    ("Electronics", "Computers", "Mechanical Keyboard", "mm"),
    ("Electronics", "Computers", "Wireless Mouse", "dpi"),
    ("Electronics", "Computers", "External Hard Drive", "TB"),
    ("Electronics", "Computers", "Monitor", "inch"),
    ("Electronics", "Phones", "Phone Case", "mm"),
    ("Electronics", "Phones", "Power Bank", "mAh"),
    ("Electronics", "Phones", "Charging Cable", "m"),
    ("Electronics", "Photo", "Camera Lens", "mm"),
    ("Electronics", "Photo", "Tripod", "cm"),
    ("Electronics", "Photo", "Memory Card", "GB"),
    ("Home", "Kitchen", "Coffee Maker", "l"),
    ("Home", "Kitchen", "Frying Pan", "cm"),
    ("Home", "Kitchen", "Chef Knife", "cm"),
    ("Home", "Kitchen", "Storage Jar", "ml"),
    ("Home", "Furniture", "Office Chair", "cm"),
    ("Home", "Furniture", "Standing Desk", "cm"),
    ("Home", "Furniture", "Bookcase", "cm"),
    ("Home", "Lighting", "Desk Lamp", "lm"),
    ("Home", "Lighting", "LED Strip", "m"),
    ("Home", "Textiles", "Bath Towel", "g"),
    ("Home", "Textiles", "Duvet Cover", "cm"),
    ("Garden", "Tools", "Hedge Trimmer", "V"),
    ("Garden", "Tools", "Garden Hose", "m"),
    ("Garden", "Plants", "Flower Pot", "cm"),
    ("Garden", "Outdoor", "Folding Chair", "kg"),
    ("Sport", "Running", "Running Shoes", "g"),
    ("Sport", "Running", "Running Jacket", "g"),
    ("Sport", "Fitness", "Yoga Mat", "mm"),
    ("Sport", "Fitness", "Dumbbell Set", "kg"),
    ("Sport", "Cycling", "Bike Helmet", "g"),
    ("Sport", "Cycling", "Bike Light", "lm"),
    ("Fashion", "Men", "Linen Shirt", "g"),
    ("Fashion", "Men", "Leather Belt", "cm"),
    ("Fashion", "Women", "Summer Dress", "g"),
    ("Fashion", "Women", "Ankle Boots", "cm"),
    ("Fashion", "Bags", "Backpack", "l"),
    ("Grocery", "Drinks", "Oat Milk", "l"),
    ("Grocery", "Drinks", "Ground Coffee", "g"),
    ("Grocery", "Snacks", "Dark Chocolate", "g"),
    ("Grocery", "Snacks", "Granola Bars", "g"),
    ("Grocery", "Pets", "Dog Food", "kg"),
    ("Toys", "Games", "Board Game", "cm"),
    ("Toys", "Building", "Wooden Train Set", "cm"),
];
const COLOURS: [&str; 12] = [
    "Black",
    "White",
    "Grey",
    "Navy Blue",
    "Red",
    "Green",
    "Beige",
    "Silver",
    "Pink",
    "Brown",
    "Yellow",
    "Turquoise",
];
const MATERIALS: [&str; 12] = [
    "cotton",
    "linen",
    "steel",
    "aluminium",
    "bamboo",
    "leather",
    "polyester",
    "glass",
    "ceramic",
    "oak",
    "recycled plastic",
    "wool",
];
const TRAITS: [&str; 24] = [
    "lightweight",
    "durable",
    "waterproof",
    "foldable",
    "ergonomic",
    "compact",
    "rechargeable",
    "adjustable",
    "breathable",
    "quiet",
    "organic",
    "premium",
    "portable",
    "washable",
    "flexible",
    "professional",
    "classic",
    "slim",
    "heavy duty",
    "eco friendly",
    "non slip",
    "heat resistant",
    "handmade",
    "travel",
];
const USES: [&str; 16] = [
    "the office",
    "travelling",
    "small kitchens",
    "beginners",
    "everyday use",
    "outdoor trips",
    "children",
    "long workdays",
    "cold mornings",
    "large families",
    "professional athletes",
    "students",
    "weekend hikes",
    "home cooks",
    "gifts",
    "rainy days",
];
const SYLLABLES: [&str; 32] = [
    "ba", "cor", "del", "fen", "gri", "hal", "ivo", "jun", "kel", "lum", "mar", "nor", "ost",
    "pel", "qua", "ril", "sol", "tan", "ul", "ver", "wex", "yon", "zar", "bre", "cla", "dro",
    "fli", "gan", "hex", "lin", "mo", "sta",
];
/// Brands.
const BRANDS: u64 = 2_000;
/// Rare words that descriptions are strewn with.
const RARE_WORDS: u64 = 60_000;

/// The product with a number; the same for the same seed.
pub fn catalogue_product(seed: u64, number: u32) -> Product {
    let mut random =
        Random::new(seed ^ (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (department, group, kind, unit) = KINDS[random.skewed(KINDS.len() as u64) as usize];
    let brand = word(random.skewed(BRANDS), 2);
    let brand = format!("{}{}", brand[..1].to_uppercase(), &brand[1..]);
    let colour = pick(&COLOURS, &mut random);
    let material = pick(&MATERIALS, &mut random);
    let (first, second) = (pick(&TRAITS, &mut random), pick(&TRAITS, &mut random));
    let amount = measure(&mut random);
    let model = model_number(&mut random);
    let id = ProductId::new(format!("p{number}")).expect("it is short and not empty");
    let title = match random.below(4) {
        0 => format!("{brand} {kind} {model} {colour}"),
        1 => format!("{brand} {first} {kind}, {amount} {unit}, {colour}"),
        2 => format!("{brand} {model} {first} {kind} {amount}{unit}"),
        _ => format!("{first} {kind} by {brand} - {colour}"),
    };
    let mut product = Product::new(id, SiteId::main(), title);
    product.description =
        Some(description((kind, material, pick(&USES, &mut random)), (first, second), &mut random));
    product.brand = Some(brand);
    product.categories = vec![format!("{department} > {group} > {kind}")];
    let cents = (199.0 * (random.unit() * 6.0).exp()) as i64;
    product.price = Some(Money::from_minor(cents / 10 * 10 + 9, Currency::USD));
    product.attributes = [
        ("colour", AttributeValue::Text(colour.to_owned())),
        ("material", AttributeValue::Text(material.to_owned())),
        ("size", AttributeValue::Text(format!("{amount} {unit}"))),
        ("model", AttributeValue::Text(model)),
        ("rating", AttributeValue::Number((random.below(21) + 30) as f64 / 10.0)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    product
}

/// What a shopper might type to find the product with a number: a kind, with a brand, a trait, a colour or a
/// measure, or its model; the same for the same seed.
pub fn catalogue_query(seed: u64, number: u32) -> String {
    let mut random = Random::new(seed.wrapping_add(0xabcd) ^ u64::from(number) << 20);
    let product = catalogue_product(seed, number);
    let kind = product.categories[0].rsplit(" > ").next().unwrap_or_default().to_lowercase();
    let attribute = |name: &str| match product.attributes.get(name) {
        Some(AttributeValue::Text(text)) => text.to_lowercase(),
        _ => String::new(),
    };
    let brand = product.brand.clone().unwrap_or_default().to_lowercase();
    match random.below(8) {
        0 => kind,
        1 | 2 => format!("{brand} {kind}"),
        3 => format!("{} {kind}", attribute("colour")),
        4 => format!("{} {kind}", pick(&TRAITS, &mut random)),
        5 => format!("{kind} {}", attribute("size")),
        6 => format!("{} {brand} {kind}", attribute("colour")),
        _ => attribute("model").to_lowercase(),
    }
}

fn pick<'a>(from: &[&'a str], random: &mut Random) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

fn measure(random: &mut Random) -> String {
    let amount = [1, 2, 5, 10, 12, 15, 16, 20, 24, 27, 30, 32, 40, 50, 64, 100, 128, 250, 500];
    amount[random.below(amount.len() as u64) as usize].to_string()
}

fn model_number(random: &mut Random) -> String {
    let letter = |random: &mut Random| char::from(b'A' + random.below(26) as u8);
    let (first, second) = (letter(random), letter(random));
    format!("{first}{second}-{}", 100 + random.below(9_900))
}

/// A word that is nobody's, the same for the same number.
fn word(number: u64, n_syllables: u32) -> String {
    let mut left = number.wrapping_mul(2_654_435_761) % (32u64.pow(n_syllables));
    (0..n_syllables)
        .map(|_| {
            let syllable = SYLLABLES[(left % 32) as usize];
            left /= 32;
            syllable
        })
        .collect()
}

fn description(
    (kind, material, used_for): (&str, &str, &str),
    (first, second): (&str, &str),
    random: &mut Random,
) -> String {
    let kind = kind.to_lowercase();
    let (rare, rarer) = (word(random.skewed(RARE_WORDS), 3), word(random.skewed(RARE_WORDS), 3));
    match random.below(3) {
        0 => format!(
            "This {first} {kind} made of {material} is ideal for {used_for}. Its {rare} finish \
             stays {second} for years, and the {rarer} design fits every room."
        ),
        1 => format!(
            "A {first} and {second} {kind} for {used_for}, with {rare} details in {material}. \
             Easy to clean, packed without plastic, with the {rarer} guarantee of two years."
        ),
        _ => format!(
            "Made for {used_for}: {first}, {second}, and built from {material}. The {rare} series \
             was tested by {rarer} and comes with everything that you need to begin."
        ),
    }
}
