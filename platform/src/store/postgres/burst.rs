//! Statements that are sent at once are ended once.
//!
//! tokio-postgres ends each statement with a `Sync`, and at each the server sends off what it has to say so far: a transaction
//! of ten statements is ten packets, for each of which two processes are woken. Within a transaction the last `Sync` does
//! for all, as in libpq's pipelines and JDBC's batches. This stream leaves the others out, and says to the client what it
//! would have heard: after each statement that the server is ready, and after a statement that was refused (the server
//! passes over all that follows it up to the `Sync`) that the others are, too. See "Extended Query" and "Pipelining" in the
//! description of [the protocol's flow](https://www.postgresql.org/docs/current/protocol-flow.html).
//!
//! Two statements outside of a transaction would become one: whoever uses this begins and ends his transactions.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What the client says, by the first byte of its messages.
mod says {
    pub const BIND: u8 = b'B';
    pub const EXECUTE: u8 = b'E';
    pub const QUERY: u8 = b'Q';
    pub const SYNC: u8 = b'S';
    /// Without such a byte: the first that is said. (Lengths are below 2^24.)
    pub const HELLO: u8 = 0;
}

/// What the server says.
mod hears {
    pub const COMPLETE: u8 = b'C';
    pub const EMPTY: u8 = b'I';
    pub const ERROR: u8 = b'E';
    pub const READY: u8 = b'Z';
    pub const SUSPENDED: u8 = b's';
}

/// Bytes that are read at once, at least.
const READ: usize = 16 * 1024;

const SYNC: &[u8] = b"S\0\0\0\x04";
const TLS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const READY: &[u8] = b"Z\0\0\0\x05T";
const READY_TO_ROLL_BACK: &[u8] = b"Z\0\0\0\x05E";

/// The error of whatever follows an error in a transaction.
const ABORTED: &[u8] = b"E\0\0\0\x3aSERROR\0VERROR\0C25P02\0Mcurrent transaction is aborted\0\0";
const _: () = assert!(ABORTED.len() == 1 + ABORTED[4] as usize);

/// How what the client waits for ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server says that it is ready.
    Said,
    /// The server says no more than that the statement is complete.
    LeftOut,
}

/// The way to the server and back. Its client hands over whole messages, and says nothing half: what it has written goes when it
/// flushes.
#[derive(Debug)]
pub(super) struct Burst<S> {
    server: S,
    /// For the server.
    said: BytesMut,
    /// The last of that is a statement whose `Sync` is not there: another one may follow.
    open: bool,
    /// What the client waits for, in order.
    awaited: VecDeque<End>,
    /// The server is asked for TLS, and answers with one byte.
    asks_for_tls: bool,
    /// From the server: no whole message.
    heard: BytesMut,
    /// For the client.
    answers: BytesMut,
}

impl<S> Burst<S> {
    pub fn new(server: S) -> Self {
        let (said, heard, answers) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
        Self { server, said, open: false, awaited: VecDeque::new(), asks_for_tls: false, heard, answers }
    }

