//! The ledger on a database of its own and a log in a temporary folder, and everything a test wants to do to it.

mod provider;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{
    Bus, Message, Outgoing, Partition, TopicSpec,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use clock::{Clock, ManualClock};
use events::{envelope, topic::dead_letters};
use saga::{
    App, Breaker, DeadLetterTopic, ParticipantBuilder, Participants, Policy, Running, ServiceConfig, Settings,
    Subscriptions,
};
use sea_orm_migration::prelude::*;
use serde_json::{Value, json};
use store::{
    Db,
    schema::{self, Layout, create},
};
use tempfile::TempDir;
use uuid::Uuid;

pub use self::provider::{Does, Provider};
use crate::{
    database::Database,
    ledger::{Bill, Gate, Ledger, MONEY, PAPERS, SAID, account, subscribed},
};

/// How the ledger is started.
#[derive(Clone)]
pub struct Plan {
    pub policy: Policy,
    pub breaker: Breaker,
    pub settings: Settings,
    #[cfg(fault_injection)]
    pub fault: Option<saga::Fault>,
    pub group: String,
    pub dead_letter_topic: DeadLetterTopic,
    pub lingers: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            breaker: Breaker::new("provider"),
            settings: Settings {
                batch: 100,
                concurrency: 8,
                heartbeat: Duration::from_millis(20),
                poll_interval: Duration::from_millis(20),
                ..Settings::default()
            },
            #[cfg(fault_injection)]
            fault: None,
            group: "test.ledger".to_owned(),
            dead_letter_topic: DeadLetterTopic::default(),
            lingers: Duration::ZERO,
        }
    }
}

pub struct Stage {
    /// Of the log.
    _folder: TempDir,
    pub database: Database,
    /// The real one.
    pub log: Arc<dyn Bus>,
    /// The one the ledger is given.
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub time: ManualClock,
    pub panics: Arc<AtomicBool>,
    pub gate: Arc<Gate>,
    pub provider: Provider,
    pub plan: Plan,
    sequences: Mutex<BTreeMap<(String, Uuid), u64>>,
    running: Option<Running>,
}

