//! Memory of the running kiosk: idle, on the menu page beside Chromium with the same page, and after many orders.
//!
//! 500 orders at the mirror would take half an hour. So most of them are sold by the same core into the same store
//! beforehand and reach the kiosk as its own log, and the last ones are really performed at the mirror, which
//! shows what an order leaves behind in screen and devices. The note of the report says how many.

use std::time::{Duration, SystemTime};

use domain::KioskConfig;

use super::machine::{TreeMemory, tree_cpu_ms, tree_memory};
use super::peer::Chromium;
use super::report::{Case, Report};
use super::{Options, stage, storage};
use crate::customer::Customer;
use crate::rig::Rig;

/// Orders of a busy day.
const DAY: u32 = 500;

/// Wall clock time of an order sold beforehand, rounded up: all of them must lie in the past.
const ORDER_TAKES_MS: i64 = 150_000;

/// Orders at the mirror before growth is counted: the first ones fill caches.
const WARM_UP: u32 = 3;

/// Rest before a measurement.
const SETTLE: Duration = Duration::from_secs(3);

/// How long CPU time is counted while nothing happens.
const IDLE: Duration = Duration::from_secs(10);

/// See the module's description.
pub(super) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let mut rig = stage::devices(scratch.path())?;
    stage::settle_in(&mut rig)?;
    let idle = idle(&mut rig, report)?;
    let menu = on_the_menu(&mut rig)?;
    rig.stop_kiosk()?;
    let mut case = report.case("memory", "menu page shown");
    add(&mut case, super::report::OURS, menu);
    report.aim_below("idle RSS", 80.0, "MB", idle.rss_mb);
    match Chromium::find(&options.dir)? {
        None => report.note("memory: Chromium is not installed"),
        Some(chromium) => {
            let (page, cpu_ms) = chromium_page(&chromium)?;
            add(&mut report.case("memory", "menu page shown"), "chromium", page);
            report.case("memory", "nothing happens").add("chromium", "CPU per second", "ms", cpu_ms);
            // What `ps` adds up, and the same with shared pages counted once: Chromium's processes share many.
            report.aim_factor("resident memory, compared with Chromium", 10.0, page.rss_mb / menu.rss_mb);
            report.aim_factor("memory (PSS), compared with Chromium", 10.0, page.pss_mb / menu.pss_mb);
        }
    }
    after_a_day(options, report)
}

fn add(case: &mut Case<'_>, subject: &'static str, memory: TreeMemory) {
    case.add(subject, "PSS", "MB", memory.pss_mb);
    case.add(subject, "RSS", "MB", memory.rss_mb);
    case.add(subject, "processes", "count", f64::from(memory.processes));
}

fn idle(rig: &mut Rig, report: &mut Report) -> anyhow::Result<TreeMemory> {
    rig.start_kiosk()?;
    let kiosk = id(rig)?;
    std::thread::sleep(SETTLE);
    let memory = tree_memory(kiosk)?;
    add(&mut report.case("memory", "idle on the attract page"), super::report::OURS, memory);
    let cpu_ms = cpu_per_second(kiosk)?;
    report.case("memory", "nothing happens").ours("CPU per second", "ms", cpu_ms);
    Ok(memory)
}

fn on_the_menu(rig: &mut Rig) -> anyhow::Result<TreeMemory> {
    let mut customer = Customer::new(rig.mirror()?)?;
    customer.sit_down()?;
    drop(customer);
    std::thread::sleep(SETTLE);
    tree_memory(id(rig)?)
}

fn chromium_page(chromium: &Chromium) -> anyhow::Result<(TreeMemory, f64)> {
    let mut browser = chromium.open()?;
    browser.wait_complete()?;
    std::thread::sleep(SETTLE);
    let memory = tree_memory(browser.id())?;
    let cpu_ms = cpu_per_second(browser.id())?;
    browser.close()?;
    Ok((memory, cpu_ms))
}

fn cpu_per_second(process: u32) -> anyhow::Result<f64> {
    let before = tree_cpu_ms(process)?;
    std::thread::sleep(IDLE);
    Ok((tree_cpu_ms(process)? - before) / IDLE.as_secs_f64())
}

fn after_a_day(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let performed = options.orders.clamp(WARM_UP + 1, DAY);
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let mut rig = stage::devices(scratch.path())?;
    let before = DAY - performed;
    let now_ms = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
    let opening_ms = now_ms - i64::from(before + 1) * ORDER_TAKES_MS;
    let log = scratch.path().join("data/kiosk.db");
    storage::fill(&log, KioskConfig::new("demo.k3", "K3"), opening_ms, before)?;
    rig.start_kiosk()?;
    let mut customer = Customer::new(rig.mirror()?)?;
    let mut warm = TreeMemory::default();
    for order in 1..=performed {
        stage::perform_order(&mut customer)?;
        if order == WARM_UP {
            warm = tree_memory(id(&rig)?)?;
        }
    }
    let hot = tree_memory(id(&rig)?)?;
    drop(customer);
    std::thread::sleep(SETTLE);
    let rested = tree_memory(id(&rig)?)?;
    rig.stop_kiosk()?;
    add(&mut report.case("memory", format!("after {DAY} orders")), super::report::OURS, rested);
    let growth_kb = (hot.rss_mb - warm.rss_mb) * 1024.0 / f64::from(performed - WARM_UP);
    report.case("memory", "an order at the mirror").ours("RSS growth", "kB", growth_kb);
    report.note(format!(
        "of the {DAY} orders {before} came from the log at the start, {performed} from the mirror"
    ));
    Ok(())
}

fn id(rig: &Rig) -> anyhow::Result<u32> {
    rig.kiosk_id().ok_or_else(|| anyhow::anyhow!("the kiosk does not run"))
}
