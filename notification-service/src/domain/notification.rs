//! A message: asked for once per order, event and channel, sent, and reported.

use events::{NotificationFailed, NotificationSent};
use saga::{
    CallResult, Command, Consequences, Outcome,
    Verdict::{self, Done, Hold, Ignored},
};
use uuid::Uuid;

use super::{
    Channel, News, State,
    news::type_of,
    text::{self, Text},
};
use crate::{
    effects::{Notify, Told},
    store::{Contact, Notification, NotificationKey, Work, said::Model as Counter},
};

impl Work {
    /// Notifies the customer by every channel of their preferences.
    pub fn tell(&mut self, order_id: Uuid, news: &News<'_>, out: &mut Consequences) -> Verdict {
        let Some(contact) = self.contacts.get(&order_id) else {
            return Hold("the order itself has not arrived");
        };
        let event = news.event();
        let told = |channel| self.notifications.get(&(order_id, event.clone(), channel)).is_some();
        if Channel::ALL.into_iter().any(told) {
            return Ignored("told before");
        }

        let set = self.preferences.get(&contact.customer_id);
        let language = set.map_or(&contact.language, |set| &set.language);
        let preferences = self.preferences_of(contact.customer_id);
        let reached = |channel: &Channel| preferences.allow(&event, *channel) && contact.address(*channel).is_some();
        let channels: Vec<_> = Channel::ALL.into_iter().filter(reached).collect();
        for &channel in &channels {
            let message = Notification::of(contact, news, channel, language, out);
            out.request(&message.request());
            self.notifications.insert(message);
        }
        if channels.is_empty() {
            // Noted all the same: a repeat finds it when the customer has changed their mind, and whoever waits for word
            // of this event gets it.
            let mut message = Notification::of(contact, news, Channel::Email, language, out);
            message.status = State::Failed;
            let message = self.notifications.insert(message);
            let failed = message.failed("the customer has switched it off");
            out.publish(self.sequence_of(order_id), &failed);
        }
        Done
    }

    /// What came of sending a message.
    pub fn settle(&mut self, outcome: &Outcome<Notify>, out: &mut Consequences) -> Verdict {
        let asked = &outcome.request;
        let message = self.notifications.get_mut(&asked.key());
        let Some(message) = message.filter(|it| it.status == State::Pending && it.resends == asked.resends) else {
            return Ignored("settled before");
        };
        message.attempts = message.attempts.saturating_add_unsigned(outcome.attempt);
        match &outcome.result {
            CallResult::Answer(Told::Accepted) => {
                message.status = State::Sent;
                message.sent_at = Some(out.now());
                let sent = message.sent();
                out.publish(self.sequence_of(asked.order_id), &sent);
            }
            CallResult::Answer(Told::Refused(why)) | CallResult::Exhausted(why) | CallResult::Unknown(why) => {
                message.status = State::Failed;
                let failed = message.failed(why);
                out.publish(self.sequence_of(asked.order_id), &failed);
            }
        }
        Done
    }

    /// Counts the events published about this order.
    fn sequence_of(&mut self, order_id: Uuid) -> &mut i64 {
        if self.said.get(&order_id).is_none() {
            self.said.insert(Counter { order_id, sequence: 0 });
        }
        &mut self.said.get_mut(&order_id).expect("there is one now").sequence
    }

    /// Sends a message again on request, unless the customer has switched such messages off.
    pub fn resend(&mut self, wanted: &Resend, out: &mut Consequences) -> Result<Notification, ResendRefusal> {
        let contact = self.contacts.get(&wanted.key()).ok_or(ResendRefusal::NotFound)?;
        let preferences = self.preferences_of(contact.customer_id);
        let message = self.notifications.get_mut(&wanted.0).ok_or(ResendRefusal::NotFound)?;
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

/// This message is to be sent again.
#[derive(Debug)]
pub struct Resend(pub NotificationKey);

/// Why a message is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRefusal {
    NotFound,
    /// It is being sent.
    Pending,
    /// The customer does not want it.
    SwitchedOff,
}

impl Notification {
    /// To be sent to the contact's address.
    fn of(contact: &Contact, news: &News<'_>, channel: Channel, language: &str, out: &mut Consequences) -> Self {
        let Text { subject, body } = text::write(contact, news, channel, language);
        Self {
            order_id: contact.order_id,
            event: news.event(),
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

    /// The type of the event it is about.
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

impl Notify {
    /// The row it comes from.
    pub fn key(&self) -> NotificationKey {
        (self.order_id, self.event.clone(), self.channel)
    }
}
