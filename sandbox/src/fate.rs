//! Results of calls to the sandbox, drawn by configured rates.

/// The result of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// Fails without effect.
    Failed,
    /// Never answered, and has no effect.
    Lost,
    /// Has its effect and is never answered.
    AnswerLost,
}

/// Shares of all calls, which exclude each other: together at most 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub error: f64,
    pub timeout: f64,
    pub timeout_after_effect: f64,
}

impl Rates {
    /// The result of a call, by a number between 0 and 1.
    pub fn fate(self, drawn: f64) -> Fate {
        let lost = self.error + self.timeout;
        match drawn {
            drawn if drawn < self.error => Fate::Failed,
            drawn if drawn < lost => Fate::Lost,
            drawn if drawn < lost + self.timeout_after_effect => Fate::AnswerLost,
            _ => Fate::Answered,
        }
    }
}
