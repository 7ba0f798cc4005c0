//! Serving services, and nothing else, until told to stop.

use std::{ffi::OsStr, future::Future, process::ExitCode};

use clap::{Args as _, Command, FromArgMatches as _};
use events::service;

use telemetry::error_chain;

use super::{Failure, Lacking, ServeArgs, System, Unit, logging, signals};
use crate::{
    Clock, Service, Shutdown,
    config::{Config, ConfigError},
    http::{Server, Shell, metrics},
};

/// The whole of a service's own binary.
pub fn main(unit: &Unit) -> ExitCode {
    let program: &'static str = format!("{}-service", unit.name).leak(); // once
    let about = "Serves this service on the bus and the database of the configuration, as `uzon serve` does";
    let command = Command::new(program).version(env!("CARGO_PKG_VERSION")).about(about).max_term_width(100);
    let matches = ServeArgs::augment_args(command).get_matches();
    let args = ServeArgs::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let ended = runtime(true, async {
        let config = unit.config(&args.settings)?;
        let services = vec![(unit.build)(&config)?];
        serve(&config, services, args.lacking(), |shell| shell).await
    });
    ended.map_or_else(
        |failure| {
            failure.report(program);
            failure.exit_code()
        },
        |()| ExitCode::SUCCESS,
    )
}

/// How many threads a process has for its work, in the environment: the name that the runtime itself has for it.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// Has a runtime do this. Who serves shares the work between threads; a client has none to share.
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
    // Whoever still waits in a blocking call (a name being resolved) must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// As many as asked for; or one for each processor, and two at least.
fn threads(asked: Option<&OsStr>) -> Result<usize, Failure> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2)));
    };
    let number =
        asked.to_str().and_then(|asked| asked.parse::<usize>().ok()).filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| Failure::Usage(format!("{THREADS} must be a number from 1 to 1024, not {}", asked.display())))
}

/// Serves until a signal comes. What is most likely to be wrong is tried first, so that a refused start has touched nothing.
pub async fn serve(
    config: &Config,
    services: Vec<Service>,
    lacking: Lacking,
    more: impl FnOnce(Shell) -> Shell,
) -> Result<(), Failure> {
    together(config, &services)?;
    logging::install(&config.telemetry);
    metrics::install();
    let stop = Shutdown::new();
    signals::listen(stop.clone()).map_err(|error| Failure::Refused(format!("no signals: {error}")))?;

    let names: Vec<&str> = services.iter().map(Service::name).collect();
    let server = Server::bind(config.http.listen).await.map_err(|error| Failure::Refused(error_chain(&error)))?;
    let address = server.address();
    let system = System::start(config, services, Clock::system(), lacking).await?;
    tracing::info!(target: "uzon", %address, version = env!("CARGO_PKG_VERSION"), services = names.join(" "), "ready");
    system.serve(server, config, stop, more).await;
    Ok(())
}

/// The embedded log is for one process: services elsewhere would never hear of what happens here.
fn together(config: &Config, services: &[Service]) -> Result<(), ConfigError> {
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
    /// What is to be done about what is not there.
    pub fn lacking(&self) -> Lacking {
        if self.create { Lacking::Create } else { Lacking::Refuse }
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
