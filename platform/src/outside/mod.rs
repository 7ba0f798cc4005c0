//! Somebody who is called over HTTP, with errors told as effects need them: what may have happened is never a failure.

#[cfg(test)]
mod tests;
mod together;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

pub use self::together::Together;
use crate::{
    CallError,
    http::{IDEMPOTENCY_KEY, Problem, ProblemType, problems},
};

/// What is called says so when nothing has happened, and the call may be repeated as if it had never been made.
pub static NOT_DONE: ProblemType = ProblemType::new(
    "not-done",
    StatusCode::SERVICE_UNAVAILABLE,
    "Nothing was done",
    "The call has certainly had no effect. It may be sent again, with the same key.",
);

/// Whoever calls has time-outs of their own (`Policy`); this one is for calls whose caller has forgotten them.
const PATIENCE: Duration = Duration::from_mins(6);
const TO_CONNECT: Duration = Duration::from_secs(2);
/// Less than servers wait before they close what is idle: a request on its way into a closing connection is lost.
const IDLE: Duration = Duration::from_secs(15);

/// Keeps connections open, as many as there are calls at the same time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outside {
    client: reqwest::Client,
    base: String,
}

impl Outside {
    /// `base`: `http://host:port`, perhaps with a path; without a slash at the end.
    ///
    /// # Panics
    /// When the process cannot have a client at all.
    pub fn new(base: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(TO_CONNECT)
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client needs nothing that could be missing");
        Self { client, base: base.to_owned() }
    }

    /// Asks; asking changes nothing.
    pub async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        answer(self.call(Method::GET, path, None, None::<&()>).await?)
    }

    /// Has something done, under a key that makes repeats harmless.
    pub async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        answer(self.call(Method::POST, path, Some(key), Some(body)).await?)
    }

    /// For calls that are made at the same time, at an address that takes several in a request.
    pub fn together(&self, path: &str) -> Together {
        Together::new(self.clone(), path.to_owned())
    }

    /// Sends it; whatever comes back. `Failed`: it was not sent.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let response = self.send(method, path, key, body).await?;
        self.read(response).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, CallError> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| self.error(&error))
    }

    async fn read(&self, response: reqwest::Response) -> Result<(StatusCode, Bytes), CallError> {
        let status = response.status();
        Ok((status, response.bytes().await.map_err(|error| self.error(&error))?))
    }

    fn error(&self, error: &reqwest::Error) -> CallError {
        let Self { base, .. } = self;
        if error.is_connect() || error.is_builder() {
            CallError::Failed(format!("{base} cannot be reached"))
        } else {
            self.lost()
        }
    }

    fn lost(&self) -> CallError {
        CallError::Unknown(format!("the connection to {} was lost", self.base))
    }
}

/// Refusals of a request as it is, which a part of it may be spared; whatever else is wrong would meet that part, too.
pub fn is_about_the_request(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

fn answer<A: DeserializeOwned>((status, body): (StatusCode, Bytes)) -> Result<A, CallError> {
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| CallError::Unknown(format!("unreadable answer: {error}")));
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |member: &str| problem[member].as_str().unwrap_or_default();
    let said = [text("detail"), text("title"), status.as_str()].into_iter().find(|it| !it.is_empty());
    let said = said.unwrap_or_default().to_owned();
    // Who refuses a request has not carried it out. Whoever broke down over it may have, or is still at it.
    let kind = text("type");
    let at_it = status == StatusCode::REQUEST_TIMEOUT || kind == problems::REQUEST_IN_PROGRESS.path();
    let nothing_happened = kind == NOT_DONE.path() || (status.is_client_error() && !at_it);
    Err(if nothing_happened { CallError::Failed(said) } else { CallError::Unknown(said) })
}

/// The other side: how somebody who is called tells what became of the call.
impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(why) => Self::new(&NOT_DONE).detail(why),
            CallError::Unknown(why) => Self::unavailable(why),
        }
    }
}
