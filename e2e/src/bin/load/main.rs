//! The load generator: throughput, latency and cost of Uzon under load, and a check of the results.

mod args;
mod drive;
mod orders;
mod progress;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use clap::Parser;
use e2e::{
    check::{self, CheckError, Depth, Facts, leftovers::leftovers},
    client::{CallError, Client},
    model::{OrderSummary, Page, Product},
    process::Usage,
    shop::Shop,
    system::{System, SystemError},
};
use events::OrderStatus;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use crate::{
    args::Args,
    drive::{Tally, Until},
    orders::{Mix, Work},
    progress::Progress,
    report::{Cost, Percentiles, Report},
};

/// Why there are no results.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Usage(String),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(report) => {
            println!("{}", report.table());
            for violation in &report.checked.violations {
                eprintln!("broken: {violation}");
            }
            ExitCode::from(u8::from(!report.checked.violations.is_empty()))
        }
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<Report, Failure> {
    let running = args.address().map_err(Failure::Usage)?;
    let system = match running {
        Some(_) => None,
        None => Some(System::start(&args.settings()).await?),
    };
    let client = system.as_ref().map_or_else(|| running.map(Client::new), |system| Some(system.client()));
    let client = client.expect("either it was named or it was started");
    let processes =
        system.as_ref().map_or_else(|| args.processes().map_err(Failure::Usage), |it| Ok(it.addresses()))?;
    // Unavailable metrics must be noticed before the load.
    leftovers(&processes).await.map_err(CheckError::from)?;
    let shop = Shop::new(client.clone());
    eprintln!("{} products …", if args.hot { 1 } else { args.products });
    let products = stock_up(&shop, args).await?;
    let mix = Arc::new(Mix {
        shop: shop.clone(),
        products,
        declined: args.declined,
        cancelled: args.cancelled,
        placed: Mutex::default(),
    });
    let since = beginning(&client, &mix).await?;
    let bench = Bench { args, system: system.as_ref(), client, processes, since };

    let preload = if args.status { args.preload.max(1000) } else { args.preload };
    if preload > 0 {
        eprintln!("{preload} orders first …");
        bench.finish(&Work::Orders(mix.clone()), preload).await?;
    }
    let work = if args.status {
        Work::Status(bench.client.clone(), Arc::new(mix.take_placed()))
    } else {
        Work::Orders(mix.clone())
    };
    if args.warm_up > 0 {
        eprintln!("warming up for {} s …", args.warm_up);
        bench.phase(&work, Duration::from_secs(args.warm_up)).await?;
    }
    mix.take_placed();
    eprintln!("measuring for {} s …", args.seconds);
    let mut report = bench.phase(&work, args.duration()).await?;
    let measured: BTreeSet<Uuid> = mix.take_placed().into_iter().collect();
    eprintln!("checking …");
    bench.judge(&shop, &measured, &mut report).await?;
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&report).expect("reports serialize to JSON"))?;
    }
    Ok(report)
}

async fn stock_up(shop: &Shop, args: &Args) -> Result<Vec<Product>, CallError> {
    let count = if args.hot { 1 } else { args.products.max(1) };
    let products = (0..count).map(|number| {
        let price = format!("{}.{:02}", 1 + number % 90, number % 100);
        async move { shop.product(&price, args.stock).await }
    });
    stream::iter(products).buffer_unordered(32).try_collect().await
}

/// Time from which analytics counts: the creation of the first order, by the system's clock.
async fn beginning(client: &Client, mix: &Arc<Mix>) -> Result<String, Failure> {
    let known: Page<OrderSummary> = client.get("/api/v1/orders?limit=1").await?;
    if !known.items.is_empty() {
        return Err(Failure::Usage(
            "the system already has orders, which cannot be checked: start a new one".to_owned(),
        ));
    }
    Work::Orders(mix.clone()).one().await;
    let first: Page<OrderSummary> = client.get("/api/v1/orders?limit=1").await?;
    let first = first.items.first().ok_or_else(|| Failure::Usage("no order is accepted".to_owned()))?;
    Ok(first.created_at.to_string())
}

struct Bench<'a> {
    args: &'a Args,
    system: Option<&'a System>,
    client: Client,
    processes: Vec<SocketAddr>,
    since: String,
}

