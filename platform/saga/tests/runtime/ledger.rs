//! A participant that is not idempotent by itself: what is decided twice shows, and so does what is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::TimeDelta;
use events::Event;
use saga::{
    CallResult, Command, Consequences, Delivery, Outcome, Participant, Reminder, Request, Seen, Verdict, Workset,
    answer,
};
use sea_orm::entity::prelude::Uuid;
use serde::{Deserialize, Serialize};
use store::{Rows, StoreError, Tx};

pub const MONEY: &str = "money";
pub const PAPERS: &str = "papers";
pub const SAID: &str = "said";

/// Amounts that go wrong: when `Faults` say so, in the decision (after the change), always while loading, always in the
/// database (a constraint).
pub const PANICS: i64 = 900_013;
pub const BREAKS_LOAD: i64 = 900_014;
pub const TOO_MUCH: i64 = 2_000_000;

pub mod account {
    use saga::Seen;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "accounts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub balance: i64,
        pub licensed: bool,
        pub sequence: i64,
        #[sea_orm(nullable)]
        pub seen: Seen,
        /// Everything decided about it, in order, separated by blanks.
        pub log: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Debug, Deserialize)]
pub enum Input {
    #[serde(rename = "Deposited.v1")]
    Deposited {
        amount: i64,
    },
    /// Held until there is a licence.
    #[serde(rename = "Withdrawn.v1")]
    Withdrawn {
        amount: i64,
    },
    #[serde(rename = "Forged.v1")]
    Forged,
    #[serde(rename = "Marked.v1")]
    Marked {
        mark: String,
    },
    #[serde(rename = "Licensed.v1")]
    Licensed,
    #[serde(rename = "Billed.v1")]
    Billed {
        number: u32,
        times: u32,
    },
    #[serde(rename = "Timed.v1")]
    Timed {
        seconds: i64,
        note: String,
    },
    #[serde(rename = "Untimed.v1")]
    Untimed,
    Nudge {
        note: String,
    },
    #[serde(skip)]
    Spend(Spend),
    #[serde(skip)]
    Quiet(Quiet),
    #[serde(skip)]
    Bill(Outcome<Bill>),
}

/// Its subscriptions.
pub fn subscribed() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        (MONEY, vec!["Deposited.v1", "Withdrawn.v1", "Forged.v1", "Marked.v1"]),
        (PAPERS, vec!["Licensed.v1", "Billed.v1", "Timed.v1", "Untimed.v1", "Marked.v1"]),
    ]
}

#[derive(Debug, Serialize)]
pub struct Changed {
    pub what: String,
}

impl Event for Changed {
    const TYPE: &'static str = "Changed.v1";
    const TOPIC: &'static str = SAID;
    const SCHEMA: &'static str = "urn:test:Changed.v1";
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Nudge {
    pub note: String,
}

impl Reminder for Nudge {
    const NAME: &'static str = "Nudge";
}

/// Asks the outside; after an answer it asks again with the same key, `times` in all.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bill {
    pub account: Uuid,
    pub number: u32,
    pub times: u32,
}

impl Request for Bill {
    const NAME: &'static str = "bill";
    type Answer = u32;
    fn idempotency_key(&self) -> String {
        format!("bill:{}:{}", self.account, self.number)
    }
}

/// What comes of a bill of such a number is not decided before there is a licence.
pub const LARGE: u32 = 1000;

impl From<Outcome<Bill>> for Input {
    fn from(outcome: Outcome<Bill>) -> Self {
        Self::Bill(outcome)
    }
}

#[derive(Debug, Clone)]
pub struct Spend {
    pub account: Uuid,
    pub amount: i64,
}

impl Command for Spend {
    type Participant = Ledger;
    type Reply = Spent;
    type Refusal = TooLittle;
    fn key(&self) -> Uuid {
        self.account
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub left: i64,
}

#[derive(Debug, PartialEq)]
pub struct TooLittle(pub i64);

impl From<Spend> for Input {
    fn from(command: Spend) -> Self {
        Self::Spend(command)
    }
}

/// Cancels the reminder.
#[derive(Debug, Clone)]
pub struct Quiet {
    pub account: Uuid,
}

impl Command for Quiet {
    type Participant = Ledger;
    type Reply = ();
    type Refusal = ();
    fn key(&self) -> Uuid {
        self.account
    }
}

impl From<Quiet> for Input {
    fn from(command: Quiet) -> Self {
        Self::Quiet(command)
    }
}

/// Where a decision about the mark `gate` waits, so that a test knows what the batch loop is doing.
#[derive(Debug, Default)]
pub struct Gate {
    pub reached: AtomicBool,
    pub open: AtomicBool,
}

pub struct Ledger {
    pub gate: Arc<Gate>,
    /// Whether deposits of `PANICS` panic.
    pub panics: Arc<AtomicBool>,
}

#[derive(Debug)]
pub struct Accounts(Rows<account::Entity>);

impl Workset<Input> for Accounts {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let breaks = |it: &&Delivery<Input>| matches!(it.input, Input::Deposited { amount: BREAKS_LOAD });
        assert!(!batch.iter().any(breaks), "this breaks the load");
        Ok(Self(Rows::lock(tx, batch.iter().map(|it| it.key).collect::<Vec<_>>()).await?))
    }

