//! The rules. Pure: no async, database, clock or random numbers.

mod calls;
mod channel;
mod contact;
mod customer_notification;
mod events;
mod notification;
mod preferences;
pub mod rows;
mod text;

pub use calls::{Notify, NotifyAnswer};
pub use channel::{Channel, State};
pub use contact::{Items, Line};
pub use customer_notification::CustomerNotification;
pub use events::{Item, OrderCancelled, OrderCreated, OrderShipped, OrderStatusChanged, PaymentRefunded, Status};
pub use notification::{Resend, ResendRefusal};
pub use preferences::SetPreferences;
pub use rows::Work;
pub use text::{DEFAULT_LANGUAGE, LANGUAGES};
