//! The rules. Pure: no async, database, clock or random numbers.

mod cancelling;
mod catalogue;
mod events;
mod history;
mod lifecycle;
mod order;
mod placing;
pub mod rows;
mod rules;
mod views;

pub use cancelling::{CancelOrder, CancelRefusal, Cancellation, CancellationStep};
pub use catalogue::{Violation, violations};
pub use events::{
    OrderDeadline, OrderDelivered, OrderShipped, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged,
};
pub use history::HistoryEntry;
pub use order::{Cause, Details, PaymentStatus, PaymentView, Progress, Sequences, ShipmentStatus, ShipmentView};
pub use placing::{PlaceOrder, RequestedItem};
pub use rows::Orders;
pub use rules::OrderRules;
pub use views::{OrderReceipt, OrderStatusView};
