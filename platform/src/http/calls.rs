//! Several calls in one request, each answered as if it had come alone, and as soon as its answer is known. What takes long,
//! or is never answered, holds up none of the others.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, MatchedPath},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{Method, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Checks, IdempotencyKey, Problem,
    around::{finished, log},
    context::Context,
    server::Limits,
};
use crate::Trace;

/// Calls in a request, at most.
pub const MOST_CALLS: usize = 100;

/// Calls that come together. The answers are lines of JSON, in the order in which they are known:
/// `{"call":0,"status":200,"body":…}` with the number of the call (from 0), and status and body that it would have been answered
/// with alone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Calls<B> {
    #[schema(min_items = 1, max_items = 100)]
    calls: Vec<Call<B>>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call<B> {
    /// What it would have in `Idempotency-Key`.
    #[schema(value_type = String)]
    pub key: IdempotencyKey,
    pub body: B,
}

/// An answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<B> {
    pub call: usize,
    pub status: u16,
    pub body: B,
}

/// The answer to several calls. An extractor: each of them has as much time as a request.
#[derive(Debug, Clone)]
pub struct OneByOne(Arc<Asked>);

/// The request they came with.
#[derive(Debug)]
struct Asked {
    method: Method,
    route: String,
    trace: Trace,
    patience: Duration,
}

impl OneByOne {
    /// Has all of them done at once, each by `one`.
    ///
    /// # Errors
    /// There are none, or too many.
    pub fn answer<B, A, F>(self, Calls { calls }: Calls<B>, one: impl FnMut(Call<B>) -> F) -> Result<Response, Problem>
    where
        A: Serialize + 'static,
        F: Future<Output = Result<A, Problem>> + Send + 'static,
    {
        Checks::new().range("calls", calls.len(), 1..=MOST_CALLS).finish()?;
        let answered = |(number, call)| self.0.clone().answered(number, call);
        let calls: FuturesUnordered<_> = calls.into_iter().map(one).enumerate().map(answered).collect();
        // What is known at the same time goes in one piece.
        let pieces = calls.ready_chunks(MOST_CALLS).map(|lines| Ok::<_, Infallible>(Bytes::from(lines.concat())));
        let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
        Ok((headers, Body::from_stream(pieces)).into_response())
    }
}

impl Asked {
    async fn answered<A: Serialize>(
        self: Arc<Self>,
        number: usize,
        call: impl Future<Output = Result<A, Problem>>,
    ) -> Vec<u8> {
        match finished(call, self.patience).await.flatten() {
            Ok(answer) => line(number, StatusCode::OK, &answer),
            Err(problem) => {
                log(&problem, &self.method, &self.route, self.trace);
                line(number, problem.status(), &problem.document(None))
            }
        }
    }
}

fn line(call: usize, status: StatusCode, body: &impl Serialize) -> Vec<u8> {
    let line = Line { call, status: status.as_u16(), body };
    let mut line = serde_json::to_vec(&line).expect("answers are plain data");
    line.push(b'\n');
    line
}

impl<S: Sync> FromRequestParts<S> for OneByOne {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<Context>();
        let limits = context.map_or_else(Limits::default, |context| context.shared.limits);
        Ok(Self(Arc::new(Asked {
            method: parts.method.clone(),
            route: parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str).to_owned(),
            trace: context.map_or_else(Trace::new, |context| context.trace),
            patience: limits.request_time,
        })))
    }
}
