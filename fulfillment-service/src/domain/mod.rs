//! The rules. Pure: no async, database, clock or random numbers.

mod booking;
mod carrier_update;
mod events;
mod requests;
pub mod rows;
mod rules;
mod shipment;

pub use booking::{BookAnswer, Booking, CancelAnswer};
pub use carrier_update::{AskCarrier, CarrierUpdate, Progress, UpdateRefusal};
pub use events::OrderConfirmed;
pub use requests::{Book, CancelBooking, QueryBooking, TrackShipment, booking_key};
pub use rows::Work;
pub use rules::ShipmentRules;
pub use shipment::{Line, Parcel, State};
