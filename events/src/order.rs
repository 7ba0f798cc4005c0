//! What the order service tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Address, Currency, Customer, Item, Money, PaymentFailure, Personal, Recipient, event::event, topic,
    wire_enum::wire_enum,
};

/// An order was taken. The one place where the customer's contact and the payment token travel: payment and
/// notification keep what they need of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How to reach them.
    pub customer: Customer,
    /// Of every amount in it.
    pub currency: Currency,
    /// Sum of all lines.
    pub total_amount: Money,
    /// What was ordered.
    pub items: Vec<Item>,
    /// How it will be paid.
    pub payment: PaymentDetails,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDetails {
    /// Such as `card`.
    pub method: String,
    /// The provider's token. Never card data.
    pub token: Personal<String>,
}

/// Somebody wants a confirmed order cancelled; whether that is still possible depends on the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancellationRequested {
    /// What the one who asked wrote.
    pub note: Option<String>,
}

/// The order is over: whatever anyone holds for it is to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Why.
    pub reason: CancelReason,
    /// What the one who asked for it wrote.
    pub note: Option<String>,
}

/// Stock is reserved and paid: ship it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Of every amount in it.
    pub currency: Currency,
    /// Sum of all lines.
    pub total_amount: Money,
    /// What is to be shipped.
    pub items: Vec<Item>,
    /// Who takes the parcel.
    pub recipient: Recipient,
    /// Where it goes.
    pub shipping_address: Address,
    /// The payment it was confirmed for.
    pub payment_id: Uuid,
}

/// An order changed its status. For anyone who shows orders; nothing in the saga depends on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatusChanged {
    /// Whose order it is.
    pub customer_id: Uuid,
    /// What it is now.
    pub status: OrderStatus,
    /// What it was; nothing for a new order.
    pub previous: Option<OrderStatus>,
    /// What people see.
    pub status_text: String,
    /// Why it ended without being delivered.
    pub reason: Option<OrderEndReason>,
    /// Counts the order's transitions: 1, 2, 3 …
    pub version: i64,
    /// Once it is shipped.
    pub tracking_number: Option<String>,
}

wire_enum! {
    /// Where an order stands.
    pub enum OrderStatus {
        /// Taken, nothing decided yet.
        Pending = "PENDING",
        /// Its stock is reserved.
        Reserved = "RESERVED",
        /// Paid; to be shipped.
        Confirmed = "CONFIRMED",
        /// With the carrier.
        Shipped = "SHIPPED",
        /// Done.
        Delivered = "DELIVERED",
        /// Its cancellation waits for the parcel's fate.
        Cancelling = "CANCELLING",
        /// Ended, and undone.
        Cancelled = "CANCELLED",
        /// The payment was refused.
        Failed = "FAILED",
    }
}

impl OrderStatus {
    /// What people see.
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

    /// Whether nothing follows it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Cancelled | Self::Failed)
    }
}

wire_enum! {
    /// Why an order was cancelled.
    pub enum CancelReason {
        /// Not everything could be reserved.
        OutOfStock = "OUT_OF_STOCK",
        /// It was not paid while its stock was kept.
        ReservationExpired = "RESERVATION_EXPIRED",
        /// The carrier refused the parcel.
        ShipmentFailed = "SHIPMENT_FAILED",
        /// It did not move for too long.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// Somebody asked for it.
        CustomerRequest = "CUSTOMER_REQUEST",
    }
}

wire_enum! {
    /// Why an order ended without being delivered: every reason to cancel and every refusal of a payment.
    pub enum OrderEndReason {
        /// Not everything could be reserved.
        OutOfStock = "OUT_OF_STOCK",
        /// It was not paid while its stock was kept.
        ReservationExpired = "RESERVATION_EXPIRED",
        /// The carrier refused the parcel.
        ShipmentFailed = "SHIPMENT_FAILED",
        /// It did not move for too long.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// Somebody asked for it.
        CustomerRequest = "CUSTOMER_REQUEST",
        /// The bank said no.
        CardDeclined = "CARD_DECLINED",
        /// Not enough money.
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
    fn an_end_has_the_name_of_its_reason() {
        let names: Vec<&str> = OrderEndReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let cancelled = CancelReason::ALL.iter().map(|&reason| (reason.as_str(), OrderEndReason::from(reason)));
        let refused = PaymentFailure::ALL.iter().map(|&reason| (reason.as_str(), OrderEndReason::from(reason)));
        let reasons: Vec<_> = cancelled.chain(refused).collect();
        assert_eq!(reasons.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        assert!(reasons.iter().all(|(name, reason)| *name == reason.as_str()));
    }

    #[test]
    fn the_wire_name_is_one_everywhere() {
        for &status in OrderStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Pending".parse::<OrderStatus>().is_err());
    }
}
