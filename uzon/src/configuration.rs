//! The configuration of this process: defaults of platform and services ← file ← environment ←
//! command line.

use std::path::Path;

use host::SettingsArgs;
use settings::{Config, ConfigError, DATA_DIR, DEFAULTS, Loader};

use crate::{
    cli::Dev,
    services::{self, COMPONENTS},
};

/// Environment variables of the command line that are not settings.
const OTHER_VARIABLES: [&str; 1] = ["UZON_URL"];

/// Reads and checks the configuration of all services.
pub fn load(args: &SettingsArgs) -> Result<Config, ConfigError> {
    loader(args).load()
}

/// [`load`] with the options of `uzon dev`.
pub fn load_for(dev: &Dev) -> Result<Config, ConfigError> {
    let listen = dev.listen.map(|address| format!("http.listen={address}"));
    let config = loader(&dev.settings).set(listen).load()?;
    let config = match &dev.data {
        Some(folder) => config.with_data_dir(folder)?,
        None => config,
    };
    check(&config).map(|()| config)
}

/// Checks the section of each service.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    services::of(&COMPONENTS, config).map(drop)
}

/// The data folder of this process.
pub fn data_folder(dev: &Dev) -> &Path {
    dev.data.as_deref().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(DATA_DIR))
}

/// Every key with type, default and meaning, as Markdown.
pub fn reference() -> String {
    settings::reference(&[DEFAULTS, &services::defaults()]).expect("the defaults describe themselves")
}

fn loader(args: &SettingsArgs) -> Loader {
    let loader = Loader::new().defaults(&services::defaults()).services(services::NAMES);
    args.add_to(loader.other_variables(OTHER_VARIABLES).env(settings::environment()))
}
