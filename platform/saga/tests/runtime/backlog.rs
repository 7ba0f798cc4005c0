//! What a service's tables hold and should not keep is at `/metrics`: as it is, or not at all.

use axum::{Router, body::Body, http::Request};
use saga::App;
use tower::ServiceExt as _;
use uuid::Uuid;
use web::HttpApp;

use crate::{
    ledger::{MONEY, PAPERS},
    stage::Stage,
};

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

/// As a process serves it.
fn router(app: &App) -> Router {
    let app = app.clone();
    let ask = move || {
        let app = app.clone();
        async move { app.backlog().await.map_err(|error| error.to_string()) }
    };
    HttpApp::new("Ledger", "1.0.0").samples("ledger", ask).router()
}

/// The lines of these gauges, without comments.
async fn lines(router: &Router) -> Vec<String> {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let ours = |line: &&str| {
        ["uzon_outbox_messages{", "uzon_parked{", "uzon_dead_letters{"].iter().any(|name| line.starts_with(name))
    };
    text.lines().filter(ours).map(ToOwned::to_owned).collect()
}

fn expected(outbox: u32, money: (u32, u32), papers: (u32, u32)) -> Vec<String> {
    let line = |name: &str, topic: &str, count: u32| {
        let topic = if topic.is_empty() { String::new() } else { format!(",topic=\"{topic}\"") };
        format!("{name}{{service=\"ledger\"{topic}}} {count}")
    };
    vec![
        line("uzon_dead_letters", MONEY, money.1),
        line("uzon_dead_letters", PAPERS, papers.1),
        line("uzon_outbox_messages", "", outbox),
        line("uzon_parked", MONEY, money.0),
        line("uzon_parked", PAPERS, papers.0),
    ]
}

#[tokio::test]
async fn what_is_parked_and_what_is_dead_is_counted_by_topic() {
    let mut stage = Stage::started().await;
    stage.settle().await;
    stage.all_is_said().await;
    assert_eq!(lines(&router(stage.app())).await, expected(0, (0, 0), (0, 0)), "nothing is a zero, not absent");

    let unreadable = |topic| stage.event(topic, B, "Marked.v1", &serde_json::json!("no object"));
    stage.send([unreadable(PAPERS), unreadable(MONEY)]).await;
    stage.send([stage.withdrawal(A, 1), stage.deposit(A, 2), stage.deposit(B, 3)]).await;
    stage.settle().await;
    stage.all_is_said().await;
    assert_eq!(lines(&router(stage.app())).await, expected(0, (3, 1), (0, 1)));

    stage.crash().await;
    stage.start().await;
    assert_eq!(lines(&router(stage.app())).await, expected(0, (3, 1), (0, 1)), "after a restart as well");
    stage.send([stage.licence(A)]).await;
    stage.log_is(A, "licensed -1 +2").await;
    stage.all_is_said().await;
    assert_eq!(lines(&router(stage.app())).await, expected(0, (1, 1), (0, 1)), "what goes on is not parked any more");
}

#[tokio::test]
async fn what_is_not_published_is_counted_whoever_has_put_it_there() {
    let stage = Stage::started().await;
    stage.settle().await;
    stage.all_is_said().await;
    // A row that no relay can read stays.
    let record = if crate::ENGINE == crate::database::Engine::Postgres { r"'\xff'" } else { "x'ff'" };
    let row = format!(
        "INSERT INTO outbox (shard, at, messages, records) VALUES (0, '2026-01-24 10:00:00', 3, {record}), \
         (0, '2026-01-24 10:00:00', 3, {record}), (0, '2026-01-24 10:00:00', 1, {record})"
    );
    stage.sql(&row).await;
    assert_eq!(lines(&router(stage.app())).await, expected(7, (0, 0), (0, 0)));
}

#[tokio::test]
async fn what_cannot_be_counted_is_absent_and_no_zero() {
    let stage = Stage::started().await;
    stage.settle().await;
    stage.all_is_said().await;
    let router = router(stage.app());
    for table in ["parked", "outbox"] {
        stage.sql(&format!("ALTER TABLE {table} RENAME TO away_{table}")).await;
        assert_eq!(lines(&router).await, Vec::<String>::new(), "without {table}");
        stage.sql(&format!("ALTER TABLE away_{table} RENAME TO {table}")).await;
    }
    assert_eq!(lines(&router).await, expected(0, (0, 0), (0, 0)));
}
