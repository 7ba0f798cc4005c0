//! Violations: key, source, and what was expected.

use std::{fmt, path::PathBuf};

/// Where a value comes from. Later ones win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A default compiled in.
    Default,
    /// A default whose folder was replaced by `--data`.
    Data,
    File(PathBuf),
    /// The environment variable of this name (for `…_FILE`: the file it points to).
    Env(String),
    /// `--set key=value`
    Set,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Data => f.write_str("--data"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Set => f.write_str("--set"),
        }
    }
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key; empty if the source as a whole is at fault.
    pub key: String,
    pub source: Source,
    /// What was expected. Never contains a secret.
    pub message: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, source: Source, message: impl Into<String>) -> Self {
        Self { key: key.into(), source, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.source, self.message)
        } else {
            write!(f, "{} ({}): {}", self.key, self.source, self.message)
        }
    }
}

/// All violations, one per line. The process ends with [`ConfigError::EXIT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// The exit status that means "wrong configuration".
    pub const EXIT: u8 = 64;

    /// An error if there is any problem.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
