use super::{Key, Topic};
use crate::{
    Event, InventoryInsufficient, InventoryReleased, InventoryReserved, NotificationFailed, NotificationSent,
    OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderShipped,
    OrderStatusChanged, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged, ReservationExpired,
    ShipmentCancellationRefused, ShipmentCancelled, ShipmentFailed, service, topic,
};

/// Every topic.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: topic::ORDERS_IN,
        owner: service::ORDER,
        key: Key::Order,
        compacted: false,
        events: &[OrderCreated::TYPE, OrderCancellationRequested::TYPE, OrderCancelled::TYPE],
    },
    Topic {
        name: topic::INVENTORY_UPDATES,
        owner: service::INVENTORY,
        key: Key::Order,
        compacted: false,
        events: &[
            InventoryReserved::TYPE,
            InventoryInsufficient::TYPE,
            InventoryReleased::TYPE,
            ReservationExpired::TYPE,
        ],
    },
    Topic {
        name: topic::PAYMENT_UPDATES,
        owner: service::PAYMENT,
        key: Key::Order,
        compacted: false,
        events: &[PaymentProcessed::TYPE, PaymentFailed::TYPE, PaymentRefunded::TYPE],
    },
    Topic {
        name: topic::ORDERS_VALIDATED,
        owner: service::ORDER,
        key: Key::Order,
        compacted: false,
        events: &[OrderConfirmed::TYPE],
    },
    Topic {
        name: topic::SHIPPING_UPDATES,
        owner: service::FULFILLMENT,
        key: Key::Order,
        compacted: false,
        events: &[
            OrderShipped::TYPE,
            OrderDelivered::TYPE,
            ShipmentFailed::TYPE,
            ShipmentCancelled::TYPE,
            ShipmentCancellationRefused::TYPE,
        ],
    },
    Topic {
        name: topic::ORDER_STATUS,
        owner: service::ORDER,
        key: Key::Order,
        compacted: true,
        events: &[OrderStatusChanged::TYPE],
    },
    Topic {
        name: topic::NOTIFICATION_UPDATES,
        owner: service::NOTIFICATION,
        key: Key::Order,
        compacted: false,
        events: &[NotificationSent::TYPE, NotificationFailed::TYPE],
    },
    Topic {
        name: topic::CATALOG,
        owner: service::INVENTORY,
        key: Key::Product,
        compacted: true,
        events: &[ProductChanged::TYPE],
    },
];
