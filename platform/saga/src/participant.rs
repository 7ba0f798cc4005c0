use std::future::Future;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use store::{StoreError, Tx};
use telemetry::Trace;
use uuid::Uuid;

use crate::{Answer, Consequences, Seen};

/// A service's part in the saga: the inputs it understands, the rows it decides over, and the decision itself.
pub trait Participant: Send + Sync + 'static {
    /// Stored with each parked record. Never rename.
    const NAME: &'static str;

    /// Everything that may come in, from whichever source: one variant per event, reminder, outcome and command. The variant
    /// of an event or reminder has its type as (serde) name, and only the fields that this service reads. The variants of
    /// outcomes and commands are `#[serde(skip)]`: nobody can forge them from the bus.
    type Input: DeserializeOwned + Send + Sync + 'static;

    /// Every row that a batch may touch.
    type Workset: Workset<Self::Input>;

    /// Decides about one delivery. Pure. Checks first, changes after: `Hold` and `Reject` leave the workset as it was.
    fn react(&self, work: &mut Self::Workset, delivery: &Delivery<Self::Input>, out: &mut Consequences) -> Verdict;
}

/// The rows of one batch: loaded at its beginning, saved at its end, decided over in between.
pub trait Workset<Input>: Sized + Send {
    /// Reads and locks, one query per table, tables always in the same order.
    fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> impl Future<Output = Result<Self, StoreError>> + Send;

    /// Which events the row of this aggregate has decided about. `None`: there is no such row yet, or its state alone
    /// recognises repeats. Money and stock never do without.
    fn seen(&mut self, key: Uuid) -> Option<&mut Seen>;

    /// Writes what has changed, one statement per table.
    fn save(self, tx: &Tx) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// One input, and where it came from.
#[derive(Debug, Clone)]
pub struct Delivery<Input> {
    /// The event's id; of the other inputs one that is given to them.
    pub id: Uuid,
    pub source: InputSource,
    /// The aggregate it is about (the order). Also the correlation id.
    pub key: Uuid,
    /// The event that led to this, directly or not; for an event its own id.
    pub cause: Option<Uuid>,
    /// When it happened, by the clock of its producer. Never decides order.
    pub at: DateTime<Utc>,
    /// An event's number among the events of its aggregate on its topic (1, 2, 3 …); 0 when there is none.
    pub sequence: u64,
    pub trace: Trace,
    pub input: Input,
}

/// Where an input came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputSource {
    Event,
    Command,
    Outcome,
    Reminder,
}

/// How a decision ended. A business refusal is no verdict of its own: it is `Done` with an event that says so.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    Done,
    /// A command's answer, given to the caller after the commit.
    Answered(Answer),
    /// A repeat, or no longer relevant.
    Ignored(&'static str),
    /// A prerequisite has not arrived yet. The input may be decided again in the same transaction: the workset must be
    /// unchanged.
    Hold(&'static str),
    /// Can never be processed.
    Reject(String),
}
