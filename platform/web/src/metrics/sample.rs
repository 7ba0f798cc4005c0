//! Gauges that are read at each scrape of `/metrics`. The recorder would show the last value for ever; these gauges are
//! current, or absent if the read fails.

use std::{collections::BTreeMap, fmt, fmt::Write as _, future::Future, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use telemetry::metrics::{Metric, Sample};
use tracing::warn;

/// Time limit of the reads. Scrapers have time-outs of their own, which are not much longer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

type Answer = Result<Vec<Sample>, String>;

/// Reads the gauges of one service.
pub(crate) struct Sampler {
    service: &'static str,
    ask: Box<dyn Fn() -> BoxFuture<'static, Answer> + Send + Sync>,
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sampler({})", self.service)
    }
}

impl Sampler {
    pub fn new<F, Fut>(service: &'static str, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        Self { service, ask: Box::new(move || Box::pin(ask())) }
    }

    /// Reads the gauges. Returns none if the read fails: an old value or a zero would be misleading.
    async fn samples(&self, timeout: Duration) -> Vec<Sample> {
        let answer = tokio::time::timeout(timeout, (self.ask)()).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")));
        answer.unwrap_or_else(|error| {
            warn!(service = self.service, error, "some gauges cannot be read now and are missing in /metrics");
            vec![]
        })
    }
}

/// Formats the gauges in Prometheus' text format, which requires all lines of a metric to be contiguous.
pub(super) async fn text(samplers: &[Sampler], timeout: Duration) -> String {
    let mut metrics = BTreeMap::<&Metric, Vec<Sample>>::new();
    for sample in join_all(samplers.iter().map(|sampler| sampler.samples(timeout))).await.into_iter().flatten() {
        metrics.entry(sample.metric).or_default().push(sample);
    }
    let mut text = String::new();
    for (Metric { name, help }, samples) in metrics {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge").expect("writing to a string");
        for sample in samples {
            writeln!(text, "{sample}").expect("writing to a string");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    static HEIGHT: Metric = Metric { name: "height", help: "How high it is" };
    static WIDTH: Metric = Metric { name: "width", help: "How wide it is" };

    fn sample(metric: &'static Metric, service: &str, value: u64) -> Sample {
        Sample { metric, labels: vec![("service", service.to_owned()), ("topic", "t".to_owned())], value }
    }

    #[tokio::test]
    async fn lines_of_a_metric_are_contiguous_and_failed_gauges_are_absent() {
        let samplers = [
            Sampler::new("a", async || Ok(vec![sample(&WIDTH, "a", 0), sample(&HEIGHT, "a", 1)])),
            Sampler::new("away", async || Err("the database is away".to_owned())),
            Sampler::new("silent", pending),
            Sampler::new("b", async || Ok(vec![sample(&WIDTH, "b", 2)])),
        ];
        let expected = "# HELP height How high it is\n# TYPE height gauge\nheight{service=\"a\",topic=\"t\"} 1\n\n\
            # HELP width How wide it is\n# TYPE width gauge\nwidth{service=\"a\",topic=\"t\"} 0\n\
            width{service=\"b\",topic=\"t\"} 2\n\n";
        assert_eq!(text(&samplers, Duration::from_millis(5)).await, expected);
    }
}
