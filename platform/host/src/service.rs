//! A service: its participants, schema, routes and tasks.

use std::future::Future;

use futures_util::future::BoxFuture;
use saga::{App, Participant, ParticipantBuilder, Participants, Task};
use sea_orm_migration::MigratorTrait;
use store::{
    Db,
    schema::{self, SchemaError},
};
use tokio_util::sync::CancellationToken;
use web::{OpenApiRouter, ProblemType};

type OnSchema = for<'a> fn(&'a Db) -> BoxFuture<'a, Result<(), SchemaError>>;
type Routes = Box<dyn FnOnce(App) -> OpenApiRouter + Send>;

/// The parts of a service.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) long_name: &'static str,
    /// The migration and the check of the service's own tables.
    schema: Option<Schema>,
    pub(crate) participants: Participants,
    pub(crate) routes: Option<Routes>,
    pub(crate) problems: &'static [&'static ProblemType],
    pub(crate) tasks: Vec<Task>,
    pub(crate) is_outside: bool,
}

#[derive(Clone, Copy)]
struct Schema {
    migrate: OnSchema,
    check: OnSchema,
}

/// The schema of a service's database does not match this program.
#[derive(Debug, thiserror::Error)]
#[error("{service}")]
pub struct ServiceSchemaError {
    service: &'static str,
    source: SchemaError,
}

impl Service {
    /// `name` is used in the command line, the database, the configuration and the consumer group; `long_name` in
    /// events (`ce_source`) and `/admin`. Never rename either: both are stored or sent.
    pub fn named(name: &'static str, long_name: &'static str) -> Self {
        Self {
            name,
            long_name,
            schema: None,
            participants: Participants::default(),
            routes: None,
            problems: &[],
            tasks: vec![],
            is_outside: false,
        }
    }

    /// Sets the schema of the service's own tables.
    #[must_use]
    pub fn migrations<M: MigratorTrait + 'static>(mut self) -> Self {
        self.schema = Some(Schema {
            migrate: |db| Box::pin(schema::migrate::<M>(db)),
            check: |db| Box::pin(schema::check::<M>(db)),
        });
        self
    }

    /// Adds a participant; most services have one.
    #[must_use]
    pub fn participant<P: Participant>(mut self, participant: ParticipantBuilder<P>) -> Self {
        self.participants.add(participant);
        self
    }

    /// Sets the routes and the service's own problem types.
    #[must_use]
    pub fn routes(
        mut self,
        routes: impl FnOnce(App) -> OpenApiRouter + Send + 'static,
        problems: &'static [&'static ProblemType],
    ) -> Self {
        self.routes = Some(Box::new(routes));
        self.problems = problems;
        self
    }

    /// Adds a task that runs with the participants until the token is cancelled.
    #[must_use]
    pub fn task<F: Future<Output = ()> + Send + 'static>(
        mut self,
        task: impl FnOnce(App, CancellationToken) -> F + Send + 'static,
    ) -> Self {
        self.tasks.push(Box::new(move |app, stop| Box::pin(task(app, stop))));
        self
    }

    /// Marks a service that simulates an external system. It neither reacts to events nor publishes any, and it
    /// stops last.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.is_outside = true;
        self
    }

    /// The short name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn is_outside(&self) -> bool {
        self.is_outside
    }

    /// Migrates the schema of the database: the runtime's tables and the service's own.
    pub async fn migrate(&self, db: &Db) -> Result<(), ServiceSchemaError> {
        schema::migrate::<saga::migrations::Migrator>(db).await.map_err(|error| self.schema_error(error))?;
        match self.schema {
            Some(schema) => (schema.migrate)(db).await.map_err(|error| self.schema_error(error)),
            None => Ok(()),
        }
    }

    /// Checks whether the schema of the database is current.
    pub async fn check(&self, db: &Db) -> Result<(), ServiceSchemaError> {
        schema::check::<saga::migrations::Migrator>(db).await.map_err(|error| self.schema_error(error))?;
        match self.schema {
            Some(schema) => (schema.check)(db).await.map_err(|error| self.schema_error(error)),
            None => Ok(()),
        }
    }

    fn schema_error(&self, source: SchemaError) -> ServiceSchemaError {
        ServiceSchemaError { service: self.name, source }
    }
}
