use axum::extract::State;
use events::{Currency, Money};
use saga::App;
use sea_orm::EntityTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Path, Problem};

use super::READ;
use crate::domain::{
    self, Attempt, Entry,
    rows::{Payment, payment},
};

/// An order's payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentView {
    order_id: Uuid,
    payment_id: Uuid,
    status: domain::State,
    /// Why the charge was declined.
    #[schema(example = "CARD_DECLINED")]
    reason: Option<String>,
    /// `null`, like the currency, when the cancellation arrived before the order.
    #[schema(example = "card")]
    method: Option<String>,
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<Currency>,
    /// The amount of the charge.
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    /// The sum of completed refunds.
    #[schema(value_type = String, example = "0.00")]
    refunded: Money,
    /// The provider's reference of the charge.
    provider_reference: Option<String>,
    /// Calls to the provider and their results, oldest first. At most 50: the first, and the latest.
    attempts: Vec<Attempt>,
    /// Every movement of money as double entries, oldest first.
    ledger: Vec<Entry>,
}

/// An order's payment with its attempts and its ledger.
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
