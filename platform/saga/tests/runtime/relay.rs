//! From the outbox to the bus: all of it, in order, whatever happens on the way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{
    Bus, BusError, Follower, Lag, Outgoing, Partition, Position, Published, Record, Subscription, Taken, TopicSpec,
    TopicState,
};
use futures_util::future::BoxFuture;
use saga::DeadLetterTopic;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    ledger::{MONEY, SAID},
    stage::{Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

#[derive(Debug, Clone, Default)]
enum Mode {
    #[default]
    Up,
    Down,
    /// Says nothing until it is up again.
    Silent,
    /// Up, but what it brings it brings one by one.
    Stingy,
    /// Takes so many of each batch, and fails then.
    Takes(usize),
    /// Fails at the first message that contains this.
    Refuses(&'static str),
    /// Refuses what is for this topic, so many times.
    Forbids(&'static str, usize),
}

/// A bus that publishes badly.
struct Flaky {
    log: Arc<dyn Bus>,
    mode: Mutex<Mode>,
    changed: Notify,
}

impl Flaky {
    fn before(stage: &mut Stage, mode: Mode) -> Arc<Self> {
        let flaky = Arc::new(Self { log: stage.log.clone(), mode: Mutex::new(mode), changed: Notify::new() });
        stage.bus = flaky.clone();
        flaky
    }

    fn is(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
        self.changed.notify_waiters();
    }

    fn is_silent(&self) -> bool {
        matches!(*self.mode.lock().unwrap(), Mode::Silent)
    }
}

/// However many are wanted.
struct Stingy(Box<dyn Subscription>);

impl Subscription for Stingy {
    fn next(&mut self, _: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        self.0.next(1)
    }
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>> {
        self.0.commit(upto)
    }
    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.0.close()
    }
}

impl Bus for Flaky {
    fn publish(&self, mut batch: Vec<Outgoing>) -> BoxFuture<'_, Published> {
        let has = |it: &Outgoing, what: &str| String::from_utf8_lossy(&it.message.value).contains(what);
        let mode = self.mode.lock().unwrap().clone(); // not locked below
        let takes = match mode {
            Mode::Up | Mode::Silent | Mode::Stingy => batch.len(),
            Mode::Down => 0,
            Mode::Takes(most) => most.min(batch.len()),
            Mode::Refuses(what) => batch.iter().position(|it| has(it, what)).unwrap_or(batch.len()),
            Mode::Forbids(topic, times) => match batch.iter().position(|it| *it.topic == *topic) {
                Some(place) if times > 0 => {
                    *self.mode.lock().unwrap() = Mode::Forbids(topic, times - 1);
                    place
                }
                _ => batch.len(),
            },
        };
        let refuses = matches!(mode, Mode::Forbids(..));
        Box::pin(async move {
            loop {
                let changed = self.changed.notified();
                if !self.is_silent() {
                    break;
                }
                changed.await;
            }
            let all = takes == batch.len();
            batch.truncate(takes);
            let mut said = self.log.publish(batch).await;
            if !all {
                let why = if refuses { BusError::Refused } else { BusError::Unavailable };
                said.failure.get_or_insert(why("flaky".into()));
            }
            said
        })
    }
    fn create_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        self.log.create_topics(topics)
    }
    fn topics<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>> {
        self.log.topics(names)
    }
    fn alter_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        self.log.alter_topics(topics)
    }
    fn join<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
        linger: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        let is_stingy = matches!(*self.mode.lock().unwrap(), Mode::Stingy);
        let member = self.log.join(group, topics, linger);
        Box::pin(async move { Ok(if is_stingy { Box::new(Stingy(member.await?)) } else { member.await? }) })
    }
    fn lag<'a>(&'a self, group: &'a str, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>> {
        self.log.lag(group, topics)
    }
    fn read<'a>(
        &'a self,
        partition: &'a Partition,
        from: i64,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, BusError>> {
        self.log.read(partition, from, most)
    }
    fn follow<'a>(&'a self, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>> {
        self.log.follow(topics)
    }
    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        self.log.health()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.log.close()
    }
}

