//! The real binary with a data folder and a port of its own.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longer than any wait on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// `uzon` without settings from the environment.
pub fn uzon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uzon"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UZON_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command until it ends.
pub fn run(arguments: &[&str]) -> Output {
    uzon().args(arguments).output().unwrap()
}

/// Exit status and lines of stderr of a command.
pub fn refused(arguments: &[&str]) -> (i32, Vec<String>) {
    let output = run(arguments);
    let lines = String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
    (output.status.code().unwrap(), lines)
}

/// Output of a successful command.
pub fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A running `uzon dev`; killed when the test ends without stopping it.
pub struct Dev {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub url: String,
}

impl Dev {
    /// Starts `uzon dev` on a free port with a sandbox without delays. Returns when the system is
    /// ready.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = uzon();
        command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
        for setting in ["latency=1ms..1ms", "error_rate=0", "pickup_after=10ms", "deliver_after=10ms"] {
            command.arg("--set").arg(format!("sandbox.carrier.{setting}"));
        }
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut dev = Self { child, stdout, url: String::new() };
        dev.url = dev.ready();
        dev
    }

    /// Reads the log until it has the address.
    fn ready(&mut self) -> String {
        let mut output = String::new();
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                self.child.stderr.take().unwrap().read_to_string(&mut output).unwrap();
                panic!("it ended instead of getting ready: {output}");
            }
            let log: Value = serde_json::from_str(&line).unwrap_or_default();
            if log["message"] == "ready" {
                return format!("http://{}", log["address"].as_str().unwrap());
            }
            output.push_str(&line);
        }
    }

    /// A command that calls the system.
    pub fn printed(&self, arguments: &[&str]) -> String {
        printed(&[arguments, &["--url", &self.url]].concat())
    }

    /// Runs such a command and parses its output as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.printed(&[arguments, &["--json"]].concat())).unwrap()
    }

    pub fn refused(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        refused(&[arguments, &["--url", &self.url]].concat())
    }

    /// Status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().timeout(WAIT_TIMEOUT).build().unwrap();
        let answer = client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends SIGTERM and waits for the end. Returns exit status and log.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.wait();
        let mut log = String::new();
        self.stdout.read_to_string(&mut log).unwrap();
        (status, log)
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn wait(&mut self) -> ExitStatus {
        eventually("it ends", || self.ended())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < WAIT_TIMEOUT {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::yield_now();
    }
    panic!("in vain: {what}");
}
