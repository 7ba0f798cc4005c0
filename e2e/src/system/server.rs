//! What may happen to a server that a suite runs on, by whoever started it: `compose/native/<server>` or a Docker engine.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::process::Command;

use super::{SystemError, Usage};
use crate::eventually::eventually;

/// A server of the stage.
#[derive(Debug, Clone)]
pub struct Server {
    name: &'static str,
    keeper: Keeper,
}

#[derive(Debug, Clone)]
enum Keeper {
    /// The folder that the script of its name knows it by.
    Script(PathBuf),
    /// Its container.
    Docker(String),
}

impl Server {
    /// As the environment says; `None`: there is none of this name.
    #[expect(clippy::disallowed_methods, reason = "how `compose/with` tells")]
    pub fn given(name: &'static str) -> Option<Self> {
        let variable = |what| env::var(format!("UZON_TEST_{}_{what}", name.to_uppercase())).ok();
        let container = variable("CONTAINER").map(Keeper::Docker);
        let keeper = container.or_else(|| variable("DIR").map(|folder| Keeper::Script(folder.into())))?;
        Some(Self { name, keeper })
    }

    /// What its processes have used up; of a container that is not known here.
    pub(super) fn usage(&self) -> Result<Option<Usage>, SystemError> {
        match &self.keeper {
            Keeper::Script(folder) => Ok(Some(Usage::of_all(&folder.to_string_lossy())?)),
            Keeper::Docker(_) => Ok(None),
        }
    }

    /// Without warning.
    pub async fn kill(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("kill", folder, &[]).await,
            Keeper::Docker(container) => self.docker(&["kill", container]).await,
        }
    }

    /// In good order.
    pub async fn stop(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("stop", folder, &[]).await,
            Keeper::Docker(container) => self.docker(&["stop", "-t", "30", container]).await,
        }
    }

    /// Again, with its data and where it was. Waits until it is ready.
    pub async fn start(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("start", folder, &[]).await,
            Keeper::Docker(container) => {
                self.docker(&["start", container]).await;
                let health = ["inspect", "--format", "{{.State.Health.Status}}", container];
                self.until("is healthy", &health, |said| said.trim() == "healthy").await;
            }
        }
    }

    /// Kafka's: consumer groups begin again with the oldest record, once their members have left.
    pub async fn rewind(&self, group: &str) {
        let container = match &self.keeper {
            Keeper::Script(folder) => return self.script("rewind", folder, &[group]).await,
            Keeper::Docker(container) => container,
        };
        let tool =
            ["exec", container, "/opt/kafka/bin/kafka-consumer-groups.sh", "--bootstrap-server", "localhost:19092"];
        let rewind = ["--group", group, "--reset-offsets", "--to-earliest", "--all-topics", "--execute"];
        self.until("has rewound", &[&tool[..], &rewind].concat(), |said| said.contains("NEW-OFFSET")).await;
    }

    /// PostgreSQL's: its own client says this to a database, at this URL.
    pub async fn sql(&self, url: &str, statement: &str) {
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement];
        let said = match &self.keeper {
            Keeper::Script(_) => Command::new("psql").args(arguments).arg(url).stdin(Stdio::null()).output().await,
            Keeper::Docker(container) => {
                // Of the URL only the database counts in there: whoever is inside may do anything.
                let database = url.rsplit('/').next().unwrap_or_default();
                let inside = ["exec", container, "psql", "-U", "postgres", "-d", database];
                Command::new("docker").args(inside).args(arguments).output().await
            }
        };
        self.done("sql", &said.expect("its client runs"));
    }

    async fn script(&self, action: &str, folder: &Path, arguments: &[&str]) {
        let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../compose/native")).join(self.name);
        let done = Command::new(script).arg(action).arg(folder).args(arguments).output().await;
        self.done(action, &done.expect("the script runs"));
    }

    async fn docker(&self, arguments: &[&str]) {
        self.done(arguments[0], &docker(arguments).await);
    }

    fn done(&self, action: &str, done: &Output) {
        assert!(done.status.success(), "{} {action}: {}", self.name, String::from_utf8_lossy(&done.stderr));
    }

    async fn until(&self, what: &str, ask: &[&str], is_so: impl Fn(&str) -> bool) {
        eventually(&format!("{} {what}", self.name), async || {
            let Output { stdout, stderr, .. } = docker(ask).await;
            let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            if is_so(&said) { Ok(()) } else { Err(said) }
        })
        .await;
    }
}

async fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().await.expect("docker is there, for it has started this")
}
