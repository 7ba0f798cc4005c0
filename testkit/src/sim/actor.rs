use std::{any::Any, sync::Arc};

use bus::{Outgoing, Record};
use saga::Participant;
use uuid::Uuid;

use crate::{Ended, Node};

/// A node of the simulation, independent of its types.
pub trait Actor<W>: Any {
    fn topics(&self) -> Vec<Arc<str>>;
    /// Whether the node subscribes to the record.
    fn subscribes_to(&self, record: &Record) -> bool;
    /// `false`: the record is held and will be delivered again.
    fn deliver(&mut self, record: &Record) -> bool;
    /// From now on as if its rows did not know what they have decided about.
    fn decide_repeats(&mut self);
    fn has_published(&self) -> bool;
    /// The first event of the outbox; `take` removes it.
    fn next_event(&mut self, take: bool) -> Option<Outgoing>;
    fn effects(&self) -> Vec<String>;
    /// `false`: there was no answer.
    fn perform(&mut self, effect: &str, world: &mut W, keep_outcome: bool) -> bool;
    fn reminders(&self) -> Vec<(Uuid, String)>;
    fn remind(&mut self, key: Uuid, name: &str);
    fn duplicate(&self) -> Box<dyn Actor<W>>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<P: Participant<Workset: Default + Clone + Sync + 'static>, W: 'static> Actor<W> for Node<P, W> {
    fn topics(&self) -> Vec<Arc<str>> {
        Self::topics(self).map(Arc::from).collect()
    }

    fn subscribes_to(&self, record: &Record) -> bool {
        Self::subscribes_to(self, record)
    }

    fn deliver(&mut self, record: &Record) -> bool {
        match Self::deliver(self, record) {
            Ended::Held(_) => false,
            Ended::Rejected(why) => panic!("{} rejected: {why}", crate::node::event_name(&record.message)),
            _ => true,
        }
    }

    fn decide_repeats(&mut self) {
        Self::decide_repeats(self);
    }

    fn has_published(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn next_event(&mut self, take: bool) -> Option<Outgoing> {
        if take { self.outbox.pop_front() } else { self.outbox.front().cloned() }
    }

    fn effects(&self) -> Vec<String> {
        self.effects.keys().cloned().collect()
    }

    fn perform(&mut self, effect: &str, world: &mut W, keep_outcome: bool) -> bool {
        matches!(Self::perform(self, effect, world, keep_outcome), Some(ended) if !matches!(ended, Ended::Held(_)))
    }

    fn reminders(&self) -> Vec<(Uuid, String)> {
        self.reminders.keys().cloned().collect()
    }

    fn remind(&mut self, key: Uuid, name: &str) {
        self.fire(key, name);
    }

    fn duplicate(&self) -> Box<dyn Actor<W>> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
