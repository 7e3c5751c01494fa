use std::fmt;

/// The longest id in bytes; chosen: wider than any shop system's key, short enough for an index.
pub const ID_BYTES_MAX: usize = 255;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text has no characters.
    #[error("{what} is empty; give 1 to {ID_BYTES_MAX} bytes of text")]
    Empty {
        /// Which kind of id.
        what: &'static str,
    },
    /// The text is over [`ID_BYTES_MAX`].
    #[error("{what} has {bytes} bytes; the limit is {ID_BYTES_MAX}")]
    TooLong {
        /// Which kind of id.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes any UTF-8 of 1 to [`ID_BYTES_MAX`] bytes.
            ///
            /// # Errors
            ///
            /// [`IdError`] when the text is empty or too long.
            pub fn new(text: impl AsRef<str> + Into<Box<str>>) -> Result<$name, IdError> {
                match text.as_ref().len() {
                    0 => Err(IdError::Empty { what: $what }),
                    1..=ID_BYTES_MAX => Ok($name(text.into())),
                    bytes => Err(IdError::TooLong { what: $what, bytes }),
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// A product as the shop's own systems name it.
    ProductId,
    "product id"
);
text_id!(
    /// A product's size or colour as the shop's own systems name it.
    VariantId,
    "variant id"
);
text_id!(
    /// A customer order as the shop's own systems name it; personal, so it stays inside sealed bodies.
    OrderId,
    "order id"
);
text_id!(
    /// A brand or country of the company: what belongs to one site never shows in another's answers.
    SiteId,
    "site id"
);
text_id!(
    /// A shop or warehouse.
    LocationId,
    "location id"
);

impl SiteId {
    /// The site of a company that has only one, and of every event that names none.
    pub fn main() -> SiteId {
        SiteId("main".into())
    }
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

opaque_id!(
    /// A person as the log knows them: 128 random bits, tied to a real id only by the key store.
    SubjectId
);
opaque_id!(
    /// A keyed hash of the client's message id: the same message always has the same one.
    EventId
);
opaque_id!(
    /// A keyed hash of site and order id: joins the reports of one order without naming it.
    OrderRef
);

#[cfg(test)]
mod tests;
