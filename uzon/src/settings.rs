//! The configuration of this process: defaults of platform and services ← file ← environment ← command line.

use std::path::Path;

use platform::config::{self, Config, ConfigError, DATA_DIR, DEFAULTS, Loader};

use crate::{
    cli::{Dev, SettingsArgs},
    services,
};

/// Variables of the command line itself, which are no settings.
const OTHER_VARIABLES: [&str; 1] = ["UZON_URL"];

/// A configuration in which every section has been read by the one who uses it.
pub struct Settings {
    pub config: Config,
    pub services: services::Settings,
}

/// Reads and checks everything.
pub fn load(args: &SettingsArgs) -> Result<Settings, ConfigError> {
    check(loader(args).load()?)
}

/// The same with what `uzon dev` says on its command line.
pub fn load_for(dev: &Dev) -> Result<Settings, ConfigError> {
    let listen = dev.listen.map(|address| format!("http.listen={address}"));
    let config = loader(&dev.settings).set(listen).load()?;
    check(match &dev.data {
        Some(folder) => config.with_data_dir(folder)?,
        None => config,
    })
}

/// The folder of this process, for its lock.
pub fn data_folder(dev: &Dev) -> &Path {
    dev.data.as_deref().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(DATA_DIR))
}

/// Every key with type, default and meaning, as Markdown.
pub fn reference() -> String {
    config::reference(&[DEFAULTS, &services::defaults()]).expect("the defaults describe themselves")
}

fn loader(args: &SettingsArgs) -> Loader {
    let loader = Loader::new()
        .defaults(&services::defaults())
        .services(services::NAMES)
        .other_variables(OTHER_VARIABLES)
        .env(config::environment())
        .set(&args.set);
    match &args.config {
        Some(file) => loader.file(file),
        None => loader,
    }
}

fn check(config: Config) -> Result<Settings, ConfigError> {
    let services = services::Settings::read(&config)?;
    Ok(Settings { config, services })
}
