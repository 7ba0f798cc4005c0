//! The data folder, locked while the process runs.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::Failure;

/// Marks a data folder of `uzon dev`. Locked while a process uses the folder.
const LOCK: &str = "uzon.lock";
/// Suffixes of the files that SQLite and the event log create beside a database.
const COMPANIONS: [&str; 5] = ["", "-wal", "-shm", "-journal", ".lock"];

/// A locked data folder. The lock ends with the process, even after a crash.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
    /// Whether an earlier process used the folder.
    marked: bool,
}

impl DataFolder {
    /// Locks the folder, and creates it if it is missing. Fails if another process uses it or if it
    /// is not writable.
    pub fn lock(path: &Path) -> Result<Self, Failure> {
        let unusable = |error: io::Error| {
            let path = path.display();
            Failure::Refused(format!("the data folder {path} cannot be used: {error}; choose another with --data"))
        };
        create(path).map_err(unusable)?;
        let file = path.join(LOCK);
        let marked = file.exists();
        let mut lock = private().open(&file).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
            Err(TryLockError::WouldBlock) => return Err(taken(path, &mut lock)),
        }
        // The lock file may be writable in a folder that is not, but the databases must create
        // files.
        let probe = path.join(format!("{LOCK}.probe"));
        private().open(&probe).and_then(|_| fs::remove_file(&probe)).map_err(unusable)?;
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), _lock: lock, marked })
    }

    /// Deletes the data of an earlier run: these databases and their companion files. Deletes
    /// nothing and fails if the folder has other files or was not a data folder.
    pub fn empty(&self, databases: &[&Path]) -> Result<(), Failure> {
        let folder = self.path.display();
        let failed =
            |error: io::Error| Failure::Refused(format!("the data folder {folder} cannot be emptied: {error}"));
        if let Some(elsewhere) = databases.iter().find(|file| file.parent() != Some(&self.path)) {
            return Err(Failure::Refused(format!(
                "--fresh empties {folder}, but the settings put {} elsewhere: move it away yourself",
                elsewhere.display()
            )));
        }
        let names: Vec<String> =
            databases.iter().filter_map(|file| Some(file.file_name()?.to_str()?.to_owned())).collect();
        let is_ours = |file: &str| {
            let of = |name: &String| file.strip_prefix(name).is_some_and(|rest| COMPANIONS.contains(&rest));
            self.marked && names.iter().any(of)
        };
        let mut ours = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ours(&name) && entry.file_type().map_err(failed)?.is_file() {
                ours.push(entry.path());
            } else if name != LOCK {
                return Err(Failure::Refused(format!(
                    "--fresh deletes nothing in {folder}: {name} there is not known to be Uzon's; choose another folder \
                     with --data, or move it away"
                )));
            }
        }
        ours.iter().try_for_each(fs::remove_file).map_err(failed)
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    // The data are personal: other users of this machine must not read them.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn taken(path: &Path, lock: &mut File) -> Failure {
    let mut text = String::new();
    let process = match lock.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!(" (process {})", text.trim()),
        _ => String::new(), // the other process has not written its id yet
    };
    let path = path.display();
    Failure::Refused(format!(
        "another uzon{process} uses the data folder {path}: stop it, or choose another folder with --data"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/data");
        let first = DataFolder::lock(&path).unwrap();
        let failure = refused(DataFolder::lock(&path));
        assert!(
            failure.contains(&format!("(process {})", std::process::id())) && failure.contains("--data"),
            "{failure}"
        );
        drop(first);
        DataFolder::lock(&path).unwrap();
    }

    #[test]
    fn a_file_is_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(refused(DataFolder::lock(&path)).contains("cannot be used"));
    }

    #[test]
    fn only_what_is_known_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let (bus, order) = (at("bus.sqlite"), at("order.sqlite"));
        let databases = [bus.as_path(), order.as_path()];
        drop(DataFolder::lock(dir.path()).unwrap());
        for name in ["bus.sqlite", "bus.sqlite.lock", "order.sqlite", "order.sqlite-wal"] {
            fs::write(at(name), "x").unwrap();
        }

        fs::write(at("order.sqlite.bak"), "mine").unwrap();
        let folder = DataFolder::lock(dir.path()).unwrap();
        assert!(refused(folder.empty(&databases)).contains("order.sqlite.bak"));
        assert!(at("bus.sqlite").exists(), "refused before anything is deleted");

        fs::remove_file(at("order.sqlite.bak")).unwrap();
        folder.empty(&databases).unwrap();
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK]);
    }

    #[test]
    fn a_folder_that_was_never_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let bus = dir.path().join("bus.sqlite");
        fs::write(&bus, "somebody else's").unwrap();
        let folder = DataFolder::lock(dir.path()).unwrap();
        assert!(refused(folder.empty(&[&bus])).contains("bus.sqlite"));
        assert!(bus.exists());
    }

    #[test]
    fn what_lies_elsewhere_is_not_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::lock(dir.path()).unwrap();
        assert!(refused(folder.empty(&[Path::new("/elsewhere/bus.sqlite")])).contains("/elsewhere/bus.sqlite"));
    }
}
