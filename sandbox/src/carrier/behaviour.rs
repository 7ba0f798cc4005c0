//! How calls to the carrier fail.

use std::time::Duration;

use settings::{DurationRange, Span};

use super::Settings;
use crate::fate::{Fate, Rates};

/// The rates are shares of all calls and exclude each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Delay before the effect.
    pub latency: DurationRange,
    /// Calls that fail without effect.
    pub error_rate: f64,
    /// Calls that are never answered and have no effect.
    pub timeout_rate: f64,
    /// Calls that have their effect and are never answered.
    pub timeout_after_effect_rate: f64,
    /// Every call fails.
    pub down: bool,
}

impl Behaviour {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { latency: settings.latency, error_rate: settings.error_rate, ..Self::calm() }
    }

    /// Answers every call at once.
    pub fn calm() -> Self {
        Self {
            latency: DurationRange { start: Span::from_millis(0), end: Span::from_millis(0) },
            error_rate: 0.0,
            timeout_rate: 0.0,
            timeout_after_effect_rate: 0.0,
            down: false,
        }
    }

    /// The result of a call, by a number between 0 and 1.
    pub fn fate(&self, drawn: f64) -> Fate {
        let Self {
            error_rate: error,
            timeout_rate: timeout,
            timeout_after_effect_rate: timeout_after_effect,
            down,
            ..
        } = *self;
        if down { Fate::Failed } else { Rates { error, timeout, timeout_after_effect }.fate(drawn) }
    }

    /// The delay of a call, by a random number between 0 and 1. While the carrier is down there is
    /// none.
    pub fn delay(&self, drawn: f64) -> Duration {
        if self.down { Duration::ZERO } else { self.latency.at(drawn) }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Behaviour, Fate,
        Fate::{AnswerLost, Answered, Failed, Lost},
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
