//! Golden samples: every event ever sent stays readable.

use std::collections::BTreeSet;

use events::{Event, OrderCreated, choreography::topic_of, choreography::topics, contracts, envelope};
use serde_json::Value;

use crate::compatibility::violations;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn every_type_of_every_topic_has_a_contract() {
    let declared: BTreeSet<_> = topics().iter().flat_map(|topic| topic.events).copied().collect();
    let contracts = contracts();
    assert_eq!(contracts.iter().map(|it| it.event_type).collect::<BTreeSet<_>>(), declared);
    for contract in contracts {
        assert_eq!(
            topic_of(contract.event_type).map(|topic| topic.name),
            Some(contract.topic),
            "{}",
            contract.event_type
        );
    }
}

/// No field is lost. The current code may write fields that the sample does not have.
#[test]
fn a_sample_survives_reading_and_writing() {
    for contract in contracts() {
        let written =
            contract.read(contract.sample.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", contract.event_type));
        let (sample, written) = (json(contract.sample), json(&written));
        for (name, value) in sample.as_object().unwrap() {
            assert_eq!(written.get(name), Some(value), "{}: {name}", contract.event_type);
        }
    }
}

#[test]
fn a_sample_matches_its_schema() {
    for contract in contracts() {
        assert_eq!(violations(&contract.schema(), &json(contract.sample)), [""; 0], "{}", contract.event_type);
    }
}

#[test]
fn unknown_fields_are_ignored() {
    for contract in contracts() {
        let mut later = json(contract.sample);
        later["addedLater"] = "x".into();
        contract.read(later.to_string().as_bytes()).unwrap();
    }
}

#[test]
fn personal_data_is_not_printed() {
    let sample = events::contract::contract_of(OrderCreated::TYPE).unwrap().sample;
    let received = envelope::from_json::<OrderCreated>(sample.as_bytes()).unwrap();
    let printed = format!("{received:?}");
    for secret in ["Ada", "example.org", "+44", "tok_ok"] {
        assert!(sample.contains(secret) && !printed.contains(secret), "{printed}");
    }
}
