//! The failure of a command: its text on stderr and its exit status.

use std::process::ExitCode;

use settings::ConfigError;

/// The reason why a process fails.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The operation was refused or failed.
    #[error("{0}")]
    Refused(String),
    /// The command line is wrong in a way that the argument parser cannot detect.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// A dependency is missing or unavailable.
    #[error("{0}")]
    Unavailable(String),
}

impl Failure {
    /// The exit status: 1 refused or failed, 2 wrong usage, 64 wrong configuration, 69 a dependency is unavailable.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => ConfigError::EXIT,
            Self::Unavailable(_) => 69,
        }
        .into()
    }

    /// Writes to stderr, after the program's name: one line, or one line for each wrong setting.
    pub fn report(&self, program: &str) {
        for line in self.to_string().lines() {
            eprintln!("{program}: {line}");
        }
    }
}
