//! Queries of the HTTP API.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::domain::{
    Overview, Sales, Window,
    rows::{figures, product, sales},
};

/// The figures of a window and of the previous one.
pub async fn overview(db: &DatabaseConnection, window: Window) -> Result<Overview, DbErr> {
    let figures = figures::Entity::find()
        .filter(figures::Column::Bucket.eq(window.bucket))
        .filter(figures::Column::At.gte(window.previous().from))
        .filter(figures::Column::At.lt(window.to))
        .all(db)
        .await?;
    let sold = sales::Entity::find()
        .filter(sales::Column::Bucket.eq(window.bucket))
        .filter(sales::Column::At.gte(window.from))
        .filter(sales::Column::At.lt(window.to))
        .all(db)
        .await?;
    let figures: BTreeMap<_, _> = figures.into_iter().map(|row| (row.at, row.figures.0)).collect();
    let sales = sold.iter().fold(Sales::default(), |mut sum, row| {
        sum.add(&row.sales, 1);
        sum
    });
    Ok(Overview::new(window, figures, sales))
}

/// The names of these products. A product whose name is unknown is absent.
pub async fn names(db: &DatabaseConnection, products: &[Uuid]) -> Result<HashMap<Uuid, String>, DbErr> {
    let mut names = HashMap::with_capacity(products.len());
    for some in products.chunks(500) {
        let rows =
            product::Entity::find().filter(product::Column::ProductId.is_in(some.iter().copied())).all(db).await?;
        names.extend(rows.into_iter().map(|row| (row.product_id, row.name)));
    }
    Ok(names)
}
