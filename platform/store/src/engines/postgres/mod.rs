//! Transactions on PostgreSQL. What is written is sent at once and its answers are awaited at the end, together: a batch then
//! takes as many round trips as it has queries that need each other's answers, and one more, whatever it writes.

pub(crate) mod bulk;
mod session;
mod tls;
mod values;

use std::{
    error::Error as _,
    fmt,
    future::Future,
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{Object, Pool, PoolError, QueueMode},
};
use futures_util::{
    FutureExt,
    future::{self, BoxFuture},
};
use sea_orm::{DbErr, sea_query::Value};
use tokio_postgres::{
    Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use self::session::{Answer, Manager, Session};
use crate::{StoreError, Table, model::Columns};

/// The longest wait for a free or a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A parameter of a statement.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// The connections that transactions are made on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(Pool<Manager>);

impl Writer {
    /// Opens the first of them. `settings` are set in every session.
    pub async fn open(url: &str, connections: usize, settings: &[(&str, &str)]) -> Result<Self, String> {
        let pool = Pool::builder(Manager::new(url, settings)?).max_size(connections);
        // The one that was used last: its server process has what it needs at hand, and the others need not be woken.
        let pool = pool.queue_mode(QueueMode::Lifo);
        let pool =
            pool.runtime(Runtime::Tokio1).wait_timeout(Some(CONNECT_TIMEOUT)).create_timeout(Some(CONNECT_TIMEOUT));
        let pool = pool.build().map_err(|error| error.to_string())?;
        drop(pool.get().await.map_err(|error| error.to_string())?);
        Ok(Self(pool))
    }

    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let session = self.0.get().await?;
        let (client, begin) = (session.client.clone(), session.begin.clone());
        let tx = Transaction {
            session: Some(session),
            sent: Mutex::default(),
            open: true,
            failed: false.into(),
            unhealthy: false.into(),
        };
        tx.send(async move { client.execute_raw(&begin, NOTHING).await.map(drop) })?;
        Ok(tx)
    }

    pub fn close(&self) {
        self.0.close();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.0.status()).finish()
    }
}

/// No parameters.
const NOTHING: [Parameter; 0] = [];

/// A transaction on a connection of its own.
pub(crate) struct Transaction {
    /// `None` at the very end.
    session: Option<Object<Manager>>,
    /// Statements that are sent and not answered, in order.
    sent: Mutex<Vec<BoxFuture<'static, Answer<()>>>>,
    /// Neither committed nor rolled back.
    open: bool,
    /// A statement was refused: the transaction must not be committed.
    failed: AtomicBool,
    /// The connection may be at fault: it does not return to the pool.
    unhealthy: AtomicBool,
}

impl Transaction {
    /// Sends this, and does not wait for its answer.
    fn send(&self, work: impl Future<Output = Answer<()>> + Send + 'static) -> Result<(), StoreError> {
        let mut work: BoxFuture<'static, _> = Box::pin(work);
        // The client sends it at the first poll, and keeps the answer until the next one.
        if let Some(said) = (&mut work).now_or_never() {
            return self.note(said); // it could not even be sent
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        Ok(())
    }

    /// Sends this, and waits for its answer and all earlier ones. The first error counts: later ones follow from it.
    async fn ask<T>(&self, newest: impl Future<Output = Answer<T>>) -> Result<T, StoreError> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        let earlier = async {
            for answer in sent {
                answer.await?;
            }
            Ok(())
        };
        // The newest is polled first, which sends it. But the connection reads no further while earlier answers are not taken.
        let all = future::join(newest, earlier).map(|(newest, earlier)| earlier.and(newest));
        let waiting = Waiting(&self.failed);
        let answer = all.await;
        std::mem::forget(waiting);
        self.note(answer)
    }

    fn note<T>(&self, said: Answer<T>) -> Result<T, StoreError> {
        said.map_err(|error| {
            self.failed.store(true, Ordering::Relaxed);
            let is_transient = error.code().is_some_and(|code| TRANSIENT.contains(code));
            let error = StoreError::from(error);
            if !is_transient && matches!(error, StoreError::Unavailable(_)) {
                self.unhealthy.store(true, Ordering::Relaxed);
            }
            error
        })
    }

    fn session(&self) -> &Session {
        self.session.as_ref().expect("until the end")
    }

