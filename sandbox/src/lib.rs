#![doc = include_str!("../README.md")]

pub mod carrier;
mod fate;
pub mod payment_provider;

/// The commented defaults of the sections `[sandbox.payment]` and `[sandbox.carrier]`.
pub const SETTINGS: &str = include_str!("../settings.toml");
