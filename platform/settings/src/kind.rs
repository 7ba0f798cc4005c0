//! The values a setting accepts, known from its default.

use std::fmt;

use serde_json::Value as Json;

use super::{
    entry::Entry,
    mask,
    span::{self, DurationRange, Span},
    toml,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    Number,
    Text,
    Choice(Vec<String>),
    Duration,
    Range,
    List,
    /// A text, a number or a boolean, kept as text: somebody else defines its meaning.
    Any,
}

/// A limit, as written and as compared.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub text: String,
    measure: f64,
}

impl Kind {
    /// A text that reads as a duration is a duration.
    pub fn of(default: &Json) -> Option<Self> {
        Some(match default {
            Json::Bool(_) => Self::Boolean,
            Json::Number(n) if n.is_f64() => Self::Number,
            Json::Number(_) => Self::Integer,
            Json::String(text) if text.parse::<Span>().is_ok() => Self::Duration,
            Json::String(text) if text.parse::<DurationRange>().is_ok() => Self::Range,
            Json::String(_) => Self::Text,
            Json::Array(items) if items.iter().all(Json::is_string) => Self::List,
            _ => return None,
        })
    }

    pub fn bound(&self, text: &str) -> Option<Bound> {
        let measure = match self {
            Self::Integer | Self::Number => text.parse().ok()?,
            Self::Duration | Self::Range => seconds(text.parse().ok()?),
            _ => return None,
        };
        Some(Bound { text: text.to_owned(), measure })
    }

    /// The type for the reference, and what is expected for errors.
    fn words(&self) -> (String, String) {
        let (name, expected) = match self {
            Self::Boolean => ("boolean", "true or false"),
            Self::Integer => ("integer", "a whole number"),
            Self::Number => ("number", "a number"),
            Self::Text => ("text", "a text"),
            Self::Choice(choices) => {
                return (format!("`{}`", choices.join("`, `")), format!("one of {}", choices.join(", ")));
            }
            Self::Duration => ("duration", span::EXPECTED),
            Self::Range => ("range of durations", span::EXPECTED_RANGE),
            Self::List => ("list of texts", "a list of texts (in the environment and with --set: separated by commas)"),
            Self::Any => ("text, number or boolean", "a text, a number, true or false"),
        };
        (name.to_owned(), expected.to_owned())
    }

    /// The lowest and highest number that the value covers, 0 for values without size; `None` for another kind.
    fn extent(&self, value: &Json) -> Option<(f64, f64)> {
        let single = |n: f64| (n, n);
        let fits = match self {
            Self::Integer => return value.as_i64().and(value.as_f64()).map(single),
            Self::Number => return value.as_f64().map(single),
            Self::Duration => return value.as_str()?.parse().ok().map(seconds).map(single),
            Self::Range => {
                let range: DurationRange = value.as_str()?.parse().ok()?;
                return Some((seconds(range.start), seconds(range.end)));
            }
            Self::Boolean => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Choice(choices) => choices.iter().any(|choice| value == choice),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(Json::is_string)),
            Self::Any => value.is_string() || value.is_number() || value.is_boolean(),
        };
        fits.then_some((0.0, 0.0))
    }
}

fn seconds(span: Span) -> f64 {
    span.duration().as_secs_f64()
}

impl Entry {
    /// Returns the value if the setting accepts it, else what was expected.
    pub fn check(&self, value: Json) -> Result<Json, String> {
        let expected = self.kind.words().1;
        let expected = match (self.kind.extent(&value), &self.least, &self.most) {
            (None, ..) => expected,
            (Some((low, high)), Some(least), Some(most)) if low < least.measure || high > most.measure => {
                format!("{expected} between {} and {}", least.text, most.text)
            }
            (Some((low, _)), Some(least), None) if low < least.measure => {
                format!("{expected} of at least {}", least.text)
            }
            _ if self.kind == Kind::Any && !value.is_string() => return Ok(Json::from(value.to_string())),
            _ => return Ok(value),
        };
        let found = if self.secret { "something else".to_owned() } else { toml::render(&mask::value(&value)) };
        Err(format!("expected {expected}, found {found}"))
    }

    /// Reads a value from the environment or `--set`, where every value is a text.
    pub fn parse(&self, text: &str) -> Result<Json, String> {
        let as_text = || Json::from(text);
        self.check(match self.kind {
            Kind::Boolean => text.parse::<bool>().map_or_else(|_| as_text(), Json::from),
            Kind::Integer => text.parse::<i64>().map_or_else(|_| as_text(), Json::from),
            Kind::Number => text.parse::<f64>().map_or_else(|_| as_text(), Json::from),
            Kind::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Json::from).collect(),
            Kind::Text | Kind::Choice(_) | Kind::Duration | Kind::Range | Kind::Any => as_text(),
        })
    }
}

impl fmt::Display for Entry {
    /// The type and its limits, for the reference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.words().0)?;
        match (&self.least, &self.most) {
            (Some(least), Some(most)) => write!(f, ", {} … {}", least.text, most.text)?,
            (Some(least), None) => write!(f, ", at least {}", least.text)?,
            _ => {}
        }
        if self.secret { f.write_str(", secret") } else { Ok(()) }
    }
}
