//! What the fleet wants done: jobs and the desired twin. A task of its own, so that a slow download holds up no
//! sale.
//!
//! A job's row says how far it is before anything happens: `accepted` when it came in, `running` before its
//! effect, then how it ended. One that was running when the daemon died is not done again: a restart that was
//! asked for has happened then, everything else has failed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::View;
use domain::input::{Action, Command, Origin};
use protocol::fleet::{DesiredTwin, Job, JobKind, JobProgress, JobState, OpenOrClose};
use protocol::text::{Hex32, Id};
use protocol::topic::Up;
use serde_json::json;
use store::JobRow;
use tokio::sync::{Notify, mpsc, watch};
use ui::shell::UiHandle;

use super::driver::{CoreSilent, on_core};
use super::http::Http;
use super::identity::Folder;
use super::twin;
use crate::admin::{AdminContext, refused};
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::settings::{self, Settings};
use crate::supervisor::Shutdown;

/// How often jobs that wait for something are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long the screen may take to be copied.
const SCREEN_PATIENCE: Duration = Duration::from_secs(5);

/// Something to tell the fleet.
pub(crate) struct Outgoing {
    pub up: Up,
    pub payload: Vec<u8>,
}

/// What can be done with the machine. Behind a trait: a demo must not restart the computer it runs on.
pub trait Machine: Send + Sync {
    /// Restarts it. Returns when that has begun.
    ///
    /// # Errors
    /// It refuses.
    fn reboot(&self) -> anyhow::Result<()>;

    /// Deletes everything but the system itself and restarts. Returns when that has begun.
    ///
    /// # Errors
    /// It refuses, or cannot do that.
    fn factory_reset(&self) -> anyhow::Result<()>;

    /// Ends the daemon in order, so that it starts anew with the settings as they are then.
    fn restart(&self);
}

/// The errands' task.
pub(crate) struct Errands {
    pub settings: settings::Uplink,
    /// All settings of this start.
    pub in_force: Settings,
    /// The next start will have other settings: it is due when no customer is there.
    pub start_anew: bool,
    pub folder: Folder,
    pub core: CoreHandle,
    pub clock: ShopClock,
    pub screen: UiHandle<View>,
    pub admin: AdminContext,
    pub machine: Arc<dyn Machine>,
    pub work: Arc<Notify>,
    pub twin: watch::Receiver<Option<DesiredTwin>>,
    /// Hash of the fleet's document that was last found to be the active catalog: it need not be fetched again.
    pub followed: Option<Hex32>,
    pub outgoing: mpsc::Sender<Outgoing>,
    pub shutdown: Shutdown,
}

/// How a job ended.
enum Ended {
    Done {
        found: String,
        result: Option<String>,
    },
    /// It goes on when the daemon is started again.
    WithTheDaemon,
}

