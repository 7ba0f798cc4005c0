//! The binary: reads the command line, gives it a runtime, and turns what went wrong into one line and an exit status.

use std::process::ExitCode;

use clap::Parser;
use uzon::{Cli, Command};

/// Rows, events and statements are many small pieces of memory: half as fast again as with the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_default();
    // Explicit, so that it can be tuned: a process that serves shares its work, a client has none to share.
    let mut runtime = match &command {
        Command::Dev(_) => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2)));
            runtime
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().expect("a process can have threads and timers");
    let ended = runtime.block_on(uzon::run(command));
    // Whoever still waits in a blocking call (a name being resolved) must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}
