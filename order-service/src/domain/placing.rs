//! Placing an order.

use events::{Address, Currency, Customer, Item, Money, OrderCreated, OrderStatus, PaymentDetails};
use saga::{Consequences, Seen};
use store::Json;
use uuid::Uuid;

use super::{
    Cause, Details, OrderDeadline, OrderReceipt, OrderRules, Progress, Violation,
    rows::{Order, OrderDetails, Orders, Wire},
    violations,
};

/// Places an order. Its fields are in range; the catalogue is checked when the command is decided.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// A new id for the order.
    pub order_id: Uuid,
    pub customer_id: Uuid,
    pub customer: Customer,
    pub shipping_address: Address,
    pub currency: Currency,
    pub items: Vec<RequestedItem>,
    pub payment: PaymentDetails,
}

/// Product, quantity, and the price shown to the customer.
#[derive(Debug, Clone, Copy)]
pub struct RequestedItem {
    pub product_id: Uuid,
    pub quantity: u32,
    pub price: Money,
}

impl Orders {
    /// Accepts the order, or returns all violations.
    pub fn place(
        &mut self,
        command: &PlaceOrder,
        rules: &OrderRules,
        out: &mut Consequences,
    ) -> Result<OrderReceipt, Vec<Violation>> {
        let violations = violations(&command.items, Some(command.currency), |id| self.products.get(id));
        if !violations.is_empty() {
            return Err(violations);
        }
        let items: Vec<Item> = command.items.iter().map(|item| self.item(item)).collect();
        let total = items.iter().map(Item::line_total).try_fold(Money::ZERO, |sum, line| sum.checked_add(line?));
        let Some(total_amount) = total else {
            return Err(vec![Violation::TotalOutOfRange]);
        };

        let created = OrderCreated {
            customer_id: command.customer_id,
            customer: command.customer.clone(),
            currency: command.currency,
            total_amount,
            items,
            payment: command.payment.clone(),
        };
        let mut progress = Progress::default();
        out.publish(&mut progress.sequences.orders_in, &created);
        out.remind_at(out.now() + rules.deadline, &OrderDeadline);
        let details = Details {
            customer: created.customer,
            shipping_address: command.shipping_address.clone(),
            items: created.items,
            payment: created.payment,
        };
        self.details.insert(OrderDetails { order_id: command.order_id, details: Json(details) });
        let order = self.orders.insert(Order {
            id: command.order_id,
            customer_id: command.customer_id,
            status: Wire(OrderStatus::Pending),
            reason: None,
            version: 0,
            currency: Wire(command.currency),
            total_minor: total_amount.minor(),
            created_at: out.now(),
            updated_at: out.now(),
            trace_id: out.trace().id(),
            progress: Json(progress),
            seen: Seen::default(),
        });
        order.enter(OrderStatus::Pending, Cause::new("PlaceOrder", None), out);
        Ok(OrderReceipt::from(&order.summary()))
    }

    /// The item with the name of its product. The item has no violation, so its price is the current price.
    fn item(&self, requested: &RequestedItem) -> Item {
        let &RequestedItem { product_id, quantity, price } = requested;
        let product = self.products.get(&product_id).expect("checked by `violations`");
        Item { product_id, product_name: product.name.clone(), quantity, price }
    }
}
