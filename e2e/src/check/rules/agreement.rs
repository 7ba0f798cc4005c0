//! Order, reservation, payment and shipment have consistent states.

use events::OrderStatus;
use uuid::Uuid;

use crate::check::{Facts, Findings, facts::Detail};

pub fn check(facts: &Facts, found: &mut Findings) {
    for (&id, detail) in &facts.details {
        match detail.order.status {
            OrderStatus::Delivered => delivered(id, detail, found),
            OrderStatus::Cancelled => ended(id, detail, &["REFUNDED", "VOIDED", "DECLINED"], found),
            OrderStatus::Failed => ended(id, detail, &["DECLINED"], found),
            _ => {} // not terminal, and reported as such
        }
        shown(id, detail, found);
    }
}

/// Otherwise an order was shipped without stock or payment.
fn delivered(id: Uuid, detail: &Detail, found: &mut Findings) {
    let payment = detail.payment.as_ref().map_or("missing", |payment| payment.status.as_str());
    let paid = matches!(payment, "CHARGED" | "REFUNDED");
    found.expect(paid, "payment-agrees", id, format!("it is delivered, its payment is {payment}"));
    let shipment = detail.shipment.as_ref().map_or("missing", |shipment| shipment.status.as_str());
    found.expect(
        shipment == "Delivered",
        "shipment-agrees",
        id,
        format!("it is delivered, its shipment is {shipment}"),
    );
    let number = detail.shipment.as_ref().and_then(|shipment| shipment.tracking_number.as_deref()).unwrap_or_default();
    found.expect(!number.is_empty(), "tracking-number", id, "it is delivered without a tracking number");
    for item in &detail.order.items {
        let kept = detail.reservations.iter().filter(|kept| kept.product_id == item.product_id);
        let kept: Vec<_> = kept.map(|kept| (kept.quantity, kept.status.as_str())).collect();
        let ordered = detail.order.items.iter().filter(|other| other.product_id == item.product_id);
        let ordered: i64 = ordered.map(|item| i64::from(item.quantity)).sum();
        let left = !kept.is_empty() && kept.iter().all(|(_, status)| *status == "SHIPPED");
        let enough = kept.iter().map(|(quantity, _)| quantity).sum::<i64>() == ordered;
        let detail =
            format!("it is delivered, {ordered} of {} were ordered, its reservations are {kept:?}", item.product_id);
        found.expect(left && enough, "reservation-agrees", id, detail);
    }
}

/// Otherwise an order that has ended still holds stock, money or a parcel.
fn ended(id: Uuid, detail: &Detail, payments: &[&str], found: &mut Findings) {
    let status = detail.order.status;
    if let Some(payment) = &detail.payment {
        let detail = format!("it is {status:?}, its payment is {}", payment.status);
        found.expect(payments.contains(&payment.status.as_str()), "payment-agrees", id, detail);
    }
    for kept in &detail.reservations {
        let over = matches!(kept.status.as_str(), "RELEASED" | "REFUSED" | "CANCELLED");
        found.expect(over, "reservation-agrees", id, format!("it is {status:?}, a reservation is {}", kept.status));
    }
    if let Some(shipment) = &detail.shipment {
        let over = matches!(shipment.status.as_str(), "Cancelled" | "Failed");
        found.expect(over, "shipment-agrees", id, format!("it is {status:?}, its shipment is {}", shipment.status));
    }
}

/// Otherwise the order shows a wrong payment or shipment.
fn shown(id: Uuid, detail: &Detail, found: &mut Findings) {
    let order = &detail.order;
    let sum: i64 = order.items.iter().map(|item| item.line_total.minor()).sum();
    found.expect(sum == order.total_amount.minor(), "total", id, format!("its lines make {sum} hundredths"));
    if let (Some(shown), Some(payment)) = (&order.payment, &detail.payment) {
        let agrees = shown.amount == payment.amount && shown.refunded == payment.refunded;
        found.expect(agrees, "shown-payment", id, format!("it shows {shown:?}, the payment is {payment:?}"));
    }
    if order.status != OrderStatus::Delivered {
        return;
    }
    let number = |number: Option<&String>| number.cloned().unwrap_or_default();
    let shown = number(order.shipment.as_ref().and_then(|shipment| shipment.tracking_number.as_ref()));
    let real = number(detail.shipment.as_ref().and_then(|shipment| shipment.tracking_number.as_ref()));
    found.expect(shown == real, "shown-shipment", id, format!("it shows tracking number {shown:?}, it is {real:?}"));
}
