//! The effect of events about stock, payment and parcel in each status. Topics are independent of each other:
//! `PaymentProcessed` may arrive before `InventoryReserved`, and `OrderDelivered` before `OrderShipped`.

use events::{CancelReason, Money, OrderCancelled, OrderConfirmed, OrderStatus::*, Recipient};
use saga::{
    Consequences,
    Verdict::{self, Done, Ignored},
};

use super::{
    Cause, Details, OrderDeadline, OrderDelivered, OrderShipped, PaymentFailed, PaymentProcessed, PaymentRefunded,
    PaymentStatus, PaymentView, ShipmentStatus, ShipmentView,
    rows::{Order, Wire},
};

const DECIDED: &str = "the order has a later status, or has ended";

impl Order {
    /// `InventoryReserved`. Ignored after `PaymentProcessed`.
    pub fn reserved(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        if *self.status != Pending {
            return Ignored(DECIDED);
        }
        self.enter(Reserved, by, out);
        Done
    }

    /// `PaymentProcessed` confirms the order: only reserved orders are charged, so the stock is reserved too.
    pub fn paid(
        &mut self,
        payment: &PaymentProcessed,
        details: &Details,
        by: Cause,
        out: &mut Consequences,
    ) -> Verdict {
        let recorded = self.record_charge(payment);
        if !self.is_early() {
            // The order ended while the charge was in flight: its cancellation leads to the refund.
            return if recorded { Done } else { Ignored(DECIDED) };
        }
        let confirmed = OrderConfirmed {
            customer_id: self.customer_id,
            currency: *self.currency,
            total_amount: Money::from_minor(self.total_minor),
            items: details.items.clone(),
            recipient: Recipient { name: details.customer.name.clone(), phone: details.customer.phone.clone() },
            shipping_address: details.shipping_address.clone(),
            payment_id: payment.payment_id,
        };
        out.cancel_reminder::<OrderDeadline>();
        out.publish(&mut self.progress.sequences.orders_validated, &confirmed);
        self.enter(Confirmed, by, out);
        Done
    }

    /// `OrderShipped`: the parcel is with the carrier, so a requested cancellation is too late.
    pub fn shipped(&mut self, parcel: &OrderShipped, by: Cause, out: &mut Consequences) -> Verdict {
        let known = self.progress.shipment.as_ref();
        let overtaken = *self.status == Delivered && known.is_none_or(|it| it.tracking_number.is_none());
        if !self.awaits_parcel() && !overtaken {
            return Ignored(DECIDED);
        }
        let status = if overtaken { ShipmentStatus::Delivered } else { ShipmentStatus::Shipped };
        self.progress.shipment = Some(ShipmentView {
            status,
            shipment_id: Some(parcel.shipment_id),
            carrier: Some(parcel.carrier.clone()),
            tracking_number: Some(parcel.tracking_number.clone()),
            estimated_delivery: Some(parcel.estimated_delivery),
        });
        if !overtaken {
            self.enter(Shipped, by, out);
        }
        Done
    }

    /// `OrderDelivered`. It may arrive before `OrderShipped` while partitions are added.
    pub fn delivered(&mut self, parcel: &OrderDelivered, by: Cause, out: &mut Consequences) -> Verdict {
        if !self.awaits_parcel() && *self.status != Shipped {
            return Ignored(DECIDED);
        }
        let shipment = self.shipment_is(ShipmentStatus::Delivered);
        shipment.shipment_id = Some(parcel.shipment_id);
        self.enter(Delivered, by, out);
        Done
    }

    /// `InventoryInsufficient`.
    pub fn out_of_stock(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        self.cancel_early(CancelReason::OutOfStock, by, out)
    }

    /// `ReservationExpired`: the stock is still reserved; `OrderCancelled` releases it.
    pub fn reservation_expired(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        self.cancel_early(CancelReason::ReservationExpired, by, out)
    }

    /// `OrderDeadline`: the order was not confirmed in time.
    pub fn deadline_exceeded(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        self.cancel_early(CancelReason::DeadlineExceeded, by, out)
    }

