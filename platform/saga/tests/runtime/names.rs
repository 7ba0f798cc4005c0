//! Names of one's own: of consumer groups, and of the topics of dead letters.

use bus::TopicSpec;
use saga::DeadLetterTopic;
use serde_json::json;
use uuid::Uuid;

use crate::{ledger::MONEY, stage::Stage};

const A: Uuid = Uuid::from_u128(0xa);

/// Records of topic `money` that a group has still to process.
async fn lag(stage: &Stage, group: &str) -> u64 {
    let lag = stage.log.lag(group, &[MONEY.into()]).await.unwrap();
    lag.iter().map(|partition| partition.records).sum()
}

#[tokio::test]
async fn a_service_consumes_as_the_group_that_is_named_for_it() {
    let mut stage = Stage::new().await;
    stage.plan.group = "ledger-service-group".to_owned();
    stage.start().await;
    stage.send([stage.deposit(A, 1)]).await;
    stage.settle().await;
    stage.stop().await; // commits the positions
    assert_eq!(lag(&stage, "ledger-service-group").await, 0);
    assert_eq!(lag(&stage, "test.ledger").await, 2, "nothing was read as the default group");
}

#[tokio::test]
async fn a_dead_letter_goes_to_the_topic_of_the_pattern() {
    let mut stage = Stage::new().await;
    let name = "dlq-money".into();
    stage.log.create_topics(&[TopicSpec { name, partitions: 2, compacted: false, retention: None }]).await.unwrap();
    stage.plan.dead_letter_topic = DeadLetterTopic::new("dlq-{topic}");
    stage.start().await;
    let unreadable = stage.event(MONEY, A, "Deposited.v2", &json!({ "amount": 1 }));
    stage.send([unreadable.clone()]).await;
    stage.settle().await;
    stage.all_is_said().await;
    let letters = stage.letters(MONEY).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0].key, &letters[0].value), (&unreadable.message.key, &unreadable.message.value));
    stage.plan.dead_letter_topic = DeadLetterTopic::default();
    assert!(stage.letters(MONEY).await.is_empty(), "nothing goes to the default topic");
}
