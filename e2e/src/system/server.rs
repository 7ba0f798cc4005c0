//! What may happen to a server that a suite runs on, by whoever started it: `compose/native/<server>` or a Docker engine.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{SystemError, Usage};

/// So long a server may take to be back, and members of a consumer group to have left it.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(200);

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
    pub fn kill(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("kill", folder, &[]),
            Keeper::Docker(container) => self.docker(&["kill", container]),
        }
    }

    /// In good order.
    pub fn stop(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("stop", folder, &[]),
            Keeper::Docker(container) => self.docker(&["stop", "-t", "30", container]),
        }
    }

    /// Again, with its data and where it was. Waits until it is ready.
    pub fn start(&self) {
        match &self.keeper {
            Keeper::Script(folder) => self.script("start", folder, &[]),
            Keeper::Docker(container) => {
                self.docker(&["start", container]);
                let health = ["inspect", "--format", "{{.State.Health.Status}}", container];
                self.until("is healthy", || docker(&health), |said| said.trim() == "healthy");
            }
        }
    }

    /// Kafka's: consumer groups begin again with the oldest record, once their members have left.
    pub fn rewind(&self, group: &str) {
        let container = match &self.keeper {
            Keeper::Script(folder) => return self.script("rewind", folder, &[group]),
            Keeper::Docker(container) => container,
        };
        let tool =
            ["exec", container, "/opt/kafka/bin/kafka-consumer-groups.sh", "--bootstrap-server", "localhost:19092"];
        let rewind = ["--group", group, "--reset-offsets", "--to-earliest", "--all-topics", "--execute"];
        let rewind = [&tool[..], &rewind].concat();
        self.until("has rewound", || docker(&rewind), |said| said.contains("NEW-OFFSET"));
    }

    /// PostgreSQL's: its own client says this to a database, at this URL.
    pub fn sql(&self, url: &str, statement: &str) {
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement];
        let said = match &self.keeper {
            Keeper::Script(_) => Command::new("psql").args(arguments).arg(url).stdin(Stdio::null()).output(),
            Keeper::Docker(container) => {
                // Of the URL only the database counts in there: whoever is inside may do anything.
                let database = url.rsplit('/').next().unwrap_or_default();
                let inside = ["exec", container, "psql", "-U", "postgres", "-d", database];
                Command::new("docker").args(inside).args(arguments).output()
            }
        };
        self.done("sql", &said.expect("its client runs"));
    }

    fn script(&self, action: &str, folder: &Path, arguments: &[&str]) {
        let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../compose/native")).join(self.name);
        let done = Command::new(script).arg(action).arg(folder).args(arguments).output();
        self.done(action, &done.expect("the script runs"));
    }

    fn docker(&self, arguments: &[&str]) {
        self.done(arguments[0], &docker(arguments));
    }

    fn done(&self, action: &str, done: &Output) {
        assert!(done.status.success(), "{} {action}: {}", self.name, String::from_utf8_lossy(&done.stderr));
    }

    fn until(&self, what: &str, ask: impl Fn() -> Output, is_so: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let Output { stdout, stderr, .. } = ask();
            let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            if is_so(&said) {
                return;
            }
            assert!(Instant::now() < end, "{} {what}: not within {PATIENCE:?}: {said}", self.name);
            sleep(LOOK);
        }
    }
}

fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker is there, for it has started this")
}
