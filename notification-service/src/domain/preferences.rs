//! Which messages customers want, and by which channel.

use uuid::Uuid;

use super::{Channel, news::is_legal, text::DEFAULT_LANGUAGE};
use crate::store::{Contact, Preferences, Work};

impl Preferences {
    /// Those of a customer who has set none. Messages are in the language of each order until some are set.
    pub fn unset(customer_id: Uuid) -> Self {
        Self { customer_id, email: true, sms: false, language: DEFAULT_LANGUAGE.into() }
    }

    /// Whether a message about this event may use this channel. What concerns contract or money always goes by e-mail.
    pub fn allow(&self, event: &str, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email || is_legal(event),
            Channel::Sms => self.sms,
        }
    }
}

impl Contact {
    /// Where a channel reaches the customer, if it does.
    pub fn address(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Email => Some(&self.email),
            Channel::Sms => self.phone.as_deref(),
        }
    }
}

/// From now on the customer wants this.
#[derive(Debug)]
pub struct SetPreferences(pub Preferences);

impl Work {
    /// What the customer wants, as far as we know.
    pub(super) fn preferences_of(&self, customer_id: Uuid) -> Preferences {
        self.preferences.get(&customer_id).cloned().unwrap_or_else(|| Preferences::unset(customer_id))
    }

    pub fn set_preferences(&mut self, SetPreferences(wanted): &SetPreferences) -> Preferences {
        match self.preferences.get_mut(&wanted.customer_id) {
            Some(preferences) => preferences.clone_from(wanted),
            None => drop(self.preferences.insert(wanted.clone())),
        }
        wanted.clone()
    }
}