    fn seen(&mut self, key: Uuid) -> Option<&mut Seen> {
        Some(&mut self.0.loaded_mut(&key)?.seen)
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.0.save(tx).await
    }
}

impl Accounts {
    fn of(&mut self, id: Uuid) -> &mut account::Model {
        if self.0.get(&id).is_none() {
            self.0.insert(account::Model {
                id,
                balance: 0,
                licensed: false,
                sequence: 0,
                seen: Seen::default(),
                log: String::new(),
            });
        }
        self.0.get_mut(&id).expect("it is there now")
    }
}

impl account::Model {
    /// Change and consequence: what is noted here is said there.
    fn note(&mut self, out: &mut Consequences, amount: i64, what: String) -> Verdict {
        self.balance += amount;
        self.log.push_str(&what);
        self.log.push(' ');
        out.publish(&mut self.sequence, &Changed { what });
        Verdict::Done
    }
}

impl Participant for Ledger {
    const NAME: &'static str = "ledger";
    type Input = Input;
    type Workset = Accounts;

    fn react(&self, work: &mut Accounts, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::Deposited { amount } => {
                let verdict = work.of(it.key).note(out, *amount, format!("+{amount}"));
                assert!(*amount != PANICS || !self.panics.load(Ordering::SeqCst), "this amount panics");
                verdict
            }
            Input::Withdrawn { amount } => match work.0.get(&it.key) {
                Some(account) if account.licensed => work.of(it.key).note(out, -amount, format!("-{amount}")),
                _ => Verdict::Hold("there is no licence"),
            },
            Input::Forged => Verdict::Reject("it is forged".into()),
            Input::Marked { mark } if mark == "gate" => {
                self.gate.reached.store(true, Ordering::SeqCst);
                // CallResult to the runtime: the other threads must go on looking after sockets and timers.
                tokio::task::block_in_place(|| {
                    while !self.gate.open.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                });
                Verdict::Done
            }
            Input::Marked { mark } => work.of(it.key).note(out, 0, mark.clone()),
            Input::Licensed => {
                work.of(it.key).licensed = true;
                work.of(it.key).note(out, 0, "licensed".into())
            }
            Input::Billed { number, times } => {
                out.request(&Bill { account: it.key, number: *number, times: *times });
                work.of(it.key).note(out, 0, format!("asked{number}"))
            }
            Input::Bill(outcome) => {
                let Bill { account, number, times } = outcome.request;
                if number >= LARGE && !work.of(it.key).licensed {
                    return Verdict::Hold("there is no licence");
                }
                let what = match &outcome.result {
                    CallResult::Answer(answer) => format!("billed{number}={answer}"),
                    CallResult::Unknown(_) => format!("unknown{number}"),
                    CallResult::KeyExpired(_) => format!("expired{number}"),
                    CallResult::Exhausted(_) => format!("gaveup{number}@{}", outcome.attempt),
                };
                if times > 1 {
                    out.request(&Bill { account, number, times: times - 1 });
                }
                work.of(it.key).note(out, 0, what)
            }
            Input::Timed { seconds, note } => {
                out.remind_at(out.now() + TimeDelta::seconds(*seconds), &Nudge { note: note.clone() });
                work.of(it.key).note(out, 0, format!("timed:{note}"))
            }
            Input::Untimed => {
                out.cancel_reminder::<Nudge>();
                work.of(it.key).note(out, 0, "untimed".into())
            }
            Input::Nudge { note } => work.of(it.key).note(out, 0, format!("nudged:{note}")),
            Input::Quiet(command) => {
                out.cancel_reminder::<Nudge>();
                let _ = work.of(it.key).note(out, 0, "quiet".into());
                answer(command, Ok(()))
            }
            Input::Spend(command) => {
                let balance = work.0.get(&it.key).map_or(0, |account| account.balance);
                if balance < command.amount {
                    return answer(command, Err(TooLittle(balance)));
                }
                let account = work.of(it.key);
                let _ = account.note(out, -command.amount, format!("-{}", command.amount));
                answer(command, Ok(Spent { left: account.balance }))
            }
        }
    }
}
