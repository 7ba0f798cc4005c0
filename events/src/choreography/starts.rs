use super::Start;
use crate::{
    Event, InventoryReserved, OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered,
    OrderShipped, OrderStatusChanged, PaymentRefunded, ProductChanged, ReservationExpired, ShipmentCancellationRefused,
    service,
};

/// Every cause of events that is not an event itself.
pub const STARTS: &[Start] = &[
    Start {
        when: "a customer places an order",
        service: service::ORDER,
        publishes: &[OrderCreated::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "the cancellation of an unconfirmed order is requested",
        service: service::ORDER,
        publishes: &[OrderCancelled::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "the cancellation of a confirmed order is requested",
        service: service::ORDER,
        publishes: &[OrderCancellationRequested::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "an order has made no progress before its deadline",
        service: service::ORDER,
        publishes: &[OrderCancelled::TYPE, OrderStatusChanged::TYPE],
        after: &[OrderCreated::TYPE, InventoryReserved::TYPE],
    },
    Start {
        when: "a reservation expires",
        service: service::INVENTORY,
        publishes: &[ReservationExpired::TYPE],
        after: &[OrderCreated::TYPE],
    },
    Start {
        when: "an operator requests a refund",
        service: service::PAYMENT,
        publishes: &[PaymentRefunded::TYPE],
        after: &[],
    },
    Start {
        when: "the carrier reports progress of the parcel",
        service: service::FULFILLMENT,
        publishes: &[OrderShipped::TYPE, OrderDelivered::TYPE, ShipmentCancellationRefused::TYPE],
        after: &[OrderConfirmed::TYPE, OrderCancellationRequested::TYPE],
    },
    Start {
        when: "a product or its stock is changed by an operator",
        service: service::INVENTORY,
        publishes: &[ProductChanged::TYPE],
        after: &[],
    },
];
