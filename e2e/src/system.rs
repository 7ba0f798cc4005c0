//! A `uzon dev` of one's own: a real process on a free port with a data folder that nobody else uses.

use std::{
    env, fs,
    io::{self, Read as _},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

use hyper::Method;
use rand::Rng as _;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    client::{Client, call},
    eventually::{PATIENCE, within},
    process::Usage,
};

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("uzon cannot be built")]
    NotBuilt,
    #[error("uzon ended with {status} instead of getting ready; it said:\n{log}")]
    Ended { status: ExitStatus, log: String },
    #[error("uzon is not ready after {} s ({last}); it said:\n{log}", PATIENCE.as_secs())]
    NotReady { last: String, log: String },
    #[error("uzon does not end after {} s; it said:\n{log}", PATIENCE.as_secs())]
    Endless { log: String },
    #[error("uzon is not running")]
    NotRunning,
}

/// `uzon dev` with its data. Ends with this value, or with the process that made it, however that ends.
#[derive(Debug)]
pub struct System {
    binary: PathBuf,
    data: TempDir,
    address: SocketAddr,
    settings: Vec<String>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Ends the child when this process ends: a static is never dropped, nor is anything after a `kill -9`.
    watchdog: Child,
}

impl System {
    /// Starts one with these settings (`key=value`) and waits until it is ready.
    pub async fn start(settings: &[&str]) -> Result<Self, SystemError> {
        let system = Self {
            binary: binary()?,
            data: tempfile::Builder::new().prefix("uzon-e2e-").tempdir()?,
            address: free_address()?,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            running: Mutex::default(),
        };
        system.start_again().await?;
        Ok(system)
    }