    fn cancel_early(&mut self, reason: CancelReason, by: Cause, out: &mut Consequences) -> Verdict {
        if !self.is_early() {
            return Ignored(DECIDED);
        }
        self.end(reason, by, out);
        Done
    }

    /// `PaymentFailed`: nothing was charged. Inventory reacts to the same event and releases the stock.
    pub fn payment_failed(&mut self, refusal: &PaymentFailed, by: Cause, out: &mut Consequences) -> Verdict {
        if !self.is_early() {
            return Ignored(DECIDED);
        }
        self.progress.payment = Some(PaymentView {
            status: PaymentStatus::Declined,
            payment_id: None,
            amount: refusal.amount,
            refunded: Money::ZERO,
        });
        self.reason = Some(Wire(refusal.reason.into()));
        out.cancel_reminder::<OrderDeadline>();
        self.enter(Failed, by, out);
        Done
    }

    /// `ShipmentFailed`: the carrier refused the parcel permanently.
    pub fn shipment_failed(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        if !self.awaits_parcel() {
            return Ignored(DECIDED);
        }
        self.shipment_is(ShipmentStatus::Failed);
        self.end(CancelReason::ShipmentFailed, by, out);
        Done
    }

    /// `ShipmentCancelled`: no parcel exists, and none will be sent.
    pub fn shipment_cancelled(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        if !self.awaits_parcel() {
            return Ignored(DECIDED);
        }
        self.shipment_is(ShipmentStatus::Cancelled);
        self.end(CancelReason::CustomerRequest, by, out);
        Done
    }

    /// `ShipmentCancellationRefused`: the order is confirmed again. `OrderShipped` follows if it has not arrived yet.
    pub fn cancellation_refused(&mut self, by: Cause, out: &mut Consequences) -> Verdict {
        if *self.status != Cancelling {
            return Ignored(DECIDED);
        }
        self.progress.note = None;
        self.enter(Confirmed, by, out);
        Done
    }

    /// `PaymentRefunded` updates the payment and no status. It may arrive before `PaymentProcessed`.
    pub fn refunded(&mut self, refund: &PaymentRefunded) -> Verdict {
        let total = Money::from_minor(self.total_minor);
        let before = self.progress.payment.filter(|it| it.status != PaymentStatus::Declined);
        let (amount, refunded) = before.map_or((total, Money::ZERO), |it| (it.amount, it.refunded));
        if refund.refunded_total <= refunded {
            return Ignored("the refund is already recorded");
        }
        let all = refund.refunded_total >= amount;
        self.progress.payment = Some(PaymentView {
            status: if all { PaymentStatus::Refunded } else { PaymentStatus::Charged },
            payment_id: Some(refund.payment_id),
            amount,
            refunded: refund.refunded_total,
        });
        Done
    }

    /// Cancels the order. The other services compensate on `OrderCancelled`.
    pub(super) fn end(&mut self, reason: CancelReason, by: Cause, out: &mut Consequences) {
        if self.is_early() {
            out.cancel_reminder::<OrderDeadline>();
        }
        let note = self.progress.note.clone().filter(|_| reason == CancelReason::CustomerRequest);
        self.reason = Some(Wire(reason.into()));
        out.publish(&mut self.progress.sequences.orders_in, &OrderCancelled { reason, note });
        self.enter(Cancelled, by, out);
    }

    /// Whether the charge is new.
    fn record_charge(&mut self, payment: &PaymentProcessed) -> bool {
        let known = self.progress.payment.is_some_and(|it| it.status != PaymentStatus::Declined);
        if !known {
            self.progress.payment = Some(PaymentView {
                status: PaymentStatus::Charged,
                payment_id: Some(payment.payment_id),
                amount: payment.amount,
                refunded: Money::ZERO,
            });
        }
        !known
    }

    fn shipment_is(&mut self, status: ShipmentStatus) -> &mut ShipmentView {
        let shipment = self.progress.shipment.get_or_insert_with(|| ShipmentView::new(status));
        shipment.status = status;
        shipment
    }
}
