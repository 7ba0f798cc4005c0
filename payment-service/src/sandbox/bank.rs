//! The provider's rules: what it does under a key, by token. Pure.

use chrono::TimeDelta;
use events::PaymentFailure;
use platform::{
    CallError, Consequences, Reminder, Rows,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Operation, Status,
    entry::{self, Model as Entry},
    room::{Charge, Close, Refund},
};
use crate::domain::{ChargeAnswer, CloseAnswer, Found, Refunded};

/// Everything the provider knows.
#[derive(Debug, Default, Clone)]
pub struct Books {
    pub entries: Rows<entry::Entity>,
}

/// A charge that lands late does so this long after the first question about it, or at the next call about it.
pub const LANDS_AFTER: TimeDelta = TimeDelta::seconds(2);

/// The charge with this key, which a query did not find, happens after all.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChargeLands {
    pub key: String,
}

impl Reminder for ChargeLands {
    const NAME: &'static str = "ChargeLands";
}

/// What becomes of a call to charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeReply {
    Answer(ChargeAnswer),
    /// The same, but it takes a while.
    Slowly(ChargeAnswer),
    /// It fails, and nothing has happened.
    Fails,
    /// It is never answered.
    Silence,
}

impl ChargeReply {
    /// What the caller learns; `None`: nothing, ever.
    pub fn heard(self) -> Option<Result<ChargeAnswer, CallError>> {
        match self {
            Self::Answer(answer) | Self::Slowly(answer) => Some(Ok(answer)),
            Self::Fails => Some(Err(CallError::Failed("503 Service Unavailable".into()))),
            Self::Silence => None,
        }
    }
}

/// What a token stands for.
enum Token {
    Ok,
    Declined(PaymentFailure),
    Slow,
    Flaky,
    TimeoutCharged,
    TimeoutNotCharged,
    LandsLate,
}

impl Token {
    fn of(token: &str) -> Self {
        match token {
            "tok_ok" => Self::Ok,
            "tok_declined" => Self::Declined(PaymentFailure::CardDeclined),
            "tok_insufficient_funds" => Self::Declined(PaymentFailure::InsufficientFunds),
            "tok_slow" => Self::Slow,
            "tok_flaky" => Self::Flaky,
            "tok_timeout_charged" => Self::TimeoutCharged,
            "tok_timeout_not_charged" => Self::TimeoutNotCharged,
            "tok_lands_late" => Self::LandsLate,
            _ => Self::Declined(PaymentFailure::PaymentNotAuthorised),
        }
    }
}

impl Books {
    /// Charges, once per key.
    pub fn charge(&mut self, it: &Charge, then: &mut Consequences) -> ChargeReply {
        if let Some(entry) = self.entries.get(&it.key) {
            if let Some(answer) = entry.answer() {
                return ChargeReply::Answer(answer);
            }
        } else {
            let (amount_minor, currency) = (it.amount.minor(), it.currency.to_string());
            let entry = Entry::new(&it.key, it.order_id, Operation::Charge, then);
            self.entries.insert(Entry { amount_minor, currency, ..entry });
        }
        let entry = self.at(&it.key);
        entry.attempts += 1;
        let first = entry.attempts == 1;
        match Token::of(&it.token) {
            Token::Declined(reason) => ChargeReply::Answer(entry.decline(reason)),
            Token::Flaky if entry.attempts <= 2 => ChargeReply::Fails,
            Token::Slow if first => ChargeReply::Slowly(entry.take(then)),
            Token::TimeoutCharged if first => {
                entry.take(then);
                ChargeReply::Silence
            }
            Token::TimeoutNotCharged if first => ChargeReply::Silence,
            Token::LandsLate if first => {
                entry.status = Status::Late;
                ChargeReply::Silence
            }
            _ => ChargeReply::Answer(entry.take(then)),
        }
    }

