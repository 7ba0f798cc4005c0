//! How calls to the provider fail, whatever the token asks for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use crate::fate::{Fate, Rates};

/// Rates are shares of all calls; together at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentProviderBehaviour)]
pub struct Behaviour {
    pub latency_ms: LatencyMs,
    /// Calls that fail without effect.
    pub error_rate: f64,
    /// Calls that are never answered and have no effect.
    pub timeout_rate: f64,
    /// Calls that have their effect and are never answered.
    pub timeout_after_effect_rate: f64,
    /// Every call fails.
    pub down: bool,
}

/// How long an answer takes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentProviderLatency)]
pub struct LatencyMs {
    pub min: u64,
    pub max: u64,
}

impl Behaviour {
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

    /// The delay of a call, by a number between 0 and 1.
    pub fn latency(&self, roll: f64) -> Duration {
        let LatencyMs { min, max } = self.latency_ms;
        Duration::from_millis(min) + Duration::from_millis(max.saturating_sub(min)).mul_f64(roll)
    }
}

impl From<Settings> for Behaviour {
    fn from(settings: Settings) -> Self {
        let millis = |span: settings::Span| u64::try_from(span.duration().as_millis()).unwrap_or(u64::MAX);
        Self {
            latency_ms: LatencyMs { min: millis(settings.latency.start), max: millis(settings.latency.end) },
            error_rate: settings.error_rate,
            timeout_rate: settings.timeout_rate,
            timeout_after_effect_rate: settings.timeout_after_effect_rate,
            down: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Fate, Settings};

    #[test]
    fn each_rate_has_its_share_of_the_calls() {
        let settings =
            Settings { error_rate: 0.25, timeout_rate: 0.25, timeout_after_effect_rate: 0.25, ..Settings::default() };
        let behaviour = Behaviour::from(settings);
        let fates = [0.0, 0.25, 0.5, 0.75].map(|roll| behaviour.fate(roll));
        assert_eq!(fates, [Fate::Failed, Fate::Lost, Fate::AnswerLost, Fate::Answered]);
        assert_eq!(Behaviour { down: true, ..behaviour }.fate(0.9), Fate::Failed);
        assert_eq!(Behaviour::from(Settings::default()).fate(0.0), Fate::Answered);
    }
}
