//! Control over a server that a suite runs on, through `compose/native/<server>` or the Docker
//! engine that started it.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::process::Command;

use super::{SystemError, Usage};
use crate::eventually::eventually;

/// A server of the [`Stage`](super::Stage).
#[derive(Debug, Clone)]
pub struct Server {
    name: &'static str,
    control: Control,
}

#[derive(Debug, Clone)]
enum Control {
    /// The server's folder, for the script of its name.
    Script(PathBuf),
    /// The server's container.
    Docker(String),
}

impl Server {
    /// The server of this name, from the environment; `None` if there is none.
    #[expect(clippy::disallowed_methods, reason = "`compose/with` sets it")]
    pub fn given(name: &'static str) -> Option<Self> {
        let variable = |what| env::var(format!("UZON_TEST_{}_{what}", name.to_uppercase())).ok();
        let container = variable("CONTAINER").map(Control::Docker);
        let control = container.or_else(|| variable("DIR").map(|folder| Control::Script(folder.into())))?;
        Some(Self { name, control })
    }

    /// Resource usage of the processes; `None` for a container, whose usage is not visible here.
    pub(super) fn usage(&self) -> Result<Option<Usage>, SystemError> {
        match &self.control {
            Control::Script(folder) => Ok(Some(Usage::of_all(&folder.to_string_lossy())?)),
            Control::Docker(_) => Ok(None),
        }
    }

    /// Kills the server with SIGKILL.
    pub async fn kill(&self) {
        match &self.control {
            Control::Script(folder) => self.script("kill", folder, &[]).await,
            Control::Docker(container) => self.docker(&["kill", container]).await,
        }
    }

    /// Stops the server gracefully.
    pub async fn stop(&self) {
        match &self.control {
            Control::Script(folder) => self.script("stop", folder, &[]).await,
            Control::Docker(container) => self.docker(&["stop", "-t", "30", container]).await,
        }
    }

    /// Starts the server again on the same data and address. Waits until it is ready.
    pub async fn start(&self) {
        match &self.control {
            Control::Script(folder) => self.script("start", folder, &[]).await,
            Control::Docker(container) => {
                self.docker(&["start", container]).await;
                let health = ["inspect", "--format", "{{.State.Health.Status}}", container];
                self.until("is healthy", &health, |output| output.trim() == "healthy").await;
            }
        }
    }

    /// Kafka only: resets a consumer group to the oldest records once its members have left.
    pub async fn rewind(&self, group: &str) {
        let container = match &self.control {
            Control::Script(folder) => return self.script("rewind", folder, &[group]).await,
            Control::Docker(container) => container,
        };
        let tool =
            ["exec", container, "/opt/kafka/bin/kafka-consumer-groups.sh", "--bootstrap-server", "localhost:19092"];
        let rewind = ["--group", group, "--reset-offsets", "--to-earliest", "--all-topics", "--execute"];
        self.until("has rewound", &[&tool[..], &rewind].concat(), |output| output.contains("NEW-OFFSET")).await;
    }

    /// PostgreSQL only: `psql` runs a statement in the database at this URL.
    pub async fn sql(&self, url: &str, statement: &str) {
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement];
        let output = match &self.control {
            Control::Script(_) => Command::new("psql").args(arguments).arg(url).stdin(Stdio::null()).output().await,
            Control::Docker(container) => {
                // Inside the container only the database of the URL is needed: the local user has
                // all permissions.
                let database = url.rsplit('/').next().unwrap_or_default();
                let inside = ["exec", container, "psql", "-U", "postgres", "-d", database];
                Command::new("docker").args(inside).args(arguments).output().await
            }
        };
        self.done("sql", &output.expect("psql runs"));
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
            let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            if is_so(&output) { Ok(()) } else { Err(output) }
        })
        .await;
    }
}

async fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().await.expect("Docker started this server")
}
