//! The tables, and the rows of them that a batch may touch.

pub mod contact;
pub mod notification;
pub mod preferences;
pub mod said;

use std::collections::HashMap;

use futures_util::future;
use saga::{Delivery, Workset};
use store::{Key, Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{domain::Channel, inputs::Input};
pub use contact::Model as Contact;
pub use notification::Model as Notification;
pub use preferences::Model as Preferences;

/// Order, event (as `News::event` names it) and channel: there is one message of each.
pub type NotificationKey = Key<notification::Entity>;

/// What this service decides over: contacts of orders, preferences of customers, and messages.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub contacts: Rows<contact::Entity>,
    pub preferences: Rows<preferences::Entity>,
    pub notifications: Rows<notification::Entity>,
    pub said: Rows<said::Entity>,
}

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        // Contacts never change.
        let orders = batch.iter().filter(|it| it.input.is_order() || it.input.is_about_contact());
        let contacts = Rows::read(tx, orders.map(|it| it.key).collect::<Vec<_>>()).await?;
        let customers = customers(batch, &contacts);
        let preferences =
            Rows::<preferences::Entity>::lock(tx, customers.values().copied().collect::<Vec<_>>()).await?;

        // A customer who has chosen something, perhaps in this batch, may get no message at all. Then the result is published at
        // once, and its counter is needed.
        let chosen = |customer: &Uuid| preferences.get(customer).is_some() || customers.contains_key(customer);
        let choosy = |it: &Delivery<Input>| customers.get(&it.key).is_some_and(chosen);
        let messages = batch.iter().flat_map(|it| it.input.messages(it.key));
        let reported = batch.iter().filter(|it| it.input.is_outcome() || (it.input.is_news() && choosy(it)));
        let notifications = Rows::lock(tx, messages.collect::<Vec<_>>());
        let said = Rows::lock(tx, reported.map(|it| it.key).collect::<Vec<_>>());
        let (notifications, said) = future::try_join(notifications, said).await?;
        Ok(Self { contacts, preferences, notifications, said })
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.contacts.save(tx).await?;
        self.preferences.save(tx).await?;
        self.notifications.save(tx).await?;
        self.said.save(tx).await
    }
}

/// Whose preferences matter, by the key of what is decided. An order may be noted in the same batch.
fn customers(batch: &[&Delivery<Input>], contacts: &Rows<contact::Entity>) -> HashMap<Uuid, Uuid> {
    let noted = contacts.iter().map(|contact| (contact.order_id, contact.customer_id));
    let new = batch.iter().filter_map(|it| match &it.input {
        Input::OrderCreated(order) => Some((it.key, order.customer_id)),
        _ => None,
    });
    let of_order: HashMap<Uuid, Uuid> = new.chain(noted).collect();
    let asked = |it: &&Delivery<Input>| match &it.input {
        Input::SetPreferences(_) => Some((it.key, it.key)),
        input if input.is_about_contact() => Some((it.key, *of_order.get(&it.key)?)),
        _ => None,
    };
    batch.iter().filter_map(asked).collect()
}

impl Input {
    fn is_order(&self) -> bool {
        matches!(self, Self::OrderCreated(_))
    }

    fn is_news(&self) -> bool {
        self.news().is_some()
    }

    fn is_outcome(&self) -> bool {
        matches!(self, Self::Notified(_))
    }

    /// Whether it is decided with the contact of an order that was noted before. Most of what is heard is not: it is ignored.
    fn is_about_contact(&self) -> bool {
        self.is_news() || matches!(self, Self::Resend(_))
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
