//! Partitions that come and go while records of theirs are on their way.

use std::sync::Arc;

use bytes::Bytes;
use events::envelope;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::{
    Consequences, Delivery, StoreError, Tx, Verdict, Workset,
    bus::{BusError, Message, Taken},
};

/// Hears, and is never asked.
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
        unreachable!("the test is the room")
    }
}

impl Workset<Input> for Nothing {
    async fn load(_: &Tx, _: &[Delivery<Input>]) -> Result<Self, StoreError> {
        unreachable!("the test is the room")
    }

    async fn save(self, _: &Tx) -> Result<(), StoreError> {
        unreachable!("the test is the room")
    }
}

/// Hands out what the test says, and tells it what is committed.
struct Told {
    takes: mpsc::UnboundedReceiver<Taken>,
    commits: mpsc::UnboundedSender<Vec<Position>>,
}

impl Subscription for Told {
    fn next(&mut self, _: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        Box::pin(async { self.takes.recv().await.ok_or_else(|| BusError::Unavailable("over".into())) })
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

fn offsets(events: &[Decoded<Input>]) -> Vec<(i32, i64)> {
    let place = |event: &Decoded<Input>| match event {
        Ok(Incoming { source: Source::Event(record), .. }) | Err((record, _)) => (record.partition, record.offset),
        Ok(_) => unreachable!(),
    };
    events.iter().map(place).collect()
}

#[tokio::test]
async fn what_is_given_away_is_dropped_and_its_positions_too() {
    let (takes, to_take) = mpsc::unbounded_channel();
    let (commits, mut committed) = mpsc::unbounded_channel();
    let (chunks, mut room) = mpsc::channel(1);
    let stop = Shutdown::new();
    let heard = Arc::new(Heard::new([("t", vec!["Happened.v1"])]));
    let told = Box::new(Told { takes: to_take, commits });
    let pump = tokio::spawn(pump::<Listener>(told, heard, 100, Duration::ZERO, chunks, stop.clone()));

    let records = vec![record(0, 10), broken(0, 11), record(1, 20), broken(1, 21)];
    takes.send(Taken { records, assigned: vec![partition(0), partition(1)], ..Taken::default() }).unwrap();
    takes.send(Taken { records: vec![record(0, 12)], revoked: vec![partition(1)], ..Taken::default() }).unwrap();
    let mut first = room.recv().await.unwrap();
    let mut second = room.recv().await.unwrap();
    assert_eq!(first.ours.take(), Some([partition(0), partition(1)].into()));
    assert_eq!(second.ours.take(), Some([partition(0)].into()));

    // It comes back, and is read from where it was committed.
    let (events, done) = first.open();
    assert_eq!(offsets(&events), [(0, 10), (0, 11)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(0), next: 12 }]);
    takes.send(Taken { records: vec![record(1, 20)], assigned: vec![partition(1)], ..Taken::default() }).unwrap();
    let (events, done) = second.open();
    assert_eq!(offsets(&events), [(0, 12)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(0), next: 13 }]);
    let mut third = room.recv().await.unwrap();
    assert_eq!(third.ours.take(), Some([partition(0), partition(1)].into()));
    let (events, done) = third.open();
    assert_eq!(offsets(&events), [(1, 20)]);
    done.send(()).unwrap();
    assert_eq!(committed.recv().await.unwrap(), [Position { partition: partition(1), next: 21 }]);

    takes.send(Taken { records: vec![record(0, 13)], ..Taken::default() }).unwrap();
    let fourth = room.recv().await.unwrap();
    assert_eq!(fourth.ours, None, "nothing has changed, and nothing is asked of the database");
    fourth.open().1.send(()).unwrap();
    stop.trigger();
    pump.await.unwrap();
}

/// (It would hang here for an hour.)
#[tokio::test]
async fn who_is_behind_does_not_linger() {
    let (takes, to_take) = mpsc::unbounded_channel();
    let (commits, _committed) = mpsc::unbounded_channel();
    let (chunks, mut room) = mpsc::channel(1);
    let stop = Shutdown::new();
    let heard = Arc::new(Heard::new([("t", vec!["Happened.v1"])]));
    let told = Box::new(Told { takes: to_take, commits });
    let pump = tokio::spawn(pump::<Listener>(told, heard, 100, Duration::from_hours(1), chunks, stop.clone()));

    takes.send(Taken { records: vec![record(0, 10)], more: true, ..Taken::default() }).unwrap();
    takes.send(Taken { records: vec![record(0, 11)], ..Taken::default() }).unwrap();
    for more in [true, false] {
        let chunk = room.recv().await.unwrap();
        assert_eq!(chunk.more, more);
        chunk.open().1.send(()).unwrap();
    }
    stop.trigger();
    pump.await.unwrap();
}
