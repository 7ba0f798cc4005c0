//! How calls to the carrier go wrong.

use std::time::Duration;

use platform::config::{DurationRange, Span};

use super::Settings;

/// What calls to the carrier are like. The rates are shares of all calls, and exclude each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Before anything happens.
    pub latency: DurationRange,
    /// Fails at once, and nothing has happened.
    pub error_rate: f64,
    /// No answer ever comes, and nothing has happened.
    pub timeout_rate: f64,
    /// No answer ever comes, but it has happened.
    pub timeout_after_effect_rate: f64,
    /// Nobody is there.
    pub down: bool,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// Nothing happens, and the caller is told so.
    Failed,
    /// Nothing happens, and the caller is told nothing.
    Lost,
    /// It happens, and the caller is told nothing.
    AnswerLost,
}

impl Behaviour {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { latency: settings.latency, error_rate: settings.error_rate, ..Self::calm() }
    }

    /// Answers everything at once.
    pub fn calm() -> Self {
        Self {
            latency: DurationRange { start: Span::from_millis(0), end: Span::from_millis(0) },
            error_rate: 0.0,
            timeout_rate: 0.0,
            timeout_after_effect_rate: 0.0,
            down: false,
        }
    }

    /// What becomes of a call, by a number drawn between 0 and 1.
    pub fn fate(&self, drawn: f64) -> Fate {
        let lost = self.error_rate + self.timeout_rate;
        match drawn {
            _ if self.down => Fate::Failed,
            drawn if drawn < self.error_rate => Fate::Failed,
            drawn if drawn < lost => Fate::Lost,
            drawn if drawn < lost + self.timeout_after_effect_rate => Fate::AnswerLost,
            _ => Fate::Answered,
        }
    }

    /// How long it takes, by a number drawn between 0 and 1. Who is not there takes no time to say nothing.
    pub fn delay(&self, drawn: f64) -> Duration {
        if self.down { Duration::ZERO } else { self.latency.at(drawn) }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Behaviour,
        Fate::{self, AnswerLost, Answered, Failed, Lost},
    };

    #[test]
    fn the_rates_are_shares_of_all_calls() {
        let behaviour =
            Behaviour { error_rate: 0.1, timeout_rate: 0.2, timeout_after_effect_rate: 0.3, ..Behaviour::calm() };
        let fates: Vec<Fate> = [0.05, 0.15, 0.29, 0.31, 0.59, 0.61, 0.99].map(|drawn| behaviour.fate(drawn)).into();
        assert_eq!(fates, [Failed, Lost, Lost, AnswerLost, AnswerLost, Answered, Answered]);
    }

    #[test]
    fn calm_answers_and_down_never_does() {
        assert_eq!(Behaviour::calm().fate(0.0), Answered);
        assert_eq!(Behaviour { down: true, ..Behaviour::calm() }.fate(0.99), Failed);
    }
}
