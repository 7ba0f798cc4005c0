//! The parts that `HttpApp` adds to every route.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn causes_of_failures_are_logged_once_and_not_sent() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for (path, secret) in [("/bug", "the secret cause"), ("/panic", "the secret panic")] {
        lines.0.lock().unwrap().clear();
        let answer = fetch(&router(), path).await;
        let document = answer.problem(500, "internal");
        assert_eq!(document["instance"], path);
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(logged.matches(secret).count(), 1, "{logged}");
        let trace = answer.header("traceparent").unwrap().split('-').nth(1).unwrap().to_owned();
        assert!(logged.contains("ERROR") && logged.contains(path) && logged.contains(&trace), "{logged}");
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_becomes_a_problem() {
    let limits = Limits { request_time: Duration::ZERO, ..Limits::default() };
    let answer = fetch(&app().limits(limits).router(), "/slow").await;
    answer.problem(503, "timed-out");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_problem_has_the_details_of_its_service() {
    let document = fetch(&router(), "/cold?x=1").await.problem(409, "too-cold");
    assert_eq!(
        (&document["detail"], &document["degrees"], &document["instance"]),
        (&json!("-12 °C"), &json!(-12), &json!("/cold"))
    );
    let busy = send(&router(), Request::post("/busy").body(Body::empty()).unwrap()).await;
    busy.problem(429, "overloaded");
    assert_eq!(busy.header("retry-after"), Some("3"));
    let secret = fetch(&router(), "/secret").await;
    secret.problem(403, "forbidden");
    assert_eq!(secret.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\", scope=\"cold.write\""));
    let stranger = fetch(&router(), "/stranger").await;
    stranger.problem(401, "unauthorized");
    assert_eq!(stranger.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn a_problem_without_the_middleware_is_complete() {
    let answer = read(Problem::not_found().into_response()).await;
    assert!(answer.problem(404, "not-found").get("instance").is_none());
}

#[tokio::test]
async fn wrong_addresses_and_methods_are_problems() {
    assert_eq!(fetch(&router(), "/nowhere").await.problem(404, "not-found")["instance"], "/nowhere");
    let answer = send(&router(), Request::delete("/orders").body(Body::empty()).unwrap()).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let all = fetch(&router(), "/problems").await;
    for kind in problems::SHARED.iter().copied().chain([&TOO_COLD]) {
        let page = fetch(&router(), &format!("/problems/{}", kind.slug)).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, Some("text/html; charset=utf-8")));
        assert!(page.text().contains(kind.title) && all.text().contains(kind.slug), "{}", page.text());
    }
    assert!(fetch(&router(), "/problems/too-cold").await.text().contains("Wait for <code>summer</code>."));
    assert_eq!(fetch(&router(), "/problems/page.css").await.header("content-type"), Some("text/css"));
    fetch(&router(), "/problems/none-such").await.problem(404, "not-found");
}

