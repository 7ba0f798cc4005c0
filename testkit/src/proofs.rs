//! The proofs that hold for every reaction of every service.

use std::fmt::Debug;

use bus::Record;
use saga::Participant;

use crate::{Ended, Node};

/// Delivered twice is delivered once, although its row does not recognise the repeat: state alone decides. Also proves that a delivery that
/// is held or rejected changes nothing. Returns how the first delivery ended.
///
/// # Panics
/// When the second delivery changes a row, publishes an event, or requests an effect.
pub fn twice_is_once<P, W>(node: &Node<P, W>, record: &Record) -> Ended
where
    P: Participant<Workset: Default + Clone + Debug>,
    W: 'static,
{
    let before = format!("{:?}", node.work);
    let mut node = node.clone().deciding_repeats();
    node.outbox.clear();
    let first = node.deliver(record);
    if matches!(first, Ended::Held(_) | Ended::Rejected(_)) {
        assert_eq!(format!("{:?}", node.work), before, "{first:?} has changed something");
    }
    let (once, requested) = (rows(&node), node.asked().join(" "));
    node.outbox.clear();
    let second = node.deliver(record);
    let what = crate::node::event_name(&record.message);
    assert_eq!(rows(&node), once, "{what}: the repeat ({second:?}) has changed something");
    assert!(node.outbox.is_empty(), "{what}: the repeat publishes {:?}", node.published());
    assert_eq!(node.asked().join(" "), requested, "{what}: the repeat requests an effect");
    first
}

fn rows<P: Participant<Workset: Debug + Clone + Default>, W: 'static>(node: &Node<P, W>) -> String {
    // Prints rows that were borrowed for writing like all others: only the data count.
    format!("{:?}", node.work).replace("Taken", "Stored")
}
