//! The public API over keep-alive connections. A call costs about 15 µs, so a load generator takes
//! little of the machine that it shares with the system.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header,
    http::{HeaderName, HeaderValue, Response},
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpStream, time::timeout};

/// Longer than the time-out of the server (30 s).
const WAIT_TIMEOUT: Duration = Duration::from_secs(35);

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no connection. The request certainly had no effect.
    #[error("cannot connect to {0}: {1}")]
    NotConnected(SocketAddr, std::io::Error),
    /// The connection broke. Whether the request had an effect is unknown.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// The call timed out. Whether the request had an effect is unknown.
    #[error("no answer within {} s", WAIT_TIMEOUT.as_secs())]
    Silent,
    /// The status is not a success.
    #[error("{path} was answered {status}: {body}")]
    Refused { path: String, status: StatusCode, body: String },
    /// The body violates the contract.
    #[error("the answer of {path} violates the contract: {source}; the body is {body}")]
    Unreadable { path: String, source: serde_json::Error, body: String },
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of a header; empty if it is absent.
    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The body of a successful answer.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        if !self.status.is_success() {
            return Err(CallError::Refused { path: path.to_owned(), status: self.status, body: self.text() });
        }
        self.json().map_err(|source| CallError::Unreadable { path: path.to_owned(), source, body: self.text() })
    }
}

/// A request to be sent.
pub type Call = Request<Full<Bytes>>;

/// A call without a body.
pub fn call(method: Method, path: &str) -> Call {
    let mut call = Request::new(Full::default());
    *call.method_mut() = method;
    *call.uri_mut() = path.parse().expect("paths are constants or built from ids");
    call
}

/// A call with this body and the content type JSON, even if the body is not JSON.
pub fn call_with(method: Method, path: &str, body: impl Into<Bytes>) -> Call {
    let mut call = call(method, path);
    *call.body_mut() = Full::new(body.into());
    call.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    call
}

/// Adds a header.
pub fn with(mut call: Call, name: &'static str, value: &str) -> Call {
    call.headers_mut().insert(HeaderName::from_static(name), value.parse().expect("header values are visible ASCII"));
    call
}

/// A client with one connection per concurrent call. Cheap to clone; clones share the connections.
/// Use it only on the runtime of its first call.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The longest prefix first.
    endpoints: Vec<Endpoint>,
}

/// The server of all paths that begin with this prefix.
#[derive(Debug)]
struct Endpoint {
    prefix: &'static str,
    address: SocketAddr,
    host: HeaderValue,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// Sends every call to one server. Connects on the first call.
    pub fn new(address: SocketAddr) -> Self {
        Self::of(&[("", address)])
    }

    /// Routes each call by the prefix of its path, like a reverse proxy. One prefix must be empty.
    pub fn of(endpoints: &[(&'static str, SocketAddr)]) -> Self {
        let endpoint = |&(prefix, address): &(&'static str, SocketAddr)| Endpoint {
            prefix,
            address,
            host: HeaderValue::try_from(address.to_string()).expect("digits and colons"),
            idle: Mutex::default(),
        };
        let mut endpoints: Vec<Endpoint> = endpoints.iter().map(endpoint).collect();
        endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.prefix.len()));
        Self(Arc::new(Inner { endpoints }))
    }

    fn endpoint(&self, call: &Call) -> &Endpoint {
        let path = call.uri().path();
        self.0.endpoints.iter().find(|it| path.starts_with(it.prefix)).expect("one prefix is empty")
    }

    /// Sends a call and waits for the complete answer. Does not check the status.
    pub async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let endpoint = self.endpoint(&call);
        timeout(WAIT_TIMEOUT, endpoint.exchange(call)).await.map_err(|_| CallError::Silent)?
    }

    /// Tries the endpoints one after another until one does not answer 404: each service serves the
    /// pages of its own problems.
    pub async fn send_to_any(&self, method: Method, path: &str) -> Result<Answer, CallError> {
        let mut last = None;
        for endpoint in &self.0.endpoints {
            let answer = timeout(WAIT_TIMEOUT, endpoint.exchange(call(method.clone(), path))).await;
            let answer = answer.map_err(|_| CallError::Silent)??;
            if answer.status != StatusCode::NOT_FOUND {
                return Ok(answer);
            }
            last = Some(answer);
        }
        Ok(last.expect("there is an endpoint"))
    }

    /// The body of a successful `GET`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.send(call(Method::GET, path)).await?.read(path)
    }

    /// The body of a successful `GET`; `None` for 404.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CallError> {
        let answer = self.send(call(Method::GET, path)).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.read(path).map(Some) }
    }

    /// Sends a JSON body without an idempotency key.
    pub async fn write(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Answer, CallError> {
        self.send(call_with(method, path, json(body))).await
    }

    /// Sends a JSON body with an idempotency key.
    pub async fn post(&self, path: &str, key: &str, body: &impl Serialize) -> Result<Answer, CallError> {
        self.send(with(call_with(Method::POST, path, json(body)), "idempotency-key", key)).await
    }

    /// Opens a stream: returns after the head of the answer. Uses a connection of its own.
    pub async fn open(&self, mut call: Call) -> Result<Response<Incoming>, CallError> {
        let endpoint = self.endpoint(&call);
        call.headers_mut().insert(header::HOST, endpoint.host.clone());
        let mut connection = endpoint.connect().await?;
        let answer = timeout(WAIT_TIMEOUT, connection.send_request(call)).await.map_err(|_| CallError::Silent)?;
        Ok(answer?)
    }
}

impl Endpoint {
    async fn exchange(&self, mut call: Call) -> Result<Answer, CallError> {
        call.headers_mut().insert(header::HOST, self.host.clone());
        while let Some(mut connection) = self.idle() {
            if connection.ready().await.is_err() {
                continue; // the server closed the idle connection
            }
            match connection.try_send_request(call).await {
                Ok(response) => return self.finish(connection, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => call = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut connection = self.connect().await?;
        let response = connection.send_request(call).await?;
        self.finish(connection, response).await
    }

    async fn finish(
        &self,
        connection: SendRequest<Full<Bytes>>,
        response: Response<Incoming>,
    ) -> Result<Answer, CallError> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let address = self.address;
        let failed = |error| CallError::NotConnected(address, error);
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection); // ends with the connection; `send` returns its errors
        Ok(send)
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("request bodies serialize to JSON").into()
}
