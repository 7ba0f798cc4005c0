//! Whatever comes in whatever order: each message is settled as often as it was asked for, and what is said is numbered
//! without a gap.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod orders;

use std::collections::BTreeMap;

use notification_service::{
    domain::{Resend, SetPreferences, State},
    effects::Told,
};
use orders::*;
use proptest::prelude::*;
use saga::CallResult;
use serde_json::Value;

#[derive(Debug, Clone)]
enum Step {
    Hear(usize),
    Refund(u128),
    /// The nth request is accepted, or given up.
    Settle(usize, bool),
    Resend(usize),
    Prefer(bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NEWS.len()).prop_map(Step::Hear),
        1 => (1..3_u128).prop_map(Step::Refund),
        4 => (0..4_usize, any::<bool>()).prop_map(|(nth, accepted)| Step::Settle(nth, accepted)),
        1 => (0..4_usize).prop_map(Step::Resend),
        1 => any::<(bool, bool)>().prop_map(|(email, sms)| Step::Prefer(email, sms)),
    ]
}

proptest! {
    #[test]
    fn each_message_is_settled_once_per_sending(steps in prop::collection::vec(step(), 0..40)) {
        let mut it = noted();
        for step in steps {
            match step {
                Step::Hear(news) => drop(hear(&mut it, NEWS[news])),
                Step::Refund(id) => drop(refund(&mut it, id)),
                Step::Settle(nth, accepted) => {
                    if let Some(request) = asked(&it).into_iter().nth(nth) {
                        let said = if accepted { CallResult::Answer(Told::Accepted) } else { CallResult::Exhausted("down".into()) };
                        it.outcome(ORDER, request, said);
                    }
                }
                Step::Resend(nth) => {
                    let key = messages(&it).get(nth).map(|it| (it.order_id, it.event.clone(), it.channel));
                    if let Some(key) = key {
                        drop(it.command(Resend(key)));
                    }
                }
                Step::Prefer(email, sms) => drop(it.command(SetPreferences(preferences(email, sms, "en")))),
            }
            // What is pending is being sent, and nothing else is.
            let pending = messages(&it).iter().filter(|message| message.status == State::Pending).count();
            prop_assert_eq!(pending, it.effects.len());
        }
        let said: Vec<Value> = it.outbox.iter().map(|it| serde_json::from_slice(&it.message.value).unwrap()).collect();
        let numbers: Vec<_> = said.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
        prop_assert_eq!(numbers, (1..=said.len() as u64).collect::<Vec<_>>());

        let mut settled: BTreeMap<String, i32> = BTreeMap::new();
        for event in &said {
            *settled.entry(event["notificationId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        for message in messages(&it) {
            let expected = message.resends + i32::from(message.status != State::Pending);
            prop_assert_eq!(settled.get(&message.id.to_string()).copied().unwrap_or_default(), expected);
        }
    }
}
