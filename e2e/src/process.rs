//! Resource usage of processes, from `/proc`.

use std::{fs, io, time::Duration};

use rustix::param::clock_ticks_per_second;

/// Resource usage of a process since its start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident: u64,
    /// Peak of the resident memory in bytes.
    pub peak: u64,
    /// Bytes written to storage.
    pub written: u64,
}

impl Usage {
    /// Usage of a running process.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::read(&format!("/proc/{pid}"))
    }

    /// Usage of this process.
    pub fn own() -> io::Result<Self> {
        Self::read("/proc/self")
    }

    /// Sum over all running processes whose command line contains `named`, and their children.
    pub fn of_all(named: &str) -> io::Result<Self> {
        let mut found: Vec<(u32, u32, bool)> = vec![]; // process, parent, whether its command line contains `named`
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let parent = u32::try_from(number(&status, "PPid:")).unwrap_or_default();
            found.push((pid, parent, String::from_utf8_lossy(&command).contains(named)));
        }
        let is_named = |wanted: u32| found.iter().any(|&(pid, _, named)| named && pid == wanted);
        let ours = found.iter().filter(|&&(_, parent, named)| named || is_named(parent));
        Ok(ours.filter_map(|&(pid, ..)| Self::of(pid).ok()).sum())
    }

    fn read(folder: &str) -> io::Result<Self> {
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let written = fs::read_to_string(format!("{folder}/io")).map_or(0, |io| number(&io, "write_bytes:"));
        Ok(Self {
            cpu: cpu(&fs::read_to_string(format!("{folder}/stat"))?),
            resident: number(&status, "VmRSS:") * 1024,
            peak: number(&status, "VmHWM:") * 1024,
            written,
        })
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, it| Self {
            cpu: sum.cpu + it.cpu,
            resident: sum.resident + it.resident,
            peak: sum.peak + it.peak,
            written: sum.written + it.written,
        })
    }
}

/// The number after a name; 0 if the name is absent.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Fields 14 and 15 of `stat`. Field 2, the command, may contain any character and ends at the last
/// parenthesis.
fn cpu(stat: &str) -> Duration {
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second().max(1))
}

#[cfg(test)]
mod tests {
    use super::{Usage, number};

    #[test]
    fn of_this_process() {
        let usage = Usage::own().unwrap();
        assert!(usage.resident > 0 && usage.peak >= usage.resident, "{usage:?}");
        assert_eq!(number("a: 7 kB\nb: 8\n", "b:"), 8);
        assert_eq!(number("a: 7 kB\n", "c:"), 0);
    }
}
