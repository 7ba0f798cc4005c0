use super::Start;
use crate::{
    Event, InventoryReserved, OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered,
    OrderShipped, OrderStatusChanged, PaymentRefunded, ProductChanged, ReservationExpired, ShipmentCancellationRefused,
    service,
};

/// Everything that happens without an event asking for it at that moment.
pub const STARTS: &[Start] = &[
    Start {
        when: "a customer places an order",
        service: service::ORDER,
        publishes: &[OrderCreated::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "somebody cancels an order that is not confirmed yet",
        service: service::ORDER,
        publishes: &[OrderCancelled::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "somebody cancels a confirmed order",
        service: service::ORDER,
        publishes: &[OrderCancellationRequested::TYPE, OrderStatusChanged::TYPE],
        after: &[],
    },
    Start {
        when: "an order has not moved for its whole deadline",
        service: service::ORDER,
        publishes: &[OrderCancelled::TYPE, OrderStatusChanged::TYPE],
        after: &[OrderCreated::TYPE, InventoryReserved::TYPE],
    },
    Start {
        when: "a reservation outlives its time",
        service: service::INVENTORY,
        publishes: &[ReservationExpired::TYPE],
        after: &[OrderCreated::TYPE],
    },
    Start {
        when: "somebody of the shop orders a refund",
        service: service::PAYMENT,
        publishes: &[PaymentRefunded::TYPE],
        after: &[],
    },
    Start {
        when: "the carrier reports the parcel",
        service: service::FULFILLMENT,
        publishes: &[OrderShipped::TYPE, OrderDelivered::TYPE, ShipmentCancellationRefused::TYPE],
        after: &[OrderConfirmed::TYPE, OrderCancellationRequested::TYPE],
    },
    Start {
        when: "a product or its stock is changed",
        service: service::INVENTORY,
        publishes: &[ProductChanged::TYPE],
        after: &[],
    },
];
