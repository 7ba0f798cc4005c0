//! The proofs that hold for every reaction, on every record of many runs: delivered twice is delivered once although its row
//! does not recognise the repeat, and what is held or rejected has changed nothing.

use std::collections::BTreeSet;

use rand::{SeedableRng, rngs::StdRng};
use testkit::{
    proofs::twice_is_once,
    sim::{Faults, Step},
};

use crate::system::{
    Begin, FULFILLMENT, INVENTORY, ORDER, PAYMENT, begin, fulfillment_of, inventory_of, orders_of, payment_of,
};

#[test]
fn a_second_delivery_has_no_effect_in_many_runs() {
    let mut proved = BTreeSet::new();
    for (seed, token) in ["tok_ok", "tok_declined", "tok_timeout_charged", "tok_timeout_not_charged", "tok_lands_late"]
        .iter()
        .enumerate()
    {
        for (refused, cancellations, stock) in [(false, 0, 9), (false, 1, 9), (true, 0, 9), (false, 2, 1)] {
            for round in 0..20_u64 {
                let faults = Faults { prompt: true, ..Faults::default() };
                let tokens = Box::leak(Box::new([*token]));
                let it = Begin { stock, tokens, refused, cancellations, faults, ..Begin::default() };
                let mut sim = begin(it, round, false);
                let mut rng = StdRng::seed_from_u64(seed as u64 * 1000 + round);
                for _ in 0..400 {
                    let Some(step) = sim.choose(&mut rng) else { break };
                    if let Step::Deliver { node, topic, offset, .. } = &step {
                        let record = &sim.log[topic][*offset];
                        match *node {
                            ORDER => drop(twice_is_once(orders_of(&sim.nodes), record)),
                            INVENTORY => drop(twice_is_once(inventory_of(&sim.nodes), record)),
                            PAYMENT => drop(twice_is_once(payment_of(&sim.nodes), record)),
                            FULFILLMENT => drop(twice_is_once(fulfillment_of(&sim.nodes), record)),
                            _ => {}
                        }
                        proved.insert((*node, testkit::node::event_name(&record.message)));
                    }
                    sim.take(&step);
                }
            }
        }
    }
    assert!(proved.len() >= 23, "only these were proved: {proved:?}");
}
