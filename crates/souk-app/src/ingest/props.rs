//! The properties of an event: read once as text, then field by field by whoever knows the fields.
//! What nobody asked for is kept as it came.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use souk_core::{Currency, Day, Money, Quantity, Unit};

use super::refusal::Refusal;
use super::scalar::{Key, Scalar, compact, scalar};

/// Where the fields stand in the event, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) object: &'static str,
    /// The position in `object`, which is an array then.
    pub(super) idx: Option<usize>,
}

impl Place {
    pub(super) fn of(object: &'static str) -> Place {
        Place { object, idx: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.idx {
            Some(idx) => write!(f, "{}[{idx}]", self.object),
            None => f.write_str(self.object),
        }
    }
}

#[derive(Debug)]
struct Entry<'a> {
    key: Cow<'a, str>,
    raw: &'a RawValue,
    is_taken: bool,
}

/// An object whose fields are taken one by one.
#[derive(Debug)]
pub(super) struct Props<'a> {
    place: Place,
    entries: Vec<Entry<'a>>,
}

/// An amount as a client writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Price {
    /// A number of major units, not rounded yet.
    Major(f64, Currency),
    /// Minor units.
    Exact(Money),
}

struct Entries<'a>(Vec<Entry<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<'a>, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::with_capacity(8);
                while let Some((Key(key), raw)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    entries.push(Entry { key, raw, is_taken: false });
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

impl<'a> Props<'a> {
    /// Reads an object; what is not there or `null` has no fields.
    pub(super) fn read(raw: Option<&'a RawValue>, place: Place) -> Result<Props<'a>, Refusal> {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else {
            return Ok(Props { place, entries: Vec::new() });
        };
        match serde_json::from_str::<Entries<'a>>(raw.get()) {
            Ok(Entries(entries)) => Ok(Props { place, entries }),
            Err(_) => {
                let found = scalar(raw, &place)?;
                Err(Refusal::malformed(format!("{place} is {found}; must be an object")))
            }
        }
    }

    /// The field's name as messages give it.
    fn field<'f>(&'f self, key: &'f str) -> impl fmt::Display + use<'f, 'a> {
        struct Field<'f>(Place, &'f str);
        impl fmt::Display for Field<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{}", self.0, self.1)
            }
        }
        Field(self.place, key)
    }

    /// Takes a field; a second one of the same name makes the first ambiguous.
    pub(super) fn take(&mut self, key: &str) -> Result<Option<&'a RawValue>, Refusal> {
        let mut found = None;
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            if found.is_some() {
                let detail = format!("{}.{key} is there twice; send it once", self.place);
                return Err(Refusal::malformed(detail));
            }
            entry.is_taken = true;
            found = Some(entry.raw);
        }
        Ok(found.filter(|raw| raw.get() != "null"))
    }

    fn scalar(&mut self, key: &str) -> Result<Scalar<'a>, Refusal> {
        match self.take(key)? {
            Some(raw) => scalar(raw, &self.field(key)),
            None => Ok(Scalar::Absent),
        }
    }

    pub(super) fn text(
        &mut self,
        key: &str,
        limit: usize,
    ) -> Result<Option<Cow<'a, str>>, Refusal> {
        self.scalar(key)?.text(&self.field(key), limit)
    }

    pub(super) fn id(&mut self, key: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        self.scalar(key)?.id(&self.field(key))
    }

    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>, Refusal> {
        self.scalar(key)?.number(&self.field(key))
    }

    pub(super) fn day(&mut self, key: &str) -> Result<Option<Day>, Refusal> {
        let Some(text) = self.text(key, 64)? else { return Ok(None) };
        let day = Day::parse(&text);
        day.map(Some).map_err(|e| Refusal::malformed(format!("{}: {e}", self.field(key))))
    }

    /// What is missing, as a refusal.
    pub(super) fn missing(&self, key: &str, remedy: &str) -> Refusal {
        Refusal::malformed(format!("{} is missing; {remedy}", self.field(key)))
    }

    /// What is not possible, as a refusal.
    pub(super) fn out_of_range(
        &self,
        key: &str,
        value: &dyn fmt::Display,
        remedy: &str,
    ) -> Refusal {
        Refusal::malformed(format!("{} is {value}; {remedy}", self.field(key)))
    }

    /// The currency of amounts here: named, or that of the site.
    pub(super) fn currency(&mut self, of_site: Currency) -> Result<Currency, Refusal> {
        let Some(code) = self.text("currency", 64)? else { return Ok(of_site) };
        let code = code.to_ascii_uppercase();
        let currency = Currency::parse(&code);
        currency.map_err(|e| Refusal::malformed(format!("{}: {e}", self.field("currency"))))
    }

    /// An amount: a number of major units as Segment has it, or `{"amount", "currency"}` in minor
    /// units as the rest of the API has it. Never negative.
    pub(super) fn price(&mut self, key: &str, of: Currency) -> Result<Option<Price>, Refusal> {
        let Some(raw) = self.take(key)? else { return Ok(None) };
        let field = self.field(key);
        let negative = |shown: &dyn fmt::Display| {
            Err(Refusal::malformed(format!("{field} is {shown}; must be at least 0")))
        };
        if raw.get().starts_with('{') {
            let mut object = Props::read(Some(raw), Place::of("amount"))?;
            let currency = object.currency(of).map_err(|fault| fault.inside(&field))?;
            let minor = match object.scalar("amount")? {
                Scalar::Whole(minor) => minor,
                other => {
                    let detail = format!("{field}.amount is {other}; must be whole minor units");
                    return Err(Refusal::malformed(detail));
                }
            };
            if minor < 0 {
                return negative(&minor);
            }
            return Ok(Some(Price::Exact(Money::from_minor(minor, currency))));
        }
        match scalar(raw, &field)?.number(&field)? {
            Some(number) if number < 0.0 => negative(&number),
            Some(number) => Ok(Some(Price::Major(number, of))),
            None => Ok(None),
        }
    }

    pub(super) fn money(&mut self, key: &str, of: Currency) -> Result<Option<Money>, Refusal> {
        let price = self.price(key, of)?;
        price.map(|price| price.money(&self.field(key))).transpose()
    }

    /// A quantity with its `unit`; `None` when there is none.
    pub(super) fn quantity(&mut self) -> Result<Option<Quantity>, Refusal> {
        let unit = match self.text("unit", 64)? {
            None => Unit::Each,
            Some(name) => Unit::parse(&name).ok_or_else(|| {
                let field = self.field("unit");
                Refusal::malformed(format!("{field} is \"{name}\"; write each, kg, l or m"))
            })?,
        };
        let Some(amount) = self.number("quantity")? else { return Ok(None) };
        let field = self.field("quantity");
        let quantity = Quantity::from_f64(amount, unit);
        quantity.map(Some).map_err(|e| Refusal::malformed(format!("{field}: {e}")))
    }

    /// The elements of an array; `None` when there is none.
    pub(super) fn array(&mut self, key: &str) -> Result<Option<Vec<&'a RawValue>>, Refusal> {
        let Some(raw) = self.take(key)? else { return Ok(None) };
        let elements = serde_json::from_str(raw.get()).map_err(|_| {
            let found = scalar(raw, &self.field(key)).unwrap_or_default();
            Refusal::malformed(format!("{} is {found}; must be an array", self.field(key)))
        })?;
        Ok(Some(elements))
    }

    /// What nobody took, as one JSON object; `None` when everything was.
    pub(super) fn rest(&self) -> Result<Option<Box<str>>, Refusal> {
        let mut out = String::new();
        for entry in self.entries.iter().filter(|entry| !entry.is_taken) {
            out.push(if out.is_empty() { '{' } else { ',' });
            push_key(&entry.key, &mut out);
            out.push(':');
            compact(entry.raw, &self.field(&entry.key), &mut out)?;
        }
        if out.is_empty() {
            return Ok(None);
        }
        out.push('}');
        Ok(Some(out.into()))
    }
}

