//! For inputs in any order, each message is settled as often as it was requested, and published events are numbered
//! without gaps.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod orders;

use std::collections::BTreeMap;

use notification_service::domain::{NotifyAnswer, Resend, SetPreferences, State};
use orders::*;
use proptest::prelude::*;
use saga::CallResult;
use serde_json::Value;

#[derive(Debug, Clone)]
enum Step {
    Receive(usize),
    Refund(u128),
    /// The nth request is accepted, or its attempts are exhausted.
    Settle(usize, bool),
    Resend(usize),
    Prefer(bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NOTIFYING.len()).prop_map(Step::Receive),
        1 => (1..3_u128).prop_map(Step::Refund),
        4 => (0..4_usize, any::<bool>()).prop_map(|(nth, accepted)| Step::Settle(nth, accepted)),
        1 => (0..4_usize).prop_map(Step::Resend),
        1 => any::<(bool, bool)>().prop_map(|(email, sms)| Step::Prefer(email, sms)),
    ]
}

proptest! {
    #[test]
    fn each_message_is_settled_once_per_sending(steps in prop::collection::vec(step(), 0..40)) {
        let mut it = with_contact();
        for step in steps {
            match step {
                Step::Receive(event) => drop(receive(&mut it, NOTIFYING[event])),
                Step::Refund(id) => drop(refund(&mut it, id)),
                Step::Settle(nth, accepted) => {
                    if let Some(request) = requests(&it).into_iter().nth(nth) {
                        let result = if accepted { CallResult::Answer(NotifyAnswer::Accepted) } else { CallResult::Exhausted("down".into()) };
                        it.outcome(ORDER, request, result);
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
        let published: Vec<Value> = it.outbox.iter().map(|it| serde_json::from_slice(&it.message.value).unwrap()).collect();

        let mut settled: BTreeMap<String, i32> = BTreeMap::new();
        for event in &published {
            *settled.entry(event["notificationId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        for message in messages(&it) {
            let expected = message.resends + i32::from(message.status != State::Pending);
            prop_assert_eq!(settled.get(&message.id.to_string()).copied().unwrap_or_default(), expected);
        }
    }
}
