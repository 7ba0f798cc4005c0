//! HTTP client for effects. Maps each error to an outcome: `Failed` only if the call certainly had no effect, otherwise
//! `Unknown`.

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use saga::CallError;

use crate::{IDEMPOTENCY_KEY, Problem, ProblemType, problems};

/// Returned when the call certainly had no effect.
pub static NOT_DONE: ProblemType = ProblemType::new(
    "not-done",
    StatusCode::SERVICE_UNAVAILABLE,
    "Nothing was done",
    "The call has certainly had no effect. It may be sent again, with the same key.",
);

/// Upper bound of a call. Callers set shorter time-outs (`Policy`).
const CALL_TIMEOUT: Duration = Duration::from_mins(6);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long idle connections are kept. Must be shorter than at the servers: a request on a closing connection is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Keeps as many connections open as there are concurrent calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OutboundClient {
    client: reqwest::Client,
    base: String,
}

impl OutboundClient {
    /// `base`: `http://host:port`, perhaps with a path; without a slash at the end.
    ///
    /// # Panics
    /// When the HTTP client cannot be built (no TLS back end, no DNS configuration).
    pub fn new(base: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client needs nothing that could be missing");
        Self { client, base: base.to_owned() }
    }

    /// Sends a query, which has no effect.
    pub async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        answer(self.call(Method::GET, path, None, None::<&()>).await?)
    }

    /// Sends a call that has an effect. The idempotency key makes repeats harmless.
    pub async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        answer(self.call(Method::POST, path, Some(key), Some(body)).await?)
    }

    /// Sends a request and returns the response with any status. `Failed`: the request was not sent.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.error(&error))?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(|error| self.error(&error))?))
    }

    fn error(&self, error: &reqwest::Error) -> CallError {
        let Self { base, .. } = self;
        if error.is_connect() || error.is_builder() {
            CallError::Failed(format!("{base} cannot be reached"))
        } else {
            CallError::Unknown(format!("the connection to {base} was lost"))
        }
    }
}

fn answer<A: DeserializeOwned>((status, body): (StatusCode, Bytes)) -> Result<A, CallError> {
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| CallError::Unknown(format!("unreadable answer: {error}")));
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |member: &str| problem[member].as_str().unwrap_or_default();
    let reason = [text("detail"), text("title"), status.as_str()].into_iter().find(|it| !it.is_empty());
    let reason = reason.unwrap_or_default().to_owned();
    // A refused request (4xx) was not executed. After a server error, or while the server still
    // processes the request, it may have been executed.
    let kind = text("type");
    let in_progress = status == StatusCode::REQUEST_TIMEOUT || kind == problems::REQUEST_IN_PROGRESS.path();
    let no_effect = kind == NOT_DONE.path() || (status.is_client_error() && !in_progress);
    Err(if no_effect { CallError::Failed(reason) } else { CallError::Unknown(reason) })
}

/// The server side: the problem that `answer` maps back to the same `CallError`.
impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(why) => Self::new(&NOT_DONE).detail(why),
            CallError::Unknown(why) => Self::unavailable(why),
        }
    }
}
