use std::fmt;

use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::Items;

/// The customer's contact data for an order, and the order data that messages contain. Never changes.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub customer_id: Uuid,
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    /// Of the order; the customer's preferences take precedence.
    pub language: String,
    pub currency: String,
    pub total_minor: i64,
    pub items: Json<Items>,
}

/// Prints nothing personal.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order_id, customer_id, language, total_minor, currency, .. } = self;
        write!(f, "Contact({order_id} of {customer_id}, {language}, {total_minor} {currency})")
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
