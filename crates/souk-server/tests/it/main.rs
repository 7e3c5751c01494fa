//! The server as a client meets it: over TCP, on storage of its own.
#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod access;
mod audit;
mod catalogue;
mod consents;
mod events;
mod feeds;
mod headers;
mod http;
mod keys;
mod limits;
mod logs;
mod meilisearch;
mod operation;
mod people;
mod planning;
mod privacy;
mod problems;
mod recommendations;
mod reports;
mod rules;
mod search;
mod shop;
mod shopify;
mod sign_in;
mod tls;
mod webhooks;
