//! The commented defaults are what the sandbox reads.

use sandbox::{SETTINGS, carrier, payment_provider};
use settings::Loader;

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = Loader::new().defaults(SETTINGS).load().unwrap();
    let carrier: carrier::Settings = config.section("sandbox.carrier").unwrap();
    assert_eq!((carrier.latency.to_string(), carrier.error_rate.to_string()), ("100ms..500ms".into(), "0.1".into()));
    assert_eq!((carrier.pickup_after.to_string(), carrier.deliver_after.to_string()), ("2s".into(), "10s".into()));
    let provider: payment_provider::Settings = config.section("sandbox.payment").unwrap();
    assert_eq!(provider.latency.to_string(), "1ms..3ms");
}

#[test]
fn an_impossible_rate_is_refused() {
    assert!(Loader::new().defaults(SETTINGS).set(["sandbox.carrier.error_rate=1.5"]).load().is_err());
}
