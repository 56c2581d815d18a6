//! What the numbers were measured on.

use std::path::Path;

use anyhow::Context as _;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};

/// One line about the machine and its load.
pub(crate) fn describe(dir: &Path) -> anyhow::Result<String> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism()?;
    let load = std::fs::read_to_string("/proc/loadavg").context("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("?");
    let kernel =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").context("/proc/sys/kernel/osrelease")?;
    let memory_only = if statfs(dir)?.filesystem_type() == TMPFS_MAGIC {
        ", DISK NUMBERS MEAN NOTHING: this is a tmpfs"
    } else {
        ""
    };
    Ok(format!(
        "{model}, {cores} cores, Linux {}, load {load} at the start, disk of {}{memory_only}",
        kernel.trim(),
        dir.display(),
    ))
}

/// Bytes this thread has handed to the kernel to write, so far.
pub(crate) fn bytes_written() -> anyhow::Result<u64> {
    let io = std::fs::read_to_string("/proc/thread-self/io").context("/proc/thread-self/io")?;
    let count = io.lines().find_map(|line| line.strip_prefix("wchar: ")).context("no wchar")?;
    Ok(count.trim().parse()?)
}

/// Memory of a process and of everything it started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TreeMemory {
    /// Resident, shared pages counted in every process that maps them.
    pub rss_mb: f64,
    /// Resident, shared pages divided among those who map them.
    pub pss_mb: f64,
    /// Processes.
    pub processes: u32,
}

/// Memory of a process tree now.
pub(crate) fn tree_memory(root: u32) -> anyhow::Result<TreeMemory> {
    let mut sum = TreeMemory::default();
    for pid in tree(root)? {
        // A process may end between being listed and being read.
        let Ok(rollup) = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { continue };
        sum.rss_mb += megabytes(&rollup, "Rss:");
        sum.pss_mb += megabytes(&rollup, "Pss:");
        sum.processes += 1;
    }
    anyhow::ensure!(sum.processes > 0, "the process {root} has ended");
    Ok(sum)
}

/// CPU time of a process tree now, in ms.
pub(crate) fn tree_cpu_ms(root: u32) -> anyhow::Result<f64> {
    const TICK_MS: f64 = 10.0;
    let mut ticks = 0.0;
    for pid in tree(root)? {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // User and system time: fields 14 and 15 of the line, counted from 1; two lie before the bracket.
        for at in [11, 12] {
            ticks += fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        }
    }
    Ok(ticks * TICK_MS)
}

/// The process and all its descendants.
fn tree(root: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        parents.push((pid, parent.and_then(|p| p.parse::<u32>().ok()).unwrap_or(0)));
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(found)
}

fn megabytes(rollup: &str, key: &str) -> f64 {
    u32::try_from(kilobytes(rollup, key)).map_or(f64::INFINITY, f64::from) / 1024.0
}

/// What a file below `/proc` says of this key; 0 if it does not.
pub(crate) fn kilobytes(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tree_has_memory_and_one_that_ended_has_none() {
        let own = tree_memory(std::process::id()).unwrap();
        assert!(own.pss_mb > 0.1 && own.pss_mb <= own.rss_mb + 0.1);
        assert!(tree_memory(u32::MAX).is_err());
    }

    #[test]
    fn written_bytes_are_counted_per_thread() {
        use std::io::Write as _;
        let mut file = tempfile::tempfile().unwrap();
        let before = bytes_written().unwrap();
        file.write_all(&[7; 5000]).unwrap();
        assert_eq!(bytes_written().unwrap() - before, 5000);
    }
}
