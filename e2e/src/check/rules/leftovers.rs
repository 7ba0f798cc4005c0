//! No message is unpublished, no record is parked, and there is no dead letter.

use crate::check::{Facts, Findings};

pub fn check(facts: &Facts, found: &mut Findings) {
    let Some(whole) = &facts.whole else { return };
    for (service, left) in &whole.leftovers {
        let outbox = left.outbox;
        found.expect(outbox == 0, "outbox-empty", None, format!("{outbox} messages of {service} are not on the bus"));
        for (topic, &waiting) in &left.parked {
            found.expect(waiting == 0, "nothing-parked", None, format!("{waiting} of {topic} wait in {service}"));
        }
        for (topic, &count) in &left.dead_letters {
            found.expect(count == 0, "no-dead-letters", None, format!("{count} of {topic} in {service}"));
        }
    }
}
