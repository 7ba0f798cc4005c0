use std::{collections::VecDeque, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use saga::App;
use tokio::sync::watch;
use tracing::warn;
use uuid::Uuid;
use web::{Caller, LastEventId, Live, Message, Path, Problem};

use super::{READ, Service, tag};
use crate::{
    domain::{OrderStatusView, rows::Order},
    queries,
};

/// An order's status as server-sent events: the current status, then every later one until the order ends.
///
/// `id` is the version. A request with `Last-Event-ID` gets every later version. When there can be no later version, the
/// response is 204, and browsers stop to reconnect.
#[utoipa::path(get, path = "/api/v1/orders/{id}/events", tag = "Orders",
    params(("id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header, description = "the last version received")),
    responses((status = 200, content_type = "text/event-stream", body = String,
               description = "events of type `status`, data as in `…/status`"),
              (status = 204, description = "the order has ended, and the client has its last version"),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn events(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    last: LastEventId,
    live: Live,
) -> Result<Response, Problem> {
    caller.require(READ)?;
    let order = service.order(&caller, id).await?;
    // An id above the order's version was not issued for this order and is ignored.
    let known = last.version().and_then(|version| i64::try_from(version).ok()).filter(|it| *it <= order.version);
    if known == Some(order.version) && order.status.is_terminal() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = service.statuses.watch(id);
    // The watch reports every later version; earlier ones are read below.
    let sent = known.unwrap_or(order.version - 1);
    let stream = StatusStream { app: service.app, id, watch, sent, ready: VecDeque::new(), idle: false };
    Ok(live.send(stream.messages()))
}

/// The event stream of one client.
struct StatusStream {
    app: App,
    id: Uuid,
    /// Signals a newer version. Statuses are read from the order's history, so none is skipped.
    watch: watch::Receiver<i64>,
    /// The last version sent.
    sent: i64,
    ready: VecDeque<OrderStatusView>,
    /// All published versions are read.
    idle: bool,
}

/// The delay before the next read after a database error, or while the published version is not readable yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

impl StatusStream {
    fn messages(self) -> impl Stream<Item = Message> + Send + 'static {
        stream::unfold(Some(self), |stream| async {
            let mut stream = stream?;
            let status = stream.next().await;
            let message = Message::json("status", &status).id(tag(status.version));
            Some((message, (!status.status.is_terminal()).then_some(stream)))
        })
    }

    async fn next(&mut self) -> OrderStatusView {
        loop {
            if let Some(status) = self.ready.pop_front() {
                self.sent = status.version;
                return status;
            }
            if self.idle {
                // Cannot fail: the cache keeps watched orders.
                let _ = self.watch.changed().await;
            }
            let published = *self.watch.borrow_and_update(); // before the read, so that a later version wakes the stream
            match queries::order(self.app.db(), self.id).await {
                Ok(order) => {
                    self.ready = order.map(|order| since(&order, self.sent)).unwrap_or_default();
                    self.idle = self.ready.back().map_or(self.sent, |newest| newest.version) >= published;
                }
                Err(error) => {
                    warn!(order.id = %self.id, %error, "reading the order failed");
                    self.idle = false;
                }
            }
            if self.ready.is_empty() && !self.idle {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }
}

/// The statuses after this version.
fn since(order: &Order, version: i64) -> VecDeque<OrderStatusView> {
    let reason = |at: i64| order.reason.as_deref().copied().filter(|_| at == order.version);
    let entries = order.progress.history.iter().filter(|entry| entry.version > version);
    let status = entries.map(|entry| OrderStatusView {
        order_id: order.id,
        status: entry.status,
        status_text: entry.status.text().into(),
        reason: reason(entry.version),
        version: entry.version,
        updated_at: entry.at,
    });
    status.collect()
}