impl Errands {
    /// Runs until the program ends.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(INTERVAL);
        let mut resumed = false;
        let mut shutdown = self.shutdown.clone();
        loop {
            let work = Arc::clone(&self.work);
            tokio::select! {
                () = work.notified() => {}
                changed = self.twin.changed() => {
                    if changed.is_ok() {
                        twin::apply(&mut self).await;
                    }
                }
                _ = tick.tick() => {}
                () = shutdown.wait() => return Ok(()),
            }
            // A core that does not answer is tried again with the next tick.
            if !resumed {
                resumed = self.resume().await.is_ok();
            }
            if resumed {
                drop(self.open_jobs().await);
            }
            if self.start_anew && on_core(&self.core, |core| Ok(core.is_busy())).await.is_ok_and(|busy| !busy)
            {
                tracing::info!("starts anew with the settings that the fleet wants");
                self.start_anew = false;
                self.machine.restart();
            }
        }
    }

    /// What was running when the daemon ended has ended with it.
    async fn resume(&self) -> Result<(), CoreSilent> {
        for row in on_core(&self.core, |core| core.store().open_jobs()).await? {
            if row.state == JobState::Running {
                let restarted = matches!(
                    row.job.as_ref().map(|job| &job.kind),
                    Some(JobKind::Reboot {} | JobKind::Config {})
                );
                let (state, why) = if restarted {
                    (JobState::Done, "")
                } else {
                    (JobState::Failed, "the daemon ended while it ran")
                };
                self.set(row.id, state, why, None).await?;
            }
        }
        Ok(())
    }

    async fn open_jobs(&self) -> Result<(), CoreSilent> {
        for row in on_core(&self.core, |core| core.store().open_jobs()).await? {
            if row.state == JobState::Accepted {
                self.begin(row).await?;
            }
        }
        Ok(())
    }

    async fn begin(&self, row: JobRow) -> Result<(), CoreSilent> {
        let Some(job) = row.job else {
            return self.set(row.id, JobState::Failed, "this version cannot read it", None).await;
        };
        if job.exp <= self.clock.now().wall.0 {
            return self.set(row.id, JobState::Expired, "", None).await;
        }
        let waits = job.idle || matches!(job.kind, JobKind::Reboot {} | JobKind::Config {});
        if waits && on_core(&self.core, |core| Ok(core.is_busy())).await? {
            return Ok(());
        }
        self.set(row.id, JobState::Running, "", None).await?;
        match self.execute(&job).await {
            Ok(Ended::Done { found, result }) => {
                self.set(row.id, JobState::Done, &found, result.as_deref()).await
            }
            Ok(Ended::WithTheDaemon) => Ok(()),
            Err(error) => self.set(row.id, JobState::Failed, &format!("{error:#}"), None).await,
        }
    }

    async fn execute(&self, job: &Job) -> anyhow::Result<Ended> {
        let done = |found: &str| Ok(Ended::Done { found: found.to_owned(), result: None });
        match &job.kind {
            JobKind::Reboot {} => {
                self.machine.reboot()?;
                Ok(Ended::WithTheDaemon)
            }
            JobKind::Config {} => {
                self.machine.restart();
                Ok(Ended::WithTheDaemon)
            }
            JobKind::Selling { to } => {
                let action = match to {
                    OpenOrClose::Open => Action::Open,
                    OpenOrClose::Close => Action::Close,
                };
                let command = Command { origin: Origin::Fleet, action };
                on_core(&self.core, move |core| core.command(command))
                    .await?
                    .map_err(|refusal| anyhow::anyhow!(refused(&refusal)))?;
                done("")
            }
            JobKind::CatalogRefresh {} => {
                let twin = self.twin.borrow().clone();
                let document =
                    twin.and_then(|twin| twin.docs.catalog).context("no catalog is meant for this kiosk")?;
                let already = if twin::fetch_catalog(self, &document).await? { "" } else { "already " };
                done(&format!("revision {} is {already}active", document.rev))
            }
            JobKind::Screenshot {} => {
                let hub = Arc::clone(self.screen.hub());
                let png =
                    tokio::task::spawn_blocking(move || hub.snapshot(SCREEN_PATIENCE)?.to_png()).await??;
                self.upload(job.job, "image/png", png).await
            }
            JobKind::Diagnostics {} => {
                let answers = crate::admin::diagnostics(&self.admin).await;
                self.upload(job.job, "application/json", serde_json::to_vec_pretty(&answers)?).await
            }
            JobKind::Logs { lines } => {
                let log = log(*lines).await?;
                self.upload(job.job, "text/plain; charset=utf-8", log).await
            }
        }
    }

    async fn upload(&self, job: Id, content_type: &str, body: Vec<u8>) -> anyhow::Result<Ended> {
        let path = format!("/v1/kiosk/files/{job}");
        self.http()?.put(&path, content_type, body).await?;
        Ok(Ended::Done { found: String::new(), result: Some(path) })
    }

    /// The fleet's HTTPS address, with our certificate.
    pub(super) fn http(&self) -> anyhow::Result<Http> {
        Ok(Http { fleet: self.settings.fleet.clone(), tls: self.folder.tls(&self.settings.ca)? })
    }

    /// Writes down how far a job is, then tells the fleet.
    async fn set(&self, job: Id, s: JobState, why: &str, result: Option<&str>) -> Result<(), CoreSilent> {
        let (why, result) = (why.to_owned(), result.map(str::to_owned));
        let progress = JobProgress { job, s, pct: None, why: why.clone(), result: result.clone() };
        let clocks = ShopClock::clocks(&self.clock.now());
        on_core(&self.core, move |core| core.store_mut().set_job(job, s, &why, result.as_deref(), clocks))
            .await?;
        tracing::info!(%job, state = ?s, why = %progress.why, "job");
        self.tell(Up::Job, &progress).await;
        Ok(())
    }

    /// Tells the fleet. If it cannot be told now it asks again when the kiosk is born again.
    pub(super) async fn tell(&self, up: Up, what: &impl serde::Serialize) {
        let payload = serde_json::to_vec(what).unwrap_or_else(|_| json!({}).to_string().into_bytes());
        drop(self.outgoing.send(Outgoing { up, payload }).await);
    }
}

/// Most lines that are sent.
const LINES_MAX: u32 = 10_000;

/// What the daemon has logged last.
async fn log(lines: u32) -> anyhow::Result<Vec<u8>> {
    let lines = if lines == 0 { LINES_MAX } else { lines.min(LINES_MAX) };
    if let Some(newest) = crate::logging::newest(usize::try_from(lines).unwrap_or(usize::MAX)) {
        return Ok(newest);
    }
    let output = tokio::process::Command::new("journalctl")
        .args(["--identifier", "kioskd", "--no-pager", "--output", "short-iso-precise", "--lines"])
        .arg(lines.to_string())
        .kill_on_drop(true)
        .output()
        .await
        .context("there is no journal on this machine")?;
    anyhow::ensure!(output.status.success(), "the journal cannot be read");
    Ok(output.stdout)
}