    /// Takes what the client says.
    fn say(&mut self, mut messages: &[u8]) -> io::Result<()> {
        if messages.first() == Some(&says::HELLO) {
            self.asks_for_tls = messages == TLS;
            self.said.extend_from_slice(messages);
            return Ok(());
        }
        let mut executed = false;
        while !messages.is_empty() {
            let length = length(messages).filter(|length| *length <= messages.len());
            let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "half a message"))?;
            let (message, rest) = messages.split_at(length);
            let kind = message[0];
            if self.open && kind != says::BIND {
                self.end();
            }
            if self.open {
                self.open = false;
                self.awaited.push_back(End::LeftOut);
            }
            match kind {
                says::SYNC if executed => self.open = true,
                says::SYNC | says::QUERY => {
                    self.said.extend_from_slice(message);
                    self.awaited.push_back(End::Said);
                }
                _ => self.said.extend_from_slice(message),
            }
            executed = kind == says::EXECUTE;
            messages = rest;
        }
        Ok(())
    }

    /// Nothing follows.
    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            self.said.extend_from_slice(SYNC);
            self.awaited.push_back(End::Said);
        }
    }

    /// Looks through what the server has said.
    fn hear(&mut self) {
        if self.asks_for_tls && !self.heard.is_empty() {
            self.asks_for_tls = false;
            self.answers.unsplit(self.heard.split_to(1));
        }
        while let Some(length) = length(&self.heard).filter(|length| *length <= self.heard.len()) {
            let message = self.heard.split_to(length);
            let kind = message[0];
            self.answers.unsplit(message);
            match (kind, self.awaited.front()) {
                (hears::READY, _) => drop(self.awaited.pop_front()),
                (hears::COMPLETE | hears::EMPTY | hears::SUSPENDED, Some(End::LeftOut)) => {
                    self.awaited.pop_front();
                    self.answers.put_slice(READY);
                }
                (hears::ERROR, Some(End::LeftOut)) => {
                    while let Some(End::LeftOut) = self.awaited.front() {
                        self.awaited.pop_front();
                        self.answers.put_slice(READY_TO_ROLL_BACK);
                        self.answers.put_slice(ABORTED);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Of the first of these messages, if that much is there to tell.
fn length(messages: &[u8]) -> Option<usize> {
    let length = messages.get(1..5)?.try_into().expect("four bytes");
    Some(1 + u32::from_be_bytes(length) as usize)
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Burst<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, messages: &[u8]) -> Poll<io::Result<usize>> {
        self.say(messages)?;
        Poll::Ready(Ok(messages.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        let this = &mut *self;
        while !this.said.is_empty() {
            let written = ready!(Pin::new(&mut this.server).poll_write(cx, &this.said))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.said.advance(written);
        }
        Pin::new(&mut this.server).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.server).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Burst<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.asks_for_tls {
            ready!(self.as_mut().poll_flush(cx))?; // the client does not
        }
        let this = &mut *self;
        while this.answers.is_empty() {
            this.heard.reserve(READ);
            let server = Pin::new(&mut this.server);
            if ready!(tokio_util::io::poll_read_buf(server, cx, &mut this.heard))? == 0 {
                return Poll::Ready(Ok(())); // it is gone
            }
            this.hear();
        }
        let length = this.answers.len().min(buffer.remaining());
        buffer.put_slice(&this.answers.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: TlsStream + Unpin> TlsStream for Burst<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.server.channel_binding()
    }
}

/// TLS below the burst and not above it, where there is nothing to be read.
pub(super) struct Below<T>(pub T);

impl<S, T> TlsConnect<Burst<S>> for Below<T>
where
    T: TlsConnect<S, Future: Send + 'static>,
{
    type Stream = Burst<T::Stream>;
    type Error = T::Error;
    type Future = futures_util::future::MapOk<T::Future, fn(T::Stream) -> Burst<T::Stream>>;

    fn connect(self, stream: Burst<S>) -> Self::Future {
        futures_util::TryFutureExt::map_ok(self.0.connect(stream.server), Burst::new)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn message(kind: u8, body: &str) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body.as_bytes()].concat()
    }

    fn statement(name: &str) -> Vec<u8> {
        [message(says::BIND, name), message(says::EXECUTE, ""), message(says::SYNC, "")].concat()
    }

    fn server_says(kinds: &str) -> Vec<u8> {
        kinds.bytes().flat_map(|kind| message(kind, if kind == hears::READY { "T" } else { "" })).collect()
    }

    /// The kinds of these messages.
    fn kinds(mut messages: &[u8]) -> String {
        let next = || {
            let (kind, length) = (*messages.first()?, length(messages)?);
            messages = &messages[length..];
            Some(char::from(kind))
        };
        std::iter::from_fn(next).collect()
    }

    fn connected() -> (Burst<DuplexStream>, DuplexStream) {
        let (client, server) = duplex(1 << 16);
        (Burst::new(client), server)
    }

    async fn read(from: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
        let mut all = vec![0; 1 << 16];
        let length = from.read(&mut all).await.unwrap();
        all.truncate(length);
        all
    }

    /// What the client hears to the end, when the server says this.
    async fn hears(client: &mut Burst<DuplexStream>, server: &mut DuplexStream, said: &[u8]) -> String {
        for byte in said {
            server.write_all(&[*byte]).await.unwrap(); // in whatever pieces
            client.heard.reserve(1);
        }
        let mut all = vec![];
        loop {
            all.extend(read(client).await);
            if client.awaited.is_empty() && client.answers.is_empty() {
                return kinds(&all);
            }
        }
    }

    #[tokio::test]
    async fn statements_that_go_together_are_ended_once() {
        let (mut client, mut server) = connected();
        for name in ["one", "two", "three"] {
            client.write_all(&statement(name)).await.unwrap();
        }
        client.flush().await.unwrap();
        assert_eq!(kinds(&read(&mut server).await), "BEBEBES");
        let heard = hears(&mut client, &mut server, &server_says("2C2DDC2IZ")).await;
        assert_eq!(heard, "2CZ2DDCZ2IZ");

        // What comes later has an end of its own.
        client.write_all(&statement("four")).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(kinds(&read(&mut server).await), "BES");
        assert_eq!(hears(&mut client, &mut server, &server_says("2CZ")).await, "2CZ");
    }

    #[tokio::test]
    async fn what_follows_a_refused_statement_is_refused() {
        let (mut client, mut server) = connected();
        let all = [statement("one"), statement("two"), statement("three"), statement("four")].concat();
        client.write_all(&all).await.unwrap();
        client.flush().await.unwrap();
        let heard = hears(&mut client, &mut server, &server_says("2CEZ")).await;
        assert_eq!(heard, "2CZEZEZEZ", "each of the four has an answer, and an end");

        // The last one may be the one.
        client.write_all(&all).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(hears(&mut client, &mut server, &server_says("2C2C2C2DEZ")).await, "2CZ2CZ2CZ2DEZ");
    }

    #[tokio::test]
    async fn whatever_is_not_a_statement_begins_anew() {
        let (mut client, mut server) = connected();
        let prepare = [message(b'P', "…"), message(b'D', "…"), message(says::SYNC, "")].concat();
        client
            .write_all(&[statement("one"), prepare, statement("two"), message(says::QUERY, "")].concat())
            .await
            .unwrap();
        client.flush().await.unwrap();
        assert_eq!(kinds(&read(&mut server).await), "BESPDSBESQ");
        assert_eq!(hears(&mut client, &mut server, &server_says("2CZ1tTZ2CZCCZ")).await, "2CZ1tTZ2CZCCZ");
    }

    #[tokio::test]
    async fn half_a_message_is_an_error() {
        let (mut client, _server) = connected();
        assert_eq!(client.write(&statement("one")[..7]).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn the_beginning_is_let_through() {
        let (mut client, mut server) = connected();
        client.write_all(TLS).await.unwrap();
        let answers = async {
            assert_eq!(read(&mut server).await, TLS);
            server.write_all(b"N").await.unwrap();
        };
        let (answer, ()) = tokio::join!(read(&mut client), answers);
        assert_eq!(answer, b"N");
        let hello = b"\0\0\0\x09\0\x03\0\0\0";
        client.write_all(hello).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(read(&mut server).await, hello);
        server.write_all(&server_says("RSSKZ")).await.unwrap();
        assert_eq!(kinds(&read(&mut client).await), "RSSKZ");
    }
}
