#![doc = include_str!("../README.md")]

mod address;
mod checks;
mod config;
mod entry;
mod kind;
mod loader;
mod mask;
mod print;
mod problem;
mod reference;
mod schema;
mod sections;
mod span;
mod suggestion;
mod toml;
mod typed;
mod values;

pub use self::{
    address::{BusUrl, DatabaseUrl, HttpUrl},
    config::Config,
    loader::{Loader, environment},
    problem::{ConfigError, Problem, Source},
    reference::reference,
    sections::{
        Auth, AuthMode, Bus, DatabaseSettings, Delivery, Effects, Groups, Http, Inbox, LogFormat, Mechanism, Outbox,
        Protocol, Sandbox, Security, Telemetry, Topics,
    },
    span::{DurationRange, InvalidRange, InvalidSpan, Span},
};

/// The platform's own settings, commented.
pub const DEFAULTS: &str = include_str!("../uzon.default.toml");

/// The folder that the defaults put their files into.
pub const DATA_DIR: &str = ".uzon";
