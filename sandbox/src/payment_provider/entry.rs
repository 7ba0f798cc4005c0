use saga::{Delivery, Seen, Workset};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use store::{Rows, StoreError, Tx};
use utoipa::ToSchema;

use super::{Books, Input};

/// What the provider knows under an idempotency key.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub order_id: Uuid,
    pub operation: Operation,
    pub status: Status,
    /// Set once money has moved.
    pub reference: Option<Uuid>,
    /// Why it was declined.
    pub reason: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
    /// Refunded amount of a charge.
    pub refunded_minor: i64,
    pub attempts: i32,
    pub at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = LedgerOperation)]
pub enum Operation {
    Charge,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Recorded without effect so far.
    Open,
    /// A late charge: takes effect some time after the first query.
    Late,
    /// A late charge that was queried.
    Landing,
    /// The money has moved.
    Done,
    Declined,
    /// Closed: nothing will be charged.
    Closed,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

impl Workset<Input> for Books {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let keys = batch.iter().flat_map(|it| it.input.keys().map(str::to_owned));
        Ok(Self { entries: Rows::lock(tx, keys.collect::<Vec<_>>()).await? })
    }

    /// It receives no events.
    fn seen(&mut self, _: Uuid) -> Option<&mut Seen> {
        None
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.entries.save(tx).await
    }
}
