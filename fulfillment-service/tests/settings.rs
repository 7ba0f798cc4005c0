//! The commented defaults are what the services read.

use fulfillment_service::{CarrierChoice, SETTINGS, Settings, sandbox};
use platform::config::Loader;

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = Loader::new().defaults(SETTINGS).load().unwrap();
    let settings: Settings = config.section("fulfillment").unwrap();
    assert_eq!((settings.carrier, settings.timeout.to_string()), (CarrierChoice::Sandbox, "10s".to_owned()));
    let carrier: sandbox::Settings = config.section("sandbox.carrier").unwrap();
    assert_eq!((carrier.latency.to_string(), carrier.error_rate.to_string()), ("100ms..500ms".into(), "0.1".into()));
    assert_eq!((carrier.pickup_after.to_string(), carrier.deliver_after.to_string()), ("2s".into(), "10s".into()));
}

#[test]
fn an_impossible_rate_is_refused() {
    assert!(Loader::new().defaults(SETTINGS).set(["sandbox.carrier.error_rate=1.5"]).load().is_err());
}
