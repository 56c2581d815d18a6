//! The composition root.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use domain::config::KioskConfig;
use domain::text::Lang;
use domain::{Input, Intent, View};
use jiff::tz::TimeZone;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use ui::backend::mirror::{Compression, Mirror};
use ui::backend::{PointerSource, SystemClock};
use ui::shell::{IntentRefused, Options, Ports, Shell, UiHandle};

use crate::admin::{self, AdminContext};
use crate::board::Board;
use crate::catalog;
use crate::clock::ShopClock;
use crate::core::{self, CoreHandle, CoreParts, Recorder};
use crate::devices;
use crate::heartbeat::Heartbeat;
use crate::logging;
use crate::machine::{Ending, ThisMachine};
use crate::router::Router;
use crate::screen;
use crate::settings::{SearchPath, Settings, SettingsError, Side, WrongValue};
use crate::supervisor::Supervisor;
use crate::updates;
use crate::uplink;
use crate::watchdog;

/// Threads of the runtime: devices and tools wait most of the time.
const RUNTIME_THREADS: usize = 2;

/// Finds, reads and checks the settings.
///
/// # Errors
/// What is wrong, with file and line.
pub fn load_settings(search: &SearchPath, extra: &[PathBuf]) -> anyhow::Result<Settings> {
    let files = crate::settings::find(search, extra)?;
    let (settings, error) = Settings::load(&files)?.with_the_fleets();
    if let Some(error) = error {
        // Before the log is there: the settings say where it goes.
        eprintln!("kioskd: what the fleet wanted is left out: {error}");
    }
    Ok(settings)
}

/// Checks everything that a start would refuse, without touching devices, disk or network.
///
/// # Errors
/// What is wrong, with file, line and key.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_values(settings).map_err(|wrong| settings.placed(wrong))
}

/// Whether systemd has started this program, and takes its words.
pub(crate) fn under_systemd() -> bool {
    std::env::var_os("INVOCATION_ID").is_some() && std::env::var_os("JOURNAL_STREAM").is_some()
}

fn check_values(settings: &Settings) -> Result<(), WrongValue> {
    logging::filter(&settings.log)?;
    devices::check(settings)?;
    screen::panel(settings).map_err(|error| WrongValue::because("screen", error))?;
    shop_clock(settings).map_err(|error| WrongValue::because("kiosk.time_zone", error))?;
    uplink::check(settings)?;
    updates::check(settings)?;
    if let Some(address) = settings.screen.mirror.filter(|address| !address.ip().is_loopback()) {
        let port = address.port();
        let message = format!("{address}: only this machine may look; write \"127.0.0.1:{port}\"");
        return Err(WrongValue::new("screen.mirror", message));
    }
    let files = [
        ("catalog.seed", &settings.catalog.seed),
        ("catalog.pictures", &settings.catalog.pictures),
        ("shop.logo", &settings.shop.logo),
    ];
    for (key, path) in files {
        if let Some(path) = path.as_deref().filter(|path| !path.exists()) {
            return Err(WrongValue::new(key, format!("there is no {}", path.display())));
        }
    }
    Ok(())
}

/// Runs the kiosk until it is told to stop (SIGTERM, SIGINT) or a part of it fails. Tells with what code to end:
/// 0, or one of [`crate::machine`] if the fleet asked for a restart.
///
/// # Errors
/// Why it could not start, or what failed.
pub fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let under_systemd = under_systemd();
    check(&settings)?;
    admin::refuse_second(&settings.admin)?;
    logging::start(&settings.log, under_systemd)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), kiosk = %settings.kiosk.id, "kioskd starts");

    let runtime = runtime()?;
    let supervisor = Supervisor::new(runtime.handle().clone());
    let screen_clock: Arc<dyn ui::backend::Clock> = Arc::new(SystemClock);
    let shell = shell(&settings, Arc::clone(&screen_clock))?;
    let pointers = screen::pointers(&settings)?;
    let screen = shell.handle();
    let board = Board::default();
    let clock = shop_clock(&settings)?;

    let (core, queue) = core::channel();
    let queues = devices::start(&settings, &core, &board, &clock, &supervisor)?;

    let heartbeat = Heartbeat::default();
    let recorder = Recorder::new(settings.kiosk.data_dir.clone());
    let store = store_options(&settings)?;
    let news = Arc::new(Notify::new());
    let parts = CoreParts {
        config: Arc::new(kiosk_config(&settings, &store.kiosk)),
        store,
        clock: clock.clone(),
        seed: catalog::seed(&settings),
        parse: catalog::parse_stored,
        heartbeat: heartbeat.clone(),
        recorder: recorder.clone(),
        standing: uplink::standing(&settings)?,
        news: Arc::clone(&news),
    };
    let (uplink, ends) = uplink::channel(&settings).unzip();
    let for_updates = ends.as_ref().map(uplink::Ends::for_updates).unwrap_or_default();
    let router = Router { queues, board: board.clone(), screen: screen.clone(), uplink: uplink.clone() };
    supervisor.thread("core", move || Ok(core::run(parts, &queue, Box::new(router))?))?;

    let mirror = start_mirror(&settings, &runtime, &supervisor, &screen)?;
    let ending = Ending::default();
    let machine: Arc<dyn uplink::Machine> =
        Arc::new(ThisMachine { under_systemd, ending: ending.clone(), supervisor: supervisor.clone() });
    let parts = updates::Parts {
        settings: &settings,
        core: core.clone(),
        clock: clock.clone(),
        board: board.clone(),
        screen: screen.clone(),
        machine: Arc::clone(&machine),
    };
    let updates = updates::start(parts, for_updates, &supervisor)?;
    let context = AdminContext {
        core: core.clone(),
        board: board.clone(),
        screen: screen.clone(),
        mirror,
        recorder,
        uplink,
        updates,
        machine: Arc::clone(&machine),
    };
    admin::start(&settings.admin, context.clone(), &supervisor, &runtime)?;
    let parts = screen::watch(screen.clone(), board.clone(), clock.clone(), supervisor.shutdown());
    supervisor.task("screen parts", parts);
    if let Some(ends) = ends {
        let parts = uplink::Parts {
            settings: &settings,
            core: core.clone(),
            clock,
            board,
            screen: screen.clone(),
            news,
            machine,
        };
        uplink::start(parts, ends, context, &supervisor);
    }
    supervisor.task("signals", stop_on_signal(supervisor.clone()));
    supervisor.task("watchdog", watchdog::run(heartbeat, screen.clone(), supervisor.shutdown()));

    let (stop_core, stop_screen) = (core.clone(), screen);
    supervisor.on_stop(move || {
        stop_core.stop();
        stop_screen.quit();
    });
    let pictures = ui::PictureStore::new(settings.catalog.pictures.clone());
    let shown = shell.run(ports(core, pointers), |sink| {
        ui::MainScreen::new(move |intent| sink.send(intent), &pictures, screen_clock)
    });
    let ended = supervisor.join();
    shown.context("the screen failed")?;
    ended?;
    tracing::info!("kioskd ends");
    Ok(ending.code())
}

pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("edge")
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

pub(crate) fn shell(settings: &Settings, clock: Arc<dyn ui::backend::Clock>) -> anyhow::Result<Shell<View>> {
    let options = Options { backend: screen::backend(settings), panel: screen::panel(settings)?, clock };
    Ok(Shell::new(options)?)
}

pub(crate) fn shop_clock(settings: &Settings) -> anyhow::Result<ShopClock> {
    let zone = TimeZone::get(&settings.kiosk.time_zone)?;
    Ok(ShopClock::new(zone, settings.kiosk.cutover_hour))
}

/// The store, under the name that the fleet gave or, before that, the settings'.
pub(crate) fn store_options(settings: &Settings) -> anyhow::Result<store::Options> {
    let path = settings.kiosk.data_dir.join("kiosk.db");
    let identity = match settings.uplink {
        Some(_) => uplink::Folder::below(&settings.kiosk.data_dir).identity()?,
        None => None,
    };
    Ok(match identity {
        Some(identity) => {
            store::Options { path, kiosk: identity.kiosk.to_string(), formerly: identity.formerly }
        }
        None => store::Options { path, kiosk: settings.kiosk.id.clone(), formerly: Vec::new() },
    })
}

pub(crate) fn kiosk_config(settings: &Settings, id: &str) -> KioskConfig {
    let kiosk = &settings.kiosk;
    let mut config = KioskConfig::new(id, &kiosk.display_prefix);
    config.serial = kiosk.serial.as_str().into();
    config.version = env!("CARGO_PKG_VERSION").into();
    config.default_lang = (!kiosk.language.is_empty()).then(|| Lang::new(&kiosk.language));
    config.shop.header = settings.shop.header.iter().map(|line| line.as_str().into()).collect();
    config.shop.footer = settings.shop.footer.iter().map(|line| line.as_str().into()).collect();
    if let Some(terminal) = &settings.terminal {
        config.terminal_side = match terminal.side {
            Side::Left => domain::view::Side::Left,
            Side::Right => domain::view::Side::Right,
            Side::Below => domain::view::Side::Below,
        };
    }
    config.voice = settings.voice.as_ref().map(|voice| Lang::new(&voice.language));
    config.policy.pay_at_counter = settings.policy.pay_at_counter;
    config.policy.kitchen_on_unpaid = settings.policy.kitchen_on_unpaid;
    config.policy.tips = settings.policy.tips;
    config.policy.print_without_asking = settings.policy.print_without_asking;
    config.policy.age_restricted = settings.policy.age_restricted;
    config.policy.kitchen = settings.kitchen.is_some();
    config
}

fn ports(core: CoreHandle, pointers: Vec<Box<dyn PointerSource>>) -> Ports<Intent> {
    let intents = move |intent| core.send(Input::Intent(intent)).map_err(|_| IntentRefused);
    Ports { intents: Box::new(intents), pointers }
}

fn start_mirror(
    settings: &Settings,
    runtime: &Runtime,
    supervisor: &Supervisor,
    screen: &UiHandle<View>,
) -> anyhow::Result<Option<admin::MirrorDoor>> {
    let Some(address) = settings.screen.mirror else { return Ok(None) };
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(address))
        .with_context(|| format!("cannot listen on screen.mirror {address}"))?;
    let address = listener.local_addr()?;
    let mirror = Mirror::new(Arc::clone(screen.hub()), screen.input(), Compression::None);
    let mut shutdown = supervisor.shutdown();
    let serve = mirror.clone().serve(listener, async move { shutdown.wait().await });
    supervisor.task("mirror", async move { Ok(serve.await?) });
    tracing::info!(%address, "mirror");
    Ok(Some(admin::MirrorDoor { mirror, address }))
}

pub(crate) async fn stop_on_signal(supervisor: Supervisor) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut shutdown = supervisor.shutdown();
    tokio::select! {
        _ = term.recv() => tracing::info!("asked to stop by SIGTERM"),
        _ = int.recv() => tracing::info!("asked to stop by SIGINT"),
        () = shutdown.wait() => return Ok(()),
    }
    supervisor.stop();
    Ok(())
}
