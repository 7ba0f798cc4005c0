//! Transactions on PostgreSQL. What is written is sent at once and its answers are awaited at the end, together: a batch then
//! takes as many round trips as it has queries, and one more, whatever it writes. (Waiting for each statement was most of the
//! work of a system that is not busy.)

mod tls;
mod values;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{DbErr, sea_query::Value};
use tokio_postgres::{
    Config, Statement,
    types::{ToSql, Type},
};

pub(crate) use self::values::{array, array_type};
use super::{StoreError, model::Columns};
use crate::Table;

/// A free connection is waited for so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// A parameter of a statement.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// The connections that transactions are made on. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer(Pool);

impl Writer {
    /// `settings` are set in every session.
    pub fn new(url: &str, connections: usize, settings: &[(&str, &str)]) -> Result<Self, String> {
        let (mut config, connector) = tls::of(url)?;
        let options: Vec<_> = settings.iter().map(|(name, value)| format!("-c {name}={value}")).collect();
        let given = config.get_options().map(|given| format!("{given} ")).unwrap_or_default();
        config.options(format!("{given}{}", options.join(" "))).application_name("uzon").connect_timeout(PATIENCE);
        let config: Config = config;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, connector, recycling)).max_size(connections);
        let pool = pool.runtime(Runtime::Tokio1).wait_timeout(Some(PATIENCE)).create_timeout(Some(PATIENCE));
        Ok(Self(pool.build().map_err(|error| error.to_string())?))
    }

    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let client = Arc::new(self.0.get().await?);
        let tx = Transaction { client: Some(client.clone()), sent: Mutex::default(), open: true, ill: false.into() };
        tx.send(async move { Ok(client.batch_execute("BEGIN").await?) });
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

/// A transaction on a connection of its own.
pub(crate) struct Transaction {
    /// `None` at the very end.
    client: Option<Arc<Object>>,
    /// What is sent and not answered, in order.
    sent: Mutex<Vec<BoxFuture<'static, Result<(), StoreError>>>>,
    /// Neither committed nor rolled back.
    open: bool,
    /// Something was wrong that may be the connection's fault: nobody is to have it after this.
    ill: AtomicBool,
}

impl Transaction {
    /// Sends this, and does not wait for its answer.
    fn send(&self, work: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        let mut work: BoxFuture<'static, _> = Box::pin(work);
        // The client sends when it is first asked, and keeps the answer until it is asked again.
        let work = match (&mut work).now_or_never() {
            Some(done) => Box::pin(std::future::ready(done)),
            None => work,
        };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }

    /// Waits for the answers to all that was sent; the first that is an error counts, and those behind it follow from it.
    async fn answers(&self) -> Result<(), StoreError> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        for answer in sent {
            self.note(answer.await)?;
        }
        Ok(())
    }

    fn note<T, E: Into<StoreError>>(&self, said: Result<T, E>) -> Result<T, StoreError> {
        said.map_err(Into::into).inspect_err(|error| {
            if matches!(error, StoreError::Unavailable(_)) {
                self.ill.store(true, Ordering::Relaxed);
            }
        })
    }

    fn client(&self) -> &Arc<Object> {
        self.client.as_ref().expect("until the end")
    }

    async fn prepare(&self, sql: &str, types: &[Type]) -> Result<Statement, StoreError> {
        match self.client().prepare_typed_cached(sql, types).await {
            Ok(statement) => Ok(statement),
            Err(error) => {
                self.answers().await?; // the first that is wrong
                self.note(Err(error))
            }
        }
    }

    /// The rows of a query that selects all columns of `E`, in their order.
    pub async fn select<E: Table>(
        &self,
        sql: &str,
        types: &[Type],
        parameters: Vec<Parameter>,
    ) -> Result<Vec<E::Model>, StoreError> {
        let statement = self.prepare(sql, types).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|it| &**it as _).collect();
        let rows = self.client().query(&statement, &parameters).await;
        self.answers().await?;
        let columns = Columns::<E>::all();
        self.note(rows)?.iter().map(|row| columns.model(|place, kind| values::read(row, place, kind))).collect()
    }

    /// Runs a statement, and says how many rows it has changed.
    pub async fn execute(&self, sql: &str, types: &[Type], parameters: Vec<Parameter>) -> Result<u64, StoreError> {
        let statement = self.prepare(sql, types).await?;
        let changed = self.client().execute_raw(&statement, parameters).await;
        self.answers().await?;
        self.note(changed)
    }

    /// Sends a statement. What is wrong with it shows at the next query, or at the commit.
    pub async fn write(&self, sql: &str, types: &[Type], parameters: Vec<Parameter>) -> Result<(), StoreError> {
        let statement = self.prepare(sql, types).await?;
        let client = self.client().clone();
        self.send(async move { Ok(client.execute_raw(&statement, parameters).await.map(drop)?) });
        Ok(())
    }

    /// Sends a statement that returns a number, which is there when the transaction is committed.
    pub async fn write_numbered(
        &self,
        sql: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Arc<OnceLock<i64>>, StoreError> {
        let statement = self.prepare(sql, &[]).await?;
        let (client, number) = (self.client().clone(), Arc::<OnceLock<i64>>::default());
        let place = number.clone();
        self.send(async move {
            let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|it| &**it as _).collect();
            let row = client.query_one(&statement, &parameters).await?;
            place.get_or_init(|| row.get(0));
            Ok(())
        });
        Ok(number)
    }

    /// The parameters of a statement that SeaORM has written.
    pub fn parameters(values: Vec<Value>) -> Result<Vec<Parameter>, StoreError> {
        values.into_iter().map(values::parameter).collect()
    }

    pub async fn commit(mut self) -> Result<(), StoreError> {
        let committed = self.client().batch_execute("COMMIT").await;
        self.open = false; // one that has failed is rolled back by that
        self.answers().await?;
        self.note(committed)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if *self.ill.get_mut() {
            self.sent.get_mut().unwrap_or_else(PoisonError::into_inner).clear(); // they have it, too
            if let Some(client) = self.client.take().and_then(Arc::into_inner) {
                drop(Object::take(client));
            }
        } else if self.open
            && let Some(client) = &self.client
        {
            // Sent at once; whoever has the connection next comes after it.
            let _ = client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("open", &self.open).finish_non_exhaustive()
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            other => Self::Unavailable(DbErr::Custom(other.to_string())),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            return Self::Unavailable(DbErr::Custom(format!("{error}{cause}")));
        };
        let (state, text) = (said.code().code(), said.to_string());
        match state {
            "23505" => Self::Conflict(text),
            _ if super::error::postgres(state) => Self::Data(DbErr::Custom(text)),
            _ => Self::Unavailable(DbErr::Custom(text)),
        }
    }
}
