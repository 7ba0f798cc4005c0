//! A connection, and how one is made.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    io, mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use futures_util::{FutureExt, future};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, UnixStream},
    sync,
};
use tokio_postgres::{Client, Config, Connection, Error, Statement, config::Host, tls::MakeTlsConnect, types::Type};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::{
    burst::{Below, Burst},
    tls, unavailable,
};
use crate::StoreError;

/// A connection that nobody has taken for so long is not taken any more: what lies between may have forgotten it without a word.
const LONG_IDLE: Duration = Duration::from_mins(5);

/// What the server has said.
pub(super) type Answer<T> = Result<T, Error>;

/// A connection. Whoever waits for an answer does its work meanwhile: were that a task of its own, two would be woken for each.
pub(super) struct Session {
    pub client: Arc<Client>,
    /// `BEGIN` and `COMMIT` are statements like others, so that they travel with others.
    pub begin: Statement,
    pub commit: Statement,
    line: Line,
    /// Statements that the server knows, by their words.
    known: Mutex<HashMap<String, Statement>>,
}

impl Session {
    /// Waits for this answer. What it asks is sent together with what the same task asks beside it.
    pub async fn answer<T>(&self, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        self.line.answer(answer).await
    }

    /// This statement, if the server knows it.
    pub fn known(&self, sql: &str, types: &[Type]) -> Option<Statement> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(sql).filter(|it| types.is_empty() || it.params() == types).cloned()
    }

    pub fn learn(&self, sql: &str, statement: &Statement) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The way to the server; `None` when it is no more.
struct Line(sync::Mutex<Option<Bytes>>);

type Bytes = Connection<Burst<Socket>, Burst<<MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>>;

impl Line {
    async fn answer<T>(&self, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        let mut answer = pin!(answer);
        if let Some(answered) = answer.as_mut().now_or_never() {
            return answered; // it is there already, or could not even be asked for
        }
        let mut others_asked = false;
        poll_fn(|cx| {
            if mem::replace(&mut others_asked, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        // Somebody else of this task may be at it: then answers that are there are taken all the same, for it reads no further
        // while there are some that nobody takes.
        let (mut lock, mut line) = (pin!(self.0.lock()), None);
        poll_fn(|cx| {
            if let answered @ Poll::Ready(_) = answer.as_mut().poll(cx) {
                return answered;
            }
            let line = match &mut line {
                Some(line) => line,
                none => none.insert(ready!(lock.as_mut().poll(cx))),
            };
            work(line, cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Whether it is still there, as far as is known.
    async fn is_well(&mut self) -> bool {
        let bytes = self.0.get_mut();
        poll_fn(|cx| {
            work(bytes, cx);
            Poll::Ready(())
        })
        .await;
        bytes.is_some()
    }
}

/// Sends and receives what can be at the moment.
fn work(line: &mut Option<Bytes>, cx: &mut Context<'_>) {
    let Some(bytes) = line else { return };
    if let Poll::Ready(ended) = Pin::new(bytes).poll(cx) {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the database has ended");
        }
        *line = None; // those who wait for answers hear of it
    }
}

/// Makes connections, and looks after them between their uses.
pub(super) struct Manager {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Manager {
    /// `settings` are set in every session.
    pub fn new(url: &str, settings: &[(&str, &str)]) -> Result<Self, String> {
        let (mut config, tls) = tls::of(url)?;
        let options: Vec<_> =
            settings.iter().map(|(name, value)| format!("-c {name}={}", value.replace(' ', "\\ "))).collect();
        let given = config.get_options().map(|given| format!("{given} ")).unwrap_or_default();
        config.options(format!("{given}{}", options.join(" "))).application_name("uzon");
        Ok(Self { config, tls })
    }

    /// The server's name, and the way to it.
    async fn reach(&self) -> io::Result<(&str, Socket)> {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let name = match self.config.get_hosts().first() {
            Some(Host::Unix(folder)) => {
                let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
                return Ok(("", Either::Right(stream)));
            }
            Some(Host::Tcp(name)) => name,
            None => "",
        };
        let stream = match self.config.get_hostaddrs().first() {
            Some(address) => TcpStream::connect((*address, port)).await?,
            None => TcpStream::connect((name, port)).await?,
        };
        stream.set_nodelay(true)?;
        self.keep_alive(&stream)?;
        Ok((name, Either::Left(stream)))
    }

    /// What tokio-postgres would set: a server that has vanished without a word is noticed.
    fn keep_alive(&self, stream: &TcpStream) -> io::Result<()> {
        let (config, socket) = (&self.config, SockRef::from(stream));
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
        if !config.get_keepalives() {
            return Ok(());
        }
        let mut alive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
        if let Some(interval) = config.get_keepalives_interval() {
            alive = alive.with_interval(interval);
        }
        if let Some(retries) = config.get_keepalives_retries() {
            alive = alive.with_retries(retries);
        }
        socket.set_tcp_keepalive(&alive)
    }

    async fn connect(&self) -> Result<Box<Session>, StoreError> {
        let (name, socket) = self.reach().await.map_err(|error| unavailable(error.to_string()))?;
        let Ok(tls) = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls.clone(), name);
        let (client, bytes) = self.config.connect_raw(Burst::new(socket), Below(tls)).await?;
        let line = Line(sync::Mutex::new(Some(bytes)));
        let statements = future::try_join(client.prepare("BEGIN"), client.prepare("COMMIT"));
        let (begin, commit) = line.answer(statements).await?;
        Ok(Box::new(Session { client: Arc::new(client), begin, commit, line, known: Mutex::default() }))
    }
}

impl managed::Manager for Manager {
    type Type = Box<Session>;
    type Error = StoreError;

    async fn create(&self) -> Result<Box<Session>, StoreError> {
        Box::pin(self.connect()).await // seldom, and long: not in every future that may need it
    }

    async fn recycle(&self, session: &mut Box<Session>, metrics: &Metrics) -> RecycleResult<StoreError> {
        if metrics.last_used() > LONG_IDLE {
            return Err(RecycleError::message("nobody knows what has become of it"));
        }
        if session.line.is_well().await { Ok(()) } else { Err(RecycleError::message("the connection has ended")) }
    }
}

type Socket = Either<TcpStream, UnixStream>;
