//! Ids and keys that nobody used before.

use uuid::{Builder, Uuid};

/// A fresh id, for a product, a customer or a request. Random: what is made here ends up in another process, and two
/// runs against the same system must not meet.
pub fn fresh() -> Uuid {
    Builder::from_random_bytes(rand::random()).into_uuid()
}

/// A fresh `Idempotency-Key`.
pub fn key() -> String {
    fresh().simple().to_string()
}
