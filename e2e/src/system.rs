//! A system under test: real processes on free ports with data of their own. Either `uzon dev`, or
//! one process per service on Kafka and PostgreSQL if the environment names these (see [`stage`]).

mod binary;
mod process;
pub mod server;
pub mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Output},
    sync::{Mutex, PoisonError},
};

use futures_util::future::try_join_all;
use rand::Rng as _;
use tempfile::TempDir;

pub use self::{
    binary::{binary, run},
    process::Process,
    server::Server,
    stage::Stage,
};
use crate::{client::Client, eventually::WAIT_TIMEOUT, process::Usage};

/// Why the system does not run.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("uzon cannot be built")]
    NotBuilt,
    #[error("uzon {command} ended with {status}: {stderr}")]
    Refused { command: String, status: ExitStatus, stderr: String },
    #[error("uzon ended with {status} instead of getting ready; its log:\n{log}")]
    Ended { status: ExitStatus, log: String },
    #[error("uzon is not ready after {} s ({last}); its log:\n{log}", WAIT_TIMEOUT.as_secs())]
    NotReady { last: String, log: String },
    #[error("uzon does not end after {} s; its log:\n{log}", WAIT_TIMEOUT.as_secs())]
    Endless { log: String },
    #[error("uzon is not running")]
    NotRunning,
}

/// The services with processes of their own and the prefixes of their paths. The empty prefix
/// stands for all other paths. Each service follows those that it calls.
const SERVICES: [(&str, &[&str]); 7] = [
    ("order", &[""]),
    ("inventory", &["/api/v1/products", "/api/v1/reservations"]),
    ("sandbox", &["/sandbox"]),
    ("payment", &["/api/v1/payments"]),
    ("fulfillment", &["/api/fulfillment", "/webhooks"]),
    ("notification", &["/api/v1/notifications", "/api/v1/customers"]),
    ("analytics", &["/api/v1/analytics"]),
];

/// A running system with its data. Its processes end when this value is dropped or when the test
/// process ends, even by `kill -9`.
#[derive(Debug)]
pub struct System {
    data: TempDir,
    /// All processes. The first serves all paths that no other serves.
    pub processes: Vec<Process>,
    endpoints: Vec<(&'static str, SocketAddr)>,
    /// Settings of every process if there are several.
    shared: Vec<String>,
}

impl System {
    /// Starts a system with these settings (`key=value`) and waits until it is ready.
    pub async fn start(settings: &[&str]) -> Result<Self, SystemError> {
        let system = match Stage::given() {
            Some(stage) => Self::distributed(&stage, settings).await?,
            None => Self::in_one_process(settings)?,
        };
        system.start_again().await?;
        Ok(system)
    }

    fn in_one_process(settings: &[&str]) -> Result<Self, SystemError> {
        let data = folder()?;
        let address = free_address()?;
        let process = Process::new("dev", dev(address, &data.path().join("data"), settings), address, data.path());
        Ok(Self { data, processes: vec![process], endpoints: vec![("", address)], shared: vec![] })
    }

    /// A setting that all processes share; `None` if there is one process.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.shared.iter().find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='))
    }

    /// Name of the database of a service on the server.
    pub fn database(&self, service: &str) -> Option<String> {
        let (_, name) = self.setting("database.url")?.rsplit_once('/')?;
        Some(name.replace("{service}", service))
    }

    /// Name of the consumer group of a service.
    pub fn group(&self, service: &str) -> String {
        format!("{}{service}", self.setting("bus.topic_prefix").unwrap_or_default())
    }

    /// Creates topics and databases before the first start, like an operator.
    async fn distributed(stage: &Stage, settings: &[&str]) -> Result<Self, SystemError> {
        let data = folder()?;
        let name = format!("e2e{:08x}", rand::rng().random::<u32>());
        let mut shared = stage.settings(&name);
        shared.extend(settings.iter().map(|&setting| setting.to_owned()));
        let addresses = SERVICES.iter().map(|_| free_address()).collect::<Result<Vec<_>, _>>()?;
        let address = |wanted: &str| SERVICES.iter().zip(&addresses).find(|((it, _), _)| *it == wanted);
        for (service, setting, path) in
            [("sandbox", "sandbox.url", ""), ("fulfillment", "sandbox.carrier.webhook", "/webhooks/carrier/sandbox")]
        {
            let (_, address) = address(service).expect("the service is in the list");
            shared.push(format!("{setting}=http://{address}{path}"));
        }
        for command in [&["topics", "apply"][..], &["migrate", "--create"]] {
            ask(command, &shared).await?;
        }
        let mut system = Self { data, processes: vec![], endpoints: vec![], shared };
        for ((service, paths), address) in SERVICES.into_iter().zip(addresses) {
            system.processes.push(system.process(service, service, address));
            system.endpoints.extend(paths.iter().map(|path| (*path, address)));
        }
        Ok(system)
    }

    fn process(&self, name: &str, service: &str, address: SocketAddr) -> Process {
        let mut arguments = vec!["serve".to_owned(), service.to_owned()];
        arguments.extend(set(&self.shared));
        // With a fixed instance name, a process restarted after `kill -9` gets its partitions back
        // at once.
        arguments.extend(set(&[format!("http.listen={address}"), format!("bus.instance={name}")]));
        Process::new(name, arguments, address, self.data.path())
    }

