//! Why a command ends without success: what a person reads on stderr, and what a script sees as exit status.

use std::{error::Error, process::ExitCode};

use crate::config::ConfigError;

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

/// An error with its causes, in one line; a cause that its error has already named is not repeated.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Listen(#[source] std::io::Error);

    #[test]
    fn causes_follow_their_error() {
        assert_eq!(chain(&Listen(std::io::Error::other("no such device"))), "cannot listen: no such device");
        assert_eq!(chain(&Listen(std::io::Error::other("listen"))), "cannot listen");
    }
}
