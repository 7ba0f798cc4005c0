//! A process: services on the bus and the databases that the configuration names, behind one HTTP server.
//!
//! `uzon dev` and `uzon serve` are made of this, and so is the binary of each service:
//! ```no_run
//! # use platform::{config::{Config, ConfigError}, process::Unit};
//! # fn build(_: &Config) -> Result<platform::Service, ConfigError> { unimplemented!() }
//! const UNIT: Unit = Unit { name: "order", settings: "", port: 8081, build };
//!
//! fn main() -> std::process::ExitCode {
//!     platform::process::main(&UNIT)
//! }
//! ```
//! What is wrong is said in one line and an exit status (see [`Failure`]), before anything has begun: configuration, port,
//! bus and its topics, databases and their schemas, then the services.

mod args;
mod bus;
mod databases;
mod failure;
pub mod logging;
mod nowhere;
mod serve;
pub mod signals;
mod system;
mod unit;

pub use self::{
    args::{ServeArgs, SettingsArgs},
    bus::{failed, files, open_bus, wanted_topics},
    databases::{Lacking, migrate},
    failure::Failure,
    serve::{main, runtime, serve},
    system::System,
    unit::{Unit, topic_settings},
};
