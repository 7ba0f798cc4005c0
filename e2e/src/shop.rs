//! A shop that uses the system over HTTP, and records its requests and the answers for the checker.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use events::{Currency, Money};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    client::{Answer, CallError, Client},
    eventually::{WAIT_TIMEOUT, within},
    ids,
    model::{OrderSummary, Product},
};

/// Path for placing orders.
pub const ORDERS: &str = "/api/v1/orders";

/// Requests and answers of the shop.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Accepted orders, by idempotency key.
    pub accepted: BTreeMap<String, Accepted>,
    /// Orders without an answer that were not repeated, by idempotency key.
    pub unanswered: BTreeMap<String, Wanted>,
    /// Orders with a cancellation request, whatever its answer.
    pub cancelling: BTreeSet<Uuid>,
    /// Units added to the stock of each product.
    pub received: BTreeMap<Uuid, i64>,
    /// Accepted refunds, by order.
    pub refunds: BTreeMap<Uuid, Vec<Money>>,
}

/// An accepted order.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub order_id: Uuid,
    pub total: Money,
    pub wanted: Wanted,
}

/// The content of an order, as requested.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub items: Vec<(Uuid, u32)>,
    pub token: String,
}

/// The body of the request that places an order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    pub customer_id: Uuid,
    pub currency: Currency,
    pub customer: Value,
    pub shipping_address: Value,
    pub items: Vec<NewItem>,
    pub payment: NewPayment,
}

/// A line of the order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewItem {
    pub product_id: Uuid,
    pub quantity: u32,
    pub price: Money,
}

/// The payment of the order.
#[derive(Debug, Clone, Serialize)]
pub struct NewPayment {
    pub method: String,
    pub token: String,
}

impl NewOrder {
    /// An order of one product by a new customer.
    pub fn of(product: &Product, quantity: u32) -> Self {
        Self {
            customer_id: ids::fresh(),
            currency: product.currency,
            customer: json!({ "name": "Ada Lovelace", "email": "ada@example.org", "phone": "+441234567890", "language": "en" }),
            shipping_address: json!({ "line1": "1 Main St", "city": "London", "postalCode": "N1 1AA", "country": "GB" }),
            items: vec![NewItem { product_id: product.product_id, quantity, price: product.price }],
            payment: NewPayment { method: "card".to_owned(), token: "tok_ok".to_owned() },
        }
    }

    /// Sets the payment token, which determines how the sandbox answers.
    #[must_use]
    pub fn paid_with(mut self, token: &str) -> Self {
        token.clone_into(&mut self.payment.token);
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn and(mut self, product: &Product, quantity: u32) -> Self {
        self.items.push(NewItem { product_id: product.product_id, quantity, price: product.price });
        self
    }

    /// The content to record.
    pub fn wanted(&self) -> Wanted {
        let items = self.items.iter().map(|item| (item.product_id, item.quantity)).collect();
        Wanted { items, token: self.payment.token.clone() }
    }
}

/// The shop. Clones share the history.
#[derive(Debug, Clone)]
pub struct Shop {
    pub client: Client,
    history: Arc<Mutex<History>>,
}

impl Shop {
    /// A shop with an empty history.
    pub fn new(client: Client) -> Self {
        Self { client, history: Arc::default() }
    }

    /// The same shop with another client.
    #[must_use]
    pub fn calling(&self, client: Client) -> Self {
        Self { client, history: Arc::clone(&self.history) }
    }

    /// The history so far.
    pub fn history(&self) -> History {
        self.lock().clone()
    }

    /// A new product with stock.
    pub async fn product(&self, price: &str, stock: i64) -> Result<Product, CallError> {
        let id = ids::fresh();
        let path = format!("/api/v1/products/{id}");
        let sku = format!("SKU-{}", id.simple());
        let body = json!({ "sku": sku, "name": format!("Teapot {sku}"), "price": price, "currency": "EUR" });
        let product: Product = self.client.write(Method::PUT, &path, &body).await?.read(&path)?;
        self.lock().received.insert(id, 0);
        let product = if stock == 0 { product } else { self.stock(id, stock).await? };
        self.known(&product).await?;
        Ok(product)
    }

