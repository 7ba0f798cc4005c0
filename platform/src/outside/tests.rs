//! Calls that travel together, and whoever they are made to.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::State, response::Response, routing::post};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{NOT_DONE, Outside, Together};
use crate::{
    CallError, Shutdown,
    http::{Call, Calls, Json, Limits, OneByOne, OpenApiRouter, Problem, ProblemType, Server, Shell},
};

static TOO_COLD: ProblemType = ProblemType::new("too-cold", http::StatusCode::CONFLICT, "It is too cold", "");

/// Does what it is told.
#[derive(Default)]
struct Desk {
    requests: AtomicUsize,
    /// Calls that wait for it.
    go: Notify,
    /// Calls whose caller has gone away.
    left: Notify,
}

struct Leaves(Arc<Desk>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.left.notify_one();
    }
}

impl Desk {
    async fn does(self: Arc<Self>, what: String) -> Result<Value, Problem> {
        match &*what {
            "wait" => self.go.notified().await,
            "never" => {
                let _leaves = Leaves(self);
                pending::<()>().await;
            }
            "refuse" => return Err(Problem::new(&TOO_COLD).detail("-12 °C")),
            "not done" => return Err(Problem::new(&NOT_DONE).detail("closed")),
            "break" => return Err(Problem::internal("a bug")),
            "panic" => panic!("a bug of another kind"),
            _ => {}
        }
        Ok(json!({ "done": what }))
    }
}

async fn desk(
    State(desk): State<Arc<Desk>>,
    answers: OneByOne,
    Json(calls): Json<Calls<String>>,
) -> Result<Response, Problem> {
    desk.requests.fetch_add(1, Ordering::Relaxed);
    if format!("{calls:?}").contains("unfit") {
        return Err(Problem::malformed("not this one"));
    }
    answers.answer(calls, |Call { body, .. }| desk.clone().does(body))
}

struct World {
    desk: Arc<Desk>,
    outside: Outside,
    way: Together,
    shutdown: Shutdown,
}

async fn serve(router: Router, shutdown: &Shutdown) -> SocketAddr {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router, Limits::default(), shutdown.clone(), Duration::ZERO));
    address
}

