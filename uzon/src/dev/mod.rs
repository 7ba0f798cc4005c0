//! `uzon dev`: everything in one process.

mod catalogue;
mod data;
mod welcome;

use std::path::Path;

use clock::Clock;
use host::{MissingPolicy, System, files, logging, signals};
use settings::Config;
use tokio_util::sync::CancellationToken;
use web::{Server, metrics};

pub use self::catalogue::{CATALOGUE, Demo};
#[cfg(test)]
pub(crate) use self::welcome::PLACES;
pub(crate) use self::welcome::{Example, url};
use telemetry::{error_chain, logging::Format};

use crate::{
    ASYNCAPI, Failure,
    cli::Dev,
    configuration, pages,
    services::{self, COMPONENTS},
};

/// Serves until a signal. Checks the most likely problems first, so that a refused start changes
/// nothing.
pub(crate) async fn run(dev: Dev) -> Result<(), Failure> {
    let config = configuration::load_for(&dev)?;
    logging::install(&config.telemetry);
    metrics::install();
    let stop = CancellationToken::new();
    signals::listen(stop.clone()).map_err(|error| Failure::Refused(format!("no signals: {error}")))?;

    let folder = data::DataFolder::lock(configuration::data_folder(&dev))?;
    let server = Server::bind(config.http.listen).await.map_err(|error| Failure::Refused(error_chain(&error)))?;
    if dev.fresh {
        let files = files(&config, services::NAMES);
        folder.empty(&files.iter().map(AsRef::as_ref).collect::<Vec<&Path>>())?;
    }

    let system = start(&config).await?;
    let address = server.address();
    let example = welcome::example(&system).await;
    let pages = pages::Start::new(address, &example).routes();
    if let Format::Text { .. } = logging::format(&config.telemetry) {
        welcome::print(address, configuration::data_folder(&dev), &example);
    } else {
        tracing::info!(target: "uzon", %address, version = env!("CARGO_PKG_VERSION"), "ready");
    }
    system.serve(server, &config, stop, |app| app.asyncapi(ASYNCAPI).routes(pages)).await;
    Ok(())
}

async fn start(config: &Config) -> Result<System, Failure> {
    let services = services::of(&COMPONENTS, config)?;
    let system = System::start(config, services, Clock::system(), MissingPolicy::Create).await?;
    match catalogue::fill(&system).await {
        Ok(()) => Ok(system),
        Err(failure) => {
            system.stop().await;
            Err(failure)
        }
    }
}
