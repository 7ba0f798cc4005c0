//! The configuration of this process: defaults of platform and services ← file ← environment ← command line.

use std::path::Path;

use host::SettingsArgs;
use settings::{Config, ConfigError, DATA_DIR, DEFAULTS, Loader};

use crate::{
    cli::Dev,
    services::{self, PARTS},
};

/// Variables of the command line itself, which are no settings.
const OTHER_VARIABLES: [&str; 1] = ["UZON_URL"];

/// Reads and checks everything, whoever may use it.
pub fn load(args: &SettingsArgs) -> Result<Config, ConfigError> {
    loader(args).load()
}

/// The same with what `uzon dev` says on its command line.
pub fn load_for(dev: &Dev) -> Result<Config, ConfigError> {
    let listen = dev.listen.map(|address| format!("http.listen={address}"));
    let config = loader(&dev.settings).set(listen).load()?;
    let config = match &dev.data {
        Some(folder) => config.with_data_dir(folder)?,
        None => config,
    };
    check(&config).map(|()| config)
}

/// Whether each service can do with what its section says.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    services::of(&PARTS, config).map(drop)
}

/// The folder of this process, for its lock.
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
