use events::Event;

use super::events::{OrderCancelled, OrderShipped, OrderStatusChanged, PaymentRefunded};

/// What a customer is notified about.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    Confirmed,
    Shipped(&'a OrderShipped),
    Delivered,
    Cancelled(&'a OrderCancelled),
    /// Each of several refunds is a notification.
    Refunded(&'a PaymentRefunded),
    /// The payment was refused.
    Failed(&'a OrderStatusChanged),
}

impl News<'_> {
    /// The type of the event that brings it.
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

/// The type of the event, from what [`News::event`] made of it.
pub(super) fn type_of(event: &str) -> &str {
    event.split(':').next().unwrap_or(event)
}

/// Whether it may not be switched off. Everything may but what concerns contract or money; what is new here is taken to.
pub(super) fn is_legal(event: &str) -> bool {
    let courtesies = [events::OrderShipped::TYPE, events::OrderDelivered::TYPE];
    !courtesies.contains(&type_of(event))
}
