//! Event streams and the server.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use axum::body::BodyDataStream;
use futures_util::{StreamExt, stream};
use tokio::task::spawn_blocking;

use super::*;

async fn next(body: &mut BodyDataStream) -> Option<String> {
    let bytes = body.next().await?.unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_stream_sends_its_events_and_ends_with_them() {
    let messages = stream::iter([Message::json("status", &json!({ "a": 1 })).id(1), Message::json("end", &"x\ny")]);
    let response = Live::detached(CancellationToken::new()).send(messages);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let answer = read(response).await;
    assert_eq!(answer.text(), "event: status\ndata: {\"a\":1}\nid: 1\n\nevent: end\ndata: \"x\\ny\"\n\n");
}

#[tokio::test]
async fn an_idle_stream_sends_heartbeats() {
    let response = Live::detached(CancellationToken::new()).send_with(stream::pending(), Duration::from_millis(1));
    let mut body = response.into_body().into_data_stream();
    assert_eq!(next(&mut body).await.unwrap(), ": heartbeat\n\n");
}

#[tokio::test]
async fn a_stream_ends_with_the_process() {
    let shutdown = CancellationToken::new();
    let router = app().shutdown(shutdown.clone()).router();
    let response = router.oneshot(Request::get("/live").body(Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    assert!(next(&mut body).await.unwrap().contains("id: 1"));
    shutdown.cancel();
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn streams_have_a_limit_and_release_their_permit() {
    let router = app().limits(Limits { streams: 1, ..Limits::default() }).router();
    let ask = || Request::get("/live").body(Body::empty()).unwrap();
    let first = router.clone().oneshot(ask()).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    send(&router, ask()).await.problem(503, "unavailable");
    drop(first);
    assert_eq!(router.clone().oneshot(ask()).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_reconnecting_client_sends_its_last_event() {
    use axum::extract::FromRequestParts;
    for (header, version) in [(Some("7"), Some(7)), (Some("x"), None), (Some(""), None), (None, None)] {
        let mut request = Request::get("/");
        if let Some(header) = header {
            request = request.header("Last-Event-ID", header);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(LastEventId::from_request_parts(&mut parts, &()).await.unwrap().version(), version);
    }
}

/// Sends one request on a new connection and returns the whole response.
async fn over_tcp(address: SocketAddr, request: &'static str) -> String {
    let ask = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    spawn_blocking(ask).await.unwrap()
}

async fn local() -> Server {
    Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

const GRACE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_port_in_use_is_named() {
    let first = local().await;
    let error = Server::bind(first.address()).await.unwrap_err();
    assert!(matches!(error, BindError::InUse { address } if address == first.address()));
    let port = first.address().port();
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}: the port is in use by another program"));
}

#[tokio::test]
async fn serves_and_ends_with_open_streams_and_idle_connections() {
    let (server, shutdown) = (local().await, CancellationToken::new());
    let address = server.address();
    let router = app().shutdown(shutdown.clone()).router();
    let serving = tokio::spawn(server.serve(router, Limits::default(), shutdown.clone(), GRACE));

    let answer = over_tcp(address, "GET /state HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("42"), "{answer}");

    let silent = TcpStream::connect(address).unwrap();
    let begun = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut seen = String::new();
        while !seen.contains("id: 1") {
            let mut piece = [0; 1024];
            let length = stream.read(&mut piece).unwrap();
            seen.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        stream
    });
    let mut open = begun.await.unwrap();
    shutdown.cancel();
    assert_eq!(serving.await.unwrap(), 0, "nothing had to be cut");
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream ended in order");
    drop(silent);
    assert!(TcpStream::connect(address).is_err(), "takes no more");
}

#[tokio::test]
async fn requests_that_exceed_the_grace_period_are_cut() {
    let (server, shutdown) = (local().await, CancellationToken::new());
    let address = server.address();
    let (started, mut has_started) = tokio::sync::mpsc::channel::<()>(1);
    let router = Router::new().route(
        "/slow",
        get(async move || {
            started.send(()).await.unwrap();
            pending::<&'static str>().await
        }),
    );
    let serving = tokio::spawn(server.serve(router, Limits::default(), shutdown.clone(), Duration::ZERO));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    has_started.recv().await.unwrap();
    shutdown.cancel();
    assert_eq!(serving.await.unwrap(), 1);
}
