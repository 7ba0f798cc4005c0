//! `uzon serve`

use clap::Args;
use host::{ServeArgs, serve};

use crate::{
    ASYNCAPI, Failure, configuration,
    services::{self, Part},
};

/// `uzon serve`
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// What is served in this process
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<Part>,
    #[command(flatten)]
    args: ServeArgs,
}

pub(crate) async fn run(Serve { services, args }: Serve) -> Result<(), Failure> {
    let config = configuration::load(&args.settings)?;
    let parts = Part::chosen(&services);
    let config = match parts[..] {
        [alone] => config.alone(alone.name(), alone.port())?,
        _ => config,
    };
    let services = services::of(&parts, &config)?;
    serve(&config, services, args.missing(), |shell| shell.asyncapi(ASYNCAPI)).await
}
