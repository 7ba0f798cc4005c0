//! Opens the databases of a process: checks their schemas, or creates and migrates them.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
};

use settings::{Config, DatabaseSettings, DatabaseUrl};
use store::Db;
use telemetry::error_chain;

use crate::{Failure, Service};

/// What a start does about a missing database, table or topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingPolicy {
    Create,
    /// Refuses the start and names what is missing.
    Refuse,
}

/// The open database of a service.
pub(super) struct Opened {
    pub db: Db,
    /// The lock of a SQLite file, held while this process uses the database.
    pub lock: Option<File>,
}

/// Opens the database of a service, and checks or migrates its schema.
pub(super) async fn open(config: &Config, service: &Service, missing: MissingPolicy) -> Result<Opened, Failure> {
    let name = service.name();
    let failed = |what: String| Failure::Unavailable(format!("{name}: {what}"));
    let settings = config.database_for(name);
    let lock = match settings.url.file() {
        Some(file) => Some(prepare(file, missing).map_err(failed)?),
        None => None,
    };
    let db = connect(&settings, missing).await.map_err(failed)?;
    let ready = match missing {
        MissingPolicy::Create => service.migrate(&db).await,
        MissingPolicy::Refuse => service.check(&db).await,
    };
    ready.map_err(|error| Failure::Unavailable(error_chain(&error)))?;
    Ok(Opened { db, lock })
}

async fn connect(settings: &DatabaseSettings, missing: MissingPolicy) -> Result<Db, String> {
    let (url, replica) = (settings.url.reveal(), settings.read_url.as_ref().map(DatabaseUrl::reveal));
    if missing == MissingPolicy::Create {
        Db::create(&url).await.map_err(|error| error_chain(&error))?;
    }
    let opened = Db::open_with(&url, replica.as_deref(), settings.max_connections).await;
    opened.map_err(|error| {
        let help = if error.is_missing { ": create it with `uzon migrate --create`" } else { "" };
        format!("{}{help}", error_chain(&error))
    })
}

/// Migrates a service's database, and creates it if requested.
pub async fn migrate(config: &Config, service: &Service, missing: MissingPolicy) -> Result<(), Failure> {
    let failed = |what: String| Failure::Unavailable(format!("{}: {what}", service.name()));
    let settings = config.database_for(service.name());
    let _lock = match settings.url.file() {
        Some(file) => Some(prepare(file, missing).map_err(failed)?),
        None => None,
    };
    let db = connect(&settings, missing).await.map_err(failed)?;
    service.migrate(&db).await.map_err(|error| Failure::Unavailable(error_chain(&error)))?;
    db.close().await.map_err(|error| failed(error_chain(&error)))
}

/// Locks the file of a SQLite database for this process. A second process would treat the first one's leases as
/// abandoned and repeat its work.
fn prepare(file: &Path, missing: MissingPolicy) -> Result<File, String> {
    let shown = file.display();
    match missing {
        MissingPolicy::Create => {
            let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
            folder.map_err(|error| format!("there is no folder for {shown}: {error}"))?;
        }
        MissingPolicy::Refuse if !file.exists() => {
            return Err(format!("there is no database {shown}: create it with `uzon migrate --create`"));
        }
        MissingPolicy::Refuse => {}
    }
    let mut side = file.as_os_str().to_owned();
    side.push(".lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(side).map_err(|error| format!("database {shown}: {error}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(format!(
            "database {shown}: another process has it open, and a SQLite database is for one: use PostgreSQL for more"
        )),
        Err(TryLockError::Error(error)) => Err(format!("database {shown}: {error}")),
    }
}