    /// Starts another process for a service. HTTP calls still go to the first.
    pub async fn add(&mut self, service: &str) -> Result<(), SystemError> {
        let process = self.process(&format!("{service}-{}", self.processes.len()), service, free_address()?);
        process.start().await?;
        self.processes.push(process);
        Ok(())
    }

    /// Runs a `uzon` command with the settings of this system.
    pub async fn ask(&self, command: &[&str], settings: &[&str]) -> Result<Output, SystemError> {
        let more = settings.iter().map(|&setting| setting.to_owned());
        ask(command, &self.shared.iter().cloned().chain(more).collect::<Vec<_>>()).await
    }

    /// Starts all processes on the existing data, also after [`System::terminate`] or
    /// [`System::kill`].
    pub async fn start_again(&self) -> Result<(), SystemError> {
        try_join_all(self.processes.iter().map(Process::start)).await?;
        Ok(())
    }

    /// A client of the system with connections of its own.
    pub fn client(&self) -> Client {
        Client::of(&self.endpoints)
    }

    /// Address of the first process.
    pub fn address(&self) -> SocketAddr {
        self.processes[0].address()
    }

    /// Addresses of all processes.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(Process::address).collect()
    }

    /// The first process of a service.
    pub fn of(&self, service: &str) -> &Process {
        self.processes.iter().find(|it| it.name() == service).expect("a service of this system")
    }

    /// Folder of the data of `uzon dev`.
    pub fn data_path(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The ends of all logs.
    pub fn log(&self) -> String {
        let logs: Vec<_> = self.processes.iter().map(|it| format!("{}:\n{}", it.name(), it.log())).collect();
        logs.join("\n")
    }

    /// Size in bytes of the data of `uzon dev`.
    pub fn stored(&self) -> u64 {
        let files = fs::read_dir(self.data_path()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// Sends SIGTERM to all processes and waits for their ends. Returns the first failure status,
    /// if any.
    pub async fn terminate(&self) -> Result<ExitStatus, SystemError> {
        Ok(worst(try_join_all(self.processes.iter().map(Process::terminate)).await?))
    }

    /// Sends SIGKILL to all processes and waits for their ends.
    pub async fn kill(&self) -> Result<ExitStatus, SystemError> {
        Ok(worst(try_join_all(self.processes.iter().map(Process::kill)).await?))
    }

    /// Resource usage by process and server. All must be running.
    pub fn usages(&self) -> Result<BTreeMap<String, Usage>, SystemError> {
        let own = self.processes.iter().map(|it| Ok((it.name().to_owned(), it.usage()?)));
        let mut usages = own.collect::<Result<BTreeMap<_, _>, SystemError>>()?;
        if Stage::given().is_some() {
            for server in ["kafka", "postgres"] {
                let usage = Server::given(server).map(|server| server.usage()).transpose()?.flatten();
                usages.extend(usage.map(|usage| (server.to_owned(), usage)));
            }
        }
        Ok(usages)
    }

    /// Runs another `uzon dev` with the same settings on the same data folder, the same port, or
    /// both.
    pub async fn second(&self, same_data: bool, same_port: bool) -> Result<Output, SystemError> {
        let other = tempfile::tempdir()?;
        let data = if same_data { self.data_path() } else { other.path().to_owned() };
        let listen = if same_port { self.address() } else { free_address()? };
        let mut arguments = self.processes[0].arguments().to_vec();
        for (flag, value) in [("--listen", listen.to_string()), ("--data", data.to_string_lossy().into_owned())] {
            let at = arguments.iter().position(|it| it == flag).expect("`dev` sets both flags");
            arguments[at + 1] = value;
        }
        run(&arguments).await
    }
}

fn worst(statuses: Vec<ExitStatus>) -> ExitStatus {
    statuses
        .into_iter()
        .reduce(|worst, next| if worst.success() { next } else { worst })
        .expect("there is at least one process")
}

fn folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("uzon-e2e-").tempdir()
}

/// The arguments of a `uzon dev`.
fn dev(listen: SocketAddr, data: &Path, settings: &[&str]) -> Vec<String> {
    let mut arguments = vec!["dev".to_owned(), "--listen".to_owned(), listen.to_string()];
    arguments.extend(["--data".to_owned(), data.to_string_lossy().into_owned()]);
    arguments.extend(set(settings));
    arguments
}

fn set<S: AsRef<str>>(settings: &[S]) -> impl Iterator<Item = String> {
    settings.iter().flat_map(|setting| ["--set".to_owned(), setting.as_ref().to_owned()])
}

async fn ask(command: &[&str], settings: &[String]) -> Result<Output, SystemError> {
    let arguments: Vec<String> = command.iter().map(|&word| word.to_owned()).chain(set(settings)).collect();
    let output = run(&arguments).await?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(SystemError::Refused { command: command.join(" "), status: output.status, stderr })
}

/// A free port below the ephemeral range, so that it stays free while the system restarts.
pub fn free_address() -> io::Result<SocketAddr> {
    free_listener()?.local_addr()
}

/// Draws each port at most once per process. Otherwise another test could draw the same port before
/// the server has started, and calls would reach the wrong system.
fn free_listener() -> io::Result<TcpListener> {
    static DRAWN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failed = None;
    for _ in 0..1000 {
        let port = rand::rng().random_range(20_000..32_000);
        if !drawn.insert(port) {
            continue;
        }
        match TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::other("no free port")))
}
