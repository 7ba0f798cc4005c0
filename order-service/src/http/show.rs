use axum::extract::State;
use events::{Currency, Item, Money, OrderEndReason, OrderStatus, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Page, Path, Problem};

use super::{
    READ, Service,
    body::{Address, Customer},
    views::Links,
};
use crate::{
    domain::{Cause, Details, HistoryEntry, PaymentStatus, PaymentView, ShipmentView, rows::Order},
    queries,
};

/// An order with all its data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub struct OrderView {
    order_id: Uuid,
    customer_id: Uuid,
    #[schema(value_type = String, example = "SHIPPED")]
    status: OrderStatus,
    /// The status in words, for display.
    #[schema(example = "In Transit")]
    status_text: &'static str,
    /// Why the order ended without delivery.
    #[schema(value_type = Option<String>)]
    reason: Option<OrderEndReason>,
    /// The number of transitions.
    version: i64,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    #[schema(value_type = String, example = "59.90")]
    total_amount: Money,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Of the last transition.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The trace of everything about the order.
    trace_id: String,
    #[schema(value_type = Customer)]
    customer: events::Customer,
    #[schema(value_type = Address)]
    shipping_address: events::Address,
    items: Vec<ItemView>,
    /// `null` until the first payment event.
    payment: Option<OrderPayment>,
    /// `null` until the first shipment event.
    shipment: Option<ShipmentView>,
    links: Links,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderItem)]
pub struct ItemView {
    product_id: Uuid,
    product_name: String,
    quantity: u32,
    #[schema(value_type = String, example = "29.95")]
    price: Money,
    #[schema(value_type = String, example = "59.90")]
    line_total: Money,
}

/// An order's payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPayment {
    status: PaymentStatus,
    payment_id: Option<Uuid>,
    method: String,
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    #[schema(value_type = String, example = "0.00")]
    refunded: Money,
}

/// An order: items, status, payment, shipment.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "Orders", params(("id" = Uuid, Path)),
    responses((status = 200, body = OrderView),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
) -> Result<Json<OrderView>, Problem> {
    caller.require(READ)?;
    let order = service.order(&caller, id).await?;
    let ordered = queries::details(service.app.db(), id).await.map_err(Problem::unavailable)?;
    let ordered = ordered.ok_or_else(Problem::not_found)?; // written with the order
    Ok(Json(OrderView::of(order, ordered)))
}

/// A transition of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    version: i64,
    #[schema(value_type = String, example = "CONFIRMED")]
    status: OrderStatus,
    /// The status in words, for display.
    #[schema(example = "Confirmed")]
    status_text: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    cause: Cause,
    trace_id: String,
}

/// Every transition of an order, oldest first, versions 1 to n without a gap.
#[utoipa::path(get, path = "/api/v1/orders/{id}/history", tag = "Orders", params(("id" = Uuid, Path)),
    responses((status = 200, body = Page<Transition>),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn history(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
) -> Result<Page<Transition>, Problem> {
    caller.require(READ)?;
    let order = service.order(&caller, id).await?;
    Ok(Page::complete(order.progress.0.history.into_iter().map(Transition::from).collect()))
}

impl From<HistoryEntry> for Transition {
    fn from(it: HistoryEntry) -> Self {
        let HistoryEntry { version, status, at, cause, trace_id } = it;
        Self { version, status, status_text: status.text(), at, cause, trace_id }
    }
}

impl From<Item> for ItemView {
    fn from(item: Item) -> Self {
        let line_total = item.line_total().unwrap_or_default(); // checked when the order was placed
        let Item { product_id, product_name, quantity, price } = item;
        Self { product_id, product_name, quantity, price, line_total }
    }
}

impl OrderView {
    fn of(order: Order, ordered: Details) -> Self {
        let Details { customer, shipping_address, items, payment } = ordered;
        let progress = order.progress.0;
        let payment = progress.payment.map(|PaymentView { status, payment_id, amount, refunded }| OrderPayment {
            status,
            payment_id,
            method: payment.method,
            amount,
            refunded,
        });
        Self {
            order_id: order.id,
            customer_id: order.customer_id,
            status: *order.status,
            status_text: order.status.text(),
            reason: order.reason.as_deref().copied(),
            version: order.version,
            currency: *order.currency,
            total_amount: Money::from_minor(order.total_minor),
            created_at: order.created_at.into(),
            updated_at: order.updated_at.into(),
            trace_id: order.trace_id,
            customer,
            shipping_address,
            items: items.into_iter().map(ItemView::from).collect(),
            payment,
            shipment: progress.shipment,
            links: Links::of(order.id),
        }
    }
}
