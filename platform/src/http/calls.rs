//! Several calls in one request, each answered as if it had come alone, and as soon as its answer is known. What takes long,
//! or is never answered, holds up none of the others.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Checks, IdempotencyKey, Problem, context::Context, problems, server::Limits};

/// Calls in a request, at most.
pub const MOST_CALLS: usize = 100;

/// Calls that come together. The answers are lines of JSON, in the order in which they are known:
/// `{"call":0,"status":200,"body":…}` with the number of the call (from 0), and what it would have been answered alone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Calls<B> {
    #[schema(min_items = 1, max_items = 100)]
    calls: Vec<Call<B>>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call<B> {
    /// What it would have in `Idempotency-Key`.
    #[schema(value_type = String)]
    pub key: IdempotencyKey,
    pub body: B,
}

impl<B> Calls<B> {
    /// # Errors
    /// There are none, or too many.
    pub fn all(self) -> Result<Vec<Call<B>>, Problem> {
        let mut checks = Checks::new();
        checks.range("calls", self.calls.len(), 1..=MOST_CALLS);
        checks.finish()?;
        Ok(self.calls)
    }
}

/// The answer to several calls. An extractor: each of them has as much time as a request.
#[derive(Debug, Clone, Copy)]
pub struct OneByOne {
    patience: Duration,
}

impl OneByOne {
    /// `calls`: in their order.
    pub fn answer<A, F>(self, calls: impl IntoIterator<Item = F>) -> Response
    where
        A: Serialize,
        F: Future<Output = Result<A, Problem>> + Send + 'static,
    {
        let Self { patience } = self;
        let answered = |(number, call)| async move { line(number, tokio::time::timeout(patience, call).await) };
        let calls: FuturesUnordered<_> = calls.into_iter().enumerate().map(answered).collect();
        // What is known at the same time goes in one piece.
        let pieces = calls.ready_chunks(MOST_CALLS).map(|lines| Ok::<_, Infallible>(Bytes::from(lines.concat())));
        let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
        (headers, Body::from_stream(pieces)).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for OneByOne {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let limits = parts.extensions.get::<Context>().map_or_else(Limits::default, |context| context.shared.limits);
        Ok(Self { patience: limits.request_time })
    }
}

fn line<A: Serialize, E>(call: usize, answer: Result<Result<A, Problem>, E>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<B> {
        call: usize,
        status: u16,
        body: B,
    }

    let answer = answer.unwrap_or_else(|_| Err(Problem::new(&problems::TIMED_OUT)));
    let line = match &answer {
        Ok(body) => serde_json::to_vec(&Line { call, status: StatusCode::OK.as_u16(), body }),
        Err(problem) => {
            serde_json::to_vec(&Line { call, status: problem.status().as_u16(), body: problem.document(None) })
        }
    };
    let mut line = line.expect("answers are plain data");
    line.push(b'\n');
    line
}
