//! Serves services until a signal stops the process.

use std::{ffi::OsStr, future::Future, process::ExitCode};

use clap::{Args as _, Command, FromArgMatches as _};
use clock::Clock;
use events::service;
use settings::{Config, ConfigError};
use telemetry::error_chain;
use tokio_util::sync::CancellationToken;
use web::{HttpApp, Server, metrics};

use crate::{Failure, MissingPolicy, ServeArgs, Service, ServiceSpec, System, logging, signals};

/// The main function of a service's own binary.
pub fn main(spec: &ServiceSpec) -> ExitCode {
    let program: &'static str = format!("{}-service", spec.name).leak(); // once
    let about = "Serves this service on the bus and the database of the configuration, as `uzon serve` does";
    let command = Command::new(program).version(env!("CARGO_PKG_VERSION")).about(about).max_term_width(100);
    let matches = ServeArgs::augment_args(command).get_matches();
    let args = ServeArgs::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let ended = runtime(true, async {
        let config = spec.config(&args.settings)?;
        let services = vec![(spec.build)(&config)?];
        serve(&config, services, args.missing(), |app| app).await
    });
    ended.map_or_else(
        |failure| {
            failure.report(program);
            failure.exit_code()
        },
        |()| ExitCode::SUCCESS,
    )
}

/// The environment variable with the number of worker threads; the runtime itself uses the same name.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// Runs a future on a Tokio runtime: a server on several threads, a client on one.
pub fn runtime(serves: bool, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut runtime = if serves {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(threads(std::env::var_os(THREADS).as_deref())?);
        runtime
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = runtime.enable_all().build().expect("a process can have threads and timers");
    let ended = runtime.block_on(work);
    // A blocking call that is still running, such as a name resolution, must not delay the exit.
    runtime.shutdown_background();
    ended
}

/// The number of worker threads: the variable's value, or one for each processor, at least two.
fn threads(asked: Option<&OsStr>) -> Result<usize, Failure> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2)));
    };
    let number =
        asked.to_str().and_then(|asked| asked.parse::<usize>().ok()).filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| Failure::Usage(format!("{THREADS} must be a number from 1 to 1024, not {}", asked.display())))
}

/// Serves until a signal arrives. The steps that are most likely to fail come first, so that a refused start has
/// changed nothing.
pub async fn serve(
    config: &Config,
    services: Vec<Service>,
    missing: MissingPolicy,
    more: impl FnOnce(HttpApp) -> HttpApp,
) -> Result<(), Failure> {
    check_bus(config, &services)?;
    logging::install(&config.telemetry);
    metrics::install();
    let stop = CancellationToken::new();
    signals::listen(stop.clone()).map_err(|error| Failure::Refused(format!("no signals: {error}")))?;

    let names: Vec<&str> = services.iter().map(Service::name).collect();
    let server = Server::bind(config.http.listen).await.map_err(|error| Failure::Refused(error_chain(&error)))?;
    let address = server.address();
    let system = System::start(config, services, Clock::system(), missing).await?;
    tracing::info!(target: "uzon", %address, version = env!("CARGO_PKG_VERSION"), services = names.join(" "), "ready");
    system.serve(server, config, stop, more).await;
    Ok(())
}

/// Refuses the embedded log if not all services run in this process: the others would not receive its events.
fn check_bus(config: &Config, services: &[Service]) -> Result<(), ConfigError> {
    let mut shop = services.iter().filter(|service| !service.is_outside()).peekable();
    if config.bus.url.file().is_none() || shop.peek().is_none() {
        return Ok(());
    }
    let served: Vec<&str> = shop.map(Service::name).collect();
    if service::ALL.iter().all(|service| served.contains(service)) {
        return Ok(());
    }
    let message = format!(
        "{} is for one process, and the services outside this one ({} only) could not use it: name a Kafka, or serve all",
        config.bus.url,
        served.join(", ")
    );
    Err(config.refuse("bus.url", message))
}

impl ServeArgs {
    /// What to do about missing databases, tables and topics.
    pub fn missing(&self) -> MissingPolicy {
        if self.create { MissingPolicy::Create } else { MissingPolicy::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_counted_or_refused() {
        assert_eq!(threads(Some("3".as_ref())).unwrap(), 3);
        assert!(threads(None).unwrap() >= 2 && threads(Some("".as_ref())).unwrap() >= 2);
        for wrong in ["0", "-1", "many", "1025"] {
            let refused = threads(Some(wrong.as_ref())).unwrap_err().to_string();
            assert_eq!(refused, format!("TOKIO_WORKER_THREADS must be a number from 1 to 1024, not {wrong}"));
        }
    }
}
