use axum::extract::State;
use events::{Currency, Money};
use saga::App;
use sea_orm::EntityTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Path, Problem};

use super::READ;
use crate::{
    domain::{self, Attempt, Entry},
    store::{Payment, payment},
};

/// An order's payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentView {
    order_id: Uuid,
    payment_id: Uuid,
    status: domain::State,
    /// Why it was declined.
    #[schema(example = "CARD_DECLINED")]
    reason: Option<String>,
    /// `null`, like the currency, when the order was cancelled before it came.
    #[schema(example = "card")]
    method: Option<String>,
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<Currency>,
    /// What is or was to be charged.
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    /// What has been paid back.
    #[schema(value_type = String, example = "0.00")]
    refunded: Money,
    /// The provider's name for the charge.
    provider_reference: Option<String>,
    /// Calls to the provider that were answered, or not; oldest first. Of very many the first and the latest.
    attempts: Vec<Attempt>,
    /// Every movement of money, by double entry; oldest first.
    ledger: Vec<Entry>,
}

/// An order's payment: where it stands, and how it got there.
#[utoipa::path(get, path = "/api/v1/payments/{orderId}", tag = "Payment",
    params(("orderId" = Uuid, Path)),
    responses((status = 200, body = PaymentView),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(
    caller: Caller,
    State(app): State<App>,
    Path(order_id): Path<Uuid>,
) -> Result<Json<PaymentView>, Problem> {
    caller.require(READ)?;
    let row = payment::Entity::find_by_id(order_id).one(app.db()).await.map_err(Problem::unavailable)?;
    row.map(|row| Json(row.view())).ok_or_else(Problem::not_found)
}

impl Payment {
    fn view(self) -> PaymentView {
        PaymentView {
            order_id: self.order_id,
            payment_id: self.payment_id,
            status: self.state,
            currency: Currency::parse(&self.currency),
            amount: self.amount(),
            refunded: self.refunded(),
            reason: self.reason,
            method: Some(self.method).filter(|method| !method.is_empty()),
            provider_reference: self.provider_reference,
            attempts: self.attempts.0,
            ledger: self.ledger.0,
        }
    }
}
