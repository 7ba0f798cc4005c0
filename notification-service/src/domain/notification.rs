//! A message: requested once per order, event and channel; its result is published.

use events::{NotificationFailed, NotificationSent};
use saga::{
    CallResult, Consequences, Outcome,
    Verdict::{self, Done, Hold, Ignored},
};
use uuid::Uuid;

use super::{
    Channel, CustomerNotification, Notify, NotifyAnswer, State,
    customer_notification::type_of,
    rows::{Contact, Notification, NotificationKey, Work},
    text::{self, Text},
};

impl Work {
    /// Requests a message by every channel that the customer's preferences allow.
    pub fn notify(
        &mut self,
        order_id: Uuid,
        notification: &CustomerNotification<'_>,
        out: &mut Consequences,
    ) -> Verdict {
        let Some(contact) = self.contacts.get(&order_id) else {
            return Hold("the order itself has not arrived");
        };
        let event = notification.event();
        let requested = |channel| self.notifications.get(&(order_id, event.clone(), channel)).is_some();
        if Channel::ALL.into_iter().any(requested) {
            return Ignored("the customer is already notified");
        }

        let set = self.preferences.get(&contact.customer_id);
        let language = set.map_or(&contact.language, |set| &set.language);
        let preferences = self.preferences_of(contact.customer_id);
        let reached = |channel: &Channel| preferences.allow(&event, *channel) && contact.address(*channel).is_some();
        let channels: Vec<_> = Channel::ALL.into_iter().filter(reached).collect();
        for &channel in &channels {
            let message = Notification::of(contact, notification, channel, language, out);
            out.request(&message.request());
            self.notifications.insert(message);
        }
        if channels.is_empty() {
            // The row makes a repeat of the event be ignored even if the preferences change. The published failure
            // shows consumers that no message follows.
            let mut message = Notification::of(contact, notification, Channel::Email, language, out);
            message.status = State::Failed;
            let message = self.notifications.insert(message);
            let failed = message.failed("the customer has switched it off");
            out.publish_unnumbered(&failed);
        }
        Done
    }

    /// The outcome of sending a message.
    pub fn settle(&mut self, outcome: &Outcome<Notify>, out: &mut Consequences) -> Verdict {
        let request = &outcome.request;
        let message = self.notifications.get_mut(&request.key());
        let Some(message) = message.filter(|it| it.status == State::Pending && it.resends == request.resends) else {
            return Ignored("the request is already settled");
        };
        message.attempts = message.attempts.saturating_add_unsigned(outcome.attempt);
        match &outcome.result {
            CallResult::Answer(NotifyAnswer::Accepted) => {
                message.status = State::Sent;
                message.sent_at = Some(out.now());
                let sent = message.sent();
                out.publish_unnumbered(&sent);
            }
            CallResult::Answer(NotifyAnswer::Refused(why))
            | CallResult::Exhausted(why)
            | CallResult::Unknown(why)
            | CallResult::KeyExpired(why) => {
                message.status = State::Failed;
                let failed = message.failed(why);
                out.publish_unnumbered(&failed);
            }
        }
        Done
    }

    /// Sends a message again on request, unless the customer has switched such messages off.
    pub fn resend(&mut self, Resend(key): &Resend, out: &mut Consequences) -> Result<Notification, ResendRefusal> {
        let contact = self.contacts.get(&key.0).ok_or(ResendRefusal::NotFound)?;
        let preferences = self.preferences_of(contact.customer_id);
        let message = self.notifications.get_mut(key).ok_or(ResendRefusal::NotFound)?;
        if message.status == State::Pending {
            return Err(ResendRefusal::Pending);
        }
        if !preferences.allow(&message.event, message.channel) {
            return Err(ResendRefusal::SwitchedOff);
        }
        message.resends += 1;
        message.status = State::Pending;
        message.sent_at = None;
        out.request(&message.request());
        Ok(message.clone())
    }
}

/// Sends a message again.
#[derive(Debug)]
pub struct Resend(pub NotificationKey);

/// Why a message is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRefusal {
    NotFound,
    /// It is being sent.
    Pending,
    /// The customer's preferences exclude it.
    SwitchedOff,
}

impl Notification {
    /// A pending message to the contact's address.
    fn of(
        contact: &Contact,
        notification: &CustomerNotification<'_>,
        channel: Channel,
        language: &str,
        out: &mut Consequences,
    ) -> Self {
        let Text { subject, body } = text::render(contact, notification, channel, language);
        Self {
            order_id: contact.order_id,
            event: notification.event(),
            channel,
            id: out.new_id(),
            status: State::Pending,
            recipient: contact.address(channel).unwrap_or_default().to_owned(),
            subject,
            body,
            attempts: 0,
            resends: 0,
            created_at: out.now(),
            sent_at: None,
        }
    }

    fn request(&self) -> Notify {
        Notify {
            order_id: self.order_id,
            event: self.event.clone(),
            channel: self.channel,
            id: self.id,
            resends: self.resends,
            recipient: self.recipient.clone().into(),
            subject: self.subject.clone().map(Into::into),
            body: self.body.clone().into(),
        }
    }

    /// The type of the event that caused the message.
    pub fn event_type(&self) -> &str {
        type_of(&self.event)
    }

    fn sent(&self) -> NotificationSent {
        let (notification_id, event) = (self.id, self.event_type().to_owned());
        NotificationSent { notification_id, event, channel: self.channel.into() }
    }

    fn failed(&self, reason: &str) -> NotificationFailed {
        NotificationFailed {
            notification_id: self.id,
            event: self.event_type().to_owned(),
            channel: self.channel.into(),
            reason: reason.to_owned(),
            attempts: self.attempts.unsigned_abs(),
        }
    }
}
