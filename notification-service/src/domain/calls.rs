//! The request to a channel, and its answer. Names and keys are stored: never rename.

use events::Personal;
use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Channel, rows::NotificationKey};

/// Send this message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    pub order_id: Uuid,
    /// The event that caused the message, as in the notification's row.
    pub event: String,
    pub channel: Channel,
    /// The notification's; an e-mail carries it as `Message-ID`.
    pub id: Uuid,
    /// How often it was sent again on request.
    pub resends: i32,
    pub recipient: Personal<String>,
    pub subject: Option<Personal<String>>,
    pub body: Personal<String>,
}

/// The definite answer of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyAnswer {
    Accepted,
    /// Not sent; another attempt would be refused, too. The reason is published: it contains nothing personal.
    Refused(String),
}

impl Request for Notify {
    const NAME: &'static str = "notify";
    type Answer = NotifyAnswer;

    /// Each resend is another request.
    fn idempotency_key(&self) -> String {
        let Self { order_id, event, channel, resends, .. } = self;
        let key = format!("notify:{order_id}:{event}:{}", channel.as_str());
        if *resends == 0 { key } else { format!("{key}:{resends}") }
    }
}

impl Notify {
    /// The key of the notification's row.
    pub fn key(&self) -> NotificationKey {
        (self.order_id, self.event.clone(), self.channel)
    }
}
