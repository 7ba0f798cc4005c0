//! Random runs of several orders with delays, repeats, reordering and crashes between any two
//! steps. A failure prints its seed.

use rand::{Rng, SeedableRng, rngs::StdRng};
use testkit::sim::Faults;

use crate::{
    invariants::wrong,
    system::{Begin, Mutation, begin},
};

/// Number of seeds. For a longer run: `UZON_SEEDS=100000 cargo test -p uzon --test saga
/// simulation`.
const SEEDS: u64 = 2_500;

#[test]
fn every_seed_ends_consistently() {
    for seed in 0..seeds() {
        if let Err(what) = run(seed, Mutation::None) {
            panic!("seed {seed}: {what}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a parameter of this test")]
fn seeds() -> u64 {
    std::env::var("UZON_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

/// One run from its seed. `Err`: the violated invariant.
pub fn run(seed: u64, mutation: Mutation) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0xdecaf);
    let any = [
        "tok_ok",
        "tok_ok",
        "tok_declined",
        "tok_timeout_charged",
        "tok_timeout_not_charged",
        "tok_lands_late",
        "tok_flaky",
        "tok_slow",
    ];
    let tokens: Vec<&'static str> = (0..rng.random_range(1..4)).map(|_| any[rng.random_range(0..any.len())]).collect();
    let it = Begin {
        stock: rng.random_range(0..8),
        tokens: Box::leak(tokens.into_boxed_slice()),
        refused: rng.random_ratio(1, 6),
        cancellations: rng.random_range(0..3),
        faults: Faults { crashes: true, reorder: rng.random_range(0..2), prompt: false },
        mutation,
    };
    let stock = it.stock.max(0);
    let it = Begin { stock: stock.max(1), ..it };
    let mut sim = begin(it, seed, true);
    if !sim.run(seed, 20_000) {
        return Err(format!("does not end: {it:?}, could go on with {:?}", sim.steps()));
    }
    wrong(&sim, it.stock, true).map_or(Ok(()), |what| Err(format!("{what} ({it:?})")))
}
