//! Calls that are made at the same time travel in one request: requests are dear to both sides.

use std::{
    fmt, mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use reqwest::Response;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{sync::oneshot, time::timeout};

use super::{Outside, answer, is_about_the_request};
use crate::{
    CallError,
    http::{Call, Line, MOST_CALLS},
};

/// So often it is asked whether anybody still waits for the answers that are missing.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of an answer; what is longer is none.
const LONGEST: usize = 1 << 20;

/// The way to an address that takes several calls at once ([`crate::http::Calls`]). Cheap to clone.
#[derive(Debug, Clone)]
pub struct Together(Arc<Way>);

#[derive(Debug)]
struct Way {
    outside: Outside,
    path: String,
    /// Calls that go with the next request.
    waiting: Mutex<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    call: Box<RawValue>,
    answer: oneshot::Sender<Said>,
}

type Said = Result<(StatusCode, Bytes), CallError>;

/// [`crate::http::Calls`], of which each is written already.
#[derive(Serialize)]
struct Calls<'a> {
    calls: Vec<&'a RawValue>,
}

impl Together {
    pub(super) fn new(outside: Outside, path: String) -> Self {
        Self(Arc::new(Way { outside, path, waiting: Mutex::default() }))
    }

    /// Has something done, under a key that makes repeats harmless; as [`Outside::post`], with whatever else is called at the
    /// same moment. A connection that is lost is lost for all of them. Who gives up may have been sent all the same, and the
    /// others are not disturbed; when all have, the connection ends within a second.
    pub async fn post<A: DeserializeOwned>(&self, key: &str, body: &impl Serialize) -> Result<A, CallError> {
        let unfit = |why: &dyn fmt::Display| CallError::Failed(format!("the call cannot be written: {why}"));
        let key = key.to_owned().try_into().map_err(|why| unfit(&why))?;
        let call = to_raw_value(&Call { key, body }).map_err(|why| unfit(&why))?;
        let (sender, said) = oneshot::channel();
        let is_first = {
            let mut waiting = self.0.waiting();
            waiting.push(Waiting { call, answer: sender });
            waiting.len() == 1
        };
        if is_first {
            tokio::spawn(self.0.clone().depart());
        }
        answer(said.await.unwrap_or_else(|_| Err(self.0.outside.lost()))?)
    }
}

impl Way {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends all that wait. Requests are on their way side by side: what is answered late holds up nothing.
    async fn depart(self: Arc<Self>) {
        tokio::task::yield_now().await; // others who call at this moment come along
        let mut waiting = mem::take(&mut *self.waiting());
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(MOST_CALLS));
            let (way, calls) = (self.clone(), mem::replace(&mut waiting, rest));
            tokio::spawn(async move {
                let alone = way.deliver(calls).await;
                join_all(alone.into_iter().map(|call| way.deliver(vec![call]))).await;
            });
        }
    }

    /// Sends these in one request, and hands out the answers. Returned are those to be sent alone: they were refused together, and it
    /// may be for one of them.
    async fn deliver(&self, mut calls: Vec<Waiting>) -> Vec<Waiting> {
        calls.retain(|it| !it.answer.is_closed()); // who has given up need not be asked for
        if calls.is_empty() {
            return calls;
        }
        let Some(sent) = self.send(&calls).await else { return vec![] };
        let said = match sent {
            Ok(response) if response.status().is_success() => {
                hear(response, calls).await;
                return vec![];
            }
            Ok(response) if calls.len() > 1 && is_about_the_request(response.status()) => return calls,
            Ok(response) => self.outside.read(response).await,
            Err(error) => Err(error),
        };
        for it in calls {
            it.answer.send(said.clone()).ok(); // or nobody waits any more
        }
        vec![]
    }

    /// What comes back, its answers not read yet; `None`: nobody waits any more.
    async fn send(&self, calls: &[Waiting]) -> Option<Result<Response, CallError>> {
        let body = Calls { calls: calls.iter().map(|it| &*it.call).collect() };
        let mut sending = pin!(self.outside.send(Method::POST, &self.path, None, Some(&body)));
        loop {
            match timeout(LOOK, &mut sending).await {
                Ok(sent) => return Some(sent),
                Err(_) if calls.iter().all(|it| it.answer.is_closed()) => return None,
                Err(_) => {}
            }
        }
    }
}

/// Hands out answers as they come. Those that never come are lost; when nobody waits for any of them, the connection ends.
async fn hear(mut response: Response, calls: Vec<Waiting>) {
    let mut open: Vec<_> = calls.into_iter().map(|it| Some(it.answer)).collect();
    let mut text = BytesMut::new();
    loop {
        match timeout(LOOK, response.chunk()).await {
            Ok(Ok(Some(piece))) => text.extend_from_slice(&piece),
            Ok(Ok(None) | Err(_)) => return,
            Err(_) if open.iter().flatten().all(oneshot::Sender::is_closed) => return,
            Err(_) => {}
        }
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line = text.split_to(end + 1).freeze();
            let Ok(Line::<&RawValue> { call, status, body }) = serde_json::from_slice(&line) else { continue };
            let known = open.get_mut(call).and_then(Option::take).zip(StatusCode::from_u16(status).ok());
            if let Some((answer, status)) = known {
                answer.send(Ok((status, line.slice_ref(body.get().as_bytes())))).ok();
            }
        }
        if text.len() > LONGEST {
            return;
        }
    }
}