    /// Waits until the order service knows the product: `ProductChanged` arrives there a moment
    /// later. Probes with an order at a wrong price, which is never accepted.
    async fn known(&self, product: &Product) -> Result<(), CallError> {
        let mut order = NewOrder::of(product, 1);
        order.items[0].price = Money::from_minor(product.price.minor() + 1);
        within(WAIT_TIMEOUT, async || {
            let answer = self.client.post(ORDERS, &ids::key(), &order).await?;
            if answer.text().contains("price_changed") {
                return Ok(());
            }
            Err(CallError::Refused { path: ORDERS.to_owned(), status: answer.status, body: answer.text() })
        })
        .await
    }

    /// Changes the stock by a quantity.
    pub async fn stock(&self, product: Uuid, quantity: i64) -> Result<Product, CallError> {
        let path = format!("/api/v1/products/{product}/stock");
        let reason = if quantity > 0 { "DELIVERY" } else { "CORRECTION" };
        let body = json!({ "quantity": quantity, "reason": reason, "note": null });
        let product: Product = self.client.post(&path, &ids::key(), &body).await?.read(&path)?;
        *self.lock().received.entry(product.product_id).or_default() += quantity;
        Ok(product)
    }

    /// Places an order with a new key.
    pub async fn place(&self, order: &NewOrder) -> Result<OrderSummary, CallError> {
        self.place_as(&ids::key(), order).await
    }

    /// Places an order with this key, or repeats the request.
    pub async fn place_as(&self, key: &str, order: &NewOrder) -> Result<OrderSummary, CallError> {
        let answer = self.client.post(ORDERS, key, order).await;
        self.remember(key, || order.wanted(), &answer);
        answer?.read(ORDERS)
    }

    /// Records the answer to an order that the caller has placed.
    pub fn remember(&self, key: &str, wanted: impl FnOnce() -> Wanted, answer: &Result<Answer, CallError>) {
        let mut history = self.lock();
        let accepted = match answer {
            Ok(answer) if answer.status == StatusCode::ACCEPTED => answer.json::<OrderSummary>().ok(),
            // certainly without effect; the effect of an earlier attempt is recorded already
            Ok(answer) if answer.status.is_client_error() => return,
            Err(CallError::NotConnected(..)) => return,
            _ => None,
        };
        match accepted {
            Some(order) => {
                history.unanswered.remove(key);
                let accepted = || Accepted { order_id: order.order_id, total: order.total_amount, wanted: wanted() };
                let known = history.accepted.entry(key.to_owned()).or_insert_with(accepted);
                // two orders for one key: keeps both, so that the checker reports the violation
                if known.order_id != order.order_id {
                    let other = Accepted { order_id: order.order_id, ..known.clone() };
                    history.accepted.insert(format!("{key} (again)"), other);
                }
            }
            None if !history.accepted.contains_key(key) => {
                history.unanswered.insert(key.to_owned(), wanted());
            }
            None => {}
        }
    }

    /// Requests the cancellation of an order.
    pub async fn cancel(&self, order: Uuid) -> Result<Answer, CallError> {
        let path = format!("/api/v1/orders/{order}/cancel");
        self.lock().cancelling.insert(order);
        self.client.write(Method::POST, &path, &json!({ "reason": "changed my mind" })).await
    }

    /// Requests a refund.
    pub async fn refund(&self, order: Uuid, amount: Money) -> Result<Answer, CallError> {
        let path = format!("/api/v1/payments/{order}/refunds");
        let answer = self.client.post(&path, &ids::key(), &json!({ "amount": amount, "reason": "scratched" })).await?;
        if answer.status == StatusCode::ACCEPTED {
            self.lock().refunds.entry(order).or_default().push(amount);
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
