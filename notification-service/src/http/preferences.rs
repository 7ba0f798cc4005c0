use axum::extract::State;
use saga::App;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Checks, FieldError, Json, Path, Problem, RequestTrace};

use super::{READ, WRITE};
use crate::domain::{
    LANGUAGES, SetPreferences,
    rows::{Preferences, preferences},
};

/// The messages a customer receives, and by which channel.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = Preferences)]
pub struct PreferencesBody {
    /// Shipping notifications by e-mail. Messages about the contract or money are sent by e-mail in any case.
    email: bool,
    /// Text messages, when the order has a phone number.
    sms: bool,
    /// Of all messages. Until preferences are set, messages are in the language of each order.
    #[schema(example = "en")]
    language: String,
}

impl From<Preferences> for PreferencesBody {
    fn from(Preferences { email, sms, language, .. }: Preferences) -> Self {
        Self { email, sms, language }
    }
}

/// A customer's preferences; the defaults when none are set.
#[utoipa::path(get, path = "/api/v1/customers/{id}/preferences", tag = "Notifications", params(("id" = Uuid, Path)),
    responses((status = 200, body = PreferencesBody),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(
    caller: Caller,
    State(app): State<App>,
    Path(customer): Path<Uuid>,
) -> Result<Json<PreferencesBody>, Problem> {
    if !caller.may_see(customer, READ) {
        return Err(Problem::not_found());
    }
    let row = preferences::Entity::find_by_id(customer).one(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Json(row.unwrap_or_else(|| Preferences::unset(customer)).into()))
}

/// Sets a customer's preferences.
#[utoipa::path(put, path = "/api/v1/customers/{id}/preferences", tag = "Notifications", params(("id" = Uuid, Path)),
    request_body = PreferencesBody,
    responses((status = 200, body = PreferencesBody),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    caller: Caller,
    State(app): State<App>,
    Path(customer_id): Path<Uuid>,
    RequestTrace(trace): RequestTrace,
    Json(PreferencesBody { email, sms, language }): Json<PreferencesBody>,
) -> Result<Json<PreferencesBody>, Problem> {
    if !caller.may_see(customer_id, WRITE) {
        return Err(Problem::not_found());
    }
    let supported = LANGUAGES.contains(&&*language);
    let unsupported =
        || FieldError::new("language", "unsupported_language", format!("must be one of {}", LANGUAGES.join(", ")));
    Checks::new().that_or(supported, unsupported).finish()?;
    let command = SetPreferences(Preferences { customer_id, email, sms, language });
    let set =
        app.execute(command, trace).await.map_err(|refused| Problem::rejected(refused, |never| match never {}))?;
    Ok(Json(set.into()))
}
