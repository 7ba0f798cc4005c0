use axum::{
    extract::State as Running,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use events::Timestamp;
use saga::App;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Caller, Json, Page, PageQuery, Paged, Path, Problem, RequestTrace};

use super::{READ, WRITE, refusal};
use crate::domain::{
    Channel, Resend, State,
    rows::{Notification, notification},
};

/// A message to a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
pub struct NotificationView {
    notification_id: Uuid,
    order_id: Uuid,
    /// Type of the event that caused the message.
    #[schema(example = "OrderShipped.v1")]
    event: String,
    channel: Channel,
    #[schema(example = "ada@example.org")]
    recipient: String,
    /// `null` for a text message.
    subject: Option<String>,
    body: String,
    status: State,
    /// The number of attempts whose outcome is known.
    attempts: i32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
}

impl From<Notification> for NotificationView {
    fn from(row: Notification) -> Self {
        Self {
            notification_id: row.id,
            order_id: row.order_id,
            event: row.event_type().to_owned(),
            channel: row.channel,
            recipient: row.recipient,
            subject: row.subject,
            body: row.body,
            status: row.status,
            attempts: row.attempts,
            created_at: row.created_at.into(),
            sent_at: row.sent_at.map(Into::into),
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    order_id: Option<Uuid>,
    status: Option<State>,
    channel: Option<Channel>,
}

/// Messages, newest first: the mailbox.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "Notifications", params(PageQuery, Filter),
    responses((status = 200, body = Page<NotificationView>),
              (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    caller: Caller,
    Running(app): Running<App>,
    Paged { filter, page }: Paged<Filter>,
) -> Result<Page<NotificationView>, Problem> {
    use notification::Column as N;
    caller.require(READ)?;
    let mut query = notification::Entity::find().order_by_desc(N::Id);
    query = match filter.order_id {
        // No limit: an order has few messages, and with one PostgreSQL may scan the mailbox from its newest message.
        Some(order) => query.filter(N::OrderId.eq(order)),
        None => query.limit(page.fetch()),
    };
    if let Some(status) = filter.status {
        query = query.filter(N::Status.eq(status));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(N::Channel.eq(channel));
    }
    if let Some(before) = page.after::<Uuid>()? {
        query = query.filter(N::Id.lt(before));
    }
    let rows = query.all(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(rows, &page, |row| row.id).map(Into::into))
}

/// Sends a message again.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/resend", tag = "Notifications", params(("id" = Uuid, Path)),
    responses((status = 202, body = NotificationView),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json")))]
pub async fn resend(
    caller: Caller,
    Running(app): Running<App>,
    Path(id): Path<Uuid>,
    RequestTrace(trace): RequestTrace,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    let by_id = notification::Entity::find().filter(notification::Column::Id.eq(id));
    let row = by_id.one(app.db()).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)?;
    let command = Resend((row.order_id, row.event, row.channel)); // these columns never change
    let sending = app.execute(command, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok((StatusCode::ACCEPTED, Json(NotificationView::from(sending))).into_response())
}
