//! Receipts: statements that the installation signs, so that anyone can check later who said what.
//!
//! Ed25519 rather than a keyed hash: whoever holds a receipt (the person, a regulator) checks it with
//! the public key alone, and nobody who can check one can make one.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use souk_core::SubjectId;

use crate::seal::SecretKey;

/// The key that an installation signs its receipts with.
pub struct ReceiptKey(Ed25519KeyPair);

/// The public half, by which a receipt is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReceiptPublicKey(pub [u8; 32]);

/// A signature of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptKey({})", self.public())
    }
}

impl ReceiptKey {
    /// The key of a seed of 256 random bits.
    pub fn from_seed(seed: &SecretKey) -> ReceiptKey {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes());
        ReceiptKey(pair.expect("any 32 bytes are a seed"))
    }

    /// The public half.
    pub fn public(&self) -> ReceiptPublicKey {
        let bytes = self.0.public_key().as_ref();
        ReceiptPublicKey(bytes.try_into().expect("a public key has 32 bytes"))
    }

    /// Signs a statement, to the byte.
    pub fn sign(&self, statement: &str) -> Signature {
        let signature = self.0.sign(statement.as_bytes());
        Signature(signature.as_ref().try_into().expect("a signature has 64 bytes"))
    }
}

impl ReceiptPublicKey {
    /// Whether the key's owner signed exactly this statement.
    pub fn verifies(&self, statement: &str, signature: &Signature) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(statement.as_bytes(), &signature.0).is_ok()
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<ReceiptPublicKey> {
        from_hex(text).map(ReceiptPublicKey)
    }
}

impl Signature {
    /// Reads 128 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Signature> {
        from_hex(text).map(Signature)
    }
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.trim().as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

macro_rules! hexadecimal {
    ($name:ident) => {
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

hexadecimal!(ReceiptPublicKey);
hexadecimal!(Signature);

/// What a receipt calls a subject: a hash of it, so that the receipt alone points at no record.
pub fn mark_of(subject: SubjectId) -> String {
    let mut hash = Sha256::new();
    hash.update(b"souk erased subject");
    hash.update(subject.0);
    souk_core::hexadecimal(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests;
