//! The period of a request.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Checks, FieldError, Problem};

use crate::domain::{self, Bucket};

/// Enough for a day by minute, two months by hour, four years by day.
const MAX_BUCKETS: i64 = 1500;

/// Start, end and step length.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Start of the window. Default: 60 minutes, 24 hours or 30 days before the end.
    pub from: Option<DateTime<Utc>>,
    /// End of the window. Default: the current time.
    pub to: Option<DateTime<Utc>>,
    /// Length of the steps. The window is widened to whole steps (UTC) and has at most 1500 of them.
    #[param(value_type = Option<BucketLength>)]
    pub bucket: Option<Bucket>,
}

/// Length of a step.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes `Bucket` in the API document")]
pub enum BucketLength {
    Minute,
    Hour,
    Day,
}

impl Period {
    /// The longest step of which the requested window is a multiple.
    pub fn fitting(&self) -> Bucket {
        let fits = |bucket: &Bucket| self.from.iter().chain(&self.to).all(|at| bucket.begins(*at));
        Bucket::ALL.into_iter().rev().find(fits).unwrap_or(Bucket::Minute)
    }

    /// The window, or all violations.
    pub fn window(&self, default: Bucket, now: DateTime<Utc>) -> Result<domain::Window, Problem> {
        let mut checks = Checks::new();
        for (field, at) in [("from", self.from), ("to", self.to)] {
            if let Some(at) = at {
                checks.that(
                    (2000..2100).contains(&at.year()),
                    field,
                    "out_of_range",
                    "must be a time of the years 2000 to 2099",
                );
            }
        }
        checks.finish()?;
        let window = domain::Window::new(self.from, self.to, self.bucket.unwrap_or(default), now);
        checks.that(
            self.from.is_none_or(|from| from < self.to.unwrap_or(now)),
            "from",
            "out_of_order",
            "must be before the end",
        );
        checks.that_or(window.buckets() <= MAX_BUCKETS, || {
            let message = format!("these are {} steps, at most {MAX_BUCKETS} are possible", window.buckets());
            FieldError::new("bucket", "too_many_buckets", message)
        });
        checks.finish()?;
        Ok(window)
    }
}

/// The window of the figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Window {
    #[schema(value_type = String, format = DateTime)]
    from: events::Timestamp,
    /// Exclusive.
    #[schema(value_type = String, format = DateTime)]
    to: events::Timestamp,
    #[schema(value_type = BucketLength)]
    bucket: Bucket,
}

impl From<domain::Window> for Window {
    fn from(window: domain::Window) -> Self {
        Self { from: window.from.into(), to: window.to.into(), bucket: window.bucket }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::Period;
    use crate::domain::Bucket;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn refused(from: Option<&str>, to: Option<&str>) -> Vec<(String, &'static str)> {
        let period = Period { from: from.map(at), to: to.map(at), bucket: None };
        let problem = period.window(Bucket::Minute, at("2026-01-24T10:00:30Z")).unwrap_err();
        assert_eq!(problem.status(), 422);
        problem.field_errors().iter().map(|error| (error.field.to_string(), error.code)).collect()
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let error = |field: &str, code| (field.to_owned(), code);
        let both = refused(Some("1999-12-31T00:00:00Z"), Some("2100-01-01T00:00:00Z"));
        assert_eq!(both, [error("from", "out_of_range"), error("to", "out_of_range")]);
        let later = Some("2026-01-24T11:00:00Z");
        assert_eq!(refused(later, None), [error("from", "out_of_order")]);
        assert_eq!(refused(later, later), [error("from", "out_of_order")]);
        assert_eq!(refused(Some("2026-01-20T00:00:00Z"), None), [error("bucket", "too_many_buckets")]);
    }

    #[test]
    fn the_default_step_is_the_longest_that_fits() {
        for (from, to, bucket) in [
            (None, None, Bucket::Day),
            (Some("2026-01-23T00:00:00Z"), None, Bucket::Day),
            (Some("2026-01-23T00:00:00Z"), Some("2026-01-24T10:00:00Z"), Bucket::Hour),
            (None, Some("2026-01-24T10:01:00Z"), Bucket::Minute),
            (None, Some("2026-01-24T10:00:01Z"), Bucket::Minute),
        ] {
            assert_eq!(Period { from: from.map(at), to: to.map(at), bucket: None }.fitting(), bucket);
        }
    }

    #[test]
    fn a_day_by_minute_and_a_year_by_day_are_accepted() {
        let to = at("2026-01-24T00:00:00Z");
        for (from, bucket, buckets) in
            [("2026-01-23T00:00:00Z", Bucket::Minute, 1440), ("2025-01-24T00:00:00Z", Bucket::Day, 365)]
        {
            let period = Period { from: Some(at(from)), to: Some(to), bucket: Some(bucket) };
            assert_eq!(period.window(Bucket::Hour, to).unwrap().buckets(), buckets);
        }
    }
}
