//! `uzon order`

use std::{future::Future, time::Duration};

use clap::{Args, Subcommand};
use clock::Clock;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::products;
use crate::{
    Failure,
    client::Client,
    output::{self, text, time},
};

#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Place an order; everything but the products has a default for trying it out
    Place(Box<Place>),
    /// Show everything about an order
    Show { order: Uuid },
    /// Follow the events of an order until it ends
    Watch { order: Uuid },
    /// Cancel an order
    Cancel {
        order: Uuid,
        #[arg(long, default_value = "cancelled from the command line")]
        reason: String,
        /// Only show what cancelling would do now
        #[arg(long)]
        preview: bool,
    },
}

#[derive(Debug, Args)]
pub struct Place {
    /// A product's SKU or id, and how many: `TEAPOT` or `TEAPOT:2`. May be repeated
    #[arg(long = "product", value_name = "PRODUCT[:QUANTITY]", required = true, value_parser = wanted)]
    products: Vec<Wanted>,
    /// Payment token; the sandbox also knows tok_declined, tok_insufficient_funds,
    /// tok_timeout_charged, …
    #[arg(long = "payment-token", visible_alias = "token", value_name = "TOKEN", default_value = "tok_ok")]
    token: String,
    /// Customer id
    #[arg(long, default_value = "01920000-0000-7000-8000-00000000c001")]
    customer: Uuid,
    #[arg(long, default_value = "Ada Lovelace")]
    name: String,
    #[arg(long, default_value = "ada@example.org")]
    email: String,
    #[arg(long)]
    phone: Option<String>,
    /// First line of the shipping address
    #[arg(long, default_value = "1 Main St")]
    street: String,
    #[arg(long, default_value = "London")]
    city: String,
    #[arg(long, default_value = "N1 1AA")]
    postal_code: String,
    /// Country of the shipping address, as two letters
    #[arg(long, default_value = "GB")]
    country: String,
    /// Idempotency key: repeated requests with the same key place one order
    #[arg(long)]
    key: Option<String>,
    /// Follow the order until it ends
    #[arg(long)]
    watch: bool,
}

/// `TEAPOT:2`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    product: String,
    quantity: u32,
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let (product, quantity) = match text.rsplit_once(':') {
        None => (text, Ok(1)),
        Some((product, quantity)) => (product, quantity.parse()),
    };
    match quantity {
        Ok(quantity) if quantity > 0 && !product.is_empty() => Ok(Wanted { product: product.to_owned(), quantity }),
        _ => Err("expected a SKU or id, and a quantity if it is not 1, such as TEAPOT:2".to_owned()),
    }
}

pub(crate) async fn run(client: &Client, command: OrderCommand) -> Result<(), Failure> {
    match command {
        OrderCommand::Place(place) => self::place(client, *place).await,
        OrderCommand::Show { order } => show(client, order).await,
        OrderCommand::Watch { order } => watch(client, order).await,
        OrderCommand::Cancel { order, preview: true, .. } => preview(client, order).await,
        OrderCommand::Cancel { order, reason, .. } => {
            let answer = client.post(&path(order, "/cancel"), &json!({ "reason": reason }), None).await?;
            if client.json {
                output::json(&answer);
            } else {
                output::line(status_line(&answer));
            }
            Ok(())
        }
    }
}

fn path(order: Uuid, rest: &str) -> String {
    format!("/api/v1/orders/{order}{rest}")
}

async fn place(client: &Client, place: Place) -> Result<(), Failure> {
    let (mut items, mut currency) = (Vec::new(), Value::Null);
    for Wanted { product, quantity } in &place.products {
        let product = products::find(client, product).await?;
        items.push(json!({ "productId": product["productId"], "quantity": quantity, "price": product["price"] }));
        if currency.is_null() {
            currency = product["currency"].clone();
        }
    }
    let mut customer =
        Map::from_iter([("name".to_owned(), json!(place.name)), ("email".to_owned(), json!(place.email))]);
    customer.extend(place.phone.map(|phone| ("phone".to_owned(), json!(phone))));
    let body = json!({
        "customerId": place.customer, "currency": currency, "customer": customer,
        "shippingAddress": { "line1": place.street, "city": place.city, "postalCode": place.postal_code, "country": place.country },
        "items": items,
        "payment": { "method": "card", "token": place.token },
    });
    let order = send(client, &body, place.key).await?;
    if client.json {
        output::json(&order);
    } else {
        let (id, total, currency) = (text(&order, "/orderId"), text(&order, "/totalAmount"), text(&order, "/currency"));
        output::line(format_args!("Order {id}, {total} {currency}: {}", text(&order, "/statusText")));
    }
    match order["orderId"].as_str().and_then(|id| Uuid::try_parse(id).ok()) {
        Some(id) if place.watch => watch(client, id).await,
        _ => Ok(()),
    }
}

