//! Calls to the outside world: sending a message. `Perform<Notify>` is the port, each way to send an adapter.

mod mailbox;

use events::Personal;
use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use mailbox::Mailbox;

use crate::domain::Channel;

/// Send this message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    pub order_id: Uuid,
    /// The event it is about, as in the notification's row.
    pub event: String,
    pub channel: Channel,
    /// The notification's; e-mail bears it as `Message-ID`.
    pub id: Uuid,
    /// How often it was sent again on request.
    pub resends: i32,
    pub recipient: Personal<String>,
    pub subject: Option<Personal<String>>,
    pub body: Personal<String>,
}

/// The definite answer of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It has left.
    Accepted,
    /// It never will. Why, without a word about the recipient: the reason is published.
    Refused(String),
}

impl Request for Notify {
    const NAME: &'static str = "notify";
    type Answer = Told;

    /// Sending again on purpose is another request.
    fn idempotency_key(&self) -> String {
        let Self { order_id, event, channel, resends, .. } = self;
        let key = format!("notify:{order_id}:{event}:{}", channel.as_str());
        if *resends == 0 { key } else { format!("{key}:{resends}") }
    }
}
