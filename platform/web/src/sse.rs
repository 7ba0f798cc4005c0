//! Server-sent events: a stream with heartbeats, which ends with its messages or with the process.

use std::{convert::Infallible, fmt::Display, time::Duration};

use axum::{
    extract::FromRequestParts,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, header, request::Parts};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::{context::Context, problem::Problem};
use tokio_util::sync::CancellationToken;

/// Interval of heartbeats. They keep the connection open in proxies and let clients detect a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    id: Option<String>,
    event: &'static str,
    data: String,
}

impl Message {
    /// `data` as JSON in one line.
    pub fn json(event: &'static str, data: &impl Serialize) -> Self {
        Self { id: None, event, data: serde_json::to_string(data).expect("answers can be written as JSON") }
    }

    /// Sets the id, which a reconnecting client returns in `Last-Event-ID`.
    #[must_use]
    pub fn id(mut self, id: impl Display) -> Self {
        self.id = Some(id.to_string());
        self
    }
}

impl From<Message> for Event {
    fn from(message: Message) -> Self {
        let event = Self::default().event(message.event).data(message.data);
        match message.id {
            Some(id) => event.id(id),
            None => event,
        }
    }
}

/// The permit for one stream: an extractor that refuses (503) when too many streams are open. Streams end when the
/// process shuts down: otherwise the graceful shutdown would wait for them.
#[derive(Debug)]
pub struct Live {
    shutdown: CancellationToken,
    permit: Option<OwnedSemaphorePermit>,
}

impl Live {
    /// Without a permit, for tests of a stream's handler.
    pub fn detached(shutdown: CancellationToken) -> Self {
        Self { shutdown, permit: None }
    }

    /// Builds the response, which ends when `messages` ends.
    pub fn send(self, messages: impl Stream<Item = Message> + Send + 'static) -> Response {
        self.send_with(messages, HEARTBEAT)
    }

    pub(super) fn send_with(
        self,
        messages: impl Stream<Item = Message> + Send + 'static,
        heartbeat: Duration,
    ) -> Response {
        let Self { shutdown, permit } = self;
        let events = messages.take_until(async move { shutdown.cancelled().await }).map(move |message| {
            let _held = &permit; // held until the stream is dropped
            Ok::<_, Infallible>(Event::from(message))
        });
        let keep_alive = KeepAlive::new().interval(heartbeat).text("heartbeat");
        let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // otherwise nginx buffers events
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Live {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(context) = parts.extensions.get::<Context>() else {
            return Ok(Self::detached(CancellationToken::new()));
        };
        let permit = context.shared.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Problem::unavailable("too many open event streams"))?;
        Ok(Self { shutdown: context.shared.shutdown.clone(), permit: Some(permit) })
    }
}

/// The last event that a reconnecting client has received. An extractor. Without it, or with an unknown id, the stream
/// starts at the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastEventId(pub Option<String>);

impl LastEventId {
    /// The id as a version number.
    pub fn version(&self) -> Option<u64> {
        self.0.as_deref()?.parse().ok()
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let value = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self(value.filter(|value| !value.is_empty()).map(str::to_owned)))
    }
}
