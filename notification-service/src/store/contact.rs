use std::fmt;

use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::Items;

/// Who is notified about an order, and what messages name of the order. Never changes.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub customer_id: Uuid,
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    /// Of the order; a customer's preferences come before it.
    pub language: String,
    pub currency: String,
    pub total_minor: i64,
    pub items: Json<Items>,
}

/// Nothing personal.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order_id, customer_id, language, total_minor, currency, .. } = self;
        write!(f, "Contact({order_id} of {customer_id}, {language}, {total_minor} {currency})")
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
