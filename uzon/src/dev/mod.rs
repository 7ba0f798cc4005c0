//! `uzon dev`: everything in one process.

mod catalogue;
mod data;
mod shell;
mod signals;
mod system;
mod welcome;

use std::{path::Path, time::Duration};

use platform::{
    Clock, Shutdown,
    http::{Server, metrics},
};

#[cfg(test)]
pub(crate) use self::welcome::PLACES;
pub use self::{
    catalogue::{CATALOGUE, Demo},
    system::System,
};
pub(crate) use self::{
    system::Starting,
    welcome::{Example, url},
};
use crate::{
    Failure,
    cli::Dev,
    failure::chain,
    logging, pages,
    settings::{self, Settings},
};

/// For requests in hand when the end comes.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until it is told to stop. What is most likely to be wrong is tried first, so that a refused start has touched
/// nothing.
pub(crate) async fn run(dev: Dev) -> Result<(), Failure> {
    let settings = settings::load_for(&dev)?;
    let http = &settings.config.http;
    logging::install(&settings.config.telemetry);
    metrics::install();
    let stop = Shutdown::new();
    signals::listen(stop.clone()).map_err(|error| Failure::Refused(format!("no signals: {error}")))?;

    let folder = data::DataFolder::lock(settings::data_folder(&dev))?;
    let server = Server::bind(http.listen).await.map_err(|error| Failure::Refused(chain(&error)))?;
    if dev.fresh {
        let files = system::files(&settings.config);
        folder.empty(&files.iter().map(AsRef::as_ref).collect::<Vec<&Path>>())?;
    }

    let mut system = start(&settings).await?;
    let address = server.address();
    let example = welcome::example(&system).await;
    let router = shell::router(&mut system, http, &stop, &pages::Start::new(address, &example));
    if logging::for_people(&settings.config.telemetry) {
        welcome::print(address, settings::data_folder(&dev), &example);
    } else {
        tracing::info!(target: "uzon", %address, version = env!("CARGO_PKG_VERSION"), "ready");
    }
    server.serve(router, shell::limits(http), stop, GRACE).await;
    system.stop().await;
    Ok(())
}

async fn start(settings: &Settings) -> Result<System, Failure> {
    let system = System::start(settings, Clock::system()).await?;
    match catalogue::fill(&system).await {
        Ok(()) => Ok(system),
        Err(failure) => {
            system.stop().await;
            Err(failure)
        }
    }
}
