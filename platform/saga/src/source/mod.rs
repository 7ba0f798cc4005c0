//! The four input sources (and parked records, which are events on their way again). Each file owns the whole life of
//! its inputs: `load` (what repeats are recognised by), `dedupe` (has this been decided?), `apply` (what a verdict means
//! for the input), `defer` (what happens when it cannot be decided), `committed`.

pub(crate) mod command;
pub(crate) mod consumer;
pub(crate) mod event;
pub(crate) mod outcome;
pub(crate) mod parked;
pub(crate) mod reminder;

use store::{StoreError, Tx};

use self::{
    command::CommandSource, event::EventSource, outcome::OutcomeSource, parked::ParkedSource, reminder::ReminderSource,
};
use crate::{
    Delivery, Verdict,
    runtime::{BatchState, Deferred, Disposition, Item, RuntimeConfig},
};

/// Where an input came from, with what its source needs to know about it.
pub(crate) enum Source {
    Event(EventSource),
    Parked(ParkedSource),
    Command(CommandSource),
    Outcome(OutcomeSource),
    Reminder(ReminderSource),
}

/// What repeats in a batch are recognised by, of each source.
#[derive(Default)]
pub(crate) struct DedupState {
    pub events: event::Lookup,
    pub commands: command::Lookup,
    pub outcomes: outcome::Lookup,
    pub reminders: reminder::Lookup,
}

impl DedupState {
    /// Reads and locks, one query per table, tables always in this order.
    pub async fn load<I>(tx: &Tx, items: &[Item<I>], config: &RuntimeConfig) -> Result<Self, StoreError> {
        Ok(Self {
            outcomes: outcome::Lookup::load(tx, items).await?,
            reminders: reminder::Lookup::load(tx, items).await?,
            events: event::Lookup::load(tx, items, config).await?,
            commands: command::Lookup::load(tx, items).await?,
        })
    }
}

impl Source {
    /// How the input ends without a decision, if it does: it is a repeat, or has to queue.
    /// `is_repeat`: the row of its aggregate has decided about it.
    pub fn dedupe<I>(
        &self,
        delivery: &Delivery<I>,
        is_repeat: bool,
        state: &mut BatchState<'_>,
    ) -> Option<Disposition> {
        match self {
            Self::Event(source) => source.dedupe(delivery, is_repeat, state),
            Self::Parked(source) => source.dedupe(delivery, is_repeat, state),
            Self::Command(source) => source.dedupe(state),
            Self::Outcome(source) => source.dedupe(state),
            Self::Reminder(source) => source.dedupe(delivery, state),
        }
    }

    /// Notes what the verdict means for the input.
    pub fn apply<I>(&self, delivery: &Delivery<I>, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        match self {
            Self::Event(source) => source.apply(delivery, verdict, state),
            Self::Parked(source) => source.apply(verdict, state),
            Self::Command(source) => source.apply(verdict, state),
            Self::Outcome(source) => source.apply(verdict, state),
            Self::Reminder(source) => source.apply(delivery, verdict, state),
        }
    }

    /// What has to be written because the input cannot be decided now. The input is never lost, and holds up only its
    /// own successors.
    pub fn defer<I>(&mut self, delivery: &Delivery<I>, why: &str, config: &RuntimeConfig) -> Option<Deferred> {
        match self {
            Self::Event(source) => Some(source.defer(delivery, why, config)),
            Self::Parked(source) => Some(source.defer(why, config)),
            Self::Command(source) => source.defer(),
            Self::Outcome(source) => Some(source.defer(why, config)),
            Self::Reminder(source) => Some(source.defer(delivery, config)),
        }
    }

    /// What became of the input is durable.
    pub fn committed(&mut self, disposition: Disposition) {
        if let Self::Command(source) = self {
            source.reply(disposition);
        }
    }

    /// The topic that the input was read from.
    pub fn log_topic(&self) -> Option<&str> {
        match self {
            Self::Event(source) => Some(&source.record.topic),
            Self::Parked(source) => Some(&source.row.topic),
            _ => None,
        }
    }

    /// The topic in whose order the input stands, for those that may have to wait for another of their batch.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Event(source) => Some(&source.record.topic),
            _ => None,
        }
    }
}
