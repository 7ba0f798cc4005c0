//! The provider's rules: what it does under a key, by token. No I/O.

use chrono::TimeDelta;
use events::PaymentFailure;
use saga::{
    Consequences, Reminder,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use store::Rows;
use uuid::Uuid;

use super::{
    ChargeAnswer, ChargeReply, CloseAnswer, Operation, QueryAnswer, Refunded, Status,
    entry::{self, Model as Entry},
    participant::{Charge, Close, Refund},
};

/// The provider's workset.
#[derive(Debug, Default, Clone)]
pub struct Books {
    pub entries: Rows<entry::Entity>,
}

/// Delay of a late charge after the first query for it. The next call about it makes it take effect
/// earlier.
pub const LANDS_AFTER: TimeDelta = TimeDelta::seconds(2);

/// The late charge with this key takes effect, after a query did not find it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChargeLands {
    pub key: String,
}

impl Reminder for ChargeLands {
    const NAME: &'static str = "ChargeLands";
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
    pub fn charge(&mut self, it: &Charge, out: &mut Consequences) -> ChargeReply {
        if let Some(entry) = self.entries.get(&it.key) {
            if let Some(answer) = entry.answer() {
                return ChargeReply::Answer(answer);
            }
        } else {
            let (amount_minor, currency) = (it.amount.minor(), it.currency.to_string());
            let entry = Entry::new(&it.key, it.order_id, Operation::Charge, out);
            self.entries.insert(Entry { amount_minor, currency, ..entry });
        }
        let entry = self.at(&it.key);
        entry.attempts += 1;
        let first = entry.attempts == 1;
        match Token::of(&it.token) {
            Token::Declined(reason) => ChargeReply::Answer(entry.decline(reason)),
            Token::Flaky if entry.attempts <= 2 => ChargeReply::Fails,
            Token::Slow if first => ChargeReply::Slowly(entry.take(out)),
            Token::TimeoutCharged if first => {
                entry.take(out);
                ChargeReply::Silence
            }
            Token::TimeoutNotCharged if first => ChargeReply::Silence,
            Token::LandsLate if first => {
                entry.status = Status::Late;
                ChargeReply::Silence
            }
            _ => ChargeReply::Answer(entry.take(out)),
        }
    }

    /// Looks the charge with this key up.
    pub fn query(&mut self, key: &String, out: &mut Consequences) -> QueryAnswer {
        let Some(entry) = self.entries.get(key) else { return QueryAnswer::NotFound };
        if let Some(answer) = entry.answer() {
            return QueryAnswer::Settled(answer);
        }
        match entry.status {
            Status::Late => {
                self.at(key).status = Status::Landing;
                out.remind_at(out.now() + LANDS_AFTER, &ChargeLands { key: key.clone() });
                QueryAnswer::NotFound
            }
            Status::Landing => QueryAnswer::Settled(self.at(key).take(out)),
            _ => QueryAnswer::NotFound,
        }
    }

    /// Makes a late charge take effect.
    pub fn land(&mut self, key: &String, out: &mut Consequences) -> Verdict {
        if self.entries.get(key).is_none_or(|entry| entry.status != Status::Landing) {
            return Ignored("landed before, or closed");
        }
        self.at(key).take(out);
        Done
    }

    /// Closes the key, known or not: what has not been charged under it never will be.
    pub fn close(&mut self, it: &Close, out: &mut Consequences) -> CloseAnswer {
        let Some(entry) = self.entries.get(&it.key) else {
            let entry = Entry::new(&it.key, it.order_id, Operation::Charge, out);
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
    pub fn refund(&mut self, it: &Refund, out: &mut Consequences) -> Result<Refunded, &'static str> {
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
        let reference = out.new_id();
        self.entries.insert(Entry {
            status: Status::Done,
            reference: Some(reference),
            amount_minor: it.amount.minor(),
            currency,
            ..Entry::new(&it.key, it.order_id, Operation::Refund, out)
        });
        Ok(Refunded { reference: reference.to_string() })
    }

    fn at(&mut self, key: &String) -> &mut Entry {
        self.entries.get_mut(key).expect("looked at just before")
    }
}

impl Entry {
    fn new(key: &str, order_id: Uuid, operation: Operation, out: &Consequences) -> Self {
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
            at: out.now(),
        }
    }

    /// The definite answer about this charge; `None` while there is none.
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

    fn take(&mut self, out: &mut Consequences) -> ChargeAnswer {
        let reference = out.new_id();
        (self.status, self.reference, self.at) = (Status::Done, Some(reference), out.now());
        ChargeAnswer::Charged { reference: reference.to_string() }
    }

    fn decline(&mut self, reason: PaymentFailure) -> ChargeAnswer {
        (self.status, self.reason) = (Status::Declined, Some(reason.to_string()));
        ChargeAnswer::Declined { reason }
    }
}
