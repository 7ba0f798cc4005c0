//! What is asked of the load generator.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;

/// Loads a system, measures what it does, and checks that it did it right.
///
/// Starts a `uzon dev` of its own unless --url names one; its provider and carrier answer at once. With --rate orders arrive
/// at a fixed rate, whatever becomes of those before, and latencies count from when each was due. Otherwise as many requests
/// as --in-flight allows are always under way. Ends by itself; exit status 1 when an invariant is broken.
#[derive(Debug, Clone, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[command(name = "load", max_term_width = 100)]
pub struct Args {
    /// Loopback address of a running system, such as 127.0.0.1:8080, used by nobody else
    #[arg(long, value_name = "ADDRESS")]
    pub url: Option<String>,
    /// Loopback addresses of all processes of the running system, such as 127.0.0.1:8081, for what is left in outboxes, parked
    /// or dead letters; --url itself unless told
    #[arg(long, value_name = "ADDRESS", num_args = 1.., requires = "url")]
    pub process: Vec<String>,
    /// Requests per second, arriving regularly
    #[arg(long, value_name = "N", conflicts_with = "saturate")]
    pub rate: Option<f64>,
    /// As many as possible (the default)
    #[arg(long)]
    pub saturate: bool,
    /// Requests under way at once, when saturating
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub in_flight: usize,
    /// Orders accepted but not complete, above which a saturating generator holds back
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub backlog: u64,
    /// Ask for the status of orders instead of placing some
    #[arg(long)]
    pub status: bool,
    /// How long is measured
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub seconds: u64,
    /// How long the same is done before, unmeasured
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub warm_up: u64,
    /// Products to choose from
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub products: usize,
    /// All orders are for one product
    #[arg(long)]
    pub hot: bool,
    /// Units of each product; an order takes one to three
    #[arg(long, value_name = "UNITS", default_value_t = 100_000_000)]
    pub stock: i64,
    /// Share of orders whose card is declined
    #[arg(long, value_name = "SHARE", default_value_t = 0.10)]
    pub declined: f64,
    /// Share of orders that are cancelled as soon as they are placed
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub cancelled: f64,
    /// Orders to finish before anything is measured
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub preload: u64,
    /// The control: one delivery per transaction, one message per publication
    #[arg(long)]
    pub batch_limit_one: bool,
    /// A setting of the system that is started, such as `delivery.batch=50`
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Orders the checker looks at in every service
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub closely: usize,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// The outside world answers at once.
const AT_ONCE: [&str; 6] = [
    "sandbox.payment.latency=0ms",
    "sandbox.carrier.latency=0ms",
    "sandbox.carrier.error_rate=0",
    "sandbox.carrier.pickup_after=0s",
    "sandbox.carrier.deliver_after=0s",
    "telemetry.log_filter=warn",
];

impl Args {
    /// Settings of the system that is started.
    pub fn settings(&self) -> Vec<&str> {
        let control: &[&str] = if self.batch_limit_one { &["delivery.batch=1", "outbox.batch=1"] } else { &[] };
        AT_ONCE.iter().chain(control).copied().chain(self.set.iter().map(String::as_str)).collect()
    }

    /// The address of the system that runs already.
    pub fn address(&self) -> Result<Option<SocketAddr>, String> {
        self.url.as_deref().map(loopback).transpose()
    }

    /// The addresses of its processes.
    pub fn processes(&self) -> Result<Vec<SocketAddr>, String> {
        let named = if self.process.is_empty() { self.url.as_slice() } else { &self.process };
        named.iter().map(|url| loopback(url)).collect()
    }

    /// How long is measured.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn loopback(url: &str) -> Result<SocketAddr, String> {
    let plain = url.trim_start_matches("http://").trim_end_matches('/');
    let address: SocketAddr = plain.parse().map_err(|_| format!("{url} is no address such as 127.0.0.1:8080"))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(format!("{url}: load goes to this machine only")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Args {
        Args::try_parse_from(words.split(' ')).unwrap()
    }

    #[test]
    fn each_process_is_named_or_there_is_one() {
        let ports = |args: &Args| args.processes().unwrap().iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!(ports(&parsed("load --url http://127.0.0.1:8080/")), [8080]);
        let several =
            "load --url 127.0.0.1:8080 --process 127.0.0.1:8081 127.0.0.1:8082 --process 127.0.0.1:8083 --hot";
        assert_eq!(ports(&parsed(several)), [8081, 8082, 8083]);
        assert_eq!(ports(&parsed("load")), [] as [u16; 0], "it starts its own");
        let elsewhere = parsed("load --url 127.0.0.1:8080 --process 192.0.2.1:8081").processes();
        assert_eq!(elsewhere.unwrap_err(), "192.0.2.1:8081: load goes to this machine only");
        assert!(Args::try_parse_from(["load", "--process", "127.0.0.1:8081"]).is_err(), "of which system?");
    }
}
