use saga::{CallError, Perform};

use crate::domain::{Channel, Notify, NotifyAnswer};

/// The rows of notifications are the mailbox, so sending a message only accepts it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mailbox {
    /// Share of attempts that fail, 0 … 1.
    pub error_rate: f64,
}

impl Perform<Notify> for Mailbox {
    async fn perform(&self, request: &Notify, _key: &str) -> Result<NotifyAnswer, CallError> {
        // RFC 2606: this domain never exists.
        if request.channel == Channel::Email && request.recipient.ends_with(".invalid") {
            return Ok(NotifyAnswer::Refused("there is no such address".into()));
        }
        if self.error_rate > 0.0 && rand::random::<f64>() < self.error_rate {
            return Err(CallError::Failed("the mailbox does not answer".into()));
        }
        Ok(NotifyAnswer::Accepted)
    }
}
