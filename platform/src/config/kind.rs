//! What values a setting can have, known from its default.

use std::fmt;

use serde_json::Value as Json;

use super::{
    mask,
    schema::Entry,
    span::{DurationRange, Span},
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
    /// A text, a number, true or false, kept as text: what it means is somebody else's business.
    Any,
}

/// A limit, as written and as compared.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub text: String,
    measure: f64,
}

impl Kind {
    /// A text that reads as a duration is one.
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

    fn expected(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Duration => "a duration such as 500ms, 30s, 15m, 2h or 1d (up to 36500d)".to_owned(),
            Self::Range => "a range of durations such as 100ms..500ms, the shorter first".to_owned(),
            Self::List => "a list of texts (in the environment and with --set: separated by commas)".to_owned(),
            Self::Any => "a text, a number, true or false".to_owned(),
        }
    }

    /// Lowest and highest of what the value covers, 0 for what has no size; `None` when it is of another kind.
    fn extent(&self, value: &Json) -> Option<(f64, f64)> {
        let alike = |n: f64| (n, n);
        let fits = match self {
            Self::Integer => return value.as_i64().and(value.as_f64()).map(alike),
            Self::Number => return value.as_f64().map(alike),
            Self::Duration => return value.as_str()?.parse().ok().map(seconds).map(alike),
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
    /// The value if the setting can have it, else what was expected.
    pub fn check(&self, value: Json) -> Result<Json, String> {
        let wrong = |expected: String| {
            let found = if self.secret { "something else".to_owned() } else { toml::render(&mask::value(&value)) };
            Err(format!("expected {expected}, found {found}"))
        };
        match (self.kind.extent(&value), &self.least, &self.most) {
            (None, ..) => wrong(self.kind.expected()),
            (Some((low, high)), Some(least), Some(most)) if low < least.measure || high > most.measure => {
                wrong(format!("{} between {} and {}", self.kind.expected(), least.text, most.text))
            }
            (Some((low, _)), Some(least), None) if low < least.measure => {
                wrong(format!("{} of at least {}", self.kind.expected(), least.text))
            }
            _ if self.kind == Kind::Any && !value.is_string() => Ok(Json::from(value.to_string())),
            _ => Ok(value),
        }
    }

    /// Reads a value that came as text, from the environment or `--set`.
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
    /// The type, for the reference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Boolean => f.write_str("boolean")?,
            Kind::Integer => f.write_str("integer")?,
            Kind::Number => f.write_str("number")?,
            Kind::Text => f.write_str("text")?,
            Kind::Choice(choices) => write!(f, "`{}`", choices.join("`, `"))?,
            Kind::Duration => f.write_str("duration")?,
            Kind::Range => f.write_str("range of durations")?,
            Kind::List => f.write_str("list of texts")?,
            Kind::Any => f.write_str("text, number or boolean")?,
        }
        match (&self.least, &self.most) {
            (Some(least), Some(most)) => write!(f, ", {} … {}", least.text, most.text)?,
            (Some(least), None) => write!(f, ", at least {}", least.text)?,
            _ => {}
        }
        if self.secret { f.write_str(", secret") } else { Ok(()) }
    }
}
