//! Loads and saves the rows that a batch may change.

use std::collections::HashMap;

use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{
    domain::{
        Channel, Work,
        rows::{NotificationKey, contact, preferences},
    },
    inputs::Input,
};

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        // Contacts never change.
        let orders = batch.iter().filter(|it| it.input.is_order() || it.input.needs_contact());
        let contacts = Rows::read(tx, orders.map(|it| it.key).collect::<Vec<_>>()).await?;
        let customers = customers(batch, &contacts);
        let preferences =
            Rows::<preferences::Entity>::lock(tx, customers.values().copied().collect::<Vec<_>>()).await?;
        let messages = batch.iter().flat_map(|it| it.input.messages(it.key));
        let notifications = Rows::lock(tx, messages.collect::<Vec<_>>()).await?;
        Ok(Self { contacts, preferences, notifications })
    }

    /// The rows make repeats harmless: a contact by its order, a message by order, event and channel. Most inputs (every status but one)
    /// are ignored and have no row.
    fn seen(&mut self, _: Uuid) -> Option<&mut Seen> {
        None
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.contacts.save(tx).await?;
        self.preferences.save(tx).await?;
        self.notifications.save(tx).await
    }
}

/// The customers whose preferences are needed, by input key. The order may be recorded in the same batch.
fn customers(batch: &[&Delivery<Input>], contacts: &Rows<contact::Entity>) -> HashMap<Uuid, Uuid> {
    let recorded = contacts.iter().map(|contact| (contact.order_id, contact.customer_id));
    let new = batch.iter().filter_map(|it| match &it.input {
        Input::OrderCreated(order) => Some((it.key, order.customer_id)),
        _ => None,
    });
    let of_order: HashMap<Uuid, Uuid> = new.chain(recorded).collect();
    let needed = |it: &&Delivery<Input>| match &it.input {
        Input::SetPreferences(_) => Some((it.key, it.key)),
        input if input.needs_contact() => Some((it.key, *of_order.get(&it.key)?)),
        _ => None,
    };
    batch.iter().filter_map(needed).collect()
}

impl Input {
    fn is_order(&self) -> bool {
        matches!(self, Self::OrderCreated(_))
    }

    fn is_notification(&self) -> bool {
        self.notification().is_some()
    }

    /// Whether the input needs the contact of a recorded order. Most inputs do not: they are ignored.
    fn needs_contact(&self) -> bool {
        self.is_notification() || matches!(self, Self::Resend(_))
    }

    /// The messages that the input concerns or causes.
    fn messages(&self, order: Uuid) -> Vec<NotificationKey> {
        match self {
            Self::Notified(outcome) => vec![outcome.request.key()],
            Self::Resend(command) => vec![command.0.clone()],
            _ => self.notification().map_or_else(Vec::new, |notification| {
                Channel::ALL.into_iter().map(|channel| (order, notification.event(), channel)).collect()
            }),
        }
    }
}
