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

/// What the rows below leave unsaid: it notes something, owes nothing, and undoes nothing.
const NOTES: Reaction = Reaction {
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

/// Every reaction. A transition of an order publishes `OrderStatusChanged` in the same decision; nobody's deadline hangs
/// on that, so it is never owed.
pub const REACTIONS: &[Reaction] = &[
    // the way of an order that goes well
    Reaction {
        on: &[OrderCreated::TYPE],
        service: INVENTORY,
        does: "reserves all items or none",
        owes: &[InventoryReserved::TYPE, InventoryInsufficient::TYPE],
        unless: &[OrderCancelled::TYPE], // its tombstone came first
        also: &[ProductChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction { on: &[OrderCreated::TYPE], service: PAYMENT, does: "notes amount and token", ..NOTES },
    Reaction { on: &[OrderCreated::TYPE], service: NOTIFICATION, does: "notes the contact", ..NOTES },
    Reaction {
        on: &[InventoryReserved::TYPE],
        service: PAYMENT,
        does: "charges the order's total",
        owes: &[PaymentProcessed::TYPE, PaymentFailed::TYPE],
        unless: &[OrderCancelled::TYPE], // the charge is never made, or is refunded
        also: &[PaymentRefunded::TYPE],  // at once, when it was cancelled while the charge was in flight
        within: MINUTES,
        ..NOTES
    },
    Reaction {
        on: &[PaymentProcessed::TYPE],
        service: ORDER,
        does: "confirms; does nothing when the order has ended meanwhile, for its cancellation leads to the refund",
        owes: &[OrderConfirmed::TYPE],
        unless: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[OrderConfirmed::TYPE],
        service: FULFILLMENT,
        does: "books a carrier, who picks the parcel up",
        owes: &[OrderShipped::TYPE, ShipmentFailed::TYPE],
        unless: &[ShipmentCancelled::TYPE, OrderCancelled::TYPE],
        within: HOUR,
        ..NOTES
    },
    Reaction {
        on: &[OrderConfirmed::TYPE],
        service: INVENTORY,
        does: "turns the reservation into a commitment, which does not expire",
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: INVENTORY,
        does: "lets the stock leave the building",
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: FULFILLMENT,
        does: "sees the parcel delivered by the carrier",
        owes: &[OrderDelivered::TYPE],
        within: FORTNIGHT,
        ..NOTES
    },
    Reaction {
        on: &[OrderShipped::TYPE],
        service: PAYMENT,
        does: "notes that a refund in full is now possible without cancelling",
        ..NOTES
    },
    Reaction {
        on: &[InventoryReserved::TYPE, OrderShipped::TYPE, OrderDelivered::TYPE],
        service: ORDER,
        does: "moves its status on, and shows the shipment",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    // what goes wrong, and how it is undone
    Reaction {
        on: &[InventoryInsufficient::TYPE],
        service: ORDER,
        does: "cancels, reason OUT_OF_STOCK",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[PaymentFailed::TYPE],
        service: INVENTORY,
        does: "gives the stock back",
        owes: &[InventoryReleased::TYPE],
        also: &[ProductChanged::TYPE],
        within: SOON,
        undoes: true,
        ..NOTES
    },
    Reaction {
        on: &[PaymentFailed::TYPE],
        service: ORDER,
        does: "fails",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[ShipmentFailed::TYPE],
        service: ORDER,
        does: "cancels, reason SHIPMENT_FAILED",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[ReservationExpired::TYPE],
        service: ORDER,
        does: "cancels, reason RESERVATION_EXPIRED, unless it has been confirmed or has ended meanwhile",
        owes: &[OrderCancelled::TYPE],
        unless: &[OrderConfirmed::TYPE, PaymentFailed::TYPE],
        also: &[OrderStatusChanged::TYPE],
        ..NOTES
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: INVENTORY,
        does: "gives back what it holds; what is not reserved yet never will be",
        owes: &[InventoryReleased::TYPE],
        given: &[InventoryReserved::TYPE],
        also: &[ProductChanged::TYPE],
        within: MINUTES,
        undoes: true,
        ..NOTES
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: PAYMENT,
        does: "refunds what is left of the charge; what is not charged yet never will be",
        owes: &[PaymentRefunded::TYPE], // the one whose `refundedTotal` is what was charged, no earlier part
        given: &[PaymentProcessed::TYPE],
        also: &[PaymentProcessed::TYPE], // the charge was in flight: told before it is refunded
        within: MINUTES,
        undoes: true,
        ..NOTES
    },
    Reaction {
        on: &[OrderCancelled::TYPE],
        service: FULFILLMENT,
        does: "leaves a tombstone: what is not booked yet never will be",
        undoes: true,
        ..NOTES
    },
    Reaction {
        on: &[OrderCancellationRequested::TYPE],
        service: FULFILLMENT,
        does: "cancels the parcel, or says that it is too late",
        owes: &[
            ShipmentCancelled::TYPE,
            ShipmentCancellationRefused::TYPE,
            ShipmentFailed::TYPE, // which it owed anyway
            OrderShipped::TYPE,
        ],
        within: MINUTES,
        undoes: true,
        ..NOTES
    },
    Reaction {
        on: &[ShipmentCancelled::TYPE],
        service: ORDER,
        does: "cancels, reason CUSTOMER_REQUEST",
        owes: &[OrderCancelled::TYPE],
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction {
        on: &[ShipmentCancellationRefused::TYPE],
        service: ORDER,
        does: "goes back to CONFIRMED, or on to SHIPPED",
        also: &[OrderStatusChanged::TYPE],
        within: SOON,
        ..NOTES
    },
    Reaction { on: &[PaymentRefunded::TYPE], service: ORDER, does: "shows the refund", within: SOON, ..NOTES },
    // those who look on
    Reaction { on: &[ProductChanged::TYPE], service: ORDER, does: "keeps the prices to check orders against", ..NOTES },
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
        owes: &[NotificationSent::TYPE, NotificationFailed::TYPE], // whose `event` is the one reacted to
        within: MINUTES,
        ..NOTES
    },
    Reaction {
        on: &[OrderStatusChanged::TYPE],
        service: NOTIFICATION,
        does: "tells them when the status is FAILED",
        also: &[NotificationSent::TYPE, NotificationFailed::TYPE],
        within: MINUTES,
        ..NOTES
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
        does: "folds it into reports, saga ledger and audit",
        ..NOTES
    },
];
