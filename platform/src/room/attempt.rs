//! One transaction: load, decide, save what changed together with what follows from it.

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use chrono::{DateTime, TimeDelta, Utc};
use telemetry::panic_message;
use uuid::Uuid;

use super::{
    Ending, Room, Source,
    held::Held,
    notes::{Notes, enqueue, postpone, reschedule, settle},
};
use crate::{
    Consequences, Delivery, Participant, StoreError, Tx, Verdict, Workset, bulk,
    bus::Outgoing,
    drill::Safeguard,
    effect::{
        Job,
        batch::{self, Batches},
    },
    inbox,
    letters::Class,
    parking::{self, Head, Parked, State},
    relay,
    store::Number,
    tables::{effect, idempotency, parked, reminder},
};

pub(crate) enum Failure {
    Store(StoreError),
    /// The decision about this one has panicked.
    Panic {
        index: usize,
        message: String,
    },
    /// Loading or saving has panicked.
    Broken(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A transaction that is committed.
pub(crate) struct Attempted {
    pub endings: Vec<Ending>,
    pub outbox: Option<(relay::Row, relay::Announced)>,
    /// Requests this process may perform at once.
    pub requests: Vec<Job>,
    /// What is parked now, when that has changed.
    pub parked: Option<Parked>,
}

/// What an attempt that looks before it leaps has found.
#[derive(Default)]
struct Known {
    parked: HashSet<Uuid>,
    seen: HashSet<Uuid>,
    answered: HashMap<String, idempotency::Model>,
    /// What is settled of the batches that outcomes are from.
    batches: Batches,
    /// Effects with a row that are still open, by key and epoch; `None`: not looked up, all are taken to be.
    open: Option<HashSet<(String, i32)>>,
    reminders: HashMap<(Uuid, String), Uuid>,
}

impl<P: Participant> Room<P> {
    /// The first attempt takes all of it for new. That something is a repeat shows when its id enters the inbox a second
    /// time (or its idempotency key, or its effect is gone), or when the decision about it fails; then the next attempt is
    /// `careful`.
    pub(super) async fn attempt(
        &self,
        batch: &[Delivery<P::Input>],
        sources: &[Source],
        careful: bool,
    ) -> Result<Attempted, Failure> {
        let tx = self.db.begin().await?.hopeful(!careful);
        let mut work = P::Workset::load(&tx, batch).await?;
        // After the workset: a batch that sets reminders locks them last, too, and two must not wait for each other.
        let mut known = self.look(&tx, batch, sources, careful).await?;
        let mut then = Consequences::new(self.service, self.clock.clone());
        let now = then.now();
        let mut notes = Notes::default();
        let mut parked = self.parked.clone();
        let mut endings: Vec<Option<Ending>> = batch.iter().map(|_| None).collect();

        // What has to wait for another looks again when the rest is decided: the other may be of this batch.
        let mut held = Held::default();
        for last in [false, true] {
            let places = if last { std::mem::take(&mut held.places) } else { (0..batch.len()).collect() };
            for index in places {
                let (delivery, source) = (&batch[index], &sources[index]);
                if !last && held.blocks(delivery.key, source) {
                    held.places.push(index);
                    continue;
                }
                if !held.heads.contains(&index)
                    && let Some(ending) = self.before(delivery, source, &mut known, &then, &mut parked, &mut notes)
                {
                    endings[index] = Some(ending);
                    continue;
                }
                let verdict = self.ask(delivery, &mut work, &mut then);
                let verdict = verdict.map_err(|message| Failure::Panic { index, message })?;
                match (source, &verdict) {
                    (Source::Event(record), Verdict::Hold(_)) if !last => {
                        held.add(index, (delivery.key, &record.topic));
                    }
                    _ => {
                        let ending = self.after(delivery, source, verdict, &mut then, &mut parked, &mut notes);
                        endings[index] = Some(ending);
                    }
                }
            }
        }
        let endings = endings.into_iter().map(|ending| ending.expect("each is decided")).collect();

        if !careful {
            notes.were_not_answered(&tx).await?;
        }
        notes.ask_anew(&mut then.requests);
        then.events.append(&mut notes.parking.letters);

        work.save(&tx).await?;
        if self.has_inbox() && self.without != Some(Safeguard::InboxInTransaction) {
            inbox::remember::<P>(&tx, &notes.decided).await?;
        }
        bulk::insert::<idempotency::Entity>(&tx, notes.answers).await?;
        settle(&tx, notes.settled).await?;
        known.batches.save(&tx).await?;
        reschedule(&tx, notes.later.iter().collect()).await?;
        postpone(&tx, &notes.postponed).await?;
        let leased = self.effects.lease(&mut then.requests, now);
        let requests = batch::keep(&tx, &self.clock, leased).await?;
        then.save(&tx).await?;
        let mut outbox = None;
        if self.without != Some(Safeguard::OutboxInTransaction) {
            outbox = enqueue(&tx, now, std::mem::take(&mut then.events)).await?;
        }
        notes.parking.save(&tx).await?;
        let announced = self.outbox.announce();
        tx.commit().await?;
        if self.without.is_some() {
            outbox = self.afterwards(now, &notes.decided, &mut then).await.or(outbox);
        }
        let outbox = outbox.map(|(number, messages)| (relay::Row::new(number.get(), messages), announced));
        let parked = notes.parked_changed.then_some(parked);
        Ok(Attempted { endings, outbox, requests, parked })
    }

    /// What the participant decides; an error when it has panicked, or has said something without deciding.
    fn ask(
        &self,
        delivery: &Delivery<P::Input>,
        work: &mut P::Workset,
        then: &mut Consequences,
    ) -> Result<Verdict, String> {
        let count = then.count();
        let react = || self.participant.react(work, delivery, then.of(delivery));
        let verdict = catch_unwind(AssertUnwindSafe(react)).map_err(|panic| panic_message(&*panic))?;
        let refused = matches!(verdict, Verdict::Hold(_) | Verdict::Reject(_));
        if refused && then.count() != count {
            return Err(format!("a delivery that is not decided has consequences: {verdict:?}"));
        }
        Ok(verdict)
    }

    /// In a drill: what should have been in the transaction. What fails here is lost, as in a crash.
    async fn afterwards(
        &self,
        now: DateTime<Utc>,
        decided: &[Uuid],
        then: &mut Consequences,
    ) -> Option<(Number, Vec<Outgoing>)> {
        let tx = self.db.begin().await.ok()?;
        if self.has_inbox() && self.without == Some(Safeguard::InboxInTransaction) {
            inbox::remember::<P>(&tx, decided).await.ok()?;
        }
        let outbox = enqueue(&tx, now, std::mem::take(&mut then.events)).await.ok()?;
        tx.commit().await.ok()?;
        outbox
    }

    fn has_inbox(&self) -> bool {
        P::INBOX && self.without != Some(Safeguard::Inbox)
    }

    /// Looks up what repeats are recognised by.
    async fn look(
        &self,
        tx: &Tx,
        batch: &[Delivery<P::Input>],
        sources: &[Source],
        careful: bool,
    ) -> Result<Known, StoreError> {
        let places = sources.iter().filter_map(|source| match source {
            Source::Outcome(job) => job.place,
            _ => None,
        });
        let mut known = Known { batches: Batches::lock(tx, places).await?, ..Known::default() };
        let fired: Vec<_> = batch
            .iter()
            .zip(sources)
            .filter_map(|(it, source)| match source {
                Source::Reminder { name } => Some((it.key, name.clone())),
                _ => None,
            })
            .collect();
        for row in bulk::select::<reminder::Entity>(tx, &fired, true).await? {
            known.reminders.insert((row.key, row.name), row.id);
        }
        if !careful {
            return Ok(known);
        }
        let (mut events, mut once, mut jobs) = (vec![], vec![], vec![]);
        for (delivery, source) in batch.iter().zip(sources) {
            match source {
                Source::Event(_) | Source::Parked(_) => events.push(delivery.id),
                Source::Command { once: Some(it), .. } => once.push(it.key.clone()),
                Source::Outcome(Job { request, place: None }) => jobs.push((request.key.clone(), request.epoch)),
                Source::Command { .. } | Source::Reminder { .. } | Source::Outcome(_) => {}
            }
        }
        let parked = bulk::select::<parked::Entity>(tx, &events, false).await?;
        known.parked = parked.into_iter().map(|row| row.id).collect();
        if self.has_inbox() {
            known.seen = inbox::seen::<P>(tx, events).await?;
        }
        let answered = bulk::select::<idempotency::Entity>(tx, &once, false).await?;
        known.answered = answered.into_iter().map(|row| (row.key.clone(), row)).collect();
        let open = bulk::select::<effect::Entity>(tx, &jobs, true).await?;
        known.open = Some(open.into_iter().map(|row| (row.key, row.epoch)).collect());
        Ok(known)
    }

    /// How it ends without being decided about, if it does.
    fn before(
        &self,
        delivery: &Delivery<P::Input>,
        source: &Source,
        known: &mut Known,
        then: &Consequences,
        parked: &mut Parked,
        notes: &mut Notes,
    ) -> Option<Ending> {
        let now = then.now();
        match source {
            Source::Event(record) if known.parked.contains(&delivery.id) => {
                // Perhaps by somebody who had its partition before, when we had looked already.
                let queue = (delivery.key.to_string(), record.topic.clone());
                if !parked.blocks(&queue) {
                    parked.set(queue, Head::Due(now));
                    notes.parked_changed = true;
                }
                Some(Ending::Parked)
            }
            Source::Event(record) => {
                if !parked.is_empty() && parked.blocks(&(delivery.key.to_string(), record.topic.clone())) {
                    let why = "waits behind an earlier one of its key";
                    let row = parking::row(delivery.id, P::NAME, record, State::Queued, why, now, now);
                    if known.seen.insert(delivery.id) {
                        notes.parking.new.push(row);
                    }
                    return Some(Ending::Parked);
                }
                // Noted without an inbox, too: of two that are to be parked, one is.
                let first = known.seen.insert(delivery.id);
                (self.has_inbox() && !first).then_some(Ending::Repeated)
            }
            Source::Parked(row) => {
                if parked.is_stuck(&row.queue()) {
                    return Some(Ending::Parked);
                }
                let repeated = self.has_inbox() && !known.seen.insert(delivery.id);
                repeated.then(|| {
                    notes.unpark(row, parked, now);
                    Ending::Repeated
                })
            }
            Source::Command { once: Some(once), .. } => {
                let before = known.answered.get(&once.key)?;
                let same = before.hash == once.hash;
                Some(if same { Ending::Replayed(before.reply.clone()) } else { Ending::KeyReused })
            }
            Source::Command { once: None, .. } => None,
            Source::Outcome(Job { place: Some(place), .. }) => {
                (!known.batches.settle(*place)).then_some(Ending::Repeated)
            }
            Source::Outcome(Job { request, place: None }) => {
                let open = known.open.as_mut()?;
                (!open.remove(&(request.key.clone(), request.epoch))).then_some(Ending::Repeated)
            }
            Source::Reminder { name } => {
                let id = known.reminders.remove(&(delivery.key, name.clone()));
                // Set again or cancelled by a decision of this very batch: this one is void.
                let overtaken = then.reminders.contains_key(&(delivery.key, name.clone().into()));
                (overtaken || id != Some(delivery.id)).then_some(Ending::Repeated)
            }
        }
    }

    /// Notes what a decision means for the place it came from.
    fn after(
        &self,
        delivery: &Delivery<P::Input>,
        source: &Source,
        verdict: Verdict,
        then: &mut Consequences,
        parked: &mut Parked,
        notes: &mut Notes,
    ) -> Ending {
        let now = then.now();
        match (source, &verdict) {
            (Source::Event(record), Verdict::Hold(why)) => {
                let limit = now + parking::delta(self.patience.hold);
                let next = parking::look_again(now, now).min(limit);
                let row = parking::row(delivery.id, P::NAME, record, State::Held, why, now, next);
                notes.park(row, parked);
                return Ending::Parked;
            }
            (Source::Event(record), Verdict::Reject(why)) => {
                let row = parking::row(delivery.id, P::NAME, record, State::Dead, why, now, now);
                notes.parking.tell(&row, Class::Rejected);
                notes.park(row, parked);
                return Ending::Parked;
            }
            (Source::Parked(row), Verdict::Hold(why)) => {
                let mut row = row.clone();
                row.still_held(why, now, &self.patience);
                notes.parking.tell(&row, Class::Unmet);
                notes.stay(row, parked);
                return Ending::Parked;
            }
            (Source::Parked(row), Verdict::Reject(why)) => {
                let mut row = row.clone();
                row.died(why, now);
                notes.parking.tell(&row, Class::Rejected);
                notes.stay(row, parked);
                return Ending::Parked;
            }
            (Source::Event(_), _) => notes.decided.push(delivery.id),
            (Source::Parked(row), _) => {
                notes.decided.push(delivery.id);
                notes.unpark(row, parked, now);
            }
            (Source::Outcome(job), Verdict::Hold(why)) => {
                let due = now + TimeDelta::seconds(1);
                notes.later.push((job.clone(), (*why).to_owned(), due));
            }
            (Source::Outcome(job), _) => {
                let Job { request: effect::Model { key, epoch, .. }, place } = job;
                notes.answered.insert(key.clone(), *epoch);
                if place.is_none() {
                    notes.settled.push((key.clone(), *epoch));
                }
            }
            (Source::Reminder { name }, Verdict::Hold(_)) => {
                notes.postponed.push((delivery.key, name.clone(), now + TimeDelta::seconds(1)));
            }
            (Source::Reminder { name }, _) => then.fired(delivery.key, name),
            (Source::Command { once: Some(once), .. }, verdict) => {
                let reply = if let Verdict::Answered(answer) = verdict { answer.json() } else { None };
                match reply {
                    Some(reply) => {
                        let (key, hash) = (once.key.clone(), once.hash.to_vec());
                        notes.answers.push(idempotency::Model { key, hash, reply, at: now });
                    }
                    None => notes.refused.push(once.key.clone()),
                }
            }
            (Source::Command { once: None, .. }, _) => {}
        }
        Ending::Decided(verdict)
    }
}