fn push_key(key: &str, out: &mut String) {
    let is_plain = key.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(key);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(key).expect("a text is always JSON"));
    }
}

impl Price {
    /// Rounded to minor units.
    pub(super) fn money(self, field: &dyn fmt::Display) -> Result<Money, Refusal> {
        match self {
            Price::Exact(money) => Ok(money),
            Price::Major(amount, currency) => Money::from_major(amount, currency).map_err(|_| {
                // `{:?}` writes 1e300 as it is short, not with its 300 zeros.
                let limit = Money::from_minor(Money::MINOR_MAX, currency);
                Refusal::malformed(format!("{field} is {amount:?}; must be at most {limit}"))
            }),
        }
    }

    /// The price of `quantity`, rounded once: half away from zero, as [`Money::from_major`].
    pub(super) fn times(
        self,
        quantity: Quantity,
        field: &dyn fmt::Display,
    ) -> Result<Money, Refusal> {
        let unit_price = self.money(field)?;
        let is_exact = match self {
            Price::Exact(_) => true,
            Price::Major(amount, _) => unit_price.as_major() == amount,
        };
        if is_exact {
            let product = i128::from(unit_price.minor()) * i128::from(quantity.milli());
            let rounded = (product + 500 * product.signum()) / 1_000;
            let minor = i64::try_from(rounded).ok().filter(|minor| minor.abs() <= Money::MINOR_MAX);
            let out_of_range = || {
                let detail = format!(
                    "{field}: the line costs more than can be meant; check price \
                                      and quantity"
                );
                Refusal::malformed(detail)
            };
            return Ok(Money::from_minor(minor.ok_or_else(out_of_range)?, unit_price.currency()));
        }
        // A price below the minor unit (fuel, yarn): rounding it first would lose money.
        let amount = match self {
            Price::Major(amount, _) => amount,
            Price::Exact(money) => money.as_major(),
        };
        Price::Major(amount * quantity.as_f64(), unit_price.currency()).money(field)
    }
}

impl Refusal {
    /// The same fault of an object that is itself a field.
    fn inside(self, field: &dyn fmt::Display) -> Refusal {
        Refusal { detail: format!("{field}: {}", self.detail), ..self }
    }
}
