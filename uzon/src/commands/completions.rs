//! `uzon completions`

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{Cli, output};

pub(crate) fn run(shell: Shell) {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "uzon", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end());
}
