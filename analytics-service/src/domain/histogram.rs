//! Latencies: histograms that can be added, with buckets that grow with the value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Millis, figures};

/// Latencies in milliseconds. Each doubling of the value is cut into sixteen buckets, so that the middle of a bucket is
/// off by at most 1/32 (3.2 %) of the value; below 32 ms every millisecond has its own. (The scheme of HdrHistogram.)
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, i64>);

impl Histogram {
    /// A histogram of one latency. Clocks of two machines may differ: a negative latency counts as 0.
    pub fn of(latency: Millis) -> Self {
        Self(BTreeMap::from([(bucket(latency.max(0).unsigned_abs()), 1)]))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, other: &Self, times: i64) {
        for (bucket, count) in &other.0 {
            figures::add(&mut self.0, *bucket, count * times);
        }
    }

    /// The latency that this percentage of the values does not exceed; 0 for an empty histogram.
    pub fn percentile(&self, percent: i64) -> Millis {
        let all: i64 = self.0.values().sum();
        let rank = (all * percent + 99) / 100; // rounded up: the rank of a measured value
        let mut so_far = 0;
        let found = self.0.iter().find(|(_, count)| {
            so_far += **count;
            so_far >= rank
        });
        found.map_or(0, |(bucket, _)| middle(*bucket))
    }
}

fn bucket(value: u64) -> u16 {
    let number = match value.checked_ilog2() {
        None | Some(0..=3) => value,
        Some(power) => u64::from(power - 3) * 16 + ((value >> (power - 4)) & 15),
    };
    u16::try_from(number).expect("at most 61 × 16")
}

fn middle(bucket: u16) -> Millis {
    let (power, step) = (bucket / 16, i64::from(bucket % 16));
    match power {
        0 => step,
        1.. => ((16 + step) << (power - 1)) + (1 << (power - 1)) / 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Histogram, bucket, middle};

    fn histogram(values: impl IntoIterator<Item = i64>) -> Histogram {
        values.into_iter().fold(Histogram::default(), |mut all, value| {
            all.add(&Histogram::of(value), 1);
            all
        })
    }

    #[test]
    fn percentiles_are_measured_values() {
        assert_eq!(Histogram::default().percentile(50), 0);
        let ten = histogram(1..=10);
        assert_eq!([50, 95, 99, 100].map(|percent| ten.percentile(percent)), [5, 10, 10, 10]);
        assert_eq!(histogram([7]).percentile(1), 7);
        assert_eq!(histogram([-5]).percentile(99), 0, "a negative latency counts as 0");
    }

    #[test]
    fn subtracting_what_was_added_leaves_an_empty_histogram() {
        let mut some = histogram([3, 3, 4_000_000]);
        some.add(&histogram([3, 3, 4_000_000]), -1);
        assert!(some.is_empty());
    }

    proptest! {
        #[test]
        fn the_middle_is_off_by_at_most_a_thirty_second(value in 0_i64..100_000_000_000) {
            let middle = middle(bucket(value.unsigned_abs()));
            prop_assert!((middle - value).abs() * 32 <= value, "{value} became {middle}");
        }

        #[test]
        fn a_larger_value_is_never_in_a_smaller_bucket(value in 0_u64..100_000_000_000, more in 0_u64..1000) {
            prop_assert!(bucket(value) <= bucket(value + more));
        }
    }
}
