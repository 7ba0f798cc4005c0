//! Durations as people write them: `500ms`, `30s`, `15m`, `2h`, `1d`.

use std::{fmt, str::FromStr, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Units from the largest: name and length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A century. More is a mistake, and would overflow when added to a time.
const LONGEST_MS: u64 = 36_500 * 86_400_000;

/// A length of time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

impl Span {
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// For timers and time-outs.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// For arithmetic with dates.
    pub fn delta(self) -> TimeDelta {
        TimeDelta::from_std(self.0).unwrap_or(TimeDelta::MAX)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

pub(super) const EXPECTED: &str = "a duration such as 500ms, 30s, 15m, 2h or 1d (up to 36500d)";
pub(super) const EXPECTED_RANGE: &str = "a range of durations such as 100ms..500ms, the shorter first";

/// The text is not a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {EXPECTED}")]
pub struct InvalidSpan;

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(InvalidSpan)?;
        let (number, unit) = text.split_at(digits);
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidSpan)?;
        let millis = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*length)).ok_or(InvalidSpan)?;
        if millis > LONGEST_MS { Err(InvalidSpan) } else { Ok(Self::from_millis(millis)) }
    }
}

impl fmt::Display for Span {
    /// In the largest unit that divides it: `90s`, `2h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis == 0 {
            return f.write_str("0s");
        }
        let divides = |(_, length): &&(&str, u64)| millis.is_multiple_of(u128::from(*length));
        let (name, length) = UNITS.iter().find(divides).expect("1 ms divides all");
        write!(f, "{}{name}", millis / u128::from(*length))
    }
}

/// All durations between two: `100ms..500ms`. A single duration is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DurationRange {
    pub start: Span,
    /// Inclusive, not before `start`.
    pub end: Span,
}

impl DurationRange {
    /// The point at this fraction (0 … 1) of the way: with a random one, a random member.
    pub fn at(self, fraction: f64) -> Duration {
        let (start, end) = (self.start.duration(), self.end.duration());
        start + end.saturating_sub(start).mul_f64(fraction.clamp(0.0, 1.0))
    }
}

/// The text is not a [`DurationRange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {EXPECTED_RANGE}")]
pub struct InvalidRange;

impl FromStr for DurationRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (start, end) = text.split_once("..").unwrap_or((text, text));
        match (start.parse::<Span>(), end.parse::<Span>()) {
            (Ok(start), Ok(end)) if start <= end => Ok(Self { start, end }),
            _ => Err(InvalidRange),
        }
    }
}

impl fmt::Display for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;
    fn try_from(text: String) -> Result<Self, InvalidSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl TryFrom<String> for DurationRange {
    type Error = InvalidRange;
    fn try_from(text: String) -> Result<Self, InvalidRange> {
        text.parse()
    }
}

impl From<DurationRange> for String {
    fn from(range: DurationRange) -> Self {
        range.to_string()
    }
}
