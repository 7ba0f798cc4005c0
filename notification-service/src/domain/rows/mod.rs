//! The tables, and the rows of them that a batch may change.

pub mod contact;
pub mod notification;
pub mod preferences;

use store::{Key, Rows};

pub use contact::Model as Contact;
pub use notification::Model as Notification;
pub use preferences::Model as Preferences;

/// Order, event (see `CustomerNotification::event`) and channel: there is one message of each.
pub type NotificationKey = Key<notification::Entity>;

/// The workset: contacts of orders, preferences of customers, and messages.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub contacts: Rows<contact::Entity>,
    pub preferences: Rows<preferences::Entity>,
    pub notifications: Rows<notification::Entity>,
}
