//! The tables, and the rows of them that a batch may touch.

pub mod contact;
pub mod notification;
pub mod preferences;
pub mod said;

use std::collections::{BTreeSet, HashMap};

use futures_util::future;
use platform::{Delivery, Key, Rows, StoreError, Tx, Workset};
use uuid::Uuid;

use crate::{domain::Channel, saga::Input};
pub use contact::Model as Contact;
pub use notification::Model as Notification;
pub use preferences::Model as Preferences;

/// Order, event (as `News::event` names it) and channel: there is one message of each.
pub type NotificationKey = Key<notification::Entity>;

/// What this service decides over: whom orders belong to, what these people want to be told, and what they were told.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub contacts: Rows<contact::Entity>,
    pub preferences: Rows<preferences::Entity>,
    pub notifications: Rows<notification::Entity>,
    pub said: Rows<said::Entity>,
}

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[Delivery<Input>]) -> Result<Self, StoreError> {
        let keys_of = |wanted: fn(&Input) -> bool| {
            batch.iter().filter(|it| wanted(&it.input)).map(|it| it.key).collect::<Vec<_>>()
        };
        let contacts = Rows::read(tx, keys_of(Input::needs_contact)); // they never change
        let messages = batch.iter().flat_map(|it| it.input.messages(it.key));
        let notifications = Rows::lock(tx, messages.collect::<Vec<_>>());
        let said = Rows::lock(tx, keys_of(Input::may_be_reported));
        let (contacts, notifications, said) = future::try_join3(contacts, notifications, said).await?;
        let preferences = Rows::lock(tx, customers(batch, &contacts)).await?;
        Ok(Self { contacts, preferences, notifications, said })
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.contacts.save(tx).await?;
        self.preferences.save(tx).await?;
        self.notifications.save(tx).await?;
        self.said.save(tx).await
    }
}

/// Whose preferences matter. An order may be noted in the same batch.
fn customers(batch: &[Delivery<Input>], contacts: &Rows<contact::Entity>) -> BTreeSet<Uuid> {
    let noted = contacts.iter().map(|contact| (contact.order_id, contact.customer_id));
    let new = batch.iter().filter_map(|it| match &it.input {
        Input::OrderCreated(order) => Some((it.key, order.customer_id)),
        _ => None,
    });
    let customer: HashMap<Uuid, Uuid> = new.chain(noted).collect();
    let asked = |it: &Delivery<Input>| match &it.input {
        Input::SetPreferences(_) => Some(it.key),
        Input::Resend(_) => customer.get(&it.key).copied(),
        input => input.news().and_then(|_| customer.get(&it.key).copied()),
    };
    batch.iter().filter_map(asked).collect()
}

impl Input {
    /// Whether it is decided with the order's contact. Most of what is heard is not: it is ignored.
    fn needs_contact(&self) -> bool {
        self.news().is_some() || matches!(self, Self::OrderCreated(_) | Self::Resend(_))
    }

    /// Whether something may be told of what becomes of it.
    fn may_be_reported(&self) -> bool {
        self.news().is_some() || matches!(self, Self::Notified(_))
    }

    /// The messages it is about or leads to.
    fn messages(&self, order: Uuid) -> Vec<NotificationKey> {
        match self {
            Self::Notified(outcome) => vec![outcome.request.key()],
            Self::Resend(command) => vec![command.0.clone()],
            _ => self.news().map_or_else(Vec::new, |news| {
                Channel::ALL.into_iter().map(|channel| (order, news.event(), channel)).collect()
            }),
        }
    }
}
