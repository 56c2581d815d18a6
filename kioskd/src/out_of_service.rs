//! The page of a kiosk whose daemon does not stay up: the screen alone, without store, devices and core, until systemd
//! starts the daemon anew.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::Kiosk;
use domain::session::Fault;
use ui::backend::{Clock, SystemClock};
use ui::shell::{IntentRefused, Ports};

use crate::daemon;
use crate::logging;
use crate::settings::Settings;
use crate::supervisor::Supervisor;

/// What is told to the team, and on the page.
const CODE: &str = "SYS-01";
const DETAIL: &str = "the daemon does not stay up";

/// Shows it for so long, or until SIGTERM or SIGINT.
///
/// # Errors
/// There is no screen either.
pub fn show(settings: &Settings, time: Duration) -> anyhow::Result<()> {
    logging::start(&settings.log, daemon::under_systemd())?;
    let runtime = daemon::runtime()?;
    let supervisor = Supervisor::new(runtime.handle().clone());
    let screen_clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let shell = daemon::shell(settings, Arc::clone(&screen_clock))?;
    let screen = shell.handle();
    let now = daemon::shop_clock(settings)?.now();
    let id = daemon::store_options(settings).map_or_else(|_| settings.kiosk.id.clone(), |store| store.kiosk);
    let fault = Fault { code: CODE.into(), detail: DETAIL.into(), since: now.wall };
    let config = Arc::new(daemon::kiosk_config(settings, &id));
    screen.publish(Arc::new(Kiosk::at_rest(config, fault, &now)));
    supervisor.task("signals", daemon::stop_on_signal(supervisor.clone()));
    let (over, mut shutdown) = (supervisor.clone(), supervisor.shutdown());
    supervisor.task("time", async move {
        tokio::select! {
            () = tokio::time::sleep(time) => over.stop(),
            () = shutdown.wait() => {}
        }
        Ok(())
    });
    supervisor.on_stop(move || screen.quit());
    let pictures = ui::PictureStore::new(settings.catalog.pictures.clone());
    let ports = Ports { intents: Box::new(|_| Err(IntentRefused)), pointers: Vec::new() };
    let shown = shell
        .run(ports, |sink| ui::MainScreen::new(move |intent| sink.send(intent), &pictures, screen_clock));
    let ended = supervisor.join();
    shown.context("the screen failed")?;
    ended
}
