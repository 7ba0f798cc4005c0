//! Runs a command with real servers in containers, as `compose/native/with` does without:
//!
//! ```sh
//! containers kafka postgres mariadb -- COMMAND…
//! ```
//!
//! The command finds a server's address in `UZON_TEST_KAFKA`, … and its container in `UZON_TEST_KAFKA_CONTAINER`, …. However it
//! ends, the containers are removed. Exits as the command does.

mod servers;

use std::process::{ExitCode, ExitStatus};

use clap::{Parser, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

use self::servers::{Running, Server};

/// Real servers for tests, in containers.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Prints the images of these servers, a line each.
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
    let mut running = vec![];
    let ended = match start(servers, &mut running).await {
        Ok(()) => run(command, &running).await,
        Err(failure) => Err(failure),
    };
    for server in running {
        server.remove().await?;
    }
    ended
}

async fn start(servers: &[Server], running: &mut Vec<Running>) -> Result<(), Failure> {
    for server in servers {
        running.push(server.start().await?);
    }
    Ok(())
}

async fn run(command: &[String], running: &[Running]) -> Result<ExitCode, Failure> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    for server in running {
        let name = server.server.variable();
        command.env(&name, &server.url).env(format!("{name}_CONTAINER"), server.id());
    }
    let child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    Ok(code(wait(child).await?))
}

/// Passes on what ends this program, so that the containers outlive nothing that uses them.
async fn wait(mut child: Child) -> std::io::Result<ExitStatus> {
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM).ok(); // it has ended by itself
        }
    }
}

fn code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
