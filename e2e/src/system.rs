//! A system of one's own: real processes on free ports, with data that nobody else uses. Either `uzon dev`, or a process for
//! each service on Kafka and PostgreSQL where these are given (see [`stage`]).

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

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("uzon cannot be built")]
    NotBuilt,
    #[error("uzon {command} ended with {status}: {said}")]
    Refused { command: String, status: ExitStatus, said: String },
    #[error("uzon ended with {status} instead of getting ready; it said:\n{log}")]
    Ended { status: ExitStatus, log: String },
    #[error("uzon is not ready after {} s ({last}); it said:\n{log}", WAIT_TIMEOUT.as_secs())]
    NotReady { last: String, log: String },
    #[error("uzon does not end after {} s; it said:\n{log}", WAIT_TIMEOUT.as_secs())]
    Endless { log: String },
    #[error("uzon is not running")]
    NotRunning,
}

/// The services that are processes of their own, each after what it calls, and the paths each answers. The first door is
/// that of all other paths.
const SERVICES: [(&str, &[&str]); 7] = [
    ("order", &[""]),
    ("inventory", &["/api/v1/products", "/api/v1/reservations"]),
    ("sandbox", &["/sandbox"]),
    ("payment", &["/api/v1/payments"]),
    ("fulfillment", &["/api/fulfillment", "/webhooks"]),
    ("notification", &["/api/v1/notifications", "/api/v1/customers"]),
    ("analytics", &["/api/v1/analytics"]),
];

/// A running system with its data. Ends with this value, or with the process that made it, however that ends.
#[derive(Debug)]
pub struct System {
    data: TempDir,
    /// Every process: the first answers what no other does.
    pub processes: Vec<Process>,
    doors: Vec<(&'static str, SocketAddr)>,
    /// What every process is told, when there are several.
    shared: Vec<String>,
}

impl System {
    /// Starts one with these settings (`key=value`) and waits until it is ready.
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
        Ok(Self { data, processes: vec![process], doors: vec![("", address)], shared: vec![] })
    }

    /// What every process is told, when there are several.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.shared.iter().find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='))
    }

    /// The name of a service's database on a server.
    pub fn database(&self, service: &str) -> Option<String> {
        let (_, name) = self.setting("database.url")?.rsplit_once('/')?;
        Some(name.replace("{service}", service))
    }

    /// The name of a service's consumer group.
    pub fn group(&self, service: &str) -> String {
        format!("{}{service}", self.setting("bus.topic_prefix").unwrap_or_default())
    }

    /// Creates topics and databases, as an operator would before the first start.
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
            let (_, address) = address(service).expect("it is one of them");
            shared.push(format!("{setting}=http://{address}{path}"));
        }
        for command in [&["topics", "apply"][..], &["migrate", "--create"]] {
            ask(command, &shared).await?;
        }
        let mut system = Self { data, processes: vec![], doors: vec![], shared };
        for ((service, paths), address) in SERVICES.into_iter().zip(addresses) {
            system.processes.push(system.process(service, service, address));
            system.doors.extend(paths.iter().map(|path| (*path, address)));
        }
        Ok(system)
    }

    fn process(&self, name: &str, service: &str, address: SocketAddr) -> Process {
        let mut arguments = vec!["serve".to_owned(), service.to_owned()];
        arguments.extend(set(&self.shared));
        // A name, so that whoever comes back after `kill -9` has its partitions at once.
        arguments.extend(set(&[format!("http.listen={address}"), format!("bus.instance={name}")]));
        Process::new(name, arguments, address, self.data.path())
    }

    /// Another process for a service, beside the one that is called; started.
    pub async fn add(&mut self, service: &str) -> Result<(), SystemError> {
        let process = self.process(&format!("{service}-{}", self.processes.len()), service, free_address()?);
        process.start().await?;
        self.processes.push(process);
        Ok(())
    }

    /// What an operator does on the command line, with the settings of this system: succeeds, or says why not.
    pub async fn ask(&self, command: &[&str], settings: &[&str]) -> Result<Output, SystemError> {
        let more = settings.iter().map(|&setting| setting.to_owned());
        ask(command, &self.shared.iter().cloned().chain(more).collect::<Vec<_>>()).await
    }

    /// Starts whatever does not run on the data that is there, after [`System::terminate`] or [`System::kill`].
    pub async fn start_again(&self) -> Result<(), SystemError> {
        try_join_all(self.processes.iter().map(Process::start)).await?;
        Ok(())
    }

    /// A client of it with connections of its own.
    pub fn client(&self) -> Client {
        Client::of(&self.doors)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.processes[0].address()
    }

    /// Where each process listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(Process::address).collect()
    }

    /// The first process that serves this.
    pub fn of(&self, service: &str) -> &Process {
        self.processes.iter().find(|it| it.name() == service).expect("a service of this system")
    }

    /// The folder it keeps its data in.
    pub fn data_path(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The last it said.
    pub fn log(&self) -> String {
        let logs: Vec<_> = self.processes.iter().map(|it| format!("{}:\n{}", it.name(), it.log())).collect();
        logs.join("\n")
    }

    /// Bytes of data it keeps itself.
    pub fn stored(&self) -> u64 {
        let files = fs::read_dir(self.data_path()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// Asks all of it to end, and waits until it has. The first status that is no success, if there is one.
    pub async fn terminate(&self) -> Result<ExitStatus, SystemError> {
        Ok(worst(try_join_all(self.processes.iter().map(Process::terminate)).await?))
    }

    /// Ends all of it between two instructions.
    pub async fn kill(&self) -> Result<ExitStatus, SystemError> {
        Ok(worst(try_join_all(self.processes.iter().map(Process::kill)).await?))
    }

    /// What each process has used up, and each server beneath them; only while they run.
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

    /// What another `uzon dev` with the same settings says that shares the data folder or the port, or both.
    pub async fn second(&self, same_data: bool, same_port: bool) -> Result<Output, SystemError> {
        let other = tempfile::tempdir()?;
        let data = if same_data { self.data_path() } else { other.path().to_owned() };
        let listen = if same_port { self.address() } else { free_address()? };
        let mut arguments = self.processes[0].arguments().to_vec();
        for (flag, value) in [("--listen", listen.to_string()), ("--data", data.to_string_lossy().into_owned())] {
            let at = arguments.iter().position(|it| it == flag).expect("every uzon dev of ours is told");
            arguments[at + 1] = value;
        }
        run(&arguments).await
    }
}

fn worst(statuses: Vec<ExitStatus>) -> ExitStatus {
    statuses.into_iter().reduce(|worst, next| if worst.success() { next } else { worst }).expect("a process at least")
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
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(SystemError::Refused { command: command.join(" "), status: output.status, said })
}

/// A port nobody listens on, below those that connections get by themselves: it stays free while the system restarts.
pub fn free_address() -> io::Result<SocketAddr> {
    free_place()?.local_addr()
}

/// A port that this process has not drawn before: between the draw and the start of the server another test could take it, and
/// two systems would answer each other's callers.
fn free_place() -> io::Result<TcpListener> {
    static DRAWN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failed = None;
    for _ in 0..1000 {
        let port = rand::rng().random_range(20_000..32_000);
        if !drawn.insert(port) {
            continue;
        }
        match TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))) {
            Ok(place) => return Ok(place),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::other("all ports are drawn")))
}