impl Stage {
    /// Everything is there, nothing runs.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, time) = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap(), 7);
        let options = EmbeddedOptions { fsync: false, ..EmbeddedOptions::default() };
        let log: Arc<dyn Bus> =
            Arc::new(EmbeddedLog::open(&folder.path().join("bus.sqlite"), options, clock.clone()).unwrap());
        let topic = |name: &str| TopicSpec { name: name.into(), partitions: 2, compacted: false, retention: None };
        let dead = [MONEY, PAPERS, SAID].map(|name| topic(&dead_letters(name)));
        log.create_topics(&[topic(MONEY), topic(PAPERS), topic(SAID)]).await.unwrap();
        log.create_topics(&dead).await.unwrap();
        Self {
            _folder: folder,
            database: Database::new(),
            bus: log.clone(),
            log,
            clock,
            time,
            panics: Arc::new(AtomicBool::new(false)),
            gate: Arc::default(),
            provider: Provider::default(),
            plan: Plan::default(),
            sequences: Mutex::default(),
            running: None,
        }
    }

    pub async fn started() -> Self {
        let mut stage = Self::new().await;
        stage.start().await;
        stage
    }

    pub async fn start(&mut self) {
        self.running = Some(self.instance(&self.plan.group).await);
    }

    #[allow(dead_code, reason = "where a database is for several")]
    /// Another instance on the same database, with a group of its own: it receives every event, too.
    pub async fn twin(&self) -> Running {
        self.instance("twin.ledger").await
    }

    async fn instance(&self, group: &str) -> Running {
        let ledger = Ledger { panics: self.panics.clone(), gate: self.gate.clone() };
        let participant = ParticipantBuilder::new(ledger).lingers(self.plan.lingers).performs::<Bill>(
            self.plan.policy,
            &self.plan.breaker,
            self.provider.clone(),
        );
        #[cfg(fault_injection)]
        let participant = match self.plan.fault {
            Some(fault) => participant.inject(fault),
            None => participant,
        };
        let mut participants = Participants::default();
        participants.add(participant);
        let db = Db::open(self.database.url(), 4).await.unwrap();
        schema::migrate::<saga::migrations::Migrator>(&db).await.unwrap();
        schema::migrate::<Migrations>(&db).await.unwrap();
        let config = ServiceConfig {
            name: "ledger",
            long_name: "ledger-service",
            group: group.to_owned(),
            subscriptions: Subscriptions::new(subscribed()),
            db,
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            settings: self.plan.settings,
            dead_letter_topic: self.plan.dead_letter_topic.clone(),
            outbox_limit: Duration::from_mins(1),
            outbox_batch: 500,
            keep_inbox: Duration::from_hours(1),
        };
        saga::start(config, participants, vec![]).await.unwrap()
    }

    /// In good order.
    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// Everything ends where it stands: nothing is finished, published, noted or closed.
    pub async fn crash(&mut self) {
        drop(self.running.take());
        self.gate.open.store(true, Ordering::SeqCst); // a decision that waits there ends, too
        for _ in 0..TRIES {
            if let Ok(free) = self.log.subscribe("test.ledger", &[MONEY.into()]).await {
                return free.close().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the group still has its member");
    }

    pub fn app(&self) -> &App {
        &self.running.as_ref().unwrap().app
    }

    pub fn panic(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }

    pub fn advance(&self, millis: i64) {
        self.time.advance(TimeDelta::milliseconds(millis));
    }

    // --- what comes in ---

    /// An event as somebody else would send it.
    pub fn event(&self, topic: &str, key: Uuid, kind: &str, body: &Value) -> Outgoing {
        let header = |name: &'static str, value: String| (Cow::Borrowed(name), Bytes::from(value));
        let headers = vec![
            header(envelope::ID, self.clock.new_id().to_string()),
            header(envelope::TYPE, kind.into()),
            header(envelope::TIME, self.clock.now().to_rfc3339()),
            header(envelope::SEQUENCE, self.next_sequence(topic, key).to_string()),
        ];
        let message = Message { key: key.to_string().into(), headers, value: body.to_string().into() };
        Outgoing { topic: topic.into(), message: Arc::new(message) }
    }

    /// Counts the events of an aggregate on a topic, as their producer does.
    fn next_sequence(&self, topic: &str, key: Uuid) -> u64 {
        let mut sequences = self.sequences.lock().unwrap();
        let sequence = sequences.entry((topic.to_owned(), key)).or_default();
        *sequence += 1;
        *sequence
    }

    /// The next event on this topic has the sequence after this one.
    pub fn set_sequence(&self, topic: &str, key: Uuid, sequence: u64) {
        self.sequences.lock().unwrap().insert((topic.to_owned(), key), sequence);
    }

    pub fn deposit(&self, key: Uuid, amount: i64) -> Outgoing {
        self.event(MONEY, key, "Deposited.v1", &json!({ "amount": amount }))
    }

    pub fn withdrawal(&self, key: Uuid, amount: i64) -> Outgoing {
        self.event(MONEY, key, "Withdrawn.v1", &json!({ "amount": amount }))
    }

    pub fn licence(&self, key: Uuid) -> Outgoing {
        self.event(PAPERS, key, "Licensed.v1", &json!({}))
    }

    pub fn mark(&self, topic: &str, key: Uuid, mark: &str) -> Outgoing {
        self.event(topic, key, "Marked.v1", &json!({ "mark": mark }))
    }

    pub fn bill(&self, key: Uuid, number: u32, times: u32) -> Outgoing {
        self.event(PAPERS, key, "Billed.v1", &json!({ "number": number, "times": times }))
    }

    pub fn timer(&self, key: Uuid, seconds: i64, note: &str) -> Outgoing {
        self.event(PAPERS, key, "Timed.v1", &json!({ "seconds": seconds, "note": note }))
    }

    pub async fn send(&self, events: impl IntoIterator<Item = Outgoing>) {
        let events: Vec<_> = events.into_iter().collect();
        let wanted = events.len();
        let published = self.log.publish(events).await;
        assert_eq!(published.durable, wanted, "{:?}", published.failure);
    }

    /// Sends a marker after everything sent so far, about an account of its own, and waits until it is decided: then so
    /// is all that came before it, or it is parked.
    pub async fn settle(&self) {
        let key = self.clock.new_id();
        self.send([self.mark(MONEY, key, "end")]).await;
        self.log_is(key, "end").await;
    }

    /// The others take this process for dead.
    pub async fn declare_dead(&self) {
        self.sql("DELETE FROM processes").await;
    }

    /// Waits for what happens when this process has taken over the requests of one that crashed. Time passes in steps that
    /// let its own heartbeats count.
    pub async fn until_taken_over(&self, happened: impl Fn() -> bool) {
        eventually("the requests are taken over", || {
            self.advance(2_000);
            happened()
        })
        .await;
    }

    // --- what is there ---

    pub async fn sql(&self, sql: &str) {
        self.database.run(sql).await;
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.database.count(sql)
    }

    /// Everything decided about an account, in order.
    pub fn log(&self, key: Uuid) -> String {
        let account = self.database.all::<account::Entity>().into_iter().find(|account| account.id == key);
        account.map(|account| account.log.trim_end().to_owned()).unwrap_or_default()
    }

    pub async fn log_is(&self, key: Uuid, wanted: &str) {
        let found = attempt(|| self.log(key) == wanted).await;
        assert!(found, "decided: {:?}, wanted: {wanted:?}, parked: {:?}", self.log(key), self.parked());
    }

    /// The states of what is parked, in the order of the log.
    pub fn parked(&self) -> Vec<String> {
        let states = self.database.ask::<(String,)>("SELECT state FROM parked ORDER BY position");
        states.into_iter().map(|(state,)| state).collect()
    }

    pub async fn parked_is(&self, wanted: &[&str]) {
        let found = attempt(|| self.parked() == wanted).await;
        assert!(found, "parked: {:?}, wanted: {wanted:?}", self.parked());
    }

    /// The dead letters of a topic on the bus.
    pub async fn letters(&self, topic: &str) -> Vec<Arc<Message>> {
        let mut letters = vec![];
        for partition in 0..2 {
            let partition = Partition { topic: self.plan.dead_letter_topic.of(topic).into(), partition };
            letters.extend(self.log.read(&partition, 0, 1_000_000).await.unwrap().into_iter().map(|it| it.message));
        }
        letters
    }

    /// The classes of the dead letters of a topic on the bus, in alphabetic order.
    pub async fn classes(&self, topic: &str) -> Vec<String> {
        self.all_is_said().await;
        let class = |it: &Arc<Message>| String::from_utf8(it.header("dlq-error-class").unwrap().to_vec()).unwrap();
        let mut classes: Vec<_> = self.letters(topic).await.iter().map(class).collect();
        classes.sort_unstable();
        classes
    }

    /// What the ledger has said about each account: event id, sequence and content, in the order of the log.
    pub async fn said(&self) -> BTreeMap<Uuid, Vec<(Uuid, i64, String)>> {
        let mut said: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
        for partition in 0..2 {
            let partition = Partition { topic: SAID.into(), partition };
            for record in self.log.read(&partition, 0, 1_000_000).await.unwrap() {
                let value: Value = serde_json::from_slice(&record.message.value).unwrap();
                let id = value["eventId"].as_str().unwrap().parse().unwrap();
                let key = std::str::from_utf8(&record.message.key).unwrap().parse().unwrap();
                let what = value["what"].as_str().unwrap().to_owned();
                said.entry(key).or_default().push((id, value["sequence"].as_i64().unwrap(), what));
            }
        }
        said
    }

    /// Whether what was said is what was decided: all of it, once, in order. Repeats of an event already said are the
    /// inbox's business and are passed over.
    pub async fn audit(&self) -> Result<(), String> {
        let said = self.said().await;
        for account::Model { id, log, balance, .. } in self.database.all::<account::Entity>() {
            let decided: Vec<&str> = log.split_whitespace().collect();
            let mut ids = BTreeSet::new();
            let published: Vec<_> = said.get(&id).into_iter().flatten().filter(|(id, ..)| ids.insert(*id)).collect();
            let words: Vec<&str> = published.iter().map(|(_, _, what)| &**what).collect();
            if words != decided {
                return Err(format!("{id}: said {words:?}, decided {decided:?}"));
            }
            if !published.iter().map(|(_, sequence, _)| *sequence).eq((1..).take(published.len())) {
                return Err(format!("{id}: {published:?} are not numbered 1, 2, 3 …"));
            }
            let sum: i64 = decided.iter().filter_map(|word| word.parse::<i64>().ok()).sum();
            if sum != balance {
                return Err(format!("{id}: the balance is {balance}, the sum {sum}"));
            }
        }
        Ok(())
    }

    /// Waits until everything decided is said, and nothing is left in the outbox.
    pub async fn all_is_said(&self) {
        let mut wrong = String::new();
        for _ in 0..TRIES {
            match self.audit().await {
                Ok(()) if self.count("SELECT count(*) FROM outbox") == 0 => return,
                Ok(()) => wrong = "rows are left in the outbox".into(),
                Err(problem) => wrong = problem,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{wrong}");
    }
}

const TRIES: u32 = 1000;

/// Asks until the answer is yes, or for ten seconds.
pub async fn attempt(mut ask: impl FnMut() -> bool) -> bool {
    for _ in 0..TRIES {
        if ask() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Asks until the answer is yes.
pub async fn eventually(what: &str, ask: impl FnMut() -> bool) {
    assert!(attempt(ask).await, "gave up waiting until {what}");
}

struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m0001_ledger"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use account::Column as A;
        let accounts = Table::create()
            .table(account::Entity)
            .col(ColumnDef::new(A::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(A::Balance).big_integer().not_null().check(Expr::col(A::Balance).lte(1_000_000)))
            .col(ColumnDef::new(A::Licensed).boolean().not_null())
            .col(ColumnDef::new(A::Sequence).big_integer().not_null())
            .col(ColumnDef::new(A::Seen).blob())
            .col(ColumnDef::new(A::Log).text().not_null())
            .to_owned();
        create(manager, Layout::Clustered, accounts).await
    }
}
