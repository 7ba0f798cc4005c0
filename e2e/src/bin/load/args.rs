//! The load generator's command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;

/// Loads a system, measures it, and checks the results.
///
/// Starts a `uzon dev` whose provider and carrier answer at once, unless --url names a system. With
/// --rate orders arrive at a fixed rate, and latencies count from the due times. Otherwise
/// --in-flight requests are always in flight. Exit status 1 means that a rule is violated.
#[derive(Debug, Clone, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[command(name = "load", max_term_width = 100)]
pub struct Args {
    /// Loopback address of a running system without other clients, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    pub url: Option<String>,
    /// Loopback addresses of all processes of the running system, such as 127.0.0.1:8081, for
    /// reading outboxes, parked records and dead letters [default: --url]
    #[arg(long, value_name = "ADDRESS", num_args = 1.., requires = "url")]
    pub process: Vec<String>,
    /// Requests per second, arriving regularly
    #[arg(long, value_name = "N", conflicts_with = "saturate")]
    pub rate: Option<f64>,
    /// As many as possible (the default)
    #[arg(long)]
    pub saturate: bool,
    /// Requests in flight when saturating
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub in_flight: usize,
    /// Orders accepted but not complete, above which a saturating generator holds back
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub backlog: u64,
    /// Query the status of orders instead of placing orders
    #[arg(long)]
    pub status: bool,
    /// Duration of the measurement in seconds
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub seconds: u64,
    /// Duration of the warm-up before the measurement in seconds
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
    /// Orders to complete before the measurement
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub preload: u64,
    /// The control: one delivery per transaction, one message per publication
    #[arg(long)]
    pub batch_limit_one: bool,
    /// A setting of the started system, such as `delivery.batch=50`
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Orders that the checker reads from every service
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub closely: usize,
    /// Write the results to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Provider and carrier answer at once.
const AT_ONCE: [&str; 6] = [
    "sandbox.payment.latency=0ms",
    "sandbox.carrier.latency=0ms",
    "sandbox.carrier.error_rate=0",
    "sandbox.carrier.pickup_after=0s",
    "sandbox.carrier.deliver_after=0s",
    "telemetry.log_filter=warn",
];

impl Args {
    /// Settings of the started system.
    pub fn settings(&self) -> Vec<&str> {
        let control: &[&str] = if self.batch_limit_one { &["delivery.batch=1", "outbox.batch=1"] } else { &[] };
        AT_ONCE.iter().chain(control).copied().chain(self.set.iter().map(String::as_str)).collect()
    }

    /// Address of the running system.
    pub fn address(&self) -> Result<Option<SocketAddr>, String> {
        self.url.as_deref().map(loopback).transpose()
    }

    /// Addresses of its processes.
    pub fn processes(&self) -> Result<Vec<SocketAddr>, String> {
        let named = if self.process.is_empty() { self.url.as_slice() } else { &self.process };
        named.iter().map(|url| loopback(url)).collect()
    }

    /// Duration of the measurement.
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
