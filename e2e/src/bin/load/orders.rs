//! The requests: random orders in a configured mix, or status queries.

use std::sync::{Arc, Mutex, PoisonError};

use e2e::{
    client::{Answer, CallError, Client, call},
    ids,
    model::{OrderSummary, Product},
    shop::{NewOrder, ORDERS, Shop},
};
use hyper::{Method, StatusCode};
use rand::{Rng, seq::IndexedRandom};
use serde_json::Value;
use uuid::Uuid;

/// A kind of request.
#[derive(Debug, Clone)]
pub enum Work {
    /// Place orders.
    Orders(Arc<Mix>),
    /// Query the status of these orders.
    Status(Client, Arc<Vec<Uuid>>),
}

/// The mix of orders.
#[derive(Debug)]
pub struct Mix {
    pub shop: Shop,
    pub products: Vec<Product>,
    pub declined: f64,
    pub cancelled: f64,
    /// Orders accepted since the last [`Mix::take_placed`].
    pub placed: Mutex<Vec<Uuid>>,
}

/// Result of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Accepted,
    /// Refused: 429 is overload, any other status an error.
    Refused(StatusCode),
    Broken,
}

/// An order to cancel next.
pub type Next = Option<Uuid>;

impl Work {
    /// Sends one request.
    pub async fn one(&self) -> (Done, Next) {
        match self {
            Self::Orders(mix) => mix.place().await,
            Self::Status(client, orders) => {
                let order = orders.choose(&mut rand::rng()).copied().unwrap_or_default();
                let answer = client.send(call(Method::GET, &format!("{ORDERS}/{order}/status"))).await;
                (done(&answer), None)
            }
        }
    }

    /// Cancels an order.
    pub async fn cancel(&self, order: Uuid) -> Done {
        match self {
            Self::Orders(mix) => done(&mix.shop.cancel(order).await),
            Self::Status(..) => Done::Accepted,
        }
    }
}

impl Mix {
    async fn place(&self) -> (Done, Next) {
        let (order, cancel) = self.order();
        let key = ids::key();
        let answer = self.shop.client.post(ORDERS, &key, &order).await;
        self.shop.remember(&key, || order.wanted(), &answer);
        let accepted = answer.as_ref().ok().filter(|answer| answer.status == StatusCode::ACCEPTED);
        let order = accepted.and_then(|answer| answer.json::<OrderSummary>().ok()).map(|order| order.order_id);
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).extend(order);
        (done(&answer), order.filter(|_| cancel))
    }

    /// A random order, and whether to cancel it.
    fn order(&self) -> (NewOrder, bool) {
        let mut random = rand::rng();
        let (first, quantity) =
            (self.products.choose(&mut random).expect("there are products"), random.random_range(1..=3));
        let mut order = NewOrder::of(first, quantity);
        let other = self.products.choose(&mut random).filter(|other| other.product_id != first.product_id);
        if let Some(other) = other.filter(|_| random.random_bool(0.25)) {
            order = order.and(other, 1);
        }
        match random.random::<f64>() {
            roll if roll < self.declined => (order.paid_with("tok_declined"), false),
            roll => (order, roll < self.declined + self.cancelled),
        }
    }

    /// Orders accepted since the last call.
    pub fn take_placed(&self) -> Vec<Uuid> {
        std::mem::take(&mut self.placed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn done(answer: &Result<Answer, CallError>) -> Done {
    match answer {
        Ok(answer) if answer.status.is_success() => Done::Accepted,
        Ok(answer) => Done::Refused(answer.status),
        Err(_) => Done::Broken,
    }
}

/// Number of ended orders according to analytics.
pub async fn ended(client: &Client, since: &str) -> Result<u64, CallError> {
    let path = format!("/api/v1/analytics/metrics?from={since}&bucket=hour");
    let figures: Value = client.get(&path).await?;
    let count = |status: &str| figures["numbers"][format!("orders.{status}")].as_u64().unwrap_or(0);
    Ok(count("delivered") + count("cancelled") + count("failed"))
}
