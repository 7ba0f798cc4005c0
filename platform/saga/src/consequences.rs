use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use bus::{Message, Outgoing};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use clock::Clock;
use events::{Event, envelope};
use serde::Serialize;
use store::{StoreError, Tx, bulk};
use telemetry::Trace;
use uuid::Uuid;

use crate::{
    Delivery, Request,
    tables::{effect, reminder},
};

/// A deadline; when it is due it comes in as the input variant of the same name.
pub trait Reminder: Serialize {
    /// Never rename.
    const NAME: &'static str;
}

/// What follows from the decisions of a batch. Saved in the transaction that saves their changes.
#[derive(Debug)]
pub struct Consequences {
    clock: Clock,
    now: DateTime<Utc>,
    source: Bytes,
    key: Uuid,
    cause: Option<Uuid>,
    trace: Trace,
    pub(crate) events: Vec<Outgoing>,
    pub(crate) requests: Vec<effect::Model>,
    pub(crate) reminders: Reminders,
}

/// By key and name: the reminder, or `None` when it is cancelled.
pub(crate) type Reminders = BTreeMap<ReminderKey, Option<reminder::Model>>;

/// The aggregate and the reminder's name.
pub type ReminderKey = (Uuid, Cow<'static, str>);

impl Consequences {
    /// Nothing yet. `service` is the name of the service, as events bear it.
    pub fn new(service: &str, clock: Clock) -> Self {
        Self {
            now: clock.now(),
            clock,
            source: Bytes::from(format!("/{service}")),
            key: Uuid::nil(),
            cause: None,
            trace: Trace::default(),
            events: vec![],
            requests: vec![],
            reminders: BTreeMap::new(),
        }
    }

    /// The time of the decision; the same for a whole batch.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A fresh id, rising with time.
    pub fn new_id(&mut self) -> Uuid {
        self.clock.new_id()
    }

    /// The trace of what is being decided.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// What follows belongs to this trace: for inputs from outside that carry no trace of their own.
    pub fn resume(&mut self, trace: Trace) {
        self.trace = trace;
    }

    /// Publishes an event about the aggregate of the delivery. `sequence` is the aggregate's counter for the event's topic, kept
    /// in its row: the number of the last published event, 0 before the first.
    pub fn publish<E: Event>(&mut self, sequence: &mut i64, event: &E) {
        *sequence += 1;
        self.push_event(Some(self.key), self.key, number(*sequence), event);
    }

    /// Publishes an event about the aggregate of the delivery on a topic whose events are not numbered: every consumer must
    /// recognise repeats by its rows.
    pub fn publish_unnumbered<E: Event>(&mut self, event: &E) {
        self.push_event(Some(self.key), self.key, 0, event);
    }

    /// Publishes an event about another aggregate, one that is no order.
    pub fn publish_for<E: Event>(&mut self, key: Uuid, sequence: &mut i64, event: &E) {
        *sequence += 1;
        self.push_event(None, key, number(*sequence), event);
    }

    /// `sequence`: 0 for none.
    fn push_event<E: Event>(&mut self, order_id: Option<Uuid>, key: Uuid, sequence: u64, event: &E) {
        let event_id = self.new_id();
        let head = envelope::Head {
            event_id,
            order_id,
            correlation_id: key,
            causation_id: self.cause,
            sequence,
            timestamp: self.now.into(),
        };
        let trace = if self.trace.trace_id == 0 { Trace::new() } else { self.trace.child() };
        let key = Bytes::from(key.to_string());
        let text = |value: String| Bytes::from(value);
        let mut headers = vec![
            (Cow::Borrowed(envelope::SPECVERSION), Bytes::from_static(b"1.0")),
            (Cow::Borrowed(envelope::ID), text(event_id.to_string())),
            (Cow::Borrowed(envelope::TYPE), Bytes::from_static(E::TYPE.as_bytes())),
            (Cow::Borrowed(envelope::SOURCE), self.source.clone()),
            (Cow::Borrowed(envelope::TIME), text(head.timestamp.to_string())),
            (Cow::Borrowed(envelope::SUBJECT), key.clone()),
            (Cow::Borrowed(envelope::DATASCHEMA), Bytes::from_static(E::SCHEMA.as_bytes())),
            (Cow::Borrowed(envelope::CONTENT_TYPE), Bytes::from_static(b"application/json")),
            (Cow::Borrowed(envelope::TRACEPARENT), text(trace.to_string())),
        ];
        if sequence > 0 {
            headers.push((Cow::Borrowed(envelope::SEQUENCE), text(sequence.to_string())));
        }
        let value = envelope::to_json(&head, event).into();
        self.events.push(Outgoing { topic: E::TOPIC.into(), message: Arc::new(Message { key, headers, value }) });
    }

    /// Requests a call to the outside, to be made as soon as this is saved.
    pub fn request<R: Request>(&mut self, request: &R) {
        self.request_at(self.now, request);
    }

    /// Requests a call to the outside, not before `due`.
    pub fn request_at<R: Request>(&mut self, due: DateTime<Utc>, request: &R) {
        self.requests.push(effect::Model {
            key: request.idempotency_key(),
            epoch: 1,
            name: R::NAME.into(),
            about: self.key,
            request: serde_json::to_string(request).expect("requests are plain data"),
            trace: self.trace.to_string(),
            cause: self.cause,
            requested_at: self.now,
            attempts: 0,
            error: None,
            due,
            leased: false,
            owner: None,
        });
    }

    /// Reminds of this aggregate at `due`. Setting a reminder again replaces it.
    pub fn remind_at<R: Reminder>(&mut self, due: DateTime<Utc>, reminder: &R) {
        let reminder = reminder::Model {
            key: self.key,
            name: R::NAME.into(),
            id: self.new_id(),
            due,
            body: serde_json::to_string(reminder).expect("reminders are plain data"),
            trace: self.trace.to_string(),
            cause: self.cause,
        };
        self.reminders.insert((self.key, R::NAME.into()), Some(reminder));
    }

    pub fn cancel_reminder<R: Reminder>(&mut self) {
        self.reminders.insert((self.key, R::NAME.into()), None);
    }

    /// Whatever follows from now on is caused by this delivery.
    pub fn of<I>(&mut self, delivery: &Delivery<I>) -> &mut Self {
        (self.key, self.cause, self.trace) = (delivery.key, delivery.cause, delivery.trace);
        self
    }

    /// A reminder that fires is gone, unless the decision about it has set it again.
    pub(crate) fn fired(&mut self, key: Uuid, name: &str) {
        self.reminders.entry((key, name.to_owned().into())).or_insert(None);
    }

    /// How many there are, of any kind.
    pub(crate) fn count(&self) -> usize {
        self.events.len() + self.requests.len() + self.reminders.len()
    }

    /// Writes requests and reminders; the events go to the outbox.
    pub(crate) async fn save(&mut self, tx: &Tx) -> Result<(), StoreError> {
        bulk::insert::<effect::Entity>(tx, std::mem::take(&mut self.requests)).await?;
        let (mut set, mut gone) = (vec![], vec![]);
        for (key, reminder) in std::mem::take(&mut self.reminders) {
            match reminder {
                Some(reminder) => set.push(reminder),
                None => gone.push((key.0, key.1.into_owned())),
            }
        }
        bulk::remove::<reminder::Entity>(tx, &gone).await?;
        bulk::update::<reminder::Entity>(tx, set).await
    }
}

fn number(sequence: i64) -> u64 {
    u64::try_from(sequence).expect("counts up from zero")
}

/// What follows from a decision, for tests of decisions and for the simulation.
impl Consequences {
    /// The types of the events published so far, in order.
    pub fn published(&self) -> Vec<&str> {
        let kinds = self.events.iter().filter_map(|event| event.message.header(envelope::TYPE));
        kinds.map(|kind| std::str::from_utf8(kind).expect("types are ASCII")).collect()
    }

    /// The events, as they go to the bus.
    pub fn into_parts(self) -> Parts {
        Parts { events: self.events, requests: self.requests, reminders: self.reminders.into_iter().collect() }
    }
}

/// Everything that follows from some decisions.
#[derive(Debug, Default)]
pub struct Parts {
    pub events: Vec<Outgoing>,
    pub requests: Vec<effect::Model>,
    /// (key, name) and the reminder, or `None` when it is cancelled.
    pub reminders: Vec<(ReminderKey, Option<reminder::Model>)>,
}