    /// What is known of the charge with this key.
    pub fn query(&mut self, key: &String, then: &mut Consequences) -> Found {
        let Some(entry) = self.entries.get(key) else { return Found::NotFound };
        if let Some(answer) = entry.answer() {
            return Found::Settled(answer);
        }
        match entry.status {
            Status::Late => {
                self.at(key).status = Status::Landing;
                then.remind_at(then.now() + LANDS_AFTER, &ChargeLands { key: key.clone() });
                Found::NotFound
            }
            Status::Landing => Found::Settled(self.at(key).take(then)),
            _ => Found::NotFound,
        }
    }

    /// The time of a late charge has come.
    pub fn land(&mut self, key: &String, then: &mut Consequences) -> Verdict {
        if self.entries.get(key).is_none_or(|entry| entry.status != Status::Landing) {
            return Ignored("landed before, or closed");
        }
        self.at(key).take(then);
        Done
    }

    /// What has not been charged under this key never will be, known or not.
    pub fn close(&mut self, it: &Close, then: &mut Consequences) -> CloseAnswer {
        let Some(entry) = self.entries.get(&it.key) else {
            let entry = Entry::new(&it.key, it.order_id, Operation::Charge, then);
            self.entries.insert(Entry { status: Status::Closed, ..entry });
            return CloseAnswer::Closed;
        };
        match entry.answer() {
            Some(ChargeAnswer::Charged { reference }) => CloseAnswer::AlreadyCharged { reference },
            Some(ChargeAnswer::Declined { .. }) => CloseAnswer::Closed,
            None => {
                self.at(&it.key).status = Status::Closed;
                CloseAnswer::Closed
            }
        }
    }

    /// Pays back, once per key, and no more than was charged.
    pub fn refund(&mut self, it: &Refund, then: &mut Consequences) -> Result<Refunded, &'static str> {
        if let Some(reference) = self.entries.get(&it.key).and_then(|entry| entry.reference) {
            return Ok(Refunded { reference: reference.to_string() });
        }
        let charged = |entry: &&Entry| entry.status == Status::Done && entry.operation == Operation::Charge;
        let charge = self.entries.get(&it.charge_key).filter(charged).ok_or("there is no such charge")?;
        let (refunded, currency) = (charge.refunded_minor + it.amount.minor(), charge.currency.clone());
        if it.amount.minor() <= 0 || refunded > charge.amount_minor {
            return Err("more than is left of the charge");
        }
        self.at(&it.charge_key).refunded_minor = refunded;
        let reference = then.new_id();
        self.entries.insert(Entry {
            status: Status::Done,
            reference: Some(reference),
            amount_minor: it.amount.minor(),
            currency,
            ..Entry::new(&it.key, it.order_id, Operation::Refund, then)
        });
        Ok(Refunded { reference: reference.to_string() })
    }

    fn at(&mut self, key: &String) -> &mut Entry {
        self.entries.get_mut(key).expect("looked at just before")
    }
}

impl Entry {
    fn new(key: &str, order_id: Uuid, operation: Operation, then: &Consequences) -> Self {
        Self {
            key: key.to_owned(),
            order_id,
            operation,
            status: Status::Open,
            reference: None,
            reason: None,
            amount_minor: 0,
            currency: String::new(),
            refunded_minor: 0,
            attempts: 0,
            at: then.now(),
        }
    }

    /// What has been said about this charge, or would be; `None` while nothing definite can be.
    fn answer(&self) -> Option<ChargeAnswer> {
        match self.status {
            Status::Open | Status::Late | Status::Landing => None,
            Status::Done => self.reference.map(|id| ChargeAnswer::Charged { reference: id.to_string() }),
            Status::Declined | Status::Closed => {
                let reason = self.reason.as_deref().and_then(|reason| reason.parse().ok());
                Some(ChargeAnswer::Declined { reason: reason.unwrap_or(PaymentFailure::PaymentNotAuthorised) })
            }
        }
    }

    fn take(&mut self, then: &mut Consequences) -> ChargeAnswer {
        let reference = then.new_id();
        (self.status, self.reference, self.at) = (Status::Done, Some(reference), then.now());
        ChargeAnswer::Charged { reference: reference.to_string() }
    }

    fn decline(&mut self, reason: PaymentFailure) -> ChargeAnswer {
        (self.status, self.reason) = (Status::Declined, Some(reason.to_string()));
        ChargeAnswer::Declined { reason }
    }
}
