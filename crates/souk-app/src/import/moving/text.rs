use souk_core::{Product, Timestamp};

/// The words of a description that comes as HTML: tags become blanks, the common entities become signs.
///
/// Not a parser of HTML: a shop's own editor wrote these texts, and they are only read and searched.
pub(crate) fn plain(html: &str) -> Option<String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        let inside = &rest[start..];
        let lower = inside.get(..8).unwrap_or_default().to_ascii_lowercase();
        // What stands in a script or style sheet is no description.
        let end = match (lower.starts_with("<script"), lower.starts_with("<style")) {
            (true, _) => inside.find("</script>").map(|at| at + 9),
            (_, true) => inside.find("</style>").map(|at| at + 8),
            _ => inside.find('>').map(|at| at + 1),
        };
        let Some(end) = end else {
            rest = "";
            break;
        };
        rest = &inside[end..];
    }
    text.push_str(rest);
    let text = entities(&text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut text = words.join(" ");
    let mut end = text.len().min(Product::DESCRIPTION_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (!text.is_empty()).then_some(text)
}

/// Entities with a name that shops' editors write; others stay as they are.
const NAMED: [(&str, char); 24] = [
    ("amp", '&'),
    ("apos", '\''),
    ("bull", '•'),
    ("copy", '©'),
    ("deg", '°'),
    ("euro", '€'),
    ("frac12", '½'),
    ("frac14", '¼'),
    ("gt", '>'),
    ("hellip", '…'),
    ("ldquo", '“'),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("middot", '·'),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("pound", '£'),
    ("quot", '"'),
    ("rdquo", '”'),
    ("reg", '®'),
    ("rsquo", '’'),
    ("times", '×'),
    ("trade", '™'),
];
/// What the numbers from 128 to 159 stand for, where they stand for anything: pages write the bytes of Windows, and HTML
/// reads them so (HTML Living Standard, 13.2.5.80).
const OF_WINDOWS: &str = "€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ";
/// The longest entity that is read, in bytes: `&#x0002122;`.
const ENTITY_BYTES_MAX: usize = 12;

/// A text of HTML with its entities as signs, in one pass: what an entity says is not read again.
pub(crate) fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';');
        let sign = end.and_then(|end| Some((end, entity(&rest[1..end])?)));
        let length = sign.map_or(1, |(end, _)| end + 1);
        out.push(sign.map_or('&', |(_, sign)| sign));
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// What stands between `&` and `;` as a sign; a blank for one that cannot be shown.
fn entity(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return NAMED.iter().find(|(known, _)| *known == name).map(|(_, sign)| *sign);
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    let sign = match number.ok()? {
        number @ 128..=159 => OF_WINDOWS.chars().nth(number as usize - 128)?,
        number => char::from_u32(number)?,
    };
    Some(if sign.is_control() || sign == '\u{a0}' { ' ' } else { sign })
}

/// The forms of time of these exports besides RFC 3339 and Unix seconds: `2025-10-07 09:50:26 +0200`
/// (Shopify), `3/21/25, 9:30 PM` and `Mar 21, 2025 9:30:00 PM` (Magento, whose times are the server's,
/// mostly UTC).
pub(in crate::import) fn time(text: &str) -> Result<Timestamp, String> {
    // Unicode's narrow blank, which newer programs put before AM and PM.
    let text = text.trim().replace(['\u{202f}', '\u{a0}'], " ");
    if let Ok(at) = Timestamp::parse(&text) {
        return Ok(at);
    }
    let of_ms = |ms| Timestamp::from_ms(ms).map_err(|error| error.to_string());
    if let Ok(zoned) = jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", &text)
        && let Ok(at) = zoned.to_timestamp()
    {
        return of_ms(at.as_millisecond());
    }
    if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
        return utc(civil).and_then(of_ms);
    }
    const CIVIL: [&str; 4] = [
        "%m/%d/%y, %I:%M %p",
        "%m/%d/%Y, %I:%M %p",
        "%b %d, %Y %I:%M:%S %p",
        "%b %d, %Y, %I:%M:%S %p",
    ];
    for form in CIVIL {
        if let Ok(broken) = jiff::fmt::strtime::parse(form, &text)
            && let Ok(civil) = broken.to_datetime()
        {
            return utc(civil).and_then(of_ms);
        }
    }
    for form in ["%m/%d/%y", "%m/%d/%Y"] {
        if let Ok(broken) = jiff::fmt::strtime::parse(form, &text)
            && let Ok(date) = broken.to_date()
        {
            return utc(date.to_datetime(jiff::civil::Time::midnight())).and_then(of_ms);
        }
    }
    let shown: String = text.chars().take(40).collect();
    Err(format!("`{shown}` is no time that such an export writes, for example 2026-01-31 18:30:00"))
}

fn utc(civil: jiff::civil::DateTime) -> Result<i64, String> {
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_millisecond())
}

/// An id without the apostrophe by which spreadsheets are kept from taking it for a number.
pub(super) fn unquoted(id: &str) -> &str {
    id.strip_prefix('\'').unwrap_or(id).trim()
}

/// An e-mail address as the name of a person: one spelling for all files.
pub(super) fn email(text: &str) -> Option<Box<str>> {
    let text = unquoted(text).to_lowercase();
    text.contains('@').then(|| text.into())
}
