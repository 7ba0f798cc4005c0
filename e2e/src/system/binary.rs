//! Finds, builds and runs the program under test.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use super::SystemError;
use crate::eventually::{WAIT_TIMEOUT, within};

/// Runs `uzon` until it ends.
pub async fn run(arguments: &[String]) -> Result<Output, SystemError> {
    let mut child = command(&binary()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = within(WAIT_TIMEOUT, async || child.try_wait().transpose().ok_or(())).await;
    if status.is_err() {
        child.kill()?; // closes the pipes, so that the output can be read to its end
    }
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.stdout.take().expect("piped").read_to_end(&mut stdout)?;
    child.stderr.take().expect("piped").read_to_end(&mut stderr)?;
    match status {
        Ok(status) => Ok(Output { status: status?, stdout, stderr }),
        Err(()) => Err(SystemError::Endless { log: String::from_utf8_lossy(&stderr).into_owned() }),
    }
}

/// A command without settings from the environment, so that tests run with their own settings only.
pub(super) fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("UZON_")) {
        command.env_remove(name);
    }
    command
}

/// The binary of the same build profile. Built first if it is missing or older than its sources.
pub fn binary() -> Result<PathBuf, SystemError> {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = BINARY.get_or_init(|| {
        let own = env::current_exe().ok()?;
        // target/debug/deps/scenarios-…, or target/release/load
        let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"))?;
        let binary = profile.join("uzon");
        if is_fresh(&binary) || build(profile) { Some(binary) } else { None }
    });
    found.clone().ok_or(SystemError::NotBuilt)
}

/// Cargo writes the list of sources beside each binary (`uzon.d`).
fn is_fresh(binary: &Path) -> bool {
    let Ok(built) = binary.metadata().and_then(|data| data.modified()) else { return false };
    let sources = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).map(Path::new);
    sources.all(|source| source.metadata().and_then(|data| data.modified()).is_ok_and(|changed| changed <= built))
}

fn build(profile: &Path) -> bool {
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let Some(target) = profile.parent() else { return false };
    let built = Command::new("cargo") // the rustup proxy, which reads rust-toolchain.toml
        .args(["build", "--quiet", "--package", "uzon", "--profile", name, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status();
    built.is_ok_and(|status| status.success())
}
