//! The binary: parses the command line, runs the command, and reports a failure as one line and an
//! exit status.

#![recursion_limit = "256"] // nested futures exceed the default

use std::process::ExitCode;

use clap::Parser;
use host::runtime;
use uzon::{Cli, Command};

/// Rows, events and statements are many small allocations: jemalloc handles them far quicker than
/// the C library.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_default();
    let serves = matches!(command, Command::Dev(_) | Command::Serve(_));
    match runtime(serves, uzon::run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report("uzon");
            failure.exit_code()
        }
    }
}
