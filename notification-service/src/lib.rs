#![doc = include_str!("../README.md")]

pub mod domain;
pub mod effects;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use std::time::Duration;

use ::saga::{Breaker, ParticipantBuilder, Policy};
use events::service::NOTIFICATION;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

use crate::{domain::Notify, effects::Mailbox};

/// Delays a batch so that events about one order are decided together.
const LINGER: Duration = Duration::from_millis(50);

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[notification]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub attempts: u32,
    pub first_retry: Span,
    pub mailbox_error_rate: f64,
}

impl Settings {
    /// With the defaults the last of six attempts ends within two minutes; a result is due within five.
    fn policy(&self) -> Policy {
        Policy {
            timeout: Duration::from_secs(10),
            attempts: Some(self.attempts),
            first_wait: self.first_retry.duration(),
            longest_wait: Duration::from_mins(1),
            // A message that may have been sent is sent again: a duplicate is better than none.
            unknown: false,
            ..Policy::default()
        }
    }

    fn mailbox(&self) -> Mailbox {
        Mailbox { error_rate: self.mailbox_error_rate }
    }
}

/// The parts of this service.
pub fn service(settings: &Settings) -> Service {
    Service::named(NOTIFICATION, "notification-service")
        .migrations::<migrations::Migrator>()
        .participant(
            ParticipantBuilder::new(saga::NotificationSaga)
                .performs::<Notify>(settings.policy(), &Breaker::new("mailbox"), settings.mailbox())
                .lingers(LINGER),
        )
        .routes(http::routes, http::PROBLEMS)
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec = ServiceSpec {
    name: NOTIFICATION,
    settings: SETTINGS,
    port: 8085,
    build: |config| Ok(service(&config.section(NOTIFICATION)?)),
};
