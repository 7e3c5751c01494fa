//! The shapes of requests and answers: the only place of this crate that derives serde and schemas.
//!
//! A shape is read here, and turned into a request of the application whose values are valid by type.

/// Declares the names that the contract has for the variants of an enum of the application, both ways.
macro_rules! names_of {
    ($of:ident: $(#[$about:meta])* $name:ident { $($variant:ident),* $(,)? }) => {
        $(#[$about])*
        pub(crate) enum $name {
            $($variant),*
        }

        impl From<$name> for $of {
            fn from(name: $name) -> $of {
                match name {
                    $($name::$variant => $of::$variant),*
                }
            }
        }

        impl From<$of> for $name {
            fn from(of: $of) -> $name {
                match of {
                    $($of::$variant => $name::$variant),*
                }
            }
        }
    };
}

pub(crate) mod audit;
pub(crate) mod common;
pub(crate) mod consents;
pub(crate) mod events;
pub(crate) mod foresight;
pub(crate) mod found;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod page;
pub(crate) mod people;
pub(crate) mod planning;
pub(crate) mod privacy;
pub(crate) mod products;
pub(crate) mod purchasing;
pub(crate) mod recommend;
pub(crate) mod reports;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod stock_report;
