//! Nothing is left lying about: no message unpublished, nothing parked, no dead letter, no complaint of the audit.

use crate::check::{Facts, Findings};

pub fn check(facts: &Facts, found: &mut Findings) {
    let Some(whole) = &facts.whole else { return };
    found.expect(whole.outbox == 0, "outbox-empty", None, format!("{} messages are not on the bus", whole.outbox));
    for (service, &waiting) in &whole.parked {
        found.expect(waiting == 0, "nothing-parked", None, format!("{waiting} wait in {service}"));
    }
    for (service, &letters) in &whole.dead_letters {
        found.expect(letters == 0, "no-dead-letters", None, format!("{letters} in {service}"));
    }
    for complaint in &whole.audit {
        found.add("audit", None, complaint.clone());
    }
}