impl Bench<'_> {
    /// Places `count` orders and waits until they are complete.
    async fn finish(&self, work: &Work, count: u64) -> Result<(), Failure> {
        let progress = self.progress().await?;
        let following = progress.follow();
        let tally = drive::saturating(work, self.args.in_flight, Until::Accepted(count), &progress).await;
        following.abort();
        progress.complete(tally.accepted).await?;
        Ok(())
    }

    /// Loads the system for a duration and waits until all orders are complete.
    async fn phase(&self, work: &Work, duration: Duration) -> Result<Report, Failure> {
        self.idle(work).await?;
        let progress = self.progress().await?;
        let places = matches!(work, Work::Orders(_));
        let following = places.then(|| progress.follow());
        let (usage, own) = (self.usage()?, Usage::own()?);
        let stored = self.system.map(System::stored);
        let start = Instant::now();
        let tally = match self.args.rate {
            Some(rate) => drive::at_rate(work, rate, duration).await,
            None => drive::saturating(work, self.args.in_flight, Until::Time(start + duration), &progress).await,
        };
        let asked = Instant::now();
        if let Some(following) = following {
            following.abort();
        }
        let mut report = Report {
            command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
            seconds: (asked - start).as_secs_f64(),
            requests: tally.accepted,
            requests_per_second: count(tally.accepted) / (asked - start).as_secs_f64(),
            refused: tally.refused.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
            broken: tally.broken,
            ..Report::default()
        };
        let mut end = asked;
        if places {
            end = progress.complete(tally.accepted).await?;
            let most = tally.accepted - tally.accepted / 100;
            let reached = progress.reached(most).map(|reached| count(most) / (reached - start).as_secs_f64());
            report.complete_per_second = Some(count(tally.accepted) / (end - start).as_secs_f64());
            report.sustained_per_second = reached;
            report.tail_seconds = Some((end - asked).as_secs_f64());
        }
        let took = end - start;
        for (who, to) in self.usage()? {
            let from = usage.get(&who).copied().unwrap_or_default();
            report.processes.insert(who, cost(from, to, tally.accepted, took));
        }
        report.processes.insert("generator".to_owned(), cost(own, Usage::own()?, tally.accepted, took));
        report.stored_per_request = stored.zip(self.system.map(System::stored)).map(|(from, to)| {
            let grown = to.saturating_sub(from);
            count(grown) / count(tally.accepted).max(1.0)
        });
        report.latency = latencies(&tally, places);
        Ok(report)
    }

    async fn progress(&self) -> Result<Arc<Progress>, CheckError> {
        Progress::begin(&self.client, &self.processes, &self.since, self.args.backlog).await
    }

    /// Waits until earlier orders are complete, because their cost would count.
    async fn idle(&self, work: &Work) -> Result<(), Failure> {
        if let Work::Orders(mix) = work {
            check::settle(&self.client, &mix.shop.history(), self.depth(0)).await?;
        }
        Ok(())
    }

    /// The whole system, and `closely` orders from every service.
    fn depth(&self, closely: usize) -> Depth<'_> {
        Depth::Whole { closely, processes: &self.processes }
    }

    /// Resource usage of all processes and servers.
    fn usage(&self) -> Result<BTreeMap<String, Usage>, SystemError> {
        self.system.map_or_else(|| Ok(BTreeMap::new()), System::usages)
    }

    /// Runs the checker, and takes the latencies of the steps from the orders' histories.
    async fn judge(&self, shop: &Shop, measured: &BTreeSet<Uuid>, report: &mut Report) -> Result<(), Failure> {
        let facts = match check::check(&self.client, shop.history(), self.depth(self.args.closely)).await {
            Ok(facts) => facts,
            Err(CheckError::Broken(violations)) => {
                report.checked.violations = violations.iter().map(ToString::to_string).collect();
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        report.checked.orders = facts.orders.len();
        report.checked.closely = facts.details.len();
        report.latency.extend(steps(&facts, measured));
        Ok(())
    }
}

fn latencies(tally: &Tally, places: bool) -> BTreeMap<&'static str, Percentiles> {
    let name = if places { "POST /orders" } else { "GET …/status" };
    let found = [(name, &tally.latency), ("POST …/cancel", &tally.cancel)];
    found.into_iter().filter_map(|(name, histogram)| Some((name, Percentiles::of(histogram)?))).collect()
}

/// Latencies from placing an order to each later step, from the orders in `details`.
fn steps(facts: &Facts, measured: &BTreeSet<Uuid>) -> impl Iterator<Item = (&'static str, Percentiles)> {
    let mut found = [
        ("placed → confirmed", OrderStatus::Confirmed),
        ("placed → shipped", OrderStatus::Shipped),
        ("placed → delivered", OrderStatus::Delivered),
    ]
    .map(|(name, status)| (name, status, drive::histogram()));
    for (_, detail) in facts.details.iter().filter(|(id, _)| measured.contains(id)) {
        let Some(placed) = detail.history.first().map(|step| step.at.utc()) else { continue };
        for (_, status, histogram) in &mut found {
            if let Some(step) = detail.history.iter().find(|step| step.status == *status) {
                let took = (step.at.utc() - placed).num_microseconds().unwrap_or(i64::MAX);
                histogram.saturating_record(u64::try_from(took).unwrap_or(0));
            }
        }
    }
    found.into_iter().filter_map(|(name, _, histogram)| Some((name, Percentiles::of(&histogram)?)))
}

fn cost(from: Usage, to: Usage, requests: u64, took: Duration) -> Cost {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    let cpu = to.cpu.saturating_sub(from.cpu).as_secs_f64();
    let requests = count(requests).max(1.0);
    Cost {
        cpu_micros_per_request: cpu * 1e6 / requests,
        cpu_cores: cpu / took.as_secs_f64(),
        resident_mebibytes: count(to.resident) / MEBIBYTE,
        peak_mebibytes: count(to.peak) / MEBIBYTE,
        written_bytes_per_request: count(to.written.saturating_sub(from.written)) / requests,
    }
}

#[expect(clippy::cast_precision_loss, reason = "no measurement is that precise")]
fn count(number: u64) -> f64 {
    number as f64
}
