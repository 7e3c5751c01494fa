//! What kinds of personal data are told apart.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A kind of personal data, named as in Amazon Comprehend's `DetectPiiEntities`.
        ///
        /// The kinds after [`VehicleIdentificationNumber`](EntityKind::VehicleIdentificationNumber)
        /// have no name there; theirs follow the same manner.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EntityKind {
            $($(#[$doc])* $variant,)+
        }

        impl EntityKind {
            /// Every kind.
            pub const ALL: &[EntityKind] = &[$(EntityKind::$variant,)+];

            /// The name in answers and settings.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(EntityKind::$variant => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A person's name, without title.
    Name = "NAME",
    /// A postal address or a part of one, a city, a country.
    Address = "ADDRESS",
    /// An e-mail address.
    Email = "EMAIL",
    /// A telephone number.
    Phone = "PHONE",
    /// A payment card's number (Luhn).
    CreditDebitNumber = "CREDIT_DEBIT_NUMBER",
    /// A payment card's security code, by context.
    CreditDebitCvv = "CREDIT_DEBIT_CVV",
    /// A payment card's expiry date, by context.
    CreditDebitExpiry = "CREDIT_DEBIT_EXPIRY",
    /// An IBAN (mod 97, length of its country).
    InternationalBankAccountNumber = "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    /// A bank account, by context.
    BankAccountNumber = "BANK_ACCOUNT_NUMBER",
    /// A bank's routing number (ABA checksum), by context.
    BankRouting = "BANK_ROUTING",
    /// A BIC, by context.
    SwiftCode = "SWIFT_CODE",
    /// A personal identification number, by context.
    Pin = "PIN",
    /// A password, by context.
    Password = "PASSWORD",
    /// A date, a time of day, a day of the week.
    DateTime = "DATE_TIME",
    /// A person's age.
    Age = "AGE",
    /// An address on the web.
    Url = "URL",
    /// An IPv4 or IPv6 address.
    IpAddress = "IP_ADDRESS",
    /// A network card's address.
    MacAddress = "MAC_ADDRESS",
    /// A United States social security number.
    Ssn = "SSN",
    /// A United States individual taxpayer number.
    UsItin = "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    /// A passport's number, by context.
    PassportNumber = "PASSPORT_NUMBER",
    /// A driving licence's number, by context.
    DriverId = "DRIVER_ID",
    /// A British NHS number (mod 11).
    UkNhs = "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    /// A British national insurance number.
    UkNino = "UK_NATIONAL_INSURANCE_NUMBER",
    /// A British unique taxpayer reference, by context.
    UkUtr = "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
    /// A Canadian social insurance number (Luhn).
    CaSin = "CA_SOCIAL_INSURANCE_NUMBER",
    /// An Indian Aadhaar number (Verhoeff).
    InAadhaar = "IN_AADHAAR",
    /// An Indian permanent account number.
    InPan = "IN_PERMANENT_ACCOUNT_NUMBER",
    /// A vehicle's number (ISO 3779 check digit).
    VehicleIdentificationNumber = "VEHICLE_IDENTIFICATION_NUMBER",
    /// A Spanish DNI or NIF (mod 23).
    EsNif = "ES_NIF",
    /// A Spanish foreigner's number (mod 23).
    EsNie = "ES_NIE",
    /// A French social security number (mod 97).
    FrNir = "FR_NIR",
    /// A German tax number of a person (ISO 7064).
    DeTaxId = "DE_TAX_ID",
    /// A German identity card's number (7-3-1).
    DeIdCard = "DE_ID_CARD",
    /// An Italian fiscal code.
    ItFiscalCode = "IT_FISCAL_CODE",
    /// A Brazilian CPF (mod 11).
    BrCpf = "BR_CPF",
    /// A Dutch citizen's number (mod 11), by context.
    NlBsn = "NL_BSN",
    /// A Polish PESEL (mod 10), by context.
    PlPesel = "PL_PESEL",
}

impl EntityKind {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<EntityKind> {
        EntityKind::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether it points at a person by itself. A date, an age, a place on the web need not.
    pub fn is_identifying(self) -> bool {
        !matches!(self, EntityKind::DateTime | EntityKind::Age | EntityKind::Url)
    }
}
