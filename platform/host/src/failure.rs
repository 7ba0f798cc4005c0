//! Why a command ends without success: what a person reads on stderr, and what a script sees as exit status.

use std::process::ExitCode;

use settings::ConfigError;

/// Why a process ends without success.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Refused or failed.
    #[error("{0}")]
    Refused(String),
    /// The command line is wrong in a way its grammar cannot say.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// Something that is needed is not there.
    #[error("{0}")]
    Unavailable(String),
}

impl Failure {
    /// 0 is success, 1 refused or failed, 2 wrong usage, 64 wrong configuration, 69 a dependency is not there.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => ConfigError::EXIT,
            Self::Unavailable(_) => 69,
        }
        .into()
    }

    /// To stderr, after the program's name: one line, or one for each wrong setting.
    pub fn report(&self, program: &str) {
        for line in self.to_string().lines() {
            eprintln!("{program}: {line}");
        }
    }
}
