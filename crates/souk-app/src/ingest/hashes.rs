//! Keyed hashes: what stands in keys and indexes instead of the ids that name people.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use souk_core::{EventId, OrderId, OrderRef, SiteId, SubjectId};
use souk_ports::IdHash;

/// What kind of name an id is. Equal texts of two kinds are two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// The shop's name for a shopper.
    User,
    /// A browser's name for a shopper.
    Anonymous,
    /// A loyalty card.
    LoyaltyCard,
    /// A shop's name for a shopper that a browser gave without a shopper token: anyone could have
    /// typed it, so nothing of it may reach the real shopper.
    Claimed,
}

impl IdKind {
    /// What a browser's own name for a shopper is, if a browser says it. What looks like an e-mail address names a
    /// person whom anybody may know (imports from other systems take it for those without a number), so from a
    /// browser it is only a claim.
    pub(crate) fn by_browser(anonymous_id: &str) -> IdKind {
        if anonymous_id.contains('@') { IdKind::Claimed } else { IdKind::Anonymous }
    }

    fn tag(self) -> &'static [u8] {
        match self {
            IdKind::User => b"user",
            IdKind::Anonymous => b"anonymous",
            IdKind::LoyaltyCard => b"loyalty_card",
            IdKind::Claimed => b"claimed",
        }
    }
}

/// Which of the records that one message makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessagePart {
    /// The record that stands for the message.
    Whole,
    /// The message came from a browser: its ids are a world of their own, so that nobody can send a
    /// message id ahead of the server and have the server's message taken for a repetition.
    Browser,
    /// The person-free side of an order.
    Sale,
    /// A link that the message makes, by number.
    Link(u8),
    /// What the message says of consent, by number.
    Consent(u8),
}

/// Hashes with the installation's secret.
#[derive(Clone)]
pub(crate) struct IdHasher {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for IdHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdHasher(…)")
    }
}

impl IdHasher {
    pub(crate) fn new(secret: &[u8; 32]) -> IdHasher {
        IdHasher { mac: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length") }
    }

    /// The key store's name for an id.
    pub(crate) fn id(&self, kind: IdKind, id: &str) -> IdHash {
        IdHash(self.hash(kind.tag(), &[], id.as_bytes()))
    }

    /// The key store's name for the key of ids that wait in the outbox; no person's id is named so.
    pub(crate) fn sealed_ids(&self, owner: &str) -> IdHash {
        IdHash(self.hash(b"outbox", &[], owner.as_bytes()))
    }

    /// The id of a record that a message makes.
    pub(crate) fn message(&self, part: MessagePart, site: &SiteId, message_id: &str) -> EventId {
        let link;
        let consent;
        let tag: &[u8] = match part {
            MessagePart::Whole => b"message",
            MessagePart::Browser => b"browser-message",
            MessagePart::Sale => b"sale",
            MessagePart::Link(number) => {
                link = [b'l', b'i', b'n', b'k', number];
                &link
            }
            MessagePart::Consent(number) => {
                consent = [b'c', b'o', b'n', b's', b'e', b'n', b't', number];
                &consent
            }
        };
        EventId(self.hash(tag, site.as_str().as_bytes(), message_id.as_bytes()))
    }

    /// The id of a record that is about a subject and comes from no message.
    pub(crate) fn subject(&self, tag: &[u8], subject: SubjectId) -> [u8; 16] {
        self.hash(tag, b"subject", &subject.0)
    }

    /// What joins the reports of an order.
    pub(crate) fn order(&self, site: &SiteId, order_id: &OrderId) -> OrderRef {
        OrderRef(self.hash(b"order", site.as_str().as_bytes(), order_id.as_str().as_bytes()))
    }

    /// The first 16 bytes of HMAC-SHA256. Lengths before the parts keep two ways of cutting the same
    /// text apart; no tag or site is longer than 255 bytes.
    fn hash(&self, tag: &[u8], scope: &[u8], text: &[u8]) -> [u8; 16] {
        let mut mac = self.mac.clone();
        let mut buffer = [0u8; 128];
        let len = 2 + tag.len() + scope.len() + text.len();
        if len <= buffer.len() {
            // One call: the hash buffers blocks, and small updates cost more than the copy.
            buffer[0] = tag.len() as u8;
            buffer[1..=tag.len()].copy_from_slice(tag);
            let at = 1 + tag.len();
            buffer[at] = scope.len() as u8;
            buffer[at + 1..at + 1 + scope.len()].copy_from_slice(scope);
            buffer[at + 1 + scope.len()..len].copy_from_slice(text);
            mac.update(&buffer[..len]);
        } else {
            mac.update(&[tag.len() as u8]);
            mac.update(tag);
            mac.update(&[scope.len() as u8]);
            mac.update(scope);
            mac.update(text);
        }
        let bytes = mac.finalize().into_bytes();
        bytes[..16].try_into().expect("SHA-256 has 32 bytes")
    }
}
