use std::time::Duration;

use super::Reaction;
use crate::{
    Event, InventoryInsufficient, InventoryReleased, InventoryReserved, NotificationFailed, NotificationSent,
    OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderShipped,
    OrderStatusChanged, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged, ReservationExpired,
    ShipmentCancellationRefused, ShipmentCancelled, ShipmentFailed,
    service::{ANALYTICS, FULFILLMENT, INVENTORY, NOTIFICATION, ORDER, PAYMENT},
};

const SOON: Option<Duration> = Some(Duration::from_secs(30));
const MINUTES: Option<Duration> = Some(Duration::from_mins(5));
const HOUR: Option<Duration> = Some(Duration::from_hours(1));
const FORTNIGHT: Option<Duration> = Some(Duration::from_hours(14 * 24));

/// Defaults of the reactions below: no event is owed, there is no deadline, and nothing is compensated.
const DEFAULTS: Reaction = Reaction {
    on: &[],
    service: "",
    does: "",
    owes: &[],
    given: &[],
    unless: &[],
    also: &[],
    within: None,
    undoes: false,
};

/// Every reaction. A transition of an order publishes `OrderStatusChanged` in the same transaction. That event is never
/// owed, because no deadline depends on it.
pub const REACTIONS: &[Reaction] = &[
    // a successful order
    Reaction {
        on: &[OrderCreated::TYPE],
        service: INVENTORY,
        does: "reserves all items or none",
        owes: &[InventoryReserved::TYPE, InventoryInsufficient::TYPE],
        unless: &[OrderCancelled::TYPE], // its tombstone arrived first
        also: &[ProductChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction { on: &[OrderCreated::TYPE], service: PAYMENT, does: "stores amount and token", ..DEFAULTS },
    Reaction { on: &[OrderCreated::TYPE], service: NOTIFICATION, does: "stores the contact", ..DEFAULTS },
    Reaction {
        on: &[InventoryReserved::TYPE],
        service: PAYMENT,
        does: "charges the order's total",
        owes: &[PaymentProcessed::TYPE, PaymentFailed::TYPE],
        unless: &[OrderCancelled::TYPE], // the charge is not made, or is refunded
        also: &[PaymentRefunded::TYPE],  // immediately, if the order was cancelled during the charge
        within: MINUTES,
        ..DEFAULTS
    },
    Reaction {
        on: &[PaymentProcessed::TYPE],
        service: ORDER,
        does: "confirms the order; does nothing if the order has ended, because its cancellation leads to the refund",
        owes: &[OrderConfirmed::TYPE],
        unless: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderConfirmed::TYPE],
        service: FULFILLMENT,
        does: "books a carrier, which collects the parcel",
        owes: &[OrderShipped::TYPE, ShipmentFailed::TYPE],
        unless: &[ShipmentCancelled::TYPE, OrderCancelled::TYPE],
        within: HOUR,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderConfirmed::TYPE],
        service: INVENTORY,
        does: "commits the reservation, so that it does not expire",
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: INVENTORY,
        does: "removes the shipped units from stock",
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: FULFILLMENT,
        does: "follows the parcel until the carrier delivers it",
        owes: &[OrderDelivered::TYPE],
        within: FORTNIGHT,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: PAYMENT,
        does: "allows a full refund without cancellation from now on",
        ..DEFAULTS
    },
    Reaction {
        on: &[InventoryReserved::TYPE, OrderShipped::TYPE, OrderDelivered::TYPE],
        service: ORDER,
        does: "updates the order's status and shipment",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    // failures and compensations
    Reaction {
        on: &[InventoryInsufficient::TYPE],
        service: ORDER,
        does: "cancels the order, reason OUT_OF_STOCK",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[PaymentFailed::TYPE],
        service: INVENTORY,
        does: "releases the stock",
        owes: &[InventoryReleased::TYPE],
        also: &[ProductChanged::TYPE],
        within: SOON,
        undoes: true,
        ..DEFAULTS
    },
    Reaction {
        on: &[PaymentFailed::TYPE],
        service: ORDER,
        does: "marks the order as FAILED",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[ShipmentFailed::TYPE],
        service: ORDER,
        does: "cancels the order, reason SHIPMENT_FAILED",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[ReservationExpired::TYPE],
        service: ORDER,
        does: "cancels the order, reason RESERVATION_EXPIRED, unless it is confirmed or has ended",
        owes: &[OrderCancelled::TYPE],
        unless: &[OrderConfirmed::TYPE, PaymentFailed::TYPE],
        also: &[OrderStatusChanged::TYPE],
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: INVENTORY,
        does: "releases the reserved stock; reserves nothing for the order afterwards",
        owes: &[InventoryReleased::TYPE],
        given: &[InventoryReserved::TYPE],
        also: &[ProductChanged::TYPE],
        within: MINUTES,
        undoes: true,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: PAYMENT,
        does: "refunds the rest of the charge; charges nothing for the order afterwards",
        owes: &[PaymentRefunded::TYPE], // the one whose `refundedTotal` equals the charge, not a partial refund
        given: &[PaymentProcessed::TYPE],
        also: &[PaymentProcessed::TYPE], // a charge in flight: published before its refund
        within: MINUTES,
        undoes: true,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: FULFILLMENT,
        does: "stores a tombstone, so that no shipment is booked afterwards",
        undoes: true,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderCancellationRequested::TYPE],
        service: FULFILLMENT,
        does: "cancels the shipment, or refuses because it is too late",
        owes: &[
            ShipmentCancelled::TYPE,
            ShipmentCancellationRefused::TYPE,
            ShipmentFailed::TYPE, // owed by the shipment as well
            OrderShipped::TYPE,
        ],
        within: MINUTES,
        undoes: true,
        ..DEFAULTS
    },
    Reaction {
        on: &[ShipmentCancelled::TYPE],
        service: ORDER,
        does: "cancels the order, reason CUSTOMER_REQUEST",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[ShipmentCancellationRefused::TYPE],
        service: ORDER,
        does: "sets the order back to CONFIRMED, or on to SHIPPED",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..DEFAULTS
    },
    Reaction {
        on: &[PaymentRefunded::TYPE],
        service: ORDER,
        does: "stores the refund for display",
        within: SOON,
        ..DEFAULTS
    },
    // observers
    Reaction {
        on: &[ProductChanged::TYPE],
        service: ORDER,
        does: "stores the prices that orders are checked against",
        ..DEFAULTS
    },
    Reaction {
        on: &[
            OrderConfirmed::TYPE,
            OrderShipped::TYPE,
            OrderDelivered::TYPE,
            OrderCancelled::TYPE,
            PaymentRefunded::TYPE,
        ],
        service: NOTIFICATION,
        does: "sends a message to the customer",
        owes: &[NotificationSent::TYPE, NotificationFailed::TYPE], // whose `event` is the type of the triggering event
        within: MINUTES,
        ..DEFAULTS
    },
    Reaction {
        on: &[OrderStatusChanged::TYPE],
        service: NOTIFICATION,
        does: "sends a message to the customer if the status is FAILED",
        also: &[NotificationSent::TYPE, NotificationFailed::TYPE],
        within: MINUTES,
        ..DEFAULTS
    },
    Reaction {
        on: &[
            OrderCreated::TYPE,
            OrderCancellationRequested::TYPE,
            OrderCancelled::TYPE,
            InventoryReserved::TYPE,
            InventoryInsufficient::TYPE,
            InventoryReleased::TYPE,
            ReservationExpired::TYPE,
            PaymentProcessed::TYPE,
            PaymentFailed::TYPE,
            PaymentRefunded::TYPE,
            OrderConfirmed::TYPE,
            OrderShipped::TYPE,
            OrderDelivered::TYPE,
            ShipmentFailed::TYPE,
            ShipmentCancelled::TYPE,
            ShipmentCancellationRefused::TYPE,
            NotificationSent::TYPE,
            NotificationFailed::TYPE,
            ProductChanged::TYPE,
        ],
        service: ANALYTICS,
        does: "adds the event to reports, saga ledger and audit",
        ..DEFAULTS
    },
];
