//! What the provider answers.

use events::PaymentFailure;
use saga::CallError;
use serde::{Deserialize, Serialize};

/// The result of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeAnswer {
    Charged {
        reference: String,
    },
    /// Nothing was charged, and nothing ever will be under this key.
    Declined {
        reason: PaymentFailure,
    },
}

/// What the provider knows under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryAnswer {
    Settled(ChargeAnswer),
    /// Nothing so far. The charge may still be on its way.
    NotFound,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseAnswer {
    /// Nothing was charged under this key, and nothing ever will be.
    Closed,
    AlreadyCharged {
        reference: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    pub reference: String,
}

/// What becomes of a call to charge: what is decided, and how it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeReply {
    Answer(ChargeAnswer),
    /// The same, after a delay.
    Slowly(ChargeAnswer),
    /// Fails without effect.
    Fails,
    /// Never answered.
    Silence,
}

impl ChargeReply {
    /// What the caller receives; `None`: no answer.
    pub fn received(self) -> Option<Result<ChargeAnswer, CallError>> {
        match self {
            Self::Answer(answer) | Self::Slowly(answer) => Some(Ok(answer)),
            Self::Fails => Some(Err(CallError::Failed("503 Service Unavailable".into()))),
            Self::Silence => None,
        }
    }
}
