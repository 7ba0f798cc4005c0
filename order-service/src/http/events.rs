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
    domain::OrderStatusView,
    store::{Order, queries},
};

/// An order's status, live (server-sent events): the current one first, then each that follows, until it has ended.
///
/// `id` is the version. Who comes back with `Last-Event-ID` gets every later one; when there will be none, 204, which
/// tells browsers not to come back.
#[utoipa::path(get, path = "/api/v1/orders/{id}/events", tag = "Orders",
    params(("id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header, description = "the last version received")),
    responses((status = 200, content_type = "text/event-stream", body = String,
               description = "events of type `status`, data as in `…/status`"),
              (status = 204, description = "the order has ended, and its end is known"),
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
    // Nobody can have seen more than there is: such an id is none of this order's.
    let known = last.version().and_then(|version| i64::try_from(version).ok()).filter(|it| *it <= order.version);
    if known == Some(order.version) && order.status.is_terminal() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = service.statuses.watch(id);
    // From here on nothing is missed; what came before is read again below.
    let sent = known.unwrap_or(order.version - 1);
    let following = Following { app: service.app, id, watch, sent, ready: VecDeque::new(), idle: false };
    Ok(live.send(following.messages()))
}

/// Somebody who follows an order.
struct Following {
    app: App,
    id: Uuid,
    /// Wakes it; what there is to tell is read from the order itself, so nothing is skipped.
    watch: watch::Receiver<i64>,
    /// The last version sent.
    sent: i64,
    ready: VecDeque<OrderStatusView>,
    /// Everything that was published is read.
    idle: bool,
}

/// Before it looks again when the database failed, or has not yet what was published.
const AGAIN: Duration = Duration::from_millis(200);

impl Following {
    fn messages(self) -> impl Stream<Item = Message> + Send + 'static {
        stream::unfold(Some(self), |following| async {
            let mut following = following?;
            let status = following.next().await;
            let message = Message::json("status", &status).id(tag(status.version));
            Some((message, (!status.status.is_terminal()).then_some(following)))
        })
    }

    async fn next(&mut self) -> OrderStatusView {
        loop {
            if let Some(status) = self.ready.pop_front() {
                self.sent = status.version;
                return status;
            }
            if self.idle {
                // Never fails: the cache keeps orders that are watched.
                let _ = self.watch.changed().await;
            }
            let published = *self.watch.borrow_and_update(); // before reading: what comes meanwhile wakes it again
            match queries::order(self.app.db(), self.id).await {
                Ok(order) => {
                    self.ready = order.map(|order| since(&order, self.sent)).unwrap_or_default();
                    self.idle = self.ready.back().map_or(self.sent, |newest| newest.version) >= published;
                }
                Err(error) => {
                    warn!(order.id = %self.id, %error, "an order cannot be read now");
                    self.idle = false;
                }
            }
            if self.ready.is_empty() && !self.idle {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Every status after this version.
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
