//! `Idempotency-Key`: a request that is sent several times with one key is executed once.

use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{
    json,
    problem::{FieldError, Problem},
    problems,
};

/// The name of the request header.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The response header that marks the stored reply to an earlier request.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// The client's key: 1–255 visible ASCII characters. An extractor.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(&problems::IDEMPOTENCY_KEY_MISSING)
                .detail("send the header Idempotency-Key with 1 to 255 visible characters")
                .error(FieldError::new("Idempotency-Key", "missing", "is needed here")));
        };
        let invalid = |message: &'static str| {
            Problem::malformed("the header Idempotency-Key cannot be used").error(FieldError::new(
                "Idempotency-Key",
                "invalid_header",
                message,
            ))
        };
        if values.next().is_some() {
            return Err(invalid("must be given once"));
        }
        let visible = |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        let key = value.to_str().ok().filter(visible);
        key.map(|key| Self(key.to_owned())).ok_or_else(|| invalid("must be 1 to 255 visible ASCII characters"))
    }
}

/// Hides the key. Keys are secrets of the client and must not be logged: a caller with the key can read the first
/// reply.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

/// SHA-256 of the unparsed body.
pub fn body_hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// A JSON body (with the rules of [`Json`](super::Json)) with its idempotency key. An extractor.
#[derive(Debug, Clone)]
pub struct Keyed<T> {
    pub key: IdempotencyKey,
    pub hash: [u8; 32],
    pub body: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = IdempotencyKey::read(request.headers())?;
        let bytes: Bytes = json::read_body(request, state).await?;
        let body = json::parse(&bytes)?;
        Ok(Self { key, hash: body_hash(&bytes), body })
    }
}
