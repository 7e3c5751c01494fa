//! The fixed table from the labels of marked data sets to our kinds. `docs/pii.md` publishes it.

use super::EntityKind;

/// Labels of presidio-research's data sets and of Presidio's own recognisers. `None`: not personal data
/// in the sense of `DetectPiiEntities`, so that neither a marked nor a reported span counts.
const TABLE: &[(&str, Option<EntityKind>)] = &[
    ("PERSON", Some(EntityKind::Name)),
    ("ADDRESS", Some(EntityKind::Address)),
    ("STREET_ADDRESS", Some(EntityKind::Address)),
    ("LOCATION", Some(EntityKind::Address)),
    ("GPE", Some(EntityKind::Address)),
    ("ZIP_CODE", Some(EntityKind::Address)),
    ("EMAIL_ADDRESS", Some(EntityKind::Email)),
    ("PHONE_NUMBER", Some(EntityKind::Phone)),
    ("CREDIT_CARD", Some(EntityKind::CreditDebitNumber)),
    ("IBAN_CODE", Some(EntityKind::InternationalBankAccountNumber)),
    ("US_SSN", Some(EntityKind::Ssn)),
    ("US_ITIN", Some(EntityKind::UsItin)),
    ("US_DRIVER_LICENSE", Some(EntityKind::DriverId)),
    ("US_PASSPORT", Some(EntityKind::PassportNumber)),
    ("US_BANK_NUMBER", Some(EntityKind::BankAccountNumber)),
    ("UK_NHS", Some(EntityKind::UkNhs)),
    ("UK_NINO", Some(EntityKind::UkNino)),
    ("IP_ADDRESS", Some(EntityKind::IpAddress)),
    ("DOMAIN_NAME", Some(EntityKind::Url)),
    ("URL", Some(EntityKind::Url)),
    ("DATE_TIME", Some(EntityKind::DateTime)),
    ("AGE", Some(EntityKind::Age)),
    ("ORGANIZATION", None),
    ("TITLE", None),
    ("PREFIX", None),
    ("NATIONALITY", None),
    ("NRP", None),
];

/// Our kind for a label of the table, or for one of our own names. `Ok(None)`: the label does not count.
///
/// # Errors
///
/// [`UnknownLabel`] for a label that the table does not have.
pub fn kind_of_label(label: &str) -> Result<Option<EntityKind>, UnknownLabel> {
    if let Some(kind) = EntityKind::parse(label) {
        return Ok(Some(kind));
    }
    let row = TABLE.iter().find(|(known, _)| *known == label);
    row.map(|(_, kind)| *kind).ok_or_else(|| UnknownLabel(label.to_owned()))
}

/// A label that the table does not have.
#[derive(Debug, thiserror::Error)]
#[error("label `{0}` is not in the table; docs/pii.md lists the labels")]
pub struct UnknownLabel(String);
