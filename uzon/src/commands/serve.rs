//! `uzon serve`

use clap::Args;
use host::{ServeArgs, serve};

use crate::{
    ASYNCAPI, Failure, configuration,
    services::{self, Component},
};

/// `uzon serve`
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Services of this process
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<Component>,
    #[command(flatten)]
    args: ServeArgs,
}

pub(crate) async fn run(Serve { services, args }: Serve) -> Result<(), Failure> {
    let config = configuration::load(&args.settings)?;
    let components = Component::chosen(&services);
    let config = match components[..] {
        [alone] => config.alone(alone.name(), alone.port())?,
        _ => config,
    };
    let services = services::of(&components, &config)?;
    serve(&config, services, args.missing(), |app| app.asyncapi(ASYNCAPI)).await
}
