//! Lengths of buckets, and windows of whole buckets.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

use super::Millis;

/// The length of a bucket: figures are summed per minute, hour and day. Stored as its number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
#[serde(rename_all = "lowercase")]
pub enum Bucket {
    #[sea_orm(num_value = 60)]
    Minute,
    #[sea_orm(num_value = 3_600)]
    Hour,
    #[sea_orm(num_value = 86_400)]
    Day,
}

impl Bucket {
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    pub const fn length(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }

    /// The number of buckets in a default window: an hour, a day, thirty days.
    const fn usual(self) -> i32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 24,
            Self::Day => 30,
        }
    }

    /// Start of the bucket that contains `at` (UTC).
    pub fn start(self, at: Millis) -> DateTime<Utc> {
        let length = self.length().num_milliseconds();
        DateTime::from_timestamp_millis(at.div_euclid(length) * length).expect("an event's time is a date")
    }

    /// Whether a bucket starts at `at`.
    pub fn begins(self, at: DateTime<Utc>) -> bool {
        self.floor(at) == at
    }

    fn floor(self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.start(at.timestamp_millis())
    }

    fn ceil(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.floor(at);
        if start == at { start } else { start + self.length() }
    }
}

/// A time range of whole buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub to: DateTime<Utc>,
    pub bucket: Bucket,
}

impl Window {
    /// Widened to whole buckets. The default end is `now`, the default start gives the default length.
    pub fn new(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>, bucket: Bucket, now: DateTime<Utc>) -> Self {
        let to = bucket.ceil(to.unwrap_or(now));
        let from = from.map_or_else(|| to - bucket.length() * bucket.usual(), |from| bucket.floor(from));
        Self { from, to, bucket }
    }

    /// The same number of buckets before this window.
    #[must_use]
    pub fn previous(&self) -> Self {
        Self { from: self.from - (self.to - self.from), to: self.from, bucket: self.bucket }
    }

    /// The number of buckets.
    pub fn buckets(&self) -> i64 {
        (self.to - self.from).num_seconds() / self.bucket.length().num_seconds()
    }

    /// Start of each bucket.
    pub fn starts(self) -> impl Iterator<Item = DateTime<Utc>> {
        let next = move |at: &DateTime<Utc>| Some(*at + self.bucket.length());
        std::iter::successors(Some(self.from), next).take_while(move |at| *at < self.to)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{Bucket, Window};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_widened_to_whole_buckets() {
        let now = at("2026-01-24T10:00:30Z");
        let window = Window::new(Some(at("2026-01-24T08:59:59.999Z")), None, Bucket::Hour, now);
        assert_eq!((window.from, window.to), (at("2026-01-24T08:00:00Z"), at("2026-01-24T11:00:00Z")));
        assert_eq!(window.buckets(), 3);
        assert_eq!(window.starts().count(), 3);
        assert_eq!(window.previous().to, window.from);
        assert_eq!(window.previous().buckets(), 3);
    }

    #[test]
    fn the_default_is_the_last_hour_by_minute_with_the_current_one() {
        let window = Window::new(None, None, Bucket::Minute, at("2026-01-24T10:00:30Z"));
        assert_eq!((window.from, window.to), (at("2026-01-24T09:01:00Z"), at("2026-01-24T10:01:00Z")));
        let whole = Window::new(None, Some(at("2026-01-24T10:00:00Z")), Bucket::Minute, at("2026-01-24T11:00:00Z"));
        assert_eq!(whole.to, at("2026-01-24T10:00:00Z"));
    }

    #[test]
    fn times_before_1970_have_a_bucket() {
        assert_eq!(Bucket::Day.start(-1), at("1969-12-31T00:00:00Z"));
    }
}