impl World {
    async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let (desk_, shutdown) = (Arc::new(Desk::default()), Shutdown::new());
        let routes = OpenApiRouter::default().route("/batch", post(desk));
        let shell = Shell::new("Desk", "1").limits(limits).service("desk", routes, desk_.clone(), &[]);
        let address = serve(shell.router(), &shutdown).await;
        let outside = Outside::new(&format!("http://{address}"));
        Self { desk: desk_, way: outside.together("/batch"), outside, shutdown }
    }

    async fn call(&self, what: &str) -> Result<Value, CallError> {
        self.way.post("key", &what).await
    }

    fn requests(&self) -> usize {
        self.desk.requests.load(Ordering::Relaxed)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

fn done(what: &str) -> Value {
    json!({ "done": what })
}

#[tokio::test]
async fn calls_of_the_same_moment_go_in_one_request_and_each_has_its_answer() {
    let world = World::open().await;
    let said = join_all(["a", "refuse", "not done", "break", "panic", "b"].map(|what| world.call(what))).await;
    let unknown = |why: &str| Err(CallError::Unknown(why.to_owned()));
    let failed = |why: &str| Err(CallError::Failed(why.to_owned()));
    let broken = unknown("Something went wrong on our side");
    assert_eq!(said, [Ok(done("a")), failed("-12 °C"), failed("closed"), broken.clone(), broken, Ok(done("b"))]);
    assert_eq!(world.requests(), 1);
    assert_eq!(world.call("c").await, Ok(done("c")));
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn what_is_answered_late_holds_up_nothing() {
    let world = World::open().await;
    let (late, ()) = tokio::join!(world.call("wait"), async {
        assert_eq!(world.call("a").await, Ok(done("a")));
        assert_eq!(world.requests(), 1, "it went with the one that waits");
        assert_eq!(world.call("b").await, Ok(done("b")));
        world.desk.go.notify_one();
    });
    assert_eq!(late, Ok(done("wait")));
}

#[tokio::test]
async fn many_calls_take_several_requests() {
    let world = World::open().await;
    let calls: Vec<String> = (0..250).map(|it| it.to_string()).collect();
    let said = join_all(calls.iter().map(|what| world.call(what))).await;
    assert_eq!(said, calls.iter().map(|what| Ok(done(what))).collect::<Vec<_>>());
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn one_that_the_others_would_be_refused_for_goes_alone_and_none_waits_for_another() {
    let world = World::open().await;
    let (late, said) = tokio::join!(world.call("wait"), async {
        let said = join_all(["a", "unfit", "b"].map(|what| world.call(what))).await;
        world.desk.go.notify_one();
        said
    });
    assert_eq!(said, [Ok(done("a")), Err(CallError::Failed("not this one".to_owned())), Ok(done("b"))]);
    assert_eq!((late, world.requests()), (Ok(done("wait")), 5));
}

#[tokio::test]
async fn a_call_has_as_much_time_as_a_request() {
    let soon = Limits { request_time: Duration::from_millis(20), ..Limits::default() };
    let world = World::with(soon).await;
    let (late, other) = tokio::join!(world.call("never"), world.call("a"));
    assert!(matches!(late, Err(CallError::Unknown(_))), "{late:?}");
    assert_eq!(other, Ok(done("a")));
}

/// It takes the call, and says nothing at all.
#[tokio::test]
async fn who_says_nothing_is_left_when_nobody_waits_any_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way = Outside::new(&format!("http://{}", listener.local_addr().unwrap())).together("/batch");
    let call = tokio::time::timeout(Duration::from_millis(50), way.post::<Value>("key", &"a"));
    let (said, mut connection) = tokio::join!(call, async { listener.accept().await.unwrap().0 });
    assert!(said.is_err());
    let mut heard = vec![];
    tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut heard).await.unwrap();
    assert!(String::from_utf8_lossy(&heard).ends_with(r#"{"calls":[{"key":"key","body":"a"}]}"#));
}

#[tokio::test]
async fn what_is_still_worked_on_may_happen() {
    let answers = ["request-in-progress", "too-cold"].map(|kind| {
        let body = format!("{{\"type\":\"/problems/{kind}\",\"title\":\"{kind}\"}}");
        super::answer::<Value>((http::StatusCode::CONFLICT, body.into()))
    });
    let expected = [CallError::Unknown("request-in-progress".to_owned()), CallError::Failed("too-cold".to_owned())];
    assert_eq!(answers, expected.map(Err));
}

#[tokio::test]
async fn when_nobody_waits_any_more_the_connection_ends() {
    let world = World::open().await;
    let waits = tokio::time::timeout(Duration::from_millis(50), world.call("never")).await;
    assert!(waits.is_err());
    world.desk.left.notified().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_the_others_unknown() {
    let heard = Arc::new(Notify::new());
    let tells = heard.clone();
    let half = post(move || async {
        let first = "{\"call\":1,\"status\":200,\"body\":{\"done\":\"b\"}}\n{\"call\":0,";
        let breaks = async move {
            tells.notified().await;
            Err(std::io::Error::other("the cable"))
        };
        Response::new(Body::from_stream(stream::iter([Ok(first)]).chain(stream::once(breaks))))
    });
    let shutdown = Shutdown::new();
    let address = serve(Router::new().route("/batch", half), &shutdown).await;
    let way = Outside::new(&format!("http://{address}")).together("/batch");
    let (a, ()) = tokio::join!(way.post::<Value>("a", &"a"), async {
        assert_eq!(way.post::<Value>("b", &"b").await, Ok(done("b")));
        heard.notify_one();
    });
    assert_eq!(a, Err(CallError::Unknown(format!("the connection to http://{address} was lost"))));
    shutdown.trigger();
}

/// In pieces, with lines that mean nothing, and one answered twice.
#[tokio::test]
async fn answers_are_read_however_they_come() {
    let pieces = [
        "{\"call\":0,\"sta",
        "tus\":200,\"body\":{\"done\":\"a\"}}\nnonsense\n{\"call\":7,\"status\":200,\"body\":1}\n{\"call\":0,\"status\":200,\"body\":2}\n",
        "{\"call\":1,\"status\":200,\"body\":{\"done\":\"b\"}}\n",
    ];
    let body = move || async move { Response::new(Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))) };
    let shutdown = Shutdown::new();
    let address = serve(Router::new().route("/batch", post(body)), &shutdown).await;
    let way = Outside::new(&format!("http://{address}")).together("/batch");
    let said = tokio::join!(way.post::<Value>("a", &"a"), way.post::<Value>("b", &"b"));
    assert_eq!(said, (Ok(done("a")), Ok(done("b"))));
    shutdown.trigger();
}

#[tokio::test]
async fn no_calls_and_too_many_are_refused() {
    let world = World::open().await;
    for number in [0, 101] {
        let body = json!({ "calls": vec![json!({ "key": "k", "body": "a" }); number] });
        let refused = world.outside.post::<Value>("/batch", "key", &body).await;
        let why = "calls: must be between 1 and 100".to_owned();
        assert_eq!(refused, Err(CallError::Failed(why)), "{number}");
    }
    let unfit = world.way.post::<Value>("a key with blanks", &"a").await;
    assert!(matches!(unfit, Err(CallError::Failed(_))), "{unfit:?}");
    assert_eq!(world.requests(), 2, "a key that would be refused is not sent");
}

#[tokio::test]
async fn where_nobody_is_nothing_has_happened() {
    let way = Outside::new("http://127.0.0.1:1").together("/batch");
    let (a, b) = tokio::join!(way.post::<Value>("a", &"a"), way.post::<Value>("b", &"b"));
    let nothing = Err(CallError::Failed("http://127.0.0.1:1 cannot be reached".to_owned()));
    assert_eq!((&a, &b), (&nothing, &nothing));
}
