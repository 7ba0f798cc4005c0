//! The notification service's events. They contain neither the recipient nor the text of a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{event::event, topic, wire_enum::wire_enum};

/// A message was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationSent {
    /// The notification.
    pub notification_id: Uuid,
    /// Type of the event the message is about, such as `OrderShipped.v1`.
    pub event: String,
    /// Channel the message was sent by.
    pub channel: Channel,
}

/// A message could not be sent. The service makes no further attempt by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationFailed {
    /// The notification.
    pub notification_id: Uuid,
    /// Type of the event the message is about, such as `OrderShipped.v1`.
    pub event: String,
    /// Channel the message was to be sent by.
    pub channel: Channel,
    /// The last answer of the channel. It contains no personal data, such as the recipient.
    pub reason: String,
    /// Number of attempts.
    pub attempts: u32,
}

wire_enum! {
    /// How a message is sent.
    pub enum Channel {
        /// By e-mail to the customer.
        Email = "EMAIL",
        /// By text message to the customer's phone.
        Sms = "SMS",
        /// By HTTP to the shop's own systems.
        Webhook = "WEBHOOK",
    }
}

event!(NotificationSent = "NotificationSent.v1", topic::NOTIFICATION_UPDATES);
event!(NotificationFailed = "NotificationFailed.v1", topic::NOTIFICATION_UPDATES);
