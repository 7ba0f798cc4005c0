//! The order service's events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Address, Currency, Customer, Item, Money, PaymentFailure, Personal, Recipient, event::event, topic,
    wire_enum::wire_enum,
};

/// An order was accepted. Only this event carries the customer's contact and the payment token. The payment and
/// notification services store the parts they need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// The customer who placed the order.
    pub customer_id: Uuid,
    /// The customer's contact.
    pub customer: Customer,
    /// Currency of every amount in the event.
    pub currency: Currency,
    /// Sum of all lines.
    pub total_amount: Money,
    /// The ordered items.
    pub items: Vec<Item>,
    /// How the order will be paid.
    pub payment: PaymentDetails,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDetails {
    /// Such as `card`.
    pub method: String,
    /// The payment provider's token. Never card data.
    pub token: Personal<String>,
}

/// The cancellation of a confirmed order was requested. Whether it is still possible depends on the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancellationRequested {
    /// Note of the person who requested the cancellation.
    pub note: Option<String>,
}

/// The order has ended. Every service undoes its part of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Why the order was cancelled.
    pub reason: CancelReason,
    /// Note of the person who requested the cancellation.
    pub note: Option<String>,
}

/// The order's stock is reserved and its payment is made: the order is to be shipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The customer who placed the order.
    pub customer_id: Uuid,
    /// Currency of every amount in the event.
    pub currency: Currency,
    /// Sum of all lines.
    pub total_amount: Money,
    /// The items to ship.
    pub items: Vec<Item>,
    /// The recipient of the parcel.
    pub recipient: Recipient,
    /// The destination of the parcel.
    pub shipping_address: Address,
    /// The payment that led to the confirmation.
    pub payment_id: Uuid,
}

/// An order changed its status. For systems that display orders; no reaction of the saga's outcome depends on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatusChanged {
    /// The customer who placed the order.
    pub customer_id: Uuid,
    /// The new status.
    pub status: OrderStatus,
    /// The previous status; absent for a new order.
    pub previous: Option<OrderStatus>,
    /// The status as text for display.
    pub status_text: String,
    /// Why the order ended without delivery.
    pub reason: Option<OrderEndReason>,
    /// Counts the order's transitions: 1, 2, 3 …
    pub version: i64,
    /// The carrier's number of the parcel, once the order is shipped.
    pub tracking_number: Option<String>,
}

wire_enum! {
    /// Status of an order.
    pub enum OrderStatus {
        /// Accepted; stock is not reserved yet.
        Pending = "PENDING",
        /// Its stock is reserved; payment is pending.
        Reserved = "RESERVED",
        /// Its payment is made; shipment is pending.
        Confirmed = "CONFIRMED",
        /// The carrier has the parcel.
        Shipped = "SHIPPED",
        /// The parcel is delivered.
        Delivered = "DELIVERED",
        /// Its cancellation was requested and depends on the parcel.
        Cancelling = "CANCELLING",
        /// It ended before delivery, and the services undo their parts.
        Cancelled = "CANCELLED",
        /// The payment was refused.
        Failed = "FAILED",
    }
}

impl OrderStatus {
    /// The status as text for display.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Pending => "Order Placed",
            Self::Reserved => "Stock Reserved",
            Self::Confirmed => "Confirmed",
            Self::Shipped => "In Transit",
            Self::Delivered => "Delivered",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
        }
    }

    /// Whether the status is final.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Cancelled | Self::Failed)
    }
}

wire_enum! {
    /// Why an order was cancelled.
    pub enum CancelReason {
        /// Some items could not be reserved.
        OutOfStock = "OUT_OF_STOCK",
        /// The order was not paid before its reservation expired.
        ReservationExpired = "RESERVATION_EXPIRED",
        /// The carrier refused the parcel.
        ShipmentFailed = "SHIPMENT_FAILED",
        /// The order made no progress before its deadline.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// The cancellation was requested.
        CustomerRequest = "CUSTOMER_REQUEST",
    }
}

wire_enum! {
    /// Why an order ended without delivery: every [`CancelReason`] and every [`PaymentFailure`].
    pub enum OrderEndReason {
        /// Some items could not be reserved.
        OutOfStock = "OUT_OF_STOCK",
        /// The order was not paid before its reservation expired.
        ReservationExpired = "RESERVATION_EXPIRED",
        /// The carrier refused the parcel.
        ShipmentFailed = "SHIPMENT_FAILED",
        /// The order made no progress before its deadline.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// The cancellation was requested.
        CustomerRequest = "CUSTOMER_REQUEST",
        /// The bank declined the charge.
        CardDeclined = "CARD_DECLINED",
        /// The account has insufficient funds.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// The customer did not authorise it.
        PaymentNotAuthorised = "PAYMENT_NOT_AUTHORISED",
    }
}

impl From<CancelReason> for OrderEndReason {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::OutOfStock => Self::OutOfStock,
            CancelReason::ReservationExpired => Self::ReservationExpired,
            CancelReason::ShipmentFailed => Self::ShipmentFailed,
            CancelReason::DeadlineExceeded => Self::DeadlineExceeded,
            CancelReason::CustomerRequest => Self::CustomerRequest,
        }
    }
}

impl From<PaymentFailure> for OrderEndReason {
    fn from(reason: PaymentFailure) -> Self {
        match reason {
            PaymentFailure::CardDeclined => Self::CardDeclined,
            PaymentFailure::InsufficientFunds => Self::InsufficientFunds,
            PaymentFailure::PaymentNotAuthorised => Self::PaymentNotAuthorised,
        }
    }
}

event!(OrderCreated = "OrderCreated.v1", topic::ORDERS_IN);
event!(OrderCancellationRequested = "OrderCancellationRequested.v1", topic::ORDERS_IN);
event!(OrderCancelled = "OrderCancelled.v1", topic::ORDERS_IN);
event!(OrderConfirmed = "OrderConfirmed.v1", topic::ORDERS_VALIDATED);
event!(OrderStatusChanged = "OrderStatusChanged.v1", topic::ORDER_STATUS);

#[cfg(test)]
mod tests {
    use super::{CancelReason, OrderEndReason, OrderStatus};
    use crate::PaymentFailure;

    #[test]
    fn an_end_reason_has_the_name_of_its_cause() {
        let names: Vec<&str> = OrderEndReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let cancelled = CancelReason::ALL.iter().map(|&reason| (reason.as_str(), OrderEndReason::from(reason)));
        let refused = PaymentFailure::ALL.iter().map(|&reason| (reason.as_str(), OrderEndReason::from(reason)));
        let reasons: Vec<_> = cancelled.chain(refused).collect();
        assert_eq!(reasons.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        assert!(reasons.iter().all(|(name, reason)| *name == reason.as_str()));
    }

    #[test]
    fn json_and_text_have_the_same_name() {
        for &status in OrderStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Pending".parse::<OrderStatus>().is_err());
    }
}