    async fn prepare(&self, sql: &str, types: &[Type]) -> Result<Statement, StoreError> {
        if let Some(known) = self.session().known(sql, types) {
            return Ok(known); // no reason to wait for earlier answers
        }
        let statement = self.ask(self.session().client.prepare_typed(sql, types)).await?;
        self.session().learn(sql, &statement);
        Ok(statement)
    }

    /// The rows of a query that selects all columns of `E`, in their order.
    pub async fn select<E: Table>(
        &self,
        sql: &str,
        types: &[Type],
        parameters: Vec<Parameter>,
    ) -> Result<Vec<E::Model>, StoreError> {
        let statement = self.prepare(sql, types).await?;
        let rows = self.ask(self.session().client.query(&statement, &borrowed(&parameters))).await?;
        let columns = Columns::<E>::all();
        rows.iter().map(|row| columns.model(|place, kind| values::read(row, place, kind))).collect()
    }

    /// Runs a statement, and returns how many rows it has changed.
    pub async fn execute(&self, sql: &str, types: &[Type], parameters: Vec<Parameter>) -> Result<u64, StoreError> {
        let statement = self.prepare(sql, types).await?;
        self.ask(self.session().client.execute_raw(&statement, parameters)).await
    }

    /// Runs a statement. What is wrong with it shows at the next query, or at the commit.
    pub async fn write(&self, sql: &str, types: &[Type], parameters: Vec<Parameter>) -> Result<(), StoreError> {
        let statement = self.prepare(sql, types).await?;
        let client = self.session().client.clone();
        self.send(async move { client.execute_raw(&statement, parameters).await.map(drop) })
    }

    /// Runs a statement that returns a number, which is there when the transaction is committed.
    pub async fn write_numbered(
        &self,
        sql: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Arc<OnceLock<i64>>, StoreError> {
        let statement = self.prepare(sql, &[]).await?;
        let (client, number) = (self.session().client.clone(), Arc::<OnceLock<i64>>::default());
        let place = number.clone();
        self.send(async move {
            let row = client.query_one(&statement, &borrowed(&parameters)).await?;
            place.get_or_init(|| row.get(0));
            Ok(())
        })?;
        Ok(number)
    }

    /// The parameters of a statement that SeaORM has written.
    pub fn parameters(values: Vec<Value>) -> Result<Vec<Parameter>, StoreError> {
        values.into_iter().map(values::parameter).collect()
    }

    pub async fn commit(mut self) -> Result<(), StoreError> {
        if *self.failed.get_mut() {
            return Err(unavailable("something of the transaction was refused before"));
        }
        let session = self.session();
        self.ask(session.client.execute_raw(&session.commit, NOTHING)).await?;
        self.open = false;
        Ok(())
    }
}

/// A caller that is dropped while it waits does not know whether a statement was refused: then the transaction has failed.
struct Waiting<'a>(&'a AtomicBool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn borrowed(parameters: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|it| &**it as _).collect()
}

/// Errors that concern a transaction and not its connection.
const TRANSIENT: [SqlState; 4] = [
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
];

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(session) = self.session.take_if(|_| self.open) else { return };
        let here = tokio::runtime::Handle::try_current();
        if let (false, Ok(here)) = (*self.unhealthy.get_mut(), here) {
            // At once, because the transaction may hold locks. The next user of the connection waits for it.
            here.spawn(async move {
                if session.client.batch_execute("ROLLBACK").await.is_err() {
                    drop(Object::take(session));
                }
            });
        } else {
            drop(Object::take(session)); // which ends the transaction, too
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("open", &self.open).finish_non_exhaustive()
    }
}

fn unavailable(why: impl Into<String>) -> StoreError {
    StoreError::Unavailable(DbErr::Custom(why.into()))
}

impl From<PoolError<StoreError>> for StoreError {
    fn from(error: PoolError<StoreError>) -> Self {
        unavailable(error.to_string())
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let cause = error.source();
            let text = DbErr::Custom(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")));
            // A value that cannot be sent or read; whatever else goes wrong comes of the connection.
            let of_value = cause.is_some_and(|cause| !cause.is::<io::Error>()) && !error.is_closed();
            return if of_value { Self::Data(text) } else { Self::Unavailable(text) };
        };
        let (state, text) = (said.code().code(), said.to_string());
        match state {
            "23505" => Self::Conflict(text),
            _ if crate::error::postgres(state) => Self::Data(DbErr::Custom(text)),
            _ => unavailable(text),
        }
    }
}
