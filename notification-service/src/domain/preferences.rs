//! The messages and channels a customer has chosen.

use uuid::Uuid;

use super::{
    Channel,
    customer_notification::is_legal,
    rows::{Contact, Preferences, Work},
    text::DEFAULT_LANGUAGE,
};

impl Preferences {
    /// The defaults, for a customer without a row. Messages are in the language of each order until preferences are set.
    pub fn unset(customer_id: Uuid) -> Self {
        Self { customer_id, email: true, sms: false, language: DEFAULT_LANGUAGE.into() }
    }

    /// Whether a message about this event may use this channel. E-mails about the contract or money are always allowed.
    pub fn allow(&self, event: &str, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email || is_legal(event),
            Channel::Sms => self.sms,
        }
    }
}

impl Contact {
    /// The customer's address for a channel, if there is one.
    pub fn address(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Email => Some(&self.email),
            Channel::Sms => self.phone.as_deref(),
        }
    }
}

/// Replaces a customer's preferences.
#[derive(Debug)]
pub struct SetPreferences(pub Preferences);

impl Work {
    /// The customer's preferences, or the defaults.
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
