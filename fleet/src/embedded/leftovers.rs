//! Processes of an engine that outlived their supervisor or their own parent.
//!
//! When PostgreSQL's first process is killed, a backend that computes lives on and holds the shared memory;
//! new starts are refused until its query ends. Backends are sessions of their own, so neither a process
//! group nor a parent leads to them: their working folder does. Their program must fit, too, so that nobody's
//! shell is killed for standing in that folder.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// How long a killed process may take to vanish. The kernel needs milliseconds, a disk that hangs more.
const VANISH_LIMIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(5);

/// Sends `signal` to all processes of `program` that work in `dir`; says how many there are.
fn signal_all(dir: &Path, program: &str, signal: Option<Signal>) -> usize {
    let pids = working_in(dir, program);
    for pid in &pids {
        // One that is gone by now is what was wanted.
        kill(*pid, signal).ok();
    }
    pids.len()
}

/// Processes of `program` whose working folder is `dir`.
pub(super) fn working_in(dir: &Path, program: &str) -> Vec<Pid> {
    let is_one = |process: &Path| {
        let works_here = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == dir);
        works_here && std::fs::read_link(process.join("exe")).is_ok_and(|exe| is_program(&exe, program))
    };
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, process)| is_one(process))
        .map(|(pid, _)| Pid::from_raw(pid))
        .collect()
}

/// After an upgrade of its package a running program's file is called `… (deleted)`.
fn is_program(exe: &Path, program: &str) -> bool {
    exe.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.strip_suffix(" (deleted)").unwrap_or(name) == program)
}

/// Ends them: asked with `gently` first, killed after `grace`. Returns when they are gone; how many are not.
pub(super) async fn end(dir: &Path, program: &str, gently: Signal, grace: Duration) -> usize {
    if !grace.is_zero() && signal_all(dir, program, Some(gently)) > 0 {
        // One that is frozen cannot hear before it is woken.
        signal_all(dir, program, Some(Signal::SIGCONT));
        gone(dir, program, None, grace).await;
    }
    gone(dir, program, Some(Signal::SIGKILL), VANISH_LIMIT).await
}

/// Waits for them to vanish, signalling again what appears meanwhile: a dying parent may still have forked.
async fn gone(dir: &Path, program: &str, signal: Option<Signal>, limit: Duration) -> usize {
    let until = Instant::now() + limit;
    loop {
        let left = signal_all(dir, program, signal);
        if left == 0 || Instant::now() >= until {
            return left;
        }
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_program_that_works_in_the_folder_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let start = |dir: &Path| {
            std::process::Command::new("/bin/sleep").arg("100").current_dir(dir).spawn().unwrap()
        };
        let (mut here, mut elsewhere) = (start(&path), start(Path::new("/")));
        assert_eq!(working_in(&path, "sleep").len(), 1);
        assert!(working_in(&path, "postgres").is_empty());
        let reaper = std::thread::spawn(move || here.wait().unwrap());
        assert_eq!(end(&path, "sleep", Signal::SIGINT, Duration::ZERO).await, 0);
        assert!(!reaper.join().unwrap().success());
        assert!(elsewhere.try_wait().unwrap().is_none());
        elsewhere.kill().unwrap();
        elsewhere.wait().unwrap();
    }

    #[test]
    fn an_upgraded_program_is_still_known() {
        assert!(is_program(Path::new("/usr/sbin/mosquitto (deleted)"), "mosquitto"));
        assert!(!is_program(Path::new("/usr/sbin/mosquitto_pub"), "mosquitto"));
    }
}
