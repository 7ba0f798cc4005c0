//! The rules. Pure: no async, database, clock or random numbers.

mod channel;
mod contact;
mod events;
mod news;
mod notification;
mod preferences;
mod text;

pub use channel::{Channel, State};
pub use contact::{Items, Line};
pub use events::{Item, OrderCancelled, OrderCreated, OrderShipped, OrderStatusChanged, PaymentRefunded, Status};
pub use news::News;
pub use notification::{Resend, ResendRefusal};
pub use preferences::SetPreferences;
pub use text::{DEFAULT_LANGUAGE, LANGUAGES};
