//! Readable titles from the capitals and abbreviations of a till system.

/// Abbreviations of the sample data, as whole words. Found by counting its words.
const WORDS: [(&str, &str); 96] = [
    ("ACCES", "Accessories"),
    ("ADLT", "Adult"),
    ("ALL", "All"),
    ("APPL", "Appliance"),
    ("ASST", "Assorted"),
    ("ASSTD", "Assorted"),
    ("BEV", "Beverage"),
    ("BEVS", "Beverages"),
    ("BISC", "Biscuits"),
    ("BKD", "Baked"),
    ("BKFST", "Breakfast"),
    ("BLK", "Bulk"),
    ("BN", "Bean"),
    ("BNLS", "Boneless"),
    ("BRD", "Bread"),
    ("BRKFST", "Breakfast"),
    ("BTL", "Bottle"),
    ("BTLS", "Bottles"),
    ("CAN", "Can"),
    ("CARB", "Carbonated"),
    ("CHDR", "Cheddar"),
    ("CHOC", "Chocolate"),
    ("CHOCOCLATE", "Chocolate"),
    ("CKD", "Cooked"),
    ("CKN", "Chicken"),
    ("CHIX", "Chicken"),
    ("CND", "Canned"),
    ("CNTRL", "Central"),
    ("CNDMNT", "Condiment"),
    ("COND", "Conditioner"),
    ("CONT", "Contributions"),
    ("DNR", "Dinner"),
    ("DNRS", "Dinners"),
    ("DRNK", "Drink"),
    ("DRNKS", "Drinks"),
    ("DRSNG", "Dressing"),
    ("DRY", "Dry"),
    ("DSRT", "Dessert"),
    ("ELECT", "Electrical"),
    ("ENT", "Entrees"),
    ("EXP", "Expense"),
    ("FLVR", "Flavor"),
    ("FRSH", "Fresh"),
    ("FRT", "Fruit"),
    ("FRZN", "Frozen"),
    ("FZN", "Frozen"),
    ("GM", "General Merchandise"),
    ("GRND", "Ground"),
    ("HLTH", "Health"),
    ("INCL", "Including"),
    ("JCE", "Juice"),
    ("JCES", "Juices"),
    ("LNCHMT", "Lunchmeat"),
    ("MARG", "Margarine"),
    ("MERCH", "Merchandise"),
    ("MISC", "Miscellaneous"),
    ("MLK", "Milk"),
    ("MT", "Meat"),
    ("MTS", "Meats"),
    ("MULTI", "Multi"),
    ("NAT", "Natural"),
    ("NON", "Non"),
    ("ORG", "Organic"),
    ("PCK", "Pack"),
    ("PCKGD", "Packaged"),
    ("PK", "Pack"),
    ("PKG", "Package"),
    ("PKGD", "Packaged"),
    ("PNT", "Peanut"),
    ("PREM", "Premium"),
    ("PROD", "Product"),
    ("PRODS", "Products"),
    ("PRTY", "Party"),
    ("PWDR", "Powder"),
    ("REFRG", "Refrigerated"),
    ("REFRGRATD", "Refrigerated"),
    ("REG", "Regular"),
    ("RTE", "Ready to Eat"),
    ("RTS", "Ready to Serve"),
    ("SALD", "Salad"),
    ("SFT", "Soft"),
    ("SHLF", "Shelf"),
    ("SNDWCH", "Sandwich"),
    ("SPLY", "Supply"),
    ("SPRD", "Spread"),
    ("SS", "Single Serve"),
    ("STBL", "Stable"),
    ("SUP", "Supplies"),
    ("SUPPL", "Supplements"),
    ("SWT", "Sweet"),
    ("TRKY", "Turkey"),
    ("VEG", "Vegetable"),
    ("VEGS", "Vegetables"),
    ("WHS", "Wholesale"),
    ("WHT", "Wheat"),
    ("YOG", "Yogurt"),
];

/// `FRZN SS PREMIUM ENTREES/DNRS` becomes `Frozen Single Serve Premium Entrees/Dinners`.
pub(super) fn readable(capitals: &str) -> String {
    let mut text = String::with_capacity(capitals.len() + 8);
    let mut word = String::new();
    for letter in capitals.trim().chars().chain([' ']) {
        if letter.is_alphanumeric() || letter == '\'' {
            word.push(letter);
            continue;
        }
        push_word(&mut text, &word);
        word.clear();
        match letter {
            ' ' => push_space(&mut text),
            ':' => text.push_str(": "),
            ',' | ';' => {
                text.push(letter);
                text.push(' ');
            }
            '(' => {
                push_space(&mut text);
                text.push('(');
            }
            other => text.push(other),
        }
    }
    let mut text = text.trim_end_matches([' ', '/', '-', ',', ':', '&', '(']).to_owned();
    // The source cuts its texts at 30 characters, often inside a bracket.
    if text.matches('(').count() > text.matches(')').count() {
        text.push(')');
    }
    text
}

fn push_space(text: &mut String) {
    if !text.is_empty() && !text.ends_with([' ', '(', '/']) {
        text.push(' ');
    }
}

fn push_word(text: &mut String, word: &str) {
    if word.is_empty() {
        return;
    }
    let upper = word.to_uppercase();
    if let Some((_, long)) = WORDS.iter().find(|(short, _)| *short == upper) {
        text.push_str(long);
        return;
    }
    let mut letters = word.chars();
    text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
    text.extend(letters.flat_map(char::to_lowercase));
}

/// `20 OZ` becomes `20 oz`; a size without a number says nothing and is left out.
pub(super) fn readable_size(size: &str) -> Option<String> {
    let size = size.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    (size.contains(|c: char| c.is_ascii_digit())).then(|| size.replace(" l", " L"))
}
