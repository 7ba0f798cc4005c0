//! Connects services and sandbox within one process. No other module knows both.

mod carrier;
mod payment_provider;

use std::{future::ready, sync::Arc};

use events::service::{FULFILLMENT, PAYMENT};
use host::Service;
use sandbox::{
    carrier::{Carrier, Settings as CarrierSettings},
    payment_provider::PaymentProvider,
};
use settings::{Config, ConfigError};

pub use carrier::{InProcessCarrier, book_answer, book_command, cancel_answer, progress, send_updates_to};
pub use payment_provider::{
    InProcessProvider, charge_answer, charge_command, close_answer, close_command, query_answer, query_command,
    refund_command, refunded,
};

/// The sandbox's services without the services that call them.
pub fn services(config: &Config) -> Result<[Service; 2], ConfigError> {
    Ok([provider(config)?.service(), carrier(config)?.0.service()])
}

/// The payment service and a provider in the same process.
pub fn with_payment(config: &Config) -> Result<[Service; 2], ConfigError> {
    let provider = provider(config)?;
    let service = provider.service();
    let payment = payment_service::service(&config.section(PAYMENT)?, Arc::new(InProcessProvider(provider)));
    Ok([service, payment])
}

/// The fulfillment service and a carrier in the same process.
pub fn with_fulfillment(config: &Config) -> Result<[Service; 2], ConfigError> {
    let (carrier, settings) = carrier(config)?;
    let fulfillment = fulfillment_service::service(&config.section(FULFILLMENT)?, InProcessCarrier(carrier.clone()));
    let service = carrier.service();
    let fulfillment = match settings.webhook.get() {
        Some(webhook) => {
            carrier.send_updates_to(webhook);
            fulfillment
        }
        None => fulfillment.task(move |app, _| {
            send_updates_to(&carrier, app);
            ready(())
        }),
    };
    Ok([service, fulfillment])
}

/// The sandbox's services that no service in this process calls: for other processes, over HTTP.
pub fn for_others(config: &Config, provider_taken: bool, carrier_taken: bool) -> Result<Vec<Service>, ConfigError> {
    let mut services = Vec::new();
    if !provider_taken {
        services.push(provider(config)?.service());
    }
    if !carrier_taken {
        let (carrier, settings) = carrier(config)?;
        let needed = "is needed: the carrier's updates go to the fulfillment service, which is not in this process";
        let webhook = settings.webhook.get().ok_or_else(|| config.refuse("sandbox.carrier.webhook", needed))?;
        carrier.send_updates_to(webhook);
        services.push(carrier.service());
    }
    Ok(services)
}

fn provider(config: &Config) -> Result<PaymentProvider, ConfigError> {
    Ok(PaymentProvider::new(&config.section("sandbox.payment")?))
}

fn carrier(config: &Config) -> Result<(Carrier, CarrierSettings), ConfigError> {
    let settings: CarrierSettings = config.section("sandbox.carrier")?;
    Ok((Carrier::new(&settings), settings))
}