    /// Starts it on the data that is there, after [`System::terminate`] or [`System::kill`].
    pub async fn start_again(&self) -> Result<(), SystemError> {
        let log = fs::File::options().create(true).append(true).open(self.log_path())?;
        let child = command(&self.binary)
            .args(self.arguments(self.address, &self.data_path()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let watchdog = watchdog(&child, self.data.path())?;
        *self.lock() = Some(Running { child, watchdog });
        self.ready().await
    }

    /// The arguments of a `uzon dev` like this one.
    fn arguments(&self, listen: SocketAddr, data: &Path) -> Vec<String> {
        let mut arguments = vec!["dev".to_owned(), "--listen".to_owned(), listen.to_string()];
        arguments.extend(["--data".to_owned(), data.to_string_lossy().into_owned()]);
        for setting in &self.settings {
            arguments.extend(["--set".to_owned(), setting.clone()]);
        }
        arguments
    }

    async fn ready(&self) -> Result<(), SystemError> {
        let client = self.client();
        let outcome = within(PATIENCE, async || {
            if let Some(status) = self.ended().map_err(|error| error.to_string())? {
                return Ok(Some(status));
            }
            match client.send(call(Method::GET, "/health/ready")).await {
                Ok(answer) if answer.status.is_success() => Ok(None),
                Ok(answer) => Err(answer.text()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.forget();
                Err(SystemError::Ended { status, log: self.log() })
            }
            Err(last) => Err(SystemError::NotReady { last, log: self.log() }),
        }
    }

    /// A client of it with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder it keeps its data in.
    pub fn data_path(&self) -> PathBuf {
        self.data.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.data.path().join("log")
    }

    /// The last it said.
    pub fn log(&self) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(8_000)..]).into_owned()
    }

    /// Bytes of data it keeps.
    pub fn stored(&self) -> u64 {
        let files = fs::read_dir(self.data_path()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(&self) -> Result<ExitStatus, SystemError> {
        self.signal(Signal::TERM)?;
        self.wait().await
    }

    /// Ends it between two instructions.
    pub async fn kill(&self) -> Result<ExitStatus, SystemError> {
        self.signal(Signal::KILL)?;
        self.wait().await
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), SystemError> {
        let running = self.lock();
        let running = running.as_ref().ok_or(SystemError::NotRunning)?;
        kill_process(Pid::from_child(&running.child), signal).map_err(io::Error::from)?;
        Ok(())
    }

    /// Waits until it has ended.
    pub async fn wait(&self) -> Result<ExitStatus, SystemError> {
        let ended = within(PATIENCE, async || match self.ended() {
            Ok(Some(status)) => Ok(Ok(status)),
            Ok(None) => Err(()),
            Err(error) => Ok(Err(error)),
        });
        let status = ended.await.map_err(|()| SystemError::Endless { log: self.log() })??;
        self.forget();
        Ok(status)
    }

    /// What it has used up; only while it runs.
    pub fn usage(&self) -> Result<Usage, SystemError> {
        let pid = self.lock().as_ref().ok_or(SystemError::NotRunning)?.child.id();
        Ok(Usage::of(pid)?)
    }

    /// What another `uzon dev` with the same settings says that shares the data folder or the port, or both.
    pub async fn second(&self, same_data: bool, same_port: bool) -> Result<Output, SystemError> {
        let other = tempfile::tempdir()?;
        let data = if same_data { self.data_path() } else { other.path().to_owned() };
        let listen = if same_port { self.address } else { free_address()? };
        run(&self.arguments(listen, &data)).await
    }

    fn ended(&self) -> Result<Option<ExitStatus>, SystemError> {
        Ok(self.lock().as_mut().ok_or(SystemError::NotRunning)?.child.try_wait()?)
    }

    fn forget(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // the watchdog first: it would kill by a number that may belong to somebody else by then
        for child in [&mut self.watchdog, &mut self.child] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs `uzon` until it ends by itself.
pub async fn run(arguments: &[String]) -> Result<Output, SystemError> {
    let mut child = command(&binary()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = within(PATIENCE, async || child.try_wait().transpose().ok_or(())).await;
    if status.is_err() {
        child.kill()?; // its words can be read to their end now
    }
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.stdout.take().expect("piped").read_to_end(&mut stdout)?;
    child.stderr.take().expect("piped").read_to_end(&mut stderr)?;
    match status {
        Ok(status) => Ok(Output { status: status?, stdout, stderr }),
        Err(()) => Err(SystemError::Endless { log: String::from_utf8_lossy(&stderr).into_owned() }),
    }
}

/// Without settings from the environment: what is tested is what is written here.
fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("UZON_")) {
        command.env_remove(name);
    }
    command
}

/// A process that waits for the end of this one (its input ends then), and takes the child and its data along.
fn watchdog(child: &Child, data: &Path) -> io::Result<Child> {
    // the data go when nobody writes them any more
    const WATCH: &str = r#"cat >/dev/null; kill -KILL "$1" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9; do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done; rm -rf "$2""#;
    Command::new("sh")
        .args(["-c", WATCH, "watchdog"])
        .process_group(0) // what ends us all (Ctrl-C, a time-out) must not end it
        .arg(child.id().to_string())
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// A port nobody listens on, below those that connections get by themselves: it stays free while the system restarts.
fn free_address() -> io::Result<SocketAddr> {
    let mut failed = None;
    for _ in 0..100 {
        let address = SocketAddr::from(([127, 0, 0, 1], rand::rng().random_range(20_000..32_000)));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.expect("tried"))
}

/// The binary of the same build as this program, built first when it is missing or older than its sources.
pub fn binary() -> Result<PathBuf, SystemError> {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = BINARY.get_or_init(|| {
        let own = env::current_exe().ok()?;
        // target/debug/deps/scenarios-…, or target/release/load
        let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"))?;
        let binary = profile.join("uzon");
        if is_fresh(&binary) || build(profile) { Some(binary) } else { None }
    });
    found.clone().ok_or(SystemError::NotBuilt)
}

/// Cargo writes beside each binary what it was made from.
fn is_fresh(binary: &Path) -> bool {
    let Ok(built) = binary.metadata().and_then(|data| data.modified()) else { return false };
    let sources = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).map(Path::new);
    sources.all(|source| source.metadata().and_then(|data| data.modified()).is_ok_and(|changed| changed <= built))
}

fn build(profile: &Path) -> bool {
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let Some(target) = profile.parent() else { return false };
    let built = Command::new("cargo") // the one that minds rust-toolchain.toml
        .args(["build", "--quiet", "--package", "uzon", "--profile", name, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status();
    built.is_ok_and(|status| status.success())
}
