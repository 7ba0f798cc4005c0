//! Server-sent events: the subset that the API uses.

use http_body_util::BodyExt;
use hyper::{Response, body::Incoming};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{
    client::{Call, CallError, Client},
    eventually::WAIT_TIMEOUT,
};

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub id: Option<String>,
    pub event: String,
    pub data: String,
}

impl Message {
    /// The data parsed as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.data)
    }
}

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    response: Response<Incoming>,
    unread: Vec<u8>,
}

impl Stream {
    /// Opens a stream.
    pub async fn open(client: &Client, call: Call) -> Result<Self, CallError> {
        Ok(Self { response: client.open(call).await?, unread: Vec::new() })
    }

    /// The head of the answer.
    pub fn response(&self) -> &Response<Incoming> {
        &self.response
    }

    /// The next event; skips comments (heartbeats). `None` at the end of the stream.
    pub async fn next(&mut self) -> Result<Option<Message>, CallError> {
        loop {
            while let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                if let Some(message) = parse(&String::from_utf8_lossy(&block)) {
                    return Ok(Some(message));
                }
            }
            let frame = timeout(WAIT_TIMEOUT, self.response.body_mut().frame()).await.map_err(|_| CallError::Silent)?;
            match frame.transpose()? {
                None => return Ok(None),
                Some(frame) => self.unread.extend(frame.into_data().unwrap_or_default()),
            }
        }
    }

    /// All events until the end of the stream.
    pub async fn rest(&mut self) -> Result<Vec<Message>, CallError> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await? {
            all.push(message);
        }
        Ok(all)
    }
}

fn parse(block: &str) -> Option<Message> {
    let mut message = Message::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => message.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut message.event),
            "data" if message.data.is_empty() => value.clone_into(&mut message.data),
            "data" => message.data = format!("{}\n{value}", message.data),
            _ => {}
        }
    }
    (!message.data.is_empty()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::{Message, parse};

    #[test]
    fn what_an_event_looks_like() {
        let message = |id: Option<&str>, event: &str, data: &str| {
            Some(Message { id: id.map(str::to_owned), event: event.to_owned(), data: data.to_owned() })
        };
        assert_eq!(parse("id: 7\nevent: status\ndata: {}\n\n"), message(Some("7"), "status", "{}"));
        assert_eq!(parse("data:a\ndata:b\n\n"), message(None, "", "a\nb"));
        assert_eq!(parse(": heartbeat\n\n"), None);
    }
}
