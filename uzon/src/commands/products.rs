//! `uzon products`

use clap::{Subcommand, ValueEnum};
use clock::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Failure,
    client::Client,
    dev::{CATALOGUE, Demo},
    output::{self, text, time},
};

#[derive(Debug, Subcommand)]
pub enum ProductsCommand {
    /// List products and their stock
    List {
        /// Only products whose name or SKU contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Maximum number of products
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Create a product, or change its name and price
    Put {
        /// Id or SKU of the product; created if it does not exist
        product: String,
        #[arg(long)]
        name: String,
        /// Decimal, such as 29.95
        #[arg(long)]
        price: String,
        #[arg(long, default_value = "EUR")]
        currency: String,
        /// New SKU; required if PRODUCT is the id of a new product
        #[arg(long)]
        sku: Option<String>,
    },
    /// Fill a new system with the demonstration catalogue; repeating it changes nothing
    Demo,
    /// Add units to the stock (50), or remove missing ones (-3)
    Stock {
        /// Id or SKU of the product
        product: String,
        #[arg(allow_negative_numbers = true)]
        quantity: i64,
        /// Reason [default: a delivery for added units, otherwise a correction]
        #[arg(long, value_enum)]
        reason: Option<Reason>,
        #[arg(long)]
        note: Option<String>,
        /// Idempotency key: repeated requests with the same key count once
        #[arg(long)]
        key: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Reason {
    Delivery,
    Correction,
}

pub(crate) async fn run(client: &Client, command: ProductsCommand) -> Result<(), Failure> {
    match command {
        ProductsCommand::List { search, limit } => list(client, search.as_deref(), limit).await,
        ProductsCommand::Put { product, name, price, currency, sku } => {
            let known =
                if let Ok(id) = Uuid::try_parse(&product) { Ok(id) } else { Err(find_sku(client, &product).await?) };
            let (id, own_sku) = match known {
                Ok(id) => (id, None),
                Err(Some(found)) => (id_of(&found)?, Some(product)),
                Err(None) => (Clock::system().new_id(), Some(product)),
            };
            let Some(sku) = sku.or(own_sku) else {
                return Err(Failure::Usage("a product named by its id needs --sku".to_owned()));
            };
            let body = json!({ "sku": sku, "name": name, "price": price, "currency": currency });
            show(client, &client.put(&format!("/api/v1/products/{id}"), &body).await?);
            Ok(())
        }
        ProductsCommand::Demo => demo(client).await,
        ProductsCommand::Stock { product, quantity, reason, note, key } => {
            let id = id_of(&find(client, &product).await?)?;
            let usual = if quantity > 0 { Reason::Delivery } else { Reason::Correction };
            let reason = match reason.unwrap_or(usual) {
                Reason::Delivery => "DELIVERY",
                Reason::Correction => "CORRECTION",
            };
            let body = json!({ "quantity": quantity, "reason": reason, "note": note });
            show(client, &client.post(&format!("/api/v1/products/{id}/stock"), &body, key.as_deref()).await?);
            Ok(())
        }
    }
}

/// Skips existing products.
async fn demo(client: &Client) -> Result<(), Failure> {
    let there = client.list("/api/v1/products", &[], usize::MAX).await?;
    let there: Vec<&str> = there.iter().filter_map(|product| product["productId"].as_str()).collect();
    let mut products = Vec::new();
    for Demo { id, sku, name, price, currency, units } in CATALOGUE {
        let path = format!("/api/v1/products/{id}");
        if !there.contains(&id.to_string().as_str()) {
            let body = json!({ "sku": sku, "name": name, "price": price, "currency": currency });
            client.put(&path, &body).await?;
        }
        if units > 0 {
            let body = json!({ "quantity": units, "reason": "DELIVERY", "note": "demonstration catalogue" });
            client.post(&format!("{path}/stock"), &body, Some(&format!("demo-{id}"))).await?;
        }
        products.push(client.get(&path, &[]).await?);
    }
    if client.json {
        output::json(&json!({ "items": products }));
    } else {
        print(&products);
    }
    Ok(())
}

async fn list(client: &Client, search: Option<&str>, limit: usize) -> Result<(), Failure> {
    let filter: Vec<_> = search.map(|text| ("search", text)).into_iter().collect();
    let products = client.list("/api/v1/products", &filter, limit).await?;
    if client.json {
        output::json(&json!({ "items": products }));
    } else {
        print(&products);
    }
    Ok(())
}

fn show(client: &Client, product: &Value) {
    if client.json {
        output::json(product);
    } else {
        print(std::slice::from_ref(product));
    }
}

fn print(products: &[Value]) {
    let mut table =
        output::table(["SKU", "name", "price", "", "available", "reserved", "shipped", "changed", "product id"]);
    for product in products {
        let field = |name: &str| text(product, &format!("/{name}"));
        table.add_row([
            field("sku"),
            field("name"),
            field("price"),
            field("currency"),
            field("available"),
            field("reserved"),
            field("shipped"),
            time(product, "/updatedAt"),
            field("productId"),
        ]);
    }
    for column in [2, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    output::line(table);
}

/// A product by its id or SKU.
pub(super) async fn find(client: &Client, product: &str) -> Result<Value, Failure> {
    if let Ok(id) = Uuid::try_parse(product) {
        return client.get(&format!("/api/v1/products/{id}"), &[]).await;
    }
    let missing = || Failure::Refused(format!("there is no product {product}: `uzon products list` shows all"));
    find_sku(client, product).await?.ok_or_else(missing)
}

async fn find_sku(client: &Client, sku: &str) -> Result<Option<Value>, Failure> {
    let found = client.list("/api/v1/products", &[("search", sku)], usize::MAX).await?;
    Ok(found.into_iter().find(|product| product["sku"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(sku))))
}

fn id_of(product: &Value) -> Result<Uuid, Failure> {
    let id = product["productId"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    id.ok_or_else(|| Failure::Refused("the answer is no product; is --url right?".to_owned()))
}
