//! Cancellation on request. Possible until the parcel is with the carrier; a preview shows the result.

use events::{CancelReason, Money, OrderCancellationRequested, OrderStatus};
use saga::Consequences;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Cause, OrderStatusView,
    rows::{Order, Orders},
};

/// Cancels an order on request.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    pub order_id: Uuid,
    /// Only if the order belongs to this customer; `None`: any customer.
    pub of_customer: Option<Uuid>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRefusal {
    /// The order does not exist, or belongs to another customer.
    NoSuchOrder,
    /// The parcel is with the carrier, or the order has ended.
    NotCancellable(OrderStatus),
}

/// What cancelling an order would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The status after the cancellation; `None` when the order cannot be cancelled.
    pub outcome: Option<OrderStatus>,
    /// What would be undone.
    pub steps: Vec<CancellationStep>,
    /// The amount that would be refunded.
    pub refund: Option<Money>,
    /// Why the order cannot be cancelled.
    pub why: Option<&'static str>,
}

/// A compensation that the cancellation causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancellationStep {
    ReleaseStock,
    Refund,
    CancelShipment,
}

impl Orders {
    /// A repeat gets the current status as its reply.
    pub fn cancel(&mut self, command: &CancelOrder, out: &mut Consequences) -> Result<OrderStatusView, CancelRefusal> {
        let order = self.orders.get_mut(&command.order_id).ok_or(CancelRefusal::NoSuchOrder)?;
        if command.of_customer.is_some_and(|customer| customer != order.customer_id) {
            return Err(CancelRefusal::NoSuchOrder);
        }
        let by = Cause::new("CancelOrder", None);
        match *order.status {
            OrderStatus::Pending | OrderStatus::Reserved => {
                order.progress.note.clone_from(&command.note);
                order.end(CancelReason::CustomerRequest, by, out);
            }
            OrderStatus::Confirmed => {
                order.progress.note.clone_from(&command.note);
                let requested = OrderCancellationRequested { note: command.note.clone() };
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
    /// What cancelling would do now. There is nothing to undo until stock is reserved.
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
