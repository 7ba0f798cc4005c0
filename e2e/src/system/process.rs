//! One process of a system.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
};

use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    SystemError,
    binary::{binary, command},
};
use crate::{
    client::{Client, call},
    eventually::{WAIT_TIMEOUT, within},
    process::Usage,
};

/// A server process that can be stopped and started again. Ends when this value is dropped or when
/// the test process ends, even by `kill -9`.
#[derive(Debug)]
pub struct Process {
    name: String,
    arguments: Vec<String>,
    address: SocketAddr,
    /// Folder of the system, removed with it.
    folder: PathBuf,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kills the child when the test process ends: neither a static nor a process under `kill -9`
    /// runs `drop`.
    watchdog: Child,
}

impl Process {
    pub(super) fn new(name: &str, arguments: Vec<String>, address: SocketAddr, folder: &Path) -> Self {
        Self { name: name.to_owned(), arguments, address, folder: folder.to_owned(), running: Mutex::default() }
    }

    /// Name of the process: its service, or `dev`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address of the HTTP server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Starts the process, also after it has ended, and waits until it is ready.
    pub async fn start(&self) -> Result<(), SystemError> {
        self.launch()?;
        self.ready().await
    }

    fn launch(&self) -> Result<(), SystemError> {
        let log = fs::File::options().create(true).append(true).open(self.log_path())?;
        let child = command(&binary()?)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let watchdog = watchdog(&child, &self.folder)?;
        *self.lock() = Some(Running { child, watchdog });
        Ok(())
    }

    /// Waits until the process is ready.
    pub async fn ready(&self) -> Result<(), SystemError> {
        let client = Client::new(self.address);
        let outcome = within(WAIT_TIMEOUT, async || {
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

    fn log_path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// The last 8,000 bytes of the log.
    pub fn log(&self) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(8_000)..]).into_owned()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(&self) -> Result<ExitStatus, SystemError> {
        self.signal(Signal::TERM)?;
        self.wait().await
    }

    /// Sends SIGKILL and waits for the end.
    pub async fn kill(&self) -> Result<ExitStatus, SystemError> {
        self.signal(Signal::KILL)?;
        self.wait().await
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), SystemError> {
        let running = self.lock();
        let running = running.as_ref().ok_or(SystemError::NotRunning)?;
        kill_process(Pid::from_child(&running.child), signal).map_err(io::Error::from)?;
        Ok(())
    }

    /// Waits until the process has ended.
    pub async fn wait(&self) -> Result<ExitStatus, SystemError> {
        let ended = within(WAIT_TIMEOUT, async || match self.ended() {
            Ok(Some(status)) => Ok(Ok(status)),
            Ok(None) => Err(()),
            Err(error) => Ok(Err(error)),
        });
        let status = ended.await.map_err(|()| SystemError::Endless { log: self.log() })??;
        self.forget();
        Ok(status)
    }

    /// Resource usage of the running process.
    pub fn usage(&self) -> Result<Usage, SystemError> {
        let pid = self.lock().as_ref().ok_or(SystemError::NotRunning)?.child.id();
        Ok(Usage::of(pid)?)
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
        // the watchdog first: the process id that it would kill may have been reused by then
        for child in [&mut self.watchdog, &mut self.child] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A process that waits for the end of this one (its standard input is closed then), kills the
/// child and removes the data.
fn watchdog(child: &Child, data: &Path) -> io::Result<Child> {
    // removes the data only after the child has ended
    const WATCH: &str = r#"cat >/dev/null; kill -KILL "$1" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9; do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done; rm -rf "$2""#;
    Command::new("sh")
        .args(["-c", WATCH, "watchdog"])
        .process_group(0) // signals to our process group (Ctrl-C, a time-out) must not reach the watchdog
        .arg(child.id().to_string())
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
