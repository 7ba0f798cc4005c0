//! Serving services, and nothing else, until told to stop.

use std::{future::Future, process::ExitCode};

use clap::{Args as _, Command, FromArgMatches as _};
use events::service;

use super::{Failure, Lacking, ServeArgs, System, Unit, chain, logging, signals};
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

/// Has a runtime do this. Who serves shares the work between threads, as many as `TOKIO_WORKER_THREADS` says, or one for each
/// processor and two at least; a client has none to share.
pub fn runtime<T>(serves: bool, work: impl Future<Output = T>) -> T {
    let mut runtime = if serves {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
            runtime.worker_threads(std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2)));
        }
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
    let server = Server::bind(config.http.listen).await.map_err(|error| Failure::Refused(chain(&error)))?;
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
