//! What the notification service tells. No address, no text: only that somebody was told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{event::event, topic, wire_enum::wire_enum};

/// A message has left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationSent {
    /// The notification.
    pub notification_id: Uuid,
    /// Type of the event it tells of, such as `OrderShipped.v1`.
    pub event: String,
    /// How it was sent.
    pub channel: Channel,
}

/// A message could not be sent, and will not be tried again by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationFailed {
    /// The notification.
    pub notification_id: Uuid,
    /// Type of the event it tells of, such as `OrderShipped.v1`.
    pub event: String,
    /// How it was tried.
    pub channel: Channel,
    /// What the channel answered last. No personal data: never the recipient.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

wire_enum! {
    /// How a message travels.
    pub enum Channel {
        /// To the customer's mailbox.
        Email = "EMAIL",
        /// To the customer's phone.
        Sms = "SMS",
        /// To the shop's own systems.
        Webhook = "WEBHOOK",
    }
}

event!(NotificationSent = "NotificationSent.v1", topic::NOTIFICATION_UPDATES);
event!(NotificationFailed = "NotificationFailed.v1", topic::NOTIFICATION_UPDATES);
