//! The inputs of this service.

use derive_more::From;
use saga::Outcome;
use serde::Deserialize;

use crate::domain::{AskCarrier, Book, CancelBooking, CarrierUpdate, OrderConfirmed, QueryBooking, TrackShipment};

/// An input of any source. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize, From)]
pub enum Input {
    // events
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed(OrderConfirmed),
    #[serde(rename = "OrderCancellationRequested.v1")]
    OrderCancellationRequested,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    // reminders
    AskCarrier(AskCarrier),
    // outcomes
    #[serde(skip)]
    #[from]
    Booked(Outcome<Book>),
    #[serde(skip)]
    #[from]
    Found(Outcome<QueryBooking>),
    #[serde(skip)]
    #[from]
    BookingCancelled(Outcome<CancelBooking>),
    #[serde(skip)]
    #[from]
    Tracked(Outcome<TrackShipment>),
    // commands
    #[serde(skip)]
    #[from]
    CarrierUpdate(CarrierUpdate),
}