/// Nothing is said twice either: nobody has crashed.
async fn no_repeats(stage: &Stage) {
    for (key, said) in stage.said().await {
        let numbers: Vec<i64> = said.iter().map(|(_, sequence, _)| *sequence).collect();
        assert!(numbers.iter().copied().eq((1..).take(numbers.len())), "{key}: {numbers:?}");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_batch_leaves_no_gap() {
    for takes in [1, 3, 7] {
        let mut stage = Stage::new().await;
        let bus = Flaky::before(&mut stage, Mode::Takes(takes));
        stage.plan.settings.batch = 8;
        stage.send((1..=60).map(|amount| stage.deposit(if amount % 3 == 0 { A } else { B }, amount))).await;
        stage.start().await;
        stage.settle().await;
        bus.is(Mode::Up);
        stage.all_is_said().await;
        no_repeats(&stage).await;
    }
}

/// A copy of a dead letter that the bus will never take holds up nothing; an event does.
#[tokio::test]
async fn a_letter_that_is_refused_is_left_out() {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, Mode::Forbids("money.DLQ", usize::MAX));
    let unreadable = |key| stage.event(MONEY, key, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    let letters = [unreadable(Uuid::from_u128(0xc)), unreadable(Uuid::from_u128(0xd))];
    stage
        .send([stage.deposit(A, 1), letters[0].clone(), stage.deposit(A, 2), letters[1].clone(), stage.deposit(B, 3)])
        .await;
    stage.start().await;
    stage.settle().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
    assert_eq!((stage.letters(MONEY).await.len(), stage.count("SELECT count(*) FROM parked")), (0, 2));

    bus.is(Mode::Forbids(SAID, usize::MAX));
    stage.send([stage.deposit(A, 4)]).await;
    stage.settle().await;
    assert!(stage.count("SELECT count(*) FROM outbox") > 0, "what was decided is said some day");
    bus.is(Mode::Up);
    stage.all_is_said().await;
}

/// A refusal may be of the moment.
#[tokio::test]
async fn a_letter_that_is_taken_at_last_is_not_left_out() {
    let mut stage = Stage::new().await;
    let _bus = Flaky::before(&mut stage, Mode::Forbids("money.DLQ", 2));
    let letter = stage.event(MONEY, A, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    stage.send([letter, stage.deposit(B, 3)]).await;
    stage.start().await;
    stage.settle().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
    assert_eq!(stage.letters(MONEY).await.len(), 1);
}

#[tokio::test]
async fn what_a_crash_has_left_goes_first() {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, Mode::Down);
    stage.start().await;
    stage.send((1..=20).map(|amount| stage.deposit(A, amount))).await;
    stage.settle().await;
    assert!(stage.said().await.is_empty());
    stage.crash().await;
    stage.send((21..=40).map(|amount| stage.deposit(A, amount))).await;
    bus.is(Mode::Up);
    stage.start().await;
    stage.settle().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
    assert_eq!(stage.said().await[&A].len(), 40);
}

/// More transactions than the channel holds, while the relay is stuck: they are read from the table, and still in order.
#[tokio::test]
async fn what_the_channel_cannot_hold_is_not_overtaken() {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, Mode::Down);
    stage.plan.settings.batch = 2;
    stage.start().await;
    stage.send((1..=800).map(|amount| stage.deposit(A, amount))).await;
    stage.settle().await;
    assert!(stage.count("SELECT count(*) FROM outbox") > 300, "not a test of the overflow");
    bus.is(Mode::Up);
    stage.send((801..=1200).map(|amount| stage.deposit(A, amount))).await; // while it catches up
    stage.settle().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
}

#[tokio::test]
async fn nothing_more_is_admitted_when_the_bus_is_away_for_too_long() {
    for mode in [Mode::Down, Mode::Silent] {
        away_for_too_long(mode).await;
    }
}

async fn away_for_too_long(mode: Mode) {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, mode);
    stage.start().await;
    stage.advance(1_000_000);
    assert!(stage.app().admits(), "nothing is waiting");
    stage.send([stage.deposit(A, 1)]).await;
    stage.settle().await;
    // Counted from the first failure, which may not have been yet.
    eventually("the limit is passed", || {
        stage.advance(1000);
        !stage.app().admits()
    })
    .await;
    bus.is(Mode::Up);
    eventually("it is admitted again", || stage.app().admits()).await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn stopping_publishes_what_is_decided() {
    let mut stage = Stage::new().await;
    stage.plan.settings.batch = 4;
    stage.start().await;
    stage.send((1..=300).map(|amount| stage.deposit(A, amount))).await;
    stage.settle().await;
    stage.stop().await;
    assert_eq!(stage.count("SELECT count(*) FROM outbox"), 0);
    stage.audit().await.unwrap();
    no_repeats(&stage).await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_bus_that_is_away() {
    for mode in [Mode::Down, Mode::Silent] {
        stop_while(mode).await;
    }
}

async fn stop_while(mode: Mode) {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, mode);
    stage.start().await;
    stage.send([stage.deposit(A, 1)]).await;
    stage.settle().await;
    stage.stop().await;
    bus.is(Mode::Up);
    stage.start().await;
    stage.send([stage.deposit(A, 2)]).await;
    stage.settle().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
}

/// What the bus does not take at the end is not overtaken by what it would take.
#[tokio::test]
async fn nothing_is_overtaken_at_the_end() {
    let mut stage = Stage::new().await;
    let bus = Flaky::before(&mut stage, Mode::Refuses("+1\""));
    stage.start().await;
    stage.send([stage.deposit(A, 1)]).await;
    stage.settle().await;
    stage.send([stage.deposit(A, 2)]).await;
    stage.settle().await;
    stage.stop().await;
    assert!(!stage.said().await.contains_key(&A), "{:?}", stage.said().await);
    bus.is(Mode::Up);
    stage.start().await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
}

/// Restarts with work in flight, in good order: everything once.
#[tokio::test]
async fn stopping_and_starting_resumes() {
    let mut stage = Stage::new().await;
    stage.plan.settings.batch = 4;
    for round in 0..5 {
        stage.send((1..=100).map(|n| stage.deposit(A, round * 100 + n))).await;
        stage.start().await;
        stage.stop().await;
        assert_eq!(stage.count("SELECT count(*) FROM outbox"), 0);
        stage.audit().await.unwrap();
    }
    stage.start().await;
    let all: Vec<_> = (1..=500).map(|n| format!("+{n}")).collect();
    stage.log_is(A, &all.join(" ")).await;
    stage.all_is_said().await;
    no_repeats(&stage).await;
}

/// A batch of one is small, but there are more: a participant that rested after each would never get through.
#[tokio::test]
async fn a_room_that_is_behind_does_not_linger() {
    let mut stage = Stage::new().await;
    let _bus = Flaky::before(&mut stage, Mode::Stingy);
    stage.plan.lingers = Duration::from_hours(1);
    stage.send((0..20).map(|number| stage.timer(A, 1_000_000, &number.to_string()))).await;
    stage.start().await;
    eventually("all are decided", || stage.log(A).split(' ').count() == 20).await;
}

/// The outbox does not store the topic's name on the bus: a copy that was stored before the pattern changed follows the new one.
#[tokio::test]
async fn a_changed_dead_letter_topic_applies_to_stored_copies() {
    let mut stage = Stage::new().await;
    stage.plan.dead_letter_topic = DeadLetterTopic::new("absent-{topic}");
    let bus = Flaky::before(&mut stage, Mode::Down);
    stage.start().await;
    stage.send([stage.event(MONEY, A, "Deposited.v2", &serde_json::json!({ "amount": 1 }))]).await;
    stage.settle().await;
    assert!(stage.count("SELECT count(*) FROM outbox") > 0, "the copy waits");
    stage.crash().await;
    stage.plan.dead_letter_topic = DeadLetterTopic::default();
    bus.is(Mode::Up);
    stage.start().await;
    stage.all_is_said().await;
    assert_eq!(stage.letters(MONEY).await.len(), 1);
}
