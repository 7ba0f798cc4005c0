use axum::extract::State;
use events::Timestamp;
use saga::App;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Page, PageQuery, Paged, Path, Problem};

use super::READ;
use crate::domain::{
    MovementKind,
    rows::{Movement, movement, product},
};

/// One change of a product's stock.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Movement)]
pub struct MovementView {
    movement_id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    kind: MovementKind,
    /// Units; negative only for a correction.
    quantity: i64,
    /// The order that caused it.
    order_id: Option<Uuid>,
    note: Option<String>,
}

/// Each change of a product's stock with its cause, newest first.
#[utoipa::path(get, path = "/api/v1/products/{id}/movements", tag = "Inventory",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Page<MovementView>),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Path(product_id): Path<Uuid>,
    Paged { page, .. }: Paged,
) -> Result<Page<MovementView>, Problem> {
    caller.require(READ)?;
    let known = product::Entity::find_by_id(product_id).one(app.db()).await.map_err(Problem::unavailable)?;
    known.ok_or_else(Problem::not_found)?;
    let mut query = movement::Entity::find()
        .filter(movement::Column::ProductId.eq(product_id))
        .order_by_desc(movement::Column::Id)
        .limit(page.fetch());
    if let Some(before) = page.after::<Uuid>()? {
        query = query.filter(movement::Column::Id.lt(before));
    }
    let rows = query.all(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(rows, &page, |row| row.id).map(Movement::view))
}

impl Movement {
    fn view(self) -> MovementView {
        let Self { id, at, kind, quantity, order_id, note, .. } = self;
        MovementView { movement_id: id, at: at.into(), kind, quantity, order_id, note }
    }
}
