//! The service reads its commented defaults.

use fulfillment_service::{CarrierChoice, SETTINGS, Settings};
use settings::Loader;

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = Loader::new().defaults(SETTINGS).load().unwrap();
    let settings: Settings = config.section("fulfillment").unwrap();
    assert_eq!((settings.carrier, settings.timeout.to_string()), (CarrierChoice::Sandbox, "10s".to_owned()));
}