/// The order service learns of a new product a moment after the inventory. The product exists in
/// the inventory, so a refusal as unknown is retried: refusals are not stored under the idempotency
/// key.
async fn send(client: &Client, body: &Value, key: Option<String>) -> Result<Value, Failure> {
    let key = key.unwrap_or_else(|| Clock::system().new_id().to_string());
    let mut patience = 20;
    loop {
        match client.post("/api/v1/orders", body, Some(&key)).await {
            Err(Failure::Refused(why)) if patience > 0 && why.ends_with("there is no such product") => {
                patience -= 1;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            sent => return sent,
        }
    }
}

async fn show(client: &Client, order: Uuid) -> Result<(), Failure> {
    let order = client.get(&path(order, ""), &[]).await?;
    if client.json {
        output::json(&order);
        return Ok(());
    }
    let field = |pointer: &str| text(&order, pointer);
    let mut head = output::table(["order", &field("/orderId")]);
    let mut row = |name: &str, value: String| {
        head.add_row([name, &value]);
    };
    let reason = order["reason"].as_str().map(|reason| format!(", {reason}")).unwrap_or_default();
    row("status", format!("{} ({}{reason})", field("/statusText"), field("/status")));
    row("placed", time(&order, "/createdAt"));
    row("changed", time(&order, "/updatedAt"));
    row("customer", format!("{} <{}>", field("/customer/name"), field("/customer/email")));
    row("total", format!("{} {}", field("/totalAmount"), field("/currency")));
    if order["payment"].is_object() {
        let [status, amount, refunded] = ["status", "amount", "refunded"].map(|it| field(&format!("/payment/{it}")));
        row("payment", format!("{status}, {amount}, refunded {refunded}"));
    }
    if order["shipment"].is_object() {
        let [status, carrier, number] =
            ["status", "carrier", "trackingNumber"].map(|it| field(&format!("/shipment/{it}")));
        row(
            "shipment",
            format!("{status}, {carrier} {number}, expected {}", time(&order, "/shipment/estimatedDelivery")),
        );
    }
    row("trace", field("/traceId"));
    output::line(head);

    let mut items = output::table(["product", "quantity", "price", "total"]);
    for item in order["items"].as_array().into_iter().flatten() {
        items.add_row(["productName", "quantity", "price", "lineTotal"].map(|it| text(item, &format!("/{it}"))));
    }
    output::line(items);
    Ok(())
}

async fn preview(client: &Client, order: Uuid) -> Result<(), Failure> {
    let answer = client.get(&path(order, "/cancellation"), &[]).await?;
    if client.json {
        output::json(&answer);
    } else if answer["possible"] == true {
        let steps: Vec<_> = answer["steps"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let steps = if steps.is_empty() { "nothing is to be undone".to_owned() } else { steps.join(", ") };
        output::line(format_args!("It would become {}: {steps}", text(&answer, "/outcome")));
    } else {
        output::line(format_args!("It cannot be cancelled: {}", text(&answer, "/why")));
    }
    Ok(())
}

/// Lost connections in a row after which the command gives up.
const ATTEMPTS: u32 = 5;

async fn watch(client: &Client, order: Uuid) -> Result<(), Failure> {
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    tokio::select! { ended = follow(client, order) => ended, () = interrupted => Ok(()) }
}

/// Follows events until the order ends. Resumes the stream after a lost connection.
async fn follow(client: &Client, order: Uuid) -> Result<(), Failure> {
    let stream = path(order, "/events");
    let (mut last, mut failures) = (None, 0);
    loop {
        let (mut ended, mut received) = (false, false);
        let answer = client.follow(&stream, &mut last, |event| {
            (ended, received) = (is_final(&event), true);
            if client.json { output::json(&event) } else { output::line(status_line(&event)) }
        });
        match answer.await {
            Ok(_) if ended => return Ok(()),
            Ok(_) => {}
            // Retries only a server that has answered before: otherwise the address is probably
            // wrong.
            Err(Failure::Unavailable(_)) if last.is_some() && failures < ATTEMPTS => {}
            Err(failure) => return Err(failure),
        }
        failures = if received { 1 } else { failures + 1 };
        if failures > ATTEMPTS {
            return Err(Failure::Unavailable(format!("the connection is lost; go on with `uzon order watch {order}`")));
        }
        pause(failures).await;
    }
}

fn pause(failures: u32) -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(failures.min(4)))
}

fn is_final(status: &Value) -> bool {
    matches!(status["status"].as_str(), Some("DELIVERED" | "CANCELLED" | "FAILED"))
}

fn status_line(status: &Value) -> String {
    let reason = status["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{}  {}{reason}", time(status, "/updatedAt"), text(status, "/statusText"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_come_with_a_quantity_or_without() {
        let of = |product: &str, quantity| Ok(Wanted { product: product.to_owned(), quantity });
        assert_eq!(wanted("TEAPOT"), of("TEAPOT", 1));
        assert_eq!(wanted("TEAPOT:3"), of("TEAPOT", 3));
        assert_eq!(wanted("a:b:3"), of("a:b", 3));
        for wrong in ["TEAPOT:0", "TEAPOT:x", ":2", "TEAPOT:"] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_status_is_a_line() {
        let status = json!({ "status": "CANCELLED", "statusText": "Cancelled", "reason": "OUT_OF_STOCK", "updatedAt": "2026-01-24T10:00:00.000Z" });
        assert_eq!(status_line(&status), "2026-01-24 10:00:00  Cancelled (OUT_OF_STOCK)");
        assert!(is_final(&status) && !is_final(&json!({ "status": "PENDING" })));
    }
}
