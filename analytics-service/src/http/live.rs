//! `GET /api/v1/analytics/stream`: the dashboard of the last hour, as it changes.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use futures_util::{StreamExt, stream};
use saga::App;
use sea_orm::DbErr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use web::{Caller, Message, Problem};

use super::{Api, Dashboard, READ, unreadable};
use crate::domain::{Bucket, Window};

/// The latest dashboard, computed once for all open streams; `None` while no stream is open.
#[derive(Debug, Clone)]
pub struct Live(Arc<watch::Sender<Option<Arc<Dashboard>>>>);

/// Interval between two computations of the dashboard.
const REFRESH: Duration = Duration::from_secs(1);

impl Default for Live {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Live {
    /// Computes a dashboard each second while a stream is open.
    pub async fn refresh(self, app: App, stopping: CancellationToken) {
        let mut each = tokio::time::interval(REFRESH);
        let mut failing = false;
        loop {
            tokio::select! { () = stopping.cancelled() => return, _ = each.tick() => {} }
            if self.0.receiver_count() == 0 {
                self.0.send_if_modified(|latest| latest.take().is_some());
                continue;
            }
            match last_hour(&app).await {
                Ok(dashboard) => {
                    failing = false;
                    self.publish(dashboard);
                }
                Err(error) if !failing => {
                    failing = true;
                    warn!(%error, "the dashboard cannot be read; it is retried every second");
                }
                Err(_) => {}
            }
        }
    }

    fn publish(&self, dashboard: Dashboard) {
        self.0.send_if_modified(|latest| {
            let changed = !latest.as_ref().is_some_and(|latest| latest.same_figures(&dashboard));
            if changed {
                *latest = Some(Arc::new(dashboard));
            }
            changed
        });
    }
}

async fn last_hour(app: &App) -> Result<Dashboard, DbErr> {
    let now = app.clock().now();
    Dashboard::read(app, Window::new(None, None, Bucket::Minute, now), now).await
}

/// The dashboard of the last hour by minute: at once, and each second while it changes.
#[utoipa::path(get, path = "/api/v1/analytics/stream", tag = "analytics", responses(
    (status = 200, description = "Server-sent events `dashboard`, each with a dashboard as data", body = Dashboard, content_type = "text/event-stream"),
    (status = 503, description = "Too many streams are open", body = Problem, content_type = "application/problem+json"),
))]
pub async fn stream(caller: Caller, place: web::Live, State(api): State<Api>) -> Result<Response, Problem> {
    caller.require(READ)?;
    let latest = api.live.0.subscribe();
    let first = Arc::new(last_hour(&api.app).await.map_err(unreadable)?);
    let later = stream::unfold((latest, first.clone()), async |(mut latest, sent)| {
        loop {
            latest.changed().await.ok()?;
            let dashboard = latest.borrow_and_update().clone();
            if let Some(dashboard) = dashboard.filter(|dashboard| !dashboard.same_figures(&sent)) {
                return Some((dashboard.clone(), (latest, dashboard)));
            }
        }
    });
    let dashboards = stream::iter([first]).chain(later);
    Ok(place.send(dashboards.map(|dashboard| Message::json("dashboard", &*dashboard))))
}
