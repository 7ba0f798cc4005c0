//! Nothing is left lying about: no message unpublished, nothing parked, no dead letter.

use crate::check::{Facts, Findings};

pub fn check(facts: &Facts, found: &mut Findings) {
    let Some(whole) = &facts.whole else { return };
    for (service, left) in &whole.leftovers {
        let outbox = left.outbox;
        found.expect(outbox == 0, "outbox-empty", None, format!("{outbox} messages of {service} are not on the bus"));
        for (topic, &waiting) in &left.parked {
            found.expect(waiting == 0, "nothing-parked", None, format!("{waiting} of {topic} wait in {service}"));
        }
        for (topic, &letters) in &left.dead_letters {
            found.expect(letters == 0, "no-dead-letters", None, format!("{letters} of {topic} in {service}"));
        }
    }
}
