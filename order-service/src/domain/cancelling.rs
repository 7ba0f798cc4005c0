//! Cancellation on request: possible at any time before the parcel has left, with a preview of what it would do.

use events::{CancelReason, Money, OrderCancellationRequested, OrderStatus};
use saga::Consequences;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Cause, OrderStatusView};
use crate::store::{Order, Orders};

/// Somebody wants an order cancelled.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    pub order_id: Uuid,
    /// Only if it is this customer's; `None`: whosever it is.
    pub of_customer: Option<Uuid>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRefusal {
    /// There is none, or it is somebody else's.
    NoSuchOrder,
    /// It is too late.
    NotCancellable(OrderStatus),
}

/// What cancelling an order would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The status it would have; `None` when it can't be cancelled.
    pub outcome: Option<OrderStatus>,
    /// What would be undone.
    pub steps: Vec<CancellationStep>,
    /// What would be paid back.
    pub refund: Option<Money>,
    /// Why it can't be cancelled.
    pub why: Option<&'static str>,
}

/// Something that is undone when an order is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancellationStep {
    ReleaseStock,
    Refund,
    CancelShipment,
}

impl Orders {
    /// A repeat is answered with the current state.
    pub fn cancel(&mut self, wish: &CancelOrder, out: &mut Consequences) -> Result<OrderStatusView, CancelRefusal> {
        let order = self.orders.get_mut(&wish.order_id).ok_or(CancelRefusal::NoSuchOrder)?;
        if wish.of_customer.is_some_and(|customer| customer != order.customer_id) {
            return Err(CancelRefusal::NoSuchOrder);
        }
        let by = Cause::new("CancelOrder", None);
        match *order.status {
            OrderStatus::Pending | OrderStatus::Reserved => {
                order.progress.note.clone_from(&wish.note);
                order.end(CancelReason::CustomerRequest, by, out);
            }
            OrderStatus::Confirmed => {
                order.progress.note.clone_from(&wish.note);
                let requested = OrderCancellationRequested { note: wish.note.clone() };
                out.publish(&mut order.progress.sequences.orders_in, &requested);
                order.enter(OrderStatus::Cancelling, by, out);
            }
            OrderStatus::Cancelling | OrderStatus::Cancelled => {}
            status @ (OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Failed) => {
                return Err(CancelRefusal::NotCancellable(status));
            }
        }
        Ok(OrderStatusView::from(&order.summary()))
    }
}

impl Order {
    /// What cancelling would do now. Nothing is held for an order whose stock is not reserved yet.
    pub fn cancellation(&self) -> Cancellation {
        use CancellationStep::*;
        let would = |outcome, steps: &[_]| Cancellation {
            outcome: Some(outcome),
            steps: steps.to_vec(),
            refund: None,
            why: None,
        };
        match *self.status {
            OrderStatus::Pending => would(OrderStatus::Cancelled, &[]),
            OrderStatus::Reserved => would(OrderStatus::Cancelled, &[ReleaseStock]),
            OrderStatus::Confirmed => {
                let left = self.progress.payment.and_then(|it| it.amount.checked_sub(it.refunded));
                Cancellation { refund: left, ..would(OrderStatus::Cancelling, &[ReleaseStock, Refund, CancelShipment]) }
            }
            OrderStatus::Cancelling => Cancellation::impossible("ALREADY_CANCELLING"),
            OrderStatus::Cancelled => Cancellation::impossible("ALREADY_CANCELLED"),
            OrderStatus::Shipped => Cancellation::impossible("ALREADY_SHIPPED"),
            OrderStatus::Delivered => Cancellation::impossible("ALREADY_DELIVERED"),
            OrderStatus::Failed => Cancellation::impossible("ALREADY_FAILED"),
        }
    }
}

impl Cancellation {
    fn impossible(why: &'static str) -> Self {
        Self { outcome: None, steps: vec![], refund: None, why: Some(why) }
    }
}
