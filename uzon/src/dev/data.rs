//! The data folder: one process at a time uses it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::Failure;

/// Marks the folder as a data folder of Uzon, and is locked while a process uses it.
const LOCK: &str = "uzon.lock";
/// Suffixes of the files of a SQLite database or event log.
const SUFFIXES: [&str; 5] = ["", "-wal", "-shm", "-journal", ".lock"];

/// A locked data folder. The operating system releases the lock when the process ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
    /// Whether the lock file existed before.
    marked: bool,
}

impl DataFolder {
    /// Creates the folder if it is missing. Refused if another process uses it, or if it is not writable.
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
            Err(TryLockError::WouldBlock) => return Err(in_use(path, &mut lock)),
        }
        // The lock file may be writable although the folder is not, and the databases create files.
        let probe = path.join(format!("{LOCK}.probe"));
        private().open(&probe).and_then(|_| fs::remove_file(&probe)).map_err(unusable)?;
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), _lock: lock, marked })
    }

    /// Deletes the databases of an earlier run and their companion files. Refused, before anything is deleted, if the folder has
    /// other files or was never a data folder.
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
        let is_known = |file: &str| {
            let of = |name: &String| file.strip_prefix(name).is_some_and(|rest| SUFFIXES.contains(&rest));
            self.marked && names.iter().any(of)
        };
        let mut known = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_known(&name) && entry.file_type().map_err(failed)?.is_file() {
                known.push(entry.path());
            } else if name != LOCK {
                return Err(Failure::Refused(format!(
                    "--fresh deletes nothing in {folder}: {name} there is not known to be Uzon's; choose another folder \
                     with --data, or move it away"
                )));
            }
        }
        known.iter().try_for_each(fs::remove_file).map_err(failed)
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    // Personal data: no other user of the machine may read them.
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

fn in_use(path: &Path, lock: &mut File) -> Failure {
    let mut text = String::new();
    let process = match lock.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!(" (process {})", text.trim()),
        _ => String::new(), // that process has not written its id yet
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
        let error = refused(DataFolder::lock(&path));
        assert!(error.contains(&format!("(process {})", std::process::id())) && error.contains("--data"), "{error}");
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
    fn a_folder_without_a_lock_file_is_not_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let bus = dir.path().join("bus.sqlite");
        fs::write(&bus, "somebody else's").unwrap();
        let folder = DataFolder::lock(dir.path()).unwrap();
        assert!(refused(folder.empty(&[&bus])).contains("bus.sqlite"));
        assert!(bus.exists());
    }

    #[test]
    fn databases_outside_the_folder_are_not_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::lock(dir.path()).unwrap();
        assert!(refused(folder.empty(&[Path::new("/elsewhere/bus.sqlite")])).contains("/elsewhere/bus.sqlite"));
    }
}
