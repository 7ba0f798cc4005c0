use std::future::Future;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Answer, Consequences, StoreError, Trace, Tx};

/// A service's part in the saga: what it understands, the rows it decides over, and the decision itself.
pub trait Participant: Send + Sync + 'static {
    /// Consumer group and inbox key. Never rename: a new name would see every past event again.
    const NAME: &'static str;

    /// Whether every decided event is noted in the inbox. Only a pure fold that keeps a guard of its own in the rows it
    /// changes may do without; money and stock never.
    const INBOX: bool = true;

    /// Everything that may come in, whatever the door. One variant per event, reminder, outcome and command; the variant
    /// of an event or reminder bears its type as (serde) name and holds only the fields this service reads. Those of
    /// outcomes and commands are `#[serde(skip)]`: nobody can forge them from the bus.
    type Input: DeserializeOwned + Send + Sync + 'static;

    /// Every row a batch may touch.
    type Workset: Workset<Self::Input>;

    /// Decides about one delivery. Pure. Checks first, changes after: `Hold` and `Reject` leave the workset as it was.
    fn react(&self, work: &mut Self::Workset, it: &Delivery<Self::Input>, then: &mut Consequences) -> Verdict;
}

/// The rows of one batch: read at its beginning, written at its end, decided over in between.
pub trait Workset<Input>: Sized + Send {
    /// Reads and locks, a query per table, tables always in the same order.
    fn load(tx: &Tx, batch: &[Delivery<Input>]) -> impl Future<Output = Result<Self, StoreError>> + Send;

    /// Writes what has changed, a statement per table.
    fn save(self, tx: &Tx) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// One input, and what is known about where it came from.
#[derive(Debug, Clone)]
pub struct Delivery<Input> {
    /// Event or command id: whatever was seen under this id before is not decided again.
    pub id: Uuid,
    pub door: Door,
    /// The aggregate it is about (the order). Also the correlation id.
    pub key: Uuid,
    /// The event that led to this, however indirectly; its own id for an event.
    pub cause: Option<Uuid>,
    /// When it happened, by the clock of whoever says so. Never decides order.
    pub at: DateTime<Utc>,
    /// An event's number among its aggregate's on its topic (1, 2, 3 …); 0 when there is none.
    pub sequence: u64,
    pub trace: Trace,
    pub input: Input,
}

/// Where an input came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
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
    /// Something it builds on has not arrived yet. It may be asked again in the same transaction: nothing of the workset may have
    /// been changed.
    Hold(&'static str),
    /// Can never be processed.
    Reject(String),
}
