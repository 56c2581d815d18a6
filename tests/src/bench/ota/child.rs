//! A program that is measured while it runs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What a program needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Child {
    pub wall_s: f64,
    /// Of the user, all threads.
    pub cpu_s: f64,
    /// Most memory it had in use (VmHWM), in bytes.
    pub peak: u64,
}

/// What it may need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(3600) }
    }
}

/// A program that may have so many bytes of private memory: what it allocates beyond fails.
pub(super) fn within(memory: u64, program: &Path) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--data={memory}")).arg("--").arg(program);
    command
}

/// Runs it to its end; `None` if it took longer than it may.
pub(super) fn run(command: &mut Command, limits: Limits) -> anyhow::Result<Option<Child>> {
    let name = format!("{command:?}");
    let (begun, cpu) = (Instant::now(), children_cpu_s()?);
    let mut process =
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().with_context(|| name.clone())?;
    let status_path = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        if let Ok(text) = std::fs::read_to_string(&status_path) {
            peak = super::super::machine::kilobytes(&text, "VmHWM:").max(peak);
        }
        if begun.elapsed() > limits.time {
            process.kill()?;
            process.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    };
    let wall_s = begun.elapsed().as_secs_f64();
    anyhow::ensure!(status.success(), "{name} ended with {status}");
    Ok(Some(Child { wall_s, cpu_s: children_cpu_s()? - cpu, peak: peak * 1024 }))
}

/// User time of the children that ended.
fn children_cpu_s() -> anyhow::Result<f64> {
    cpu_s(UsageWho::RUSAGE_CHILDREN)
}

/// User time of this process.
pub(super) fn own_cpu_s() -> anyhow::Result<f64> {
    cpu_s(UsageWho::RUSAGE_SELF)
}

#[expect(clippy::cast_precision_loss, reason = "a few hours at most")]
fn cpu_s(who: UsageWho) -> anyhow::Result<f64> {
    Ok(getrusage(who)?.user_time().num_milliseconds() as f64 / 1e3)
}
