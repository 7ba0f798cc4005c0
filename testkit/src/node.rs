//! A participant in memory.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Debug,
    sync::Arc,
};

use bus::{Outgoing, Record};
use clock::Clock;
use saga::{
    Answer, CallResult, Command, Consequences, Delivery, InputSource, Outcome, Participant, Request, Sighting,
    Subscriptions, Verdict, Workset, decode, decode_record,
    tables::{effect, reminder},
};
use telemetry::Trace;
use uuid::Uuid;

/// How a delivery ended.
#[derive(Debug)]
pub enum Ended {
    Done,
    Answered(Answer),
    Ignored(&'static str),
    /// The row of its aggregate has decided about it.
    Repeated,
    /// A prerequisite is missing; the delivery must be repeated.
    Held(&'static str),
    Rejected(String),
    /// The participant does not subscribe to the event.
    PassedOver,
}

/// Performs a request in the world `W`. `None`: no answer; the request remains and can be tried
/// again.
type Performer<I, W> = Arc<dyn Fn(&effect::Model, &mut W) -> Option<I> + Send + Sync>;

/// A participant with the data that the platform stores for it, in memory. One call has the effect
/// of one transaction: all changes, or none if the participant panics.
pub struct Node<P: Participant, W = ()> {
    participant: Arc<P>,
    service: &'static str,
    subscriptions: Arc<Subscriptions>,
    clock: Clock,
    performers: HashMap<&'static str, Performer<P::Input, W>>,
    /// The participant's tables.
    pub work: P::Workset,
    recognises_repeats: bool,
    /// CallResult, and not yet on the log.
    pub outbox: VecDeque<Outgoing>,
    /// Requests without an outcome, by idempotency key.
    pub effects: BTreeMap<String, effect::Model>,
    /// Reminders by key and name.
    pub reminders: BTreeMap<(Uuid, String), reminder::Model>,
}

impl<P: Participant<Workset: Default + Clone>, W: 'static> Node<P, W> {
    /// `service`: the source in its events, such as `order-service`.
    pub fn new(
        service: &'static str,
        participant: P,
        subscriptions: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>,
        clock: Clock,
    ) -> Self {
        Self {
            participant: Arc::new(participant),
            service,
            subscriptions: Arc::new(Subscriptions::new(subscriptions)),
            clock,
            performers: HashMap::new(),
            work: P::Workset::default(),
            recognises_repeats: true,
            outbox: VecDeque::new(),
            effects: BTreeMap::new(),
            reminders: BTreeMap::new(),
        }
    }

    /// Sets the function that performs requests of type `R`.
    #[must_use]
    pub fn performs<R: Request>(
        mut self,
        perform: impl Fn(&R, &mut W) -> Option<CallResult<R::Answer>> + Send + Sync + 'static,
    ) -> Self
    where
        P::Input: From<Outcome<R>>,
    {
        let performer = move |row: &effect::Model, world: &mut W| {
            let request: R = serde_json::from_str(&row.request).expect("a request can be read again");
            let result = perform(&request, world)?;
            let attempt = u32::try_from(row.attempts).unwrap_or_default() + 1;
            Some(P::Input::from(Outcome { request, attempt, result }))
        };
        self.performers.insert(R::NAME, Arc::new(performer));
        self
    }

    /// As if its rows did not know what they have decided about: state alone must make repeats harmless.
    #[must_use]
    pub fn deciding_repeats(mut self) -> Self {
        self.decide_repeats();
        self
    }

    /// The same, for a node in a simulation.
    pub fn decide_repeats(&mut self) {
        self.recognises_repeats = false;
    }

    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.subscriptions.topics()
    }

    /// Whether the participant subscribes to the record, even if it would reject it.
    pub fn subscribes_to(&self, record: &Record) -> bool {
        !matches!(decode_record::<P>(&self.subscriptions, record), Ok(None))
    }

    /// Delivers an event from the log.
    pub fn deliver(&mut self, record: &Record) -> Ended {
        match decode_record::<P>(&self.subscriptions, record) {
            Err(error) => Ended::Rejected(error.0),
            Ok(None) => Ended::PassedOver,
            Ok(Some(delivery)) => {
                let (topic, sequence, id) = (&*record.topic, delivery.sequence, delivery.id);
                if self.recognises_repeats
                    && let Some(seen) = self.work.seen(delivery.key)
                    && seen.sighting(topic, sequence, id) == Sighting::Repeat
                {
                    return Ended::Repeated;
                }
                let ended = self.decide(&delivery);
                if let (Ended::Done, Some(seen)) = (&ended, self.work.seen(delivery.key)) {
                    seen.mark(topic, sequence, id);
                }
                ended
            }
        }
    }

    /// Delivers an event about `key`, given by its type and JSON.
    pub fn event(&mut self, key: Uuid, kind: &str, json: &serde_json::Value) -> Ended {
        let body = serde_json::to_vec(json).expect("JSON");
        let input =
            decode::<P::Input>(kind, &body).expect("the event can be read").expect("the participant has this input");
        self.input(InputSource::Event, key, input)
    }

