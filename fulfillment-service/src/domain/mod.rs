//! The rules. Pure: no async, database, clock or random numbers.

mod booking;
mod events;
mod news;
mod requests;
mod shipment;

pub use booking::{BookAnswer, Booking, CancelAnswer};
pub use events::OrderConfirmed;
pub use news::{AskCarrier, CarrierNews, NewsRefusal, Progress};
pub use requests::{Book, CancelBooking, QueryBooking, TrackShipment, booking_key};
pub use shipment::{Line, Parcel, State};
