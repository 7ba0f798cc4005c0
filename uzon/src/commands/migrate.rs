//! `uzon migrate`

use clap::Args;
use host::{MissingPolicy, SettingsArgs, migrate};
use serde_json::json;

use crate::{
    Failure, configuration, output,
    services::{self, ALL, Part},
};

/// `uzon migrate`
#[derive(Debug, Clone, Args)]
pub struct Migrate {
    /// Whose databases; without a name all
    #[arg(value_name = "SERVICE")]
    services: Vec<Part>,
    /// JSON for programs instead of text
    #[arg(long)]
    json: bool,
    /// Create databases that are missing, too; their users must be allowed to
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(crate) async fn run(Migrate { services, json, create, settings }: Migrate) -> Result<(), Failure> {
    let config = configuration::load(&settings)?;
    let lacking = if create { MissingPolicy::Create } else { MissingPolicy::Refuse };
    let named = if services.is_empty() { vec![ALL] } else { services };
    for service in services::schemas(&Part::chosen(&named), &config)? {
        migrate(&config, &service, lacking).await?;
        let database = config.database_for(service.name()).url.to_string();
        if json {
            output::json(&json!({ "service": service.name(), "database": database }));
        } else {
            output::line(format_args!("{}: {database} is up to date", service.name()));
        }
    }
    Ok(())
}