    /// Invokes a command and returns its answer.
    pub fn command<C: Command>(&mut self, command: C) -> Result<C::Reply, C::Refusal>
    where
        P::Input: From<C>,
    {
        let key = command.key();
        match self.input(InputSource::Command, key, command.into()) {
            Ended::Answered(answer) => answer.to::<C>().expect("the answer is of the command's type"),
            other => panic!("a command was not answered: {other:?}"),
        }
    }

    /// Delivers the outcome of a request and removes the request.
    pub fn outcome<R: Request>(&mut self, key: Uuid, request: R, result: CallResult<R::Answer>) -> Ended
    where
        P::Input: From<Outcome<R>>,
    {
        self.effects.remove(&request.idempotency_key());
        self.input(InputSource::Outcome, key, Outcome { request, attempt: 1, result }.into())
    }

    /// Performs one request in the world. `keep_outcome: false`: the process crashes before it
    /// stores the outcome.
    pub fn perform(&mut self, effect: &str, world: &mut W, keep_outcome: bool) -> Option<Ended> {
        let row = self.effects.get(effect).cloned()?;
        let performer =
            self.performers.get(&*row.name).unwrap_or_else(|| panic!("no function performs {}", row.name)).clone();
        let input = performer(&row, world)?;
        if !keep_outcome {
            return None;
        }
        self.effects.remove(effect);
        let mut delivery = self.delivery(InputSource::Outcome, row.about, input);
        delivery.cause = row.cause;
        let ended = self.decide(&delivery);
        if matches!(ended, Ended::Held(_)) {
            self.effects.insert(effect.to_owned(), row);
        }
        Some(ended)
    }

    /// Delivers a reminder, even before it is due.
    pub fn fire(&mut self, key: Uuid, name: &str) -> Ended {
        let row = self.reminders.remove(&(key, name.to_owned())).expect("the reminder is set");
        let input =
            decode::<P::Input>(&row.name, row.body.as_bytes()).expect("readable").expect("an input of its name");
        let mut delivery = self.delivery(InputSource::Reminder, key, input);
        delivery.cause = row.cause;
        self.decide(&delivery)
    }

    /// Delivers an input of any source.
    pub fn input(&mut self, source: InputSource, key: Uuid, input: P::Input) -> Ended {
        let delivery = self.delivery(source, key, input);
        self.decide(&delivery)
    }

    fn delivery(&self, source: InputSource, key: Uuid, input: P::Input) -> Delivery<P::Input> {
        let (id, at) = (self.clock.new_id(), self.clock.now());
        let cause = (source == InputSource::Event).then_some(id);
        Delivery { id, source, key, cause, at, sequence: 0, trace: Trace::default(), input }
    }

    /// Decides about a delivery in one transaction.
    pub fn decide(&mut self, delivery: &Delivery<P::Input>) -> Ended {
        let mut out = Consequences::new(self.service, self.clock.clone());
        let mut work = self.work.clone();
        let verdict = self.participant.react(&mut work, delivery, out.of(delivery));
        let ended = match verdict {
            Verdict::Hold(why) => return Ended::Held(why),
            Verdict::Reject(why) => return Ended::Rejected(why),
            Verdict::Done => Ended::Done,
            Verdict::Answered(answer) => Ended::Answered(answer),
            Verdict::Ignored(why) => Ended::Ignored(why),
        };
        self.work = work;
        let parts = out.into_parts();
        self.outbox.extend(parts.events);
        for request in parts.requests {
            self.effects.insert(request.key.clone(), request);
        }
        for ((key, name), reminder) in parts.reminders {
            match reminder {
                Some(reminder) => self.reminders.insert((key, name.into_owned()), reminder),
                None => self.reminders.remove(&(key, name.into_owned())),
            };
        }
        ended
    }

    /// Removes all events from the outbox and returns their types without versions.
    pub fn published(&mut self) -> Vec<String> {
        self.outbox.drain(..).map(|event| event_name(&event.message)).collect()
    }

    /// Names of the requests that are not performed yet.
    pub fn asked(&self) -> Vec<&str> {
        self.effects.values().map(|request| &*request.name).collect()
    }
}

/// The type of an event without its version.
pub fn event_name(message: &bus::Message) -> String {
    let kind = message.header(events::envelope::TYPE).expect("every event has a type");
    events::envelope::name_of(std::str::from_utf8(kind).expect("types are ASCII")).to_owned()
}

impl<P: Participant<Workset: Clone>, W> Clone for Node<P, W> {
    fn clone(&self) -> Self {
        Self {
            participant: self.participant.clone(),
            service: self.service,
            subscriptions: self.subscriptions.clone(),
            clock: self.clock.clone(),
            performers: self.performers.clone(),
            work: self.work.clone(),
            recognises_repeats: self.recognises_repeats,
            outbox: self.outbox.clone(),
            effects: self.effects.clone(),
            reminders: self.reminders.clone(),
        }
    }
}

impl<P: Participant<Workset: Debug>, W> Debug for Node<P, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.service)
            .field("work", &self.work)
            .field("effects", &self.effects.keys())
            .finish_non_exhaustive()
    }
}
