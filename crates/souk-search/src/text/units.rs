//! Units: `16 oz`, `16oz` and `16 ounces` are one word, and so are `1.5 l` and `1500 ml`.

/// A unit's spellings, what it is written as, and how many of that it is.
const UNITS: &[(&[&str], &str, f64)] = &[
    (&["oz", "ounce", "ounces"], "oz", 1.0),
    (&["lb", "lbs", "pound", "pounds", "libra", "libras", "livre", "livres", "pfund"], "lb", 1.0),
    (&["mg", "milligram", "milligrams"], "mg", 1.0),
    (&["g", "gr", "gram", "grams", "gramm", "gramo", "gramos", "gramme", "grammes"], "g", 1.0),
    (&["kg", "kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramm"], "g", 1_000.0),
    (&["ml", "milliliter", "milliliters", "millilitre", "millilitres", "mililitros"], "ml", 1.0),
    (&["cl", "centiliter", "centilitre"], "ml", 10.0),
    (&["l", "lt", "ltr", "liter", "liters", "litre", "litres", "litro", "litros"], "ml", 1_000.0),
    (&["gal", "gallon", "gallons"], "gal", 1.0),
    (&["qt", "quart", "quarts"], "qt", 1.0),
    (&["pt", "pint", "pints"], "pt", 1.0),
    (&["mm", "millimeter", "millimeters", "millimetre", "millimetres"], "mm", 1.0),
    (&["cm", "centimeter", "centimeters", "centimetre", "centimetres"], "mm", 10.0),
    (&["m", "meter", "meters", "metre", "metres", "metro", "metros"], "mm", 1_000.0),
    (&["in", "inch", "inches", "\"", "zoll", "pulgada", "pulgadas", "pouce", "pouces"], "in", 1.0),
    (&["ft", "foot", "feet"], "ft", 1.0),
    (&["mb", "megabyte", "megabytes"], "mb", 1.0),
    (&["gb", "gigabyte", "gigabytes", "go"], "gb", 1.0),
    (&["tb", "terabyte", "terabytes"], "gb", 1_000.0),
    (&["w", "watt", "watts"], "w", 1.0),
    (&["kw", "kilowatt", "kilowatts"], "w", 1_000.0),
    (&["v", "volt", "volts"], "v", 1.0),
    (&["mah"], "mah", 1.0),
    (&["hz", "hertz"], "hz", 1.0),
    (&["mhz", "megahertz"], "mhz", 1.0),
    (&["ghz", "gigahertz"], "mhz", 1_000.0),
    (&["mp", "megapixel", "megapixels"], "mp", 1.0),
    (&["dpi"], "dpi", 1.0),
    (&["lm", "lumen", "lumens"], "lm", 1.0),
    (&["percent", "pct", "prozent", "pourcent"], "%", 1.0),
    (&["ct", "cnt", "count"], "ct", 1.0),
    (&["pk", "pack", "packs"], "pk", 1.0),
];

/// The unit that `word` names: how it is written, and how many of it one is.
pub(super) fn unit(word: &str) -> Option<(&'static str, f64)> {
    UNITS.iter().find(|(names, ..)| names.contains(&word)).map(|(_, name, size)| (*name, *size))
}

/// Appends `number` times `size` in its shortest spelling, then `name`; false when it is no number.
pub(super) fn write_measure(
    number: &str,
    (name, size): (&str, f64),
    out: &mut String,
) -> Option<()> {
    use std::fmt::Write as _;

    let amount: f64 = number.parse().ok()?;
    // Three decimals: 0.1 kg is 100 g and not 100.00000000000001.
    let amount = (amount * size * 1_000.0).round() / 1_000.0;
    write!(out, "{amount}{name}").ok()
}
