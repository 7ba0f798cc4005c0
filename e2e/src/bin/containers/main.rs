//! Runs a command with real servers in containers, like `compose/native/with` without containers:
//!
//! ```sh
//! containers with kafka postgres mariadb -- COMMAND…
//! ```
//!
//! The command finds a server's address in `UZON_TEST_KAFKA`, … and its container in
//! `UZON_TEST_KAFKA_CONTAINER`, …. When the command ends, the containers are removed, except after
//! SIGKILL. Exits with the status of the command.

mod servers;

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{ExitCode, ExitStatus},
};

use clap::{Parser, Subcommand};
use futures_util::future::try_join_all;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Command,
    signal::unix::{Signal as Stream, SignalKind, signal},
};

use self::servers::{Place, Running, Server};

/// Real servers for tests, in containers.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Prints the images of these servers, one per line.
    Images { servers: Vec<Server> },
    /// Runs a command with these servers.
    With {
        #[arg(required = true)]
        servers: Vec<Server>,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Images { servers } => {
            for server in servers {
                println!("{}", server.image());
            }
            Ok(ExitCode::SUCCESS)
        }
        Task::With { servers, command } => with(&servers, &command).await,
    };
    done.unwrap_or_else(|failure| {
        eprintln!("containers: {failure}");
        ExitCode::from(69)
    })
}

async fn with(servers: &[Server], command: &[String]) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let places = servers.iter().map(|server| Place::new(*server)).collect::<Result<Vec<_>, Failure>>()?;
    let started = tokio::select! {
        started = try_join_all(places.iter().map(Place::start)) => started,
        () = signals.next() => Err("ended before the servers were ready".into()),
    };
    let ended = match &started {
        Ok(running) => run(command, running, &mut signals).await,
        Err(failure) => Err(failure.to_string().into()),
    };
    for server in started.into_iter().flatten() {
        server.container.rm().await.ok(); // `clear` removes it otherwise
    }
    for place in &places {
        place.clear();
    }
    ended
}

async fn run(command: &[String], running: &[Running], signals: &mut Signals) -> Result<ExitCode, Failure> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    for Running { server, url, container } in running {
        let name = server.variable();
        command.env(&name, url).env(format!("{name}_CONTAINER"), container.id());
    }
    let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    loop {
        tokio::select! {
            ended = child.wait() => return Ok(code(ended?)),
            () = signals.next() => {}
        }
        // Ends the command as well; the servers are removed after it.
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM).ok(); // fails if the command has ended
        }
    }
}

/// The exit status as shells report it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Signals that end this program.
struct Signals {
    interrupt: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hangup: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) {
        let Self { interrupt, terminate, hangup } = self;
        tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} _ = hangup.recv() => {} }
    }
}
