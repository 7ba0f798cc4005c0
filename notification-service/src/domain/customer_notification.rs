use events::Event;

use super::events::{OrderCancelled, OrderShipped, OrderStatusChanged, PaymentRefunded};

/// An event that the customer is notified about.
#[derive(Debug, Clone, Copy)]
pub enum CustomerNotification<'a> {
    Confirmed,
    Shipped(&'a OrderShipped),
    Delivered,
    Cancelled(&'a OrderCancelled),
    /// Each refund of an order is a notification of its own.
    Refunded(&'a PaymentRefunded),
    /// The payment was refused.
    Failed(&'a OrderStatusChanged),
}

impl CustomerNotification<'_> {
    /// The type of the event.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Confirmed => events::OrderConfirmed::TYPE,
            Self::Shipped(_) => events::OrderShipped::TYPE,
            Self::Delivered => events::OrderDelivered::TYPE,
            Self::Cancelled(_) => events::OrderCancelled::TYPE,
            Self::Refunded(_) => events::PaymentRefunded::TYPE,
            Self::Failed(_) => events::OrderStatusChanged::TYPE,
        }
    }

    /// Unique among the notifications of an order. Stored, and part of effect keys: never rename.
    pub fn event(&self) -> String {
        match self {
            Self::Refunded(refund) => format!("{}:{}", self.event_type(), refund.refund_id),
            _ => self.event_type().to_owned(),
        }
    }
}

/// The event type in a value of [`CustomerNotification::event`].
pub(super) fn type_of(event: &str) -> &str {
    event.split(':').next().unwrap_or(event)
}

/// Whether the notification concerns the contract or money, and so cannot be switched off. Unknown events count as legal.
pub(super) fn is_legal(event: &str) -> bool {
    let optional = [events::OrderShipped::TYPE, events::OrderDelivered::TYPE];
    !optional.contains(&type_of(event))
}
