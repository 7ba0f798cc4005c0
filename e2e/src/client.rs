//! The public API over keep-alive connections. Plain hyper: a call costs some 15 µs, so that a load generator on the
//! machine it loads takes little away from what it measures.

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

/// No answer of the API takes longer; the server itself gives up after 30 s.
const WAIT_TIMEOUT: Duration = Duration::from_secs(35);

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection. The request was certainly not carried out.
    #[error("cannot connect to {0}: {1}")]
    NotConnected(SocketAddr, std::io::Error),
    /// The connection broke. Whether the request was carried out is not known.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// Whether the request was carried out is not known.
    #[error("no answer within {} s", WAIT_TIMEOUT.as_secs())]
    Silent,
    /// A status other than the one hoped for.
    #[error("{path} was answered {status}: {body}")]
    Refused { path: String, status: StatusCode, body: String },
    /// A body of another shape than the contract says.
    #[error("the answer of {path} is not what the contract says: {source}; it was {body}")]
    Unreadable { path: String, source: serde_json::Error, body: String },
}

/// What came back.
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

    /// A header's text; empty when absent.
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
    *call.uri_mut() = path.parse().expect("paths are written by us");
    call
}

/// A call with this body, said to be JSON whether it is or not.
pub fn call_with(method: Method, path: &str, body: impl Into<Bytes>) -> Call {
    let mut call = call(method, path);
    *call.body_mut() = Full::new(body.into());
    call.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    call
}

/// A header more.
pub fn with(mut call: Call, name: &'static str, value: &str) -> Call {
    call.headers_mut().insert(HeaderName::from_static(name), value.parse().expect("header values are written by us"));
    call
}

/// A client with as many connections as it has calls under way. Cheap to clone; clones share the connections. It
/// belongs to the runtime it was first used on.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The longest prefix first.
    doors: Vec<Door>,
}

/// Who answers what begins with this path.
#[derive(Debug)]
struct Door {
    prefix: &'static str,
    address: SocketAddr,
    host: HeaderValue,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// Of one that answers everything. Connects when first called.
    pub fn new(address: SocketAddr) -> Self {
        Self::of(&[("", address)])
    }

    /// Of several, each with the paths that it answers; one has the empty path. This is what a reverse proxy does for
    /// others.
    pub fn of(doors: &[(&'static str, SocketAddr)]) -> Self {
        let door = |&(prefix, address): &(&'static str, SocketAddr)| Door {
            prefix,
            address,
            host: HeaderValue::try_from(address.to_string()).expect("digits and colons"),
            idle: Mutex::default(),
        };
        let mut doors: Vec<Door> = doors.iter().map(door).collect();
        doors.sort_by_key(|door| std::cmp::Reverse(door.prefix.len()));
        Self(Arc::new(Inner { doors }))
    }

    fn door(&self, call: &Call) -> &Door {
        let path = call.uri().path();
        self.0.doors.iter().find(|door| path.starts_with(door.prefix)).expect("one has the empty path")
    }

    /// Sends it and waits for the whole answer, whatever its status.
    pub async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let door = self.door(&call);
        timeout(WAIT_TIMEOUT, door.exchange(call)).await.map_err(|_| CallError::Silent)?
    }

    /// The same, from whichever of several has it: a problem's page is where the problem is.
    pub async fn send_to_any(&self, method: Method, path: &str) -> Result<Answer, CallError> {
        let mut last = None;
        for door in &self.0.doors {
            let answer = timeout(WAIT_TIMEOUT, door.exchange(call(method.clone(), path))).await;
            let answer = answer.map_err(|_| CallError::Silent)??;
            if answer.status != StatusCode::NOT_FOUND {
                return Ok(answer);
            }
            last = Some(answer);
        }
        Ok(last.expect("there is a door"))
    }

    /// The body of a successful `GET`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.send(call(Method::GET, path)).await?.read(path)
    }

    /// The same, with nothing for 404.
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

    /// An answer whose body goes on for as long as it likes, on a connection of its own.
    pub async fn open(&self, mut call: Call) -> Result<Response<Incoming>, CallError> {
        let door = self.door(&call);
        call.headers_mut().insert(header::HOST, door.host.clone());
        let mut connection = door.connect().await?;
        let answer = timeout(WAIT_TIMEOUT, connection.send_request(call)).await.map_err(|_| CallError::Silent)?;
        Ok(answer?)
    }
}

impl Door {
    async fn exchange(&self, mut call: Call) -> Result<Answer, CallError> {
        call.headers_mut().insert(header::HOST, self.host.clone());
        while let Some(mut connection) = self.idle() {
            if connection.ready().await.is_err() {
                continue; // closed by the other side while it was idle
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
        tokio::spawn(connection); // ends with the connection; its error is told to the caller
        Ok(send)
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("requests are plain values").into()
}
