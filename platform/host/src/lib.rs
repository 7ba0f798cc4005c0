#![doc = include_str!("../README.md")]

mod args;
mod bus;
mod databases;
mod failure;
mod host;
pub mod logging;
mod null_bus;
mod serve;
mod service;
mod service_spec;
pub mod signals;
mod system;

pub use self::{
    args::{ServeArgs, SettingsArgs},
    bus::{failed, files, open_bus, wanted_topics},
    databases::{MissingPolicy, migrate},
    failure::Failure,
    host::{Host, Running, StartError},
    serve::{main, runtime, serve},
    service::{Service, ServiceSchemaError},
    service_spec::{ServiceSpec, topic_settings},
    system::System,
};