#[tokio::test]
async fn state_and_trace_reach_handlers() {
    assert_eq!(fetch(&router(), "/state").await.text(), "42");
    let with = |value: &str| Request::get("/trace").header("traceparent", value).body(Body::empty()).unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let child = send(&router(), with(parent)).await;
    assert!(child.text().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && child.text() != parent);
    let fresh = send(&router(), with("nonsense")).await;
    assert!(telemetry::Trace::parse(fresh.text().as_bytes()).is_some());
    let changed =
        send(&router(), Request::post("/busy").header("traceparent", parent).body(Body::empty()).unwrap()).await;
    assert!(changed.header("traceparent").unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
}

#[tokio::test]
async fn answers_are_safe_in_browsers() {
    let answer = fetch(&router(), "/state").await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-security-policy"), Some("default-src 'self'; frame-ancestors 'none'"));
    assert!(answer.header("referrer-policy").is_some());
}

#[tokio::test]
async fn only_listed_origins_may_call() {
    let preflight = |origin: &str| {
        Request::options("/orders")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "idempotency-key")
            .body(Body::empty())
            .unwrap()
    };
    let router = app().origins(vec!["https://shop.example.org".parse().unwrap()]).router();
    let allowed = send(&router, preflight("https://shop.example.org")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://shop.example.org"));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    let other = send(&router, preflight("https://evil.example.org")).await;
    assert_eq!(other.header("access-control-allow-origin"), None);
    assert_eq!(
        send(&super::router(), preflight("https://shop.example.org")).await.header("access-control-allow-origin"),
        None
    );
}

#[tokio::test]
async fn health_reports_each_dependency() {
    let health = Health::new();
    health.dependency("bus", async || Ok("4 partitions".to_owned()));
    health.dependency("order.database", async || Ok("3 connections".to_owned()));
    let shutdown = CancellationToken::new();
    let router = app().health(health.clone()).shutdown(shutdown.clone()).router();
    for path in ["/health", "/health/ready"] {
        let up = fetch(&router, path).await;
        assert_eq!(up.status, StatusCode::OK);
        assert_eq!(up.json()["dependencies"]["bus"], json!({ "status": "UP", "detail": "4 partitions" }));
    }

    health.dependency("payment.database", async || Err("connection refused".to_owned()));
    let down = fetch(&router, "/health/ready").await;
    assert_eq!((down.status, &down.json()["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("DOWN")));
    assert_eq!(down.json()["dependencies"]["payment.database"]["detail"], "connection refused");
    assert_eq!(down.json()["dependencies"]["bus"]["status"], "UP");
    assert_eq!(fetch(&router, "/health/live").await.status, StatusCode::OK, "a restart would not help");
    assert!(health.ready_of("order").await.is_up());
    assert!(!health.ready_of("payment").await.is_up());

    health.progress("runtime", async || Err("no batch for a minute".to_owned()));
    assert_eq!(fetch(&router, "/health/live").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_process_that_shuts_down_is_not_ready() {
    let shutdown = CancellationToken::new();
    let router = app().shutdown(shutdown.clone()).router();
    assert_eq!(fetch(&router, "/health/ready").await.status, StatusCode::OK);
    shutdown.cancel();
    assert_eq!(fetch(&router, "/health/ready").await.json()["dependencies"]["process"]["detail"], "stopping");
    assert_eq!(fetch(&router, "/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_by_template() {
    let router = router();
    fetch(&router, "/things/01920000-0000-7000-8000-00000000aaaa").await;
    fetch(&router, "/things/01920000-0000-7000-8000-00000000bbbb").await;
    fetch(&router, "/made-up-path").await;
    let odd = Request::builder().method("BREW").uri("/state").body(Body::empty()).unwrap();
    send(&router, odd).await;
    let answer = fetch(&router, "/metrics").await;
    let text = answer.text();
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(text.contains(r#"http_requests_total{method="GET",route="/things/{id}",status="200"}"#), "{text}");
    assert!(
        text.contains(r#"http_request_duration_seconds_bucket{method="GET",route="/things/{id}",le="0.001"}"#),
        "{text}"
    );
    assert!(text.contains(r#"method="GET",route="unmatched",status="404""#), "{text}");
    assert!(text.contains(r#"method="OTHER",route="/state",status="405""#), "{text}");
    assert!(!text.contains("aaaa") && !text.contains("made-up-path"), "{text}");
    for process in ["process_resident_memory_bytes ", "process_threads ", "process_open_fds "] {
        assert!(text.contains(process) || !cfg!(target_os = "linux"), "{text}");
    }
}

/// A second service, whose `Item` differs from the first one's.
mod other {
    use super::*;

    #[derive(Serialize, ToSchema)]
    pub struct Item {
        sku: String,
    }

    #[utoipa::path(get, path = "/other-items", responses((status = 200, body = [Item]),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
    pub async fn items() -> Json<Vec<Item>> {
        Json(vec![Item { sku: "T-1".to_owned() }])
    }
}

#[tokio::test]
async fn documents_of_all_services_make_one() {
    let router = app()
        .service("other-service", OpenApiRouter::default().routes(routes!(other::items)), (), &[])
        .asyncapi(r#"{"asyncapi":"3.0.0"}"#)
        .router();
    let all = fetch(&router, "/openapi.json").await.json();
    assert_eq!(all["info"], json!({ "title": "Test", "version": "1.2.3" }));
    let schemas = &all["components"]["schemas"];
    assert!(schemas["Item"]["properties"]["quantity"].is_object(), "{all:#}");
    assert!(schemas["other.Item"]["properties"]["sku"].is_object(), "{all:#}");
    assert!(schemas["Problem"]["properties"]["type"].is_object() && schemas["FieldError"].is_object(), "{all:#}");
    let reference = "/paths/~1other-items/get/responses/200/content/application~1json/schema/items/$ref";
    assert_eq!(all.pointer(reference).unwrap(), "#/components/schemas/other.Item");
    assert!(all["paths"]["/orders"]["post"].is_object());

    let one = fetch(&router, "/openapi/other-service.json").await.json();
    assert!(one["paths"]["/orders"].is_null() && one["paths"]["/other-items"].is_object());
    assert_eq!(fetch(&router, "/asyncapi.json").await.json()["asyncapi"], "3.0.0");
    fetch(&super::router(), "/asyncapi.json").await.problem(404, "not-found");
}

#[tokio::test]
async fn the_documents_can_be_read_without_the_internet() {
    let router = router();
    let page = fetch(&router, "/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("https://"), "{}", page.text());
    let start = fetch(&router, "/docs/swagger-initializer.js").await;
    assert!(
        start.text().contains("/openapi.json") && start.text().contains("\"validatorUrl\": \"none\""),
        "{}",
        start.text()
    );
    assert_eq!(fetch(&router, "/docs/swagger-ui-bundle.js").await.status, StatusCode::OK);
    assert!(page.header("content-security-policy").unwrap().contains("style-src 'self' 'unsafe-inline'"));
}
