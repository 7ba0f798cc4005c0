#![doc = include_str!("../README.md")]

mod app;
mod backlog;
mod backoff;
mod command;
mod consequences;
mod dead_letter;
mod decode;
#[cfg(fault_injection)]
mod fault_injection;
mod inbox;
pub mod migrations;
mod outbox;
mod participant;
mod retention;
mod runtime;
mod seen;
mod service;
mod source;
pub mod tables;
mod text;

pub use app::App;
pub use backoff::Stopped;
pub use command::{Answer, Command, CommandContext, IdempotentRequest, Rejected, Replied, answer};
pub use consequences::{Consequences, Parts, Reminder};
pub use dead_letter::{DeadLetterTopic, RetryPolicy};
pub use decode::{Subscriptions, Undecodable, decode, decode_record};
pub use effects::{Breaker, BreakerPolicy, BreakerState, CallError, CallResult, Outcome, Perform, Policy, Request};
#[cfg(fault_injection)]
pub use fault_injection::Fault;
pub use participant::{Delivery, InputSource, Participant, Verdict, Workset};
pub use runtime::{ParticipantBuilder, Settings};
pub use seen::{Seen, Sighting};
pub use service::{Participants, Running, ServiceConfig, StartError, Task, start};
