use axum::{extract::State, response::Response};
use uuid::Uuid;
use web::{Caller, IfNoneMatch, Path, Problem};

use super::{ADMIN, READ, Service, tag};
use crate::{domain::OrderStatusView, queries, statuses::CachedStatus};

/// The status of an order. Small and cheap: suited to polling.
#[utoipa::path(get, path = "/api/v1/orders/{id}/status", tag = "Orders",
    params(("id" = Uuid, Path), ("If-None-Match" = Option<String>, Header, description = "the `ETag` of the version the client has")),
    responses((status = 200, body = OrderStatusView, headers(("ETag" = String, description = "the version"))),
              (status = 304, description = "the version is still the one in If-None-Match"),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn status(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    caller.require(READ)?;
    let CachedStatus { customer_id, status } = service.status(id).await?;
    if !caller.may_see(customer_id, ADMIN) {
        return Err(Problem::not_found());
    }
    Ok(seen.answer(tag(status.version), status))
}

impl Service {
    async fn status(&self, id: Uuid) -> Result<CachedStatus, Problem> {
        if let Some(cached) = self.statuses.get(id) {
            return Ok(cached);
        }
        self.statuses.expect(id); // before the read, so that a concurrent transition is detected
        let order = queries::summary(self.app.db(), id).await.map_err(Problem::unavailable)?;
        let order = order.ok_or_else(Problem::not_found)?;
        let cached = CachedStatus { customer_id: order.customer_id, status: OrderStatusView::from(&order) };
        self.statuses.keep(cached.clone());
        Ok(cached)
    }
}
