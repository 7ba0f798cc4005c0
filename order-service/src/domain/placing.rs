//! Taking an order.

use chrono::TimeDelta;
use events::{Address, Currency, Customer, Item, Money, OrderCreated, OrderStatus, PaymentDetails};
use saga::Consequences;
use store::Json;
use uuid::Uuid;

use super::{Cause, Details, OrderDeadline, OrderReceipt, Progress, Violation, violations};
use crate::store::{Order, OrderDetails, Orders, Wire};

/// A customer wants this. Its fields are in range; whether the catalogue agrees is decided with the order.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// The id the order will have: a fresh one.
    pub order_id: Uuid,
    pub customer_id: Uuid,
    pub customer: Customer,
    pub shipping_address: Address,
    pub currency: Currency,
    pub items: Vec<WantedItem>,
    pub payment: PaymentDetails,
}

/// So many of a product, at the price the customer has seen.
#[derive(Debug, Clone, Copy)]
pub struct WantedItem {
    pub product_id: Uuid,
    pub quantity: u32,
    pub price: Money,
}

impl Orders {
    /// Accepts the order, or returns all violations.
    pub fn place(
        &mut self,
        wanted: &PlaceOrder,
        deadline: TimeDelta,
        out: &mut Consequences,
    ) -> Result<OrderReceipt, Vec<Violation>> {
        let violations = violations(&wanted.items, Some(wanted.currency), |id| self.products.get(id));
        if !violations.is_empty() {
            return Err(violations);
        }
        let items: Vec<Item> = wanted.items.iter().map(|item| self.item(item)).collect();
        let total = items.iter().map(Item::line_total).try_fold(Money::ZERO, |sum, line| sum.checked_add(line?));
        let Some(total_amount) = total else {
            return Err(vec![Violation::TotalOutOfRange]);
        };

        let created = OrderCreated {
            customer_id: wanted.customer_id,
            customer: wanted.customer.clone(),
            currency: wanted.currency,
            total_amount,
            items,
            payment: wanted.payment.clone(),
        };
        let mut progress = Progress::default();
        out.publish(&mut progress.sequences.orders_in, &created);
        out.remind_at(out.now() + deadline, &OrderDeadline);
        let details = Details {
            customer: created.customer,
            shipping_address: wanted.shipping_address.clone(),
            items: created.items,
            payment: created.payment,
        };
        self.details.insert(OrderDetails { order_id: wanted.order_id, details: Json(details) });
        let order = self.orders.insert(Order {
            id: wanted.order_id,
            customer_id: wanted.customer_id,
            status: Wire(OrderStatus::Pending),
            reason: None,
            version: 0,
            currency: Wire(wanted.currency),
            total_minor: total_amount.minor(),
            created_at: out.now(),
            updated_at: out.now(),
            trace_id: out.trace().id(),
            progress: Json(progress),
        });
        order.enter(OrderStatus::Pending, Cause::new("PlaceOrder", None), out);
        Ok(OrderReceipt::from(&order.summary()))
    }

    /// As it is sold now: the catalogue has just been asked, and agrees.
    fn item(&self, wanted: &WantedItem) -> Item {
        let &WantedItem { product_id, quantity, price } = wanted;
        let product = self.products.get(&product_id).expect("the catalogue knows it");
        Item { product_id, product_name: product.name.clone(), quantity, price }
    }
}
