//! Partitions that are assigned and revoked while their records are in flight.

use std::sync::Arc;

use bytes::Bytes;
use events::envelope;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc;
use uuid::Uuid;

use bus::{BusError, Message, Taken};
use store::{StoreError, Tx};

use super::*;
use crate::{Consequences, Delivery, Seen, Verdict, Workset};

/// Its events are decoded and never decided.
struct Listener;

#[derive(serde::Deserialize)]
enum Input {
    #[serde(rename = "Happened.v1")]
    Happened {},
}

struct Nothing;

impl Participant for Listener {
    const NAME: &'static str = "listener";
    type Input = Input;
    type Workset = Nothing;

    fn react(&self, _: &mut Nothing, _: &Delivery<Input>, _: &mut Consequences) -> Verdict {
        unreachable!("the test is the batch loop")
    }
}

impl Workset<Input> for Nothing {
    async fn load(_: &Tx, _: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        unreachable!("the test is the batch loop")
    }

    fn seen(&mut self, _: Uuid) -> Option<&mut Seen> {
        None
    }

    async fn save(self, _: &Tx) -> Result<(), StoreError> {
        unreachable!("the test is the batch loop")
    }
}

/// Polls what the test sends, and reports what is committed.
struct Scripted {
    polls: mpsc::UnboundedReceiver<Taken>,
    commits: mpsc::UnboundedSender<Vec<Position>>,
}

impl Subscription for Scripted {
    fn next(&mut self, _: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        Box::pin(async { self.polls.recv().await.ok_or_else(|| BusError::Unavailable("over".into())) })
    }

    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>> {
        self.commits.send(upto.to_vec()).unwrap();
        Box::pin(ready(Ok(())))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }
}

fn partition(partition: i32) -> Partition {
    Partition { topic: "t".into(), partition }
}

fn record(partition: i32, offset: i64) -> Record {
    let id = Bytes::from(Uuid::from_u128(7).to_string());
    let headers = vec![
        (envelope::TYPE.into(), Bytes::from_static(b"Happened.v1")),
        (envelope::ID.into(), id.clone()),
        (envelope::TIME.into(), Bytes::from_static(b"2026-01-01T00:00:00Z")),
    ];
    let message = Message { key: id, headers, value: Bytes::from_static(b"{}") };
    Record { topic: "t".into(), partition, offset, message: Arc::new(message) }
}

fn broken(partition: i32, offset: i64) -> Record {
    Record { message: Arc::default(), ..record(partition, offset) }
}

fn consumer(
    subscription: Scripted,
    linger: Duration,
) -> (Consumer<Input>, mpsc::Receiver<PolledBatch<Input>>, CancellationToken) {
    let (batches, receiver) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let consumer = Consumer {
        subscription: Box::new(subscription),
        subscriptions: Arc::new(Subscriptions::new([("t", vec!["Happened.v1"])])),
        max_batch: 100,
        linger,
        batches,
        stop: stop.clone(),
    };
    (consumer, receiver, stop)
}

fn offsets(events: &[Decoded<Input>]) -> Vec<(i32, i64)> {
    let place = |event: &Decoded<Input>| match event {
        Ok(Item { source: Source::Event(EventSource { record }), .. }) | Err((record, _)) => {
            (record.partition, record.offset)
        }
        Ok(_) => unreachable!(),
    };
    events.iter().map(place).collect()
}

#[tokio::test]
async fn records_of_revoked_partitions_are_dropped_with_their_offsets() {
    let (polls, to_poll) = mpsc::unbounded_channel();
    let (commits, mut committed) = mpsc::unbounded_channel();
    let (consumer, mut batches, stop) = consumer(Scripted { polls: to_poll, commits }, Duration::ZERO);
    let consumer = tokio::spawn(consumer.run::<Listener>());

    let records = vec![record(0, 10), broken(0, 11), record(1, 20), broken(1, 21)];
    polls.send(Taken { records, assigned: vec![partition(0), partition(1)], ..Taken::default() }).unwrap();
    polls.send(Taken { records: vec![record(0, 12)], revoked: vec![partition(1)], ..Taken::default() }).unwrap();
    let mut first = batches.recv().await.unwrap();
    let mut second = batches.recv().await.unwrap();
    assert_eq!(first.assigned.take(), Some([partition(0), partition(1)].into()));
    assert_eq!(second.assigned.take(), Some([partition(0)].into()));

    // It is assigned again, and read from its committed offset.
    let (events, done) = first.open();
    assert_eq!(offsets(&events), [(0, 10), (0, 11)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(0), next: 12 }]);
    polls.send(Taken { records: vec![record(1, 20)], assigned: vec![partition(1)], ..Taken::default() }).unwrap();
    let (events, done) = second.open();
    assert_eq!(offsets(&events), [(0, 12)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(0), next: 13 }]);
    let mut third = batches.recv().await.unwrap();
    assert_eq!(third.assigned.take(), Some([partition(0), partition(1)].into()));
    let (events, done) = third.open();
    assert_eq!(offsets(&events), [(1, 20)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(1), next: 21 }]);

    polls.send(Taken { records: vec![record(0, 13)], ..Taken::default() }).unwrap();
    let fourth = batches.recv().await.unwrap();
    assert_eq!(fourth.assigned, None, "nothing has changed, so the database is not queried");
    fourth.open().1.send(()).unwrap();
    stop.cancel();
    consumer.await.unwrap();
}

/// (It would hang here for an hour.)
#[tokio::test]
async fn a_consumer_that_is_behind_does_not_linger() {
    let (polls, to_poll) = mpsc::unbounded_channel();
    let (commits, _committed) = mpsc::unbounded_channel();
    let (consumer, mut batches, stop) = consumer(Scripted { polls: to_poll, commits }, Duration::from_hours(1));
    let consumer = tokio::spawn(consumer.run::<Listener>());

    polls.send(Taken { records: vec![record(0, 10)], more: true, ..Taken::default() }).unwrap();
    polls.send(Taken { records: vec![record(0, 11)], ..Taken::default() }).unwrap();
    for more in [true, false] {
        let batch = batches.recv().await.unwrap();
        assert_eq!(batch.has_more, more);
        batch.open().1.send(()).unwrap();
    }
    stop.cancel();
    consumer.await.unwrap();
}
