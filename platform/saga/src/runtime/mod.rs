//! The participant runtime: gathers inputs into batches and decides each batch in one transaction.
//!
//! [`batch_loop`] gathers; [`transaction`] is one attempt; [`recovery`] repeats an attempt or divides a batch that fails. What
//! differs between the input sources is in `source`.

mod batch_loop;
mod item;
mod recovery;
mod registration;
mod transaction;

use std::time::Duration;

use chrono::TimeDelta;
use clock::Clock;
use effects::Effects;
use store::Db;
use tokio_util::sync::CancellationToken;

pub use self::registration::{ParticipantBuilder, Settings};
pub(crate) use self::{
    item::{Disposition, Item, Progress},
    recovery::Deferred,
    registration::{Context, Handle, ParticipantHandle, Registration},
    transaction::BatchState,
};
#[cfg(fault_injection)]
use crate::Fault;
use crate::{
    Participant,
    dead_letter::{RetryPolicy, queues::ParkedQueues},
    outbox,
};

/// When an input that failed outside the participant's decision comes again.
pub(crate) const RETRY_FAILED: TimeDelta = TimeDelta::seconds(30);
/// The longest wait between attempts while the database is unavailable.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// What does not change while a participant runs.
pub(crate) struct RuntimeConfig {
    /// [`Participant::NAME`].
    pub participant: &'static str,
    /// Whether there are events that a program before [`Seen`](crate::Seen) has decided.
    pub has_inbox: bool,
    /// The service's name as its events carry it.
    pub service: &'static str,
    pub clock: Clock,
    pub retry: RetryPolicy,
    #[cfg(fault_injection)]
    pub fault: Option<Fault>,
}

impl RuntimeConfig {
    /// Whether decided events are recognised.
    #[cfg(fault_injection)]
    pub fn recognises_repeats(&self) -> bool {
        self.fault != Some(Fault::RepeatsIgnored)
    }

    #[cfg(not(fault_injection))]
    #[expect(clippy::unused_self, reason = "fault injection looks at it")]
    pub const fn recognises_repeats(&self) -> bool {
        true
    }
}

/// A participant and what it works with.
pub(crate) struct Runtime<P: Participant> {
    pub participant: P,
    pub config: RuntimeConfig,
    pub db: Db,
    pub outbox: outbox::Sender,
    /// Leases requests of its own decisions and dispatches them to the effect worker.
    pub effects: Effects,
    /// The queues of parked records in the assigned partitions.
    pub parked: ParkedQueues,
    pub stop: CancellationToken,
}
