use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use events::{Currency, Money};
use saga::{App, IdempotentRequest};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{
    Caller, Checks, CommandReply, FieldError, IfMatch, Json, Keyed, Page, PageQuery, Paged, Path, Precondition,
    Problem, RequestTrace, Versioned,
};

use super::{READ, WRITE, refusal};
use crate::domain::{
    AdjustStock, AdjustmentReason, ExpectedVersion, ProductView, PutProduct,
    rows::{Product, product},
};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Part of the name or SKU.
    search: Option<String>,
}

/// Products, by id.
#[utoipa::path(get, path = "/api/v1/products", tag = "Inventory", params(PageQuery, Filter),
    responses((status = 200, body = Page<ProductView>)))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Paged { filter, page }: Paged<Filter>,
) -> Result<Page<ProductView>, Problem> {
    caller.require(READ)?;
    let mut query = product::Entity::find().order_by_asc(product::Column::Id).limit(page.fetch());
    if let Some(after) = page.after::<Uuid>()? {
        query = query.filter(product::Column::Id.gt(after));
    }
    if let Some(text) = filter.search {
        let either =
            Condition::any().add(product::Column::Name.contains(&text)).add(product::Column::Sku.contains(&text));
        query = query.filter(either);
    }
    let rows = query.all(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(rows, &page, |row| row.id).map(|row| row.view()))
}

/// One product.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "Inventory", params(("id" = Uuid, Path)),
    responses((status = 200, body = ProductView, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(caller: Caller, State(app): State<App>, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    caller.require(READ)?;
    let row = product::Entity::find_by_id(id).one(app.db()).await.map_err(Problem::unavailable)?;
    let product = row.as_ref().map(Product::view).ok_or_else(Problem::not_found)?;
    Ok(Versioned(version(&product), product).into_response())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProductBody {
    #[schema(min_length = 1, max_length = 64)]
    sku: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(value_type = String, example = "29.95")]
    price: Money,
    #[schema(example = "EUR")]
    currency: String,
}

/// Creates a product, or changes it.
#[utoipa::path(put, path = "/api/v1/products/{id}", tag = "Inventory",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header)), request_body = ProductBody,
    responses((status = 200, body = ProductView), (status = 201, body = ProductView),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    caller: Caller,
    State(app): State<App>,
    Path(product_id): Path<Uuid>,
    if_match: IfMatch,
    RequestTrace(trace): RequestTrace,
    Json(body): Json<ProductBody>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    let currency = Currency::parse(&body.currency);
    let mut checks = Checks::new();
    checks
        .text("sku", &body.sku, 1..=64)
        .text("name", &body.name, 1..=200)
        .that(
            (1..=100_000_000).contains(&body.price.minor()),
            "price",
            "out_of_range",
            "must be between 0.01 and 1000000.00",
        )
        .that_or(currency.is_some(), || {
            FieldError::new("currency", "unsupported_currency", "must be an ISO 4217 currency with two decimals")
        });
    checks.finish()?;
    let command = PutProduct {
        product_id,
        sku: body.sku,
        name: body.name,
        price: body.price,
        currency: currency.expect("checked above"),
        expected: expected(&if_match),
    };
    let product = app.execute(command, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    let status = if product.version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Versioned(version(&product), product)).into_response())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Adjustment {
    /// Units; negative when some turn out to be missing.
    #[schema(example = 50)]
    quantity: i64,
    reason: AdjustmentReason,
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Units come in, or turn out to be missing.
#[utoipa::path(post, path = "/api/v1/products/{id}/stock", tag = "Inventory",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = Adjustment,
    responses((status = 200, body = ProductView),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn adjust(
    caller: Caller,
    State(app): State<App>,
    Path(product_id): Path<Uuid>,
    RequestTrace(trace): RequestTrace,
    Keyed { key, hash, body }: Keyed<Adjustment>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    let mut checks = Checks::new();
    checks
        .that(body.quantity != 0, "quantity", "out_of_range", "must not be 0")
        .that(body.quantity.abs() <= 1_000_000_000, "quantity", "out_of_range", "must be at most 1000000000")
        .that(
            body.reason == AdjustmentReason::Correction || body.quantity >= 0,
            "quantity",
            "out_of_range",
            "must be positive for a delivery",
        )
        .optional_text("note", body.note.as_deref(), 1..=500);
    checks.finish()?;
    let once = IdempotentRequest { key: format!("{}|stock:{product_id}|{}", caller.scope_key(), key.as_str()), hash };
    let command = AdjustStock { product_id, quantity: body.quantity, reason: body.reason, note: body.note };
    let replied =
        app.execute_once(command, once, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok(CommandReply(replied).into_response())
}

/// The versions that the `If-Match` header names. A version that no product can have matches none.
fn expected(if_match: &IfMatch) -> ExpectedVersion {
    match if_match.condition() {
        Precondition::Always => ExpectedVersion::Any,
        Precondition::Exists => ExpectedVersion::Existing,
        Precondition::OneOf(versions) => {
            ExpectedVersion::OneOf(versions.into_iter().filter_map(|version| i64::try_from(version).ok()).collect())
        }
    }
}

fn version(product: &ProductView) -> u64 {
    u64::try_from(product.version).unwrap_or_default()
}
