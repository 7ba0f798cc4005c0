//! New ids and keys.

use uuid::{Builder, Uuid};

/// A new id for a product, a customer or a request. Random, so that two runs against the same
/// system never use the same id.
pub fn fresh() -> Uuid {
    Builder::from_random_bytes(rand::random()).into_uuid()
}

/// A new `Idempotency-Key`.
pub fn key() -> String {
    fresh().simple().to_string()
}
