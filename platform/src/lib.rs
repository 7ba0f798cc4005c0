//! The chassis every service stands on. One room, four doors: see [`Participant`].
//!
//! Knows no event, no topic and no service by name.

mod backlog;
pub mod bulk;
mod command;
pub mod config;
mod consequences;
mod decode;
mod drill;
pub mod effect;
mod host;
pub mod http;
mod inbox;
mod json;
mod letters;
pub mod migrations;
mod outbound;
mod parking;
mod participant;
pub mod process;
mod relay;
mod room;
mod rows;
mod service;
mod shutdown;
mod store;
pub mod tables;

pub use bus;
pub use clock::{self, Clock, ManualClock};
pub use command::{Answer, Asked, Command, Once, Refused, Replied, answer};
pub use consequences::{Consequences, Parts, Reminder};
pub use decode::decode;
#[doc(hidden)]
pub use drill::Safeguard;
pub use effect::{Breaker, CallError, Outcome, Perform, Policy, Request, Said};
pub use host::{Host, Running, StartError};
pub use json::Json;
pub use outbound::{NOT_DONE, OutboundClient};
pub use parking::Patience;
pub use participant::{Delivery, Door, Participant, Verdict, Workset};
pub use room::{Heard, RoomPlan, Settings, Undecodable, decode as decode_record};
pub use rows::{Key, Rows, Table};
pub use service::{App, Service};
pub use shutdown::Shutdown;
pub use store::{Db, OpenError, StoreError, Tx};
pub use telemetry::Trace;
