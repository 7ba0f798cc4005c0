//! The services of this process: the one list, the settings of each, and how they are wired together.

use std::sync::Arc;

use events::service::{ANALYTICS, FULFILLMENT, INVENTORY, NOTIFICATION, ORDER, PAYMENT};
use fulfillment_service::sandbox as carrier;
use payment_service::sandbox as bank;
use platform::config::{Config, ConfigError};
use serde::de::DeserializeOwned;

use crate::{Failure, dev::Starting};

/// The pretended payment provider and carrier. They stop last, because others may be waiting for their answers.
pub const OUTSIDE: [&str; 2] = ["sandbox-payment", "sandbox-carrier"];

/// Short names of all.
pub const NAMES: [&str; 8] = [INVENTORY, ORDER, OUTSIDE[0], PAYMENT, OUTSIDE[1], FULFILLMENT, NOTIFICATION, ANALYTICS];

/// The commented defaults of all services. One text, because two of them share the section `sandbox`.
pub fn defaults() -> String {
    [
        order_service::SETTINGS,
        inventory_service::SETTINGS,
        payment_service::SETTINGS,
        fulfillment_service::SETTINGS,
        notification_service::SETTINGS,
    ]
    .join("\n")
}

/// The section of each service.
pub struct Settings {
    order: order_service::Settings,
    inventory: inventory_service::Settings,
    payment: payment_service::Settings,
    bank: bank::Settings,
    fulfillment: fulfillment_service::Settings,
    carrier: carrier::Settings,
    notification: notification_service::Settings,
}

impl Settings {
    /// All problems at once.
    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let (order, inventory) = (section(config, ORDER, &mut problems), section(config, INVENTORY, &mut problems));
        let (payment, bank) =
            (section(config, PAYMENT, &mut problems), section(config, "sandbox.payment", &mut problems));
        let fulfillment = section(config, FULFILLMENT, &mut problems);
        let carrier = section(config, "sandbox.carrier", &mut problems);
        let notification = section(config, NOTIFICATION, &mut problems);
        match (order, inventory, payment, bank, fulfillment, carrier, notification) {
            (
                Some(order),
                Some(inventory),
                Some(payment),
                Some(bank),
                Some(fulfillment),
                Some(carrier),
                Some(notification),
            ) => Ok(Self { order, inventory, payment, bank, fulfillment, carrier, notification }),
            _ => Err(ConfigError { problems }),
        }
    }

    /// Starts them, each after what it calls.
    pub(crate) async fn start(&self, process: &mut Starting<'_>) -> Result<(), Failure> {
        process.start(INVENTORY, inventory_service::service(&self.inventory)).await?;
        process.start(ORDER, order_service::service(&self.order)).await?;

        let bank = bank::Sandbox::new(&self.bank);
        let provider = bank.provider(process.start(OUTSIDE[0], bank.service()).await?);
        process.start(PAYMENT, payment_service::service(&self.payment, Arc::new(provider))).await?;

        let (service, carrier) = carrier::service(&self.carrier);
        let adapter = carrier.adapter(process.start(OUTSIDE[1], service).await?);
        let shop = process.start(FULFILLMENT, fulfillment_service::service(&self.fulfillment, adapter)).await?;
        carrier::connect(&carrier, shop);

        process.start(NOTIFICATION, notification_service::service(&self.notification)).await?;
        process.start(ANALYTICS, analytics_service::service()).await?;
        Ok(())
    }
}

fn section<T: DeserializeOwned>(
    config: &Config,
    name: &str,
    problems: &mut Vec<platform::config::Problem>,
) -> Option<T> {
    config.section(name).map_err(|error| problems.extend(error.problems)).ok()
}
