use saga::{CallError, Perform};

use super::{Notify, Told};
use crate::domain::Channel;

/// Messages stay with the service: the notification's row is the mailbox, so all there is to do is to say that it is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mailbox {
    /// Share of attempts that fail, 0 … 1.
    pub error_rate: f64,
}

impl Perform<Notify> for Mailbox {
    async fn perform(&self, request: &Notify, _key: &str) -> Result<Told, CallError> {
        // RFC 2606: a domain that is never there.
        if request.channel == Channel::Email && request.recipient.ends_with(".invalid") {
            return Ok(Told::Refused("there is no such address".into()));
        }
        if self.error_rate > 0.0 && rand::random::<f64>() < self.error_rate {
            return Err(CallError::Failed("the mailbox does not answer".into()));
        }
        Ok(Told::Accepted)
    }
}
