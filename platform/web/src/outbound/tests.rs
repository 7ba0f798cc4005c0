use std::{future::pending, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::State, response::Response, routing::post};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{CallError, NOT_DONE, OutboundClient};
use crate::{HttpApp, Json, Keyed, Limits, OpenApiRouter, Problem, ProblemType, Server};

static TOO_COLD: ProblemType = ProblemType::new("too-cold", http::StatusCode::CONFLICT, "It is too cold", "");

/// State of the server under test.
#[derive(Default)]
struct Provider {
    /// Notified when a call's connection has ended.
    dropped: Notify,
}

struct NotifyOnDrop(Arc<Provider>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

async fn handler(
    State(provider): State<Arc<Provider>>,
    Keyed { key, body, .. }: Keyed<String>,
) -> Result<Json<Value>, Problem> {
    match &*body {
        "never" => {
            let _guard = NotifyOnDrop(provider);
            pending::<()>().await;
        }
        "refuse" => return Err(Problem::new(&TOO_COLD).detail("-12 °C")),
        "not done" => return Err(Problem::new(&NOT_DONE).detail("closed")),
        "break" => return Err(Problem::internal("a bug")),
        "panic" => panic!("a bug of another kind"),
        _ => {}
    }
    Ok(Json(done(key.as_str(), &body)))
}

struct World {
    provider: Arc<Provider>,
    client: OutboundClient,
    shutdown: CancellationToken,
}

async fn serve(router: Router, shutdown: &CancellationToken) -> SocketAddr {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router, Limits::default(), shutdown.clone(), Duration::ZERO));
    address
}

impl World {
    async fn open(limits: Limits) -> Self {
        let (provider, shutdown) = (Arc::new(Provider::default()), CancellationToken::new());
        let routes = OpenApiRouter::default().route("/calls", post(handler));
        let app = HttpApp::new("Provider", "1").limits(limits).service("provider", routes, provider.clone(), &[]);
        let address = serve(app.router(), &shutdown).await;
        Self { provider, client: OutboundClient::new(&format!("http://{address}")), shutdown }
    }

    async fn call(&self, what: &str) -> Result<Value, CallError> {
        self.client.post("/calls", "key", &what).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn done(key: &str, what: &str) -> Value {
    json!({ "key": key, "done": what })
}

#[tokio::test]
async fn each_answer_maps_to_failed_or_unknown() {
    let world = World::open(Limits::default()).await;
    let results = join_all(["a", "refuse", "not done", "break", "panic", "b"].map(|what| world.call(what))).await;
    let unknown = |why: &str| Err(CallError::Unknown(why.to_owned()));
    let failed = |why: &str| Err(CallError::Failed(why.to_owned()));
    let broken = unknown("Something went wrong on our side");
    let (a, b) = (Ok(done("key", "a")), Ok(done("key", "b")));
    assert_eq!(results, [a, failed("-12 °C"), failed("closed"), broken.clone(), broken, b]);
    let unfit = world.client.post::<Value>("/calls", "a key with blanks", &"a").await;
    assert!(matches!(unfit, Err(CallError::Failed(_))), "{unfit:?}");
}

#[tokio::test]
async fn a_call_that_the_server_gives_up_is_unknown() {
    let world = World::open(Limits { request_time: Duration::from_millis(20), ..Limits::default() }).await;
    let (late, other) = tokio::join!(world.call("never"), world.call("a"));
    assert!(matches!(late, Err(CallError::Unknown(_))), "{late:?}");
    assert_eq!(other, Ok(done("key", "a")));
}

#[tokio::test]
async fn a_call_that_the_caller_gives_up_ends_its_connection() {
    let world = World::open(Limits::default()).await;
    let call = tokio::time::timeout(Duration::from_millis(50), world.call("never")).await;
    assert!(call.is_err());
    world.provider.dropped.notified().await;
}

#[tokio::test]
async fn a_request_in_progress_may_take_effect() {
    let answers = ["request-in-progress", "too-cold"].map(|kind| {
        let body = format!("{{\"type\":\"/problems/{kind}\",\"title\":\"{kind}\"}}");
        super::answer::<Value>((http::StatusCode::CONFLICT, body.into()))
    });
    let expected = [CallError::Unknown("request-in-progress".to_owned()), CallError::Failed("too-cold".to_owned())];
    assert_eq!(answers, expected.map(Err));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unknown() {
    let half = post(async || {
        let broken = stream::once(async { Err(std::io::Error::other("the cable")) });
        Response::new(Body::from_stream(stream::iter([Ok("{\"done\":")]).chain(broken)))
    });
    let shutdown = CancellationToken::new();
    let address = serve(Router::new().route("/calls", half), &shutdown).await;
    let answer = OutboundClient::new(&format!("http://{address}")).post::<Value>("/calls", "key", &"a").await;
    assert_eq!(answer, Err(CallError::Unknown(format!("the connection to http://{address} was lost"))));
    shutdown.cancel();
}

#[tokio::test]
async fn a_call_to_an_unreachable_server_has_failed() {
    let answer = OutboundClient::new("http://127.0.0.1:1").post::<Value>("/calls", "key", &"a").await;
    assert_eq!(answer, Err(CallError::Failed("http://127.0.0.1:1 cannot be reached".to_owned())));
}
