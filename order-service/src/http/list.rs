use axum::extract::State;
use chrono::{DateTime, Utc};
use events::OrderStatus;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;
use web::{Caller, Page, PageQuery, Paged, Problem};

use super::{READ, Service, restricted_to, views::ReceiptView};
use crate::queries::{self, ListFilter};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    /// Orders with this status.
    #[param(value_type = Option<String>, example = "SHIPPED")]
    status: Option<OrderStatus>,
    /// Orders of this customer.
    customer_id: Option<Uuid>,
    /// Placed at or after this time (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Placed before this time (RFC 3339).
    to: Option<DateTime<Utc>>,
}

/// Orders, newest first.
#[utoipa::path(get, path = "/api/v1/orders", tag = "Orders", params(Filter, PageQuery),
    responses((status = 200, body = Page<ReceiptView>),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    caller: Caller,
    State(service): State<Service>,
    Paged { filter, page }: Paged<Filter>,
) -> Result<Page<ReceiptView>, Problem> {
    caller.require(READ)?;
    let Filter { status, customer_id, from, to } = filter;
    let restricted = restricted_to(&caller);
    if restricted.is_some() && customer_id.is_some() && restricted != customer_id {
        return Ok(Page::complete(vec![])); // reveals nothing about other customers
    }
    let filter = ListFilter { status, customer: restricted.or(customer_id), from, to, after: page.after()? };
    let orders = queries::list(service.app.db(), &filter, page.fetch()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(orders, &page, |order| order.id).map(ReceiptView::from))
}
