//! A connection, and how one is made.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use futures_util::future;
use tokio_postgres::{Client, Config, Error, Statement, types::Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;
use crate::StoreError;

/// A connection that was idle for longer is replaced: a firewall in between may have dropped it silently.
const LONG_IDLE: Duration = Duration::from_mins(5);

/// The server's answer.
pub(super) type Answer<T> = Result<T, Error>;

/// A connection. A task of its own sends and receives (as the documentation of `tokio_postgres::Connection` has it).
pub(super) struct Session {
    pub client: Arc<Client>,
    /// `BEGIN` and `COMMIT` are prepared statements like others, so that they are pipelined with others.
    pub begin: Statement,
    pub commit: Statement,
    /// Prepared statements, by their SQL.
    known: Mutex<HashMap<String, Statement>>,
}

impl Session {
    /// This statement, if it is prepared.
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

/// Makes connections, and checks them between their uses.
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

    async fn connect(&self) -> Result<Session, StoreError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database has ended"); // callers get this error, too
            }
        });
        let (begin, commit) = future::try_join(client.prepare("BEGIN"), client.prepare("COMMIT")).await?;
        Ok(Session { client: Arc::new(client), begin, commit, known: Mutex::default() })
    }
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = StoreError;

    async fn create(&self) -> Result<Session, StoreError> {
        Box::pin(self.connect()).await // a large future, seldom polled: not part of every future that may need it
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<StoreError> {
        if metrics.last_used() > LONG_IDLE {
            return Err(RecycleError::message("it was idle for too long"));
        }
        if session.client.is_closed() { Err(RecycleError::message("the connection has ended")) } else { Ok(()) }
    }
}
