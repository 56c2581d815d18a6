//! What happens to a kiosk in its life: plugs that are pulled, programs that hang, a full disk, a wrong clock, a cut of
//! the power. After each it sells, and the money is right.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use image::vm::Options;
use serde_json::Value;

use super::stage::{DEVICES_WITHIN, Stage};

/// How long the guest may take to leave a start that leads nowhere.
const RESET_WITHIN: Duration = Duration::from_secs(300);

/// How long a daemon that hangs may: its watchdog, the time to say where, and the start.
const HANG_WITHIN: Duration = Duration::from_secs(240);

/// How long a daemon that does not stay up may: the page that says so, and the start.
const CRASH_WITHIN: Duration = Duration::from_secs(300);

/// The page has no mirror that could tell.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// Tries of a customer until a full disk is noticed.
const CUSTOMERS: u32 = 12;

type Mishap = fn(&mut Stage<'_>) -> anyhow::Result<()>;

const MISHAPS: &[(&str, Mishap)] = &[
    ("the touch panel is unplugged", touch_unplugged),
    ("the printer is unplugged", printer_unplugged),
    ("the display is unplugged", display_unplugged),
    ("the daemon hangs", daemon_hangs),
    ("the daemon does not stay up", daemon_crashes),
    ("the disk is full", disk_full),
    ("the power is cut while a card is charged", power_cut),
    ("the kernel panics", kernel_panic),
    ("nothing of the system runs any more", watchdog),
    ("the clock on the board is at 2001", wrong_clock),
    ("factory reset", factory_reset),
];

/// Lets everything happen to one guest, one after the other, or only what has a word in its name. The disk has to be one for a bench.
///
/// # Errors
/// The kiosk does not get over it.
pub fn perform(options: &Options, out: &Path, only: &str) -> anyhow::Result<()> {
    let mut stage = Stage::open(options, out)?;
    let played = all(&mut stage, only);
    stage.close(played)
}

fn all(stage: &mut Stage<'_>, only: &str) -> anyhow::Result<()> {
    stage.check()?;
    for (name, mishap) in MISHAPS.iter().filter(|(name, _)| name.contains(only)) {
        mishap(stage).with_context(|| (*name).to_owned())?;
        println!("▶ {name}: it got over it");
    }
    Ok(())
}

fn touch_unplugged(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.unplug("touch")?;
    device_is(stage, "touch", "absent")?;
    stage.plug("touch")?;
    device_is(stage, "touch", "ready")?;
    sell(stage)
}

fn printer_unplugged(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.unplug("printer")?;
    device_is(stage, "printer", "absent")?;
    stage.shot("without-printer")?;
    stage.plug("printer")?;
    device_is(stage, "printer", "ready")?;
    sell(stage)
}

/// The kernel's own way to take a connector for unplugged.
fn display_unplugged(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let connector = |state: &str| format!("for it in /sys/class/drm/*/status; do echo {state} >$it; done");
    stage.guest_says(&connector("off"))?;
    device_is(stage, "display", "absent")?;
    stage.guest_says(&connector("detect"))?;
    device_is(stage, "display", "ready")?;
    sell(stage)
}

fn daemon_hangs(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.guest_says("kill -STOP $(systemctl show -P MainPID kioskd)")?;
    stage.until("a new start of the daemon", HANG_WITHIN, |stage| {
        Ok(stage.guest_says("systemctl show -P NRestarts -P ActiveState kioskd")? == "1\nactive")
    })?;
    stage.meet()?;
    sell(stage)
}

/// It ends until systemd gives up: the screen says so, and the daemon is tried again.
fn daemon_crashes(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let kill = "while systemctl is-active -q kioskd || systemctl show -P ActiveState kioskd | grep -q activating; do \
                systemctl kill -s SEGV kioskd; sleep 1; done; systemctl is-active kiosk-out-of-service";
    let said = stage.guest_says(kill)?;
    anyhow::ensure!(said.trim() == "active", "the page of a kiosk without a daemon: {said}");
    std::thread::sleep(SHOWN_WITHIN);
    stage.picture("daemon-crashes")?;
    stage.until("the daemon", CRASH_WITHIN, |stage| {
        Ok(stage.guest_says("systemctl show -P ActiveState kioskd")? == "active")
    })?;
    stage.meet()?;
    sell(stage)
}

fn disk_full(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.guest_says(
        "fallocate -l $(df --output=avail -B1 /var | tail -n 1) /var/fill; cat /dev/zero >/var/rest; sync",
    )?;
    let mut customers = 0;
    while stage.customer.mirror.screen().id != "out-of-service" {
        customers += 1;
        anyhow::ensure!(customers <= CUSTOMERS, "nobody noticed that the disk is full");
        let sold = sell(stage);
        stage.customer.mirror.receive_for(Duration::from_secs(2))?;
        if stage.customer.mirror.screen().id != "out-of-service" {
            sold?;
        }
    }
    stage.shot("disk-full")?;
    stage.guest_says("rm /var/fill /var/rest; sync")?;
    stage.customer.mirror.wait_page("attract", DEVICES_WITHIN)?;
    sell(stage)
}

fn power_cut(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    at_terminal(stage)?;
    stage.again()?;
    money_is_right(stage)?;
    stage.shot("after-power-cut")?;
    stage.customer.leave()?;
    sell(stage)
}

fn kernel_panic(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.send("echo c >/proc/sysrq-trigger")?;
    stage.restarts(RESET_WITHIN)?;
    sell(stage)
}

/// Two programs that let nothing else run: what watches is a device of the board then.
fn watchdog(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.guest_says("echo -1 >/proc/sys/kernel/sched_rt_runtime_us")?;
    let busy = "chrt -f 99 sh -c 'while :; do :; done' &";
    stage.send(&format!("{busy} {busy}"))?;
    stage.restarts(RESET_WITHIN)?;
    sell(stage)
}

fn wrong_clock(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.again_at("2001-02-03T04:05:06")?;
    let year: u32 = stage.guest_says("date +%Y")?.parse()?;
    anyhow::ensure!(year >= 2026, "the kiosk believes that it is {year}");
    sell(stage)
}

fn factory_reset(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let said = stage.guest_says("kioskctl factory-reset --losing-unsent --yes 2>&1")?;
    stage.restarts(RESET_WITHIN).context(said)?;
    let orders = stage.kioskctl("orders")?;
    anyhow::ensure!(orders.as_array().is_some_and(Vec::is_empty), "orders are still there: {orders}");
    stage.customer.mirror.wait_page("attract", DEVICES_WITHIN)
}

fn device_is(stage: &mut Stage<'_>, name: &str, state: &str) -> anyhow::Result<()> {
    let mut last = Value::Null;
    let came = stage.until(&format!("{name} that is {state}"), DEVICES_WITHIN, |stage| {
        last = stage.kioskctl("devices")?[name]["state"].take();
        Ok(last == state)
    });
    came.with_context(|| format!("{name} is {last}"))
}

/// One burger, from the first touch to the end.
fn sell(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    at_terminal(stage)?;
    stage.customer.mirror.wait_page("done", DEVICES_WITHIN)?;
    stage.customer.press_to("Done", "attract")?;
    money_is_right(stage)
}

fn at_terminal(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let customer = &mut stage.customer;
    customer.mirror.wait_page("attract", DEVICES_WITHIN)?;
    customer.press_to("Touch to order", "service")?;
    customer.press_to("Eat here", "menu")?;
    customer.press_to("Bacon & Rye", "item")?;
    customer.add_alone()?;
    customer.press_to("Review order", "cart")?;
    customer.press_to("Pay", "pay-choose")?;
    customer.press("Pay")?;
    // A slow mirror may miss the page of the terminal.
    let is_on = |id: &str| ["at-terminal", "done"].contains(&id);
    customer.mirror.wait("the terminal or the end", DEVICES_WITHIN, |m| is_on(&m.screen().id))
}

/// What the terminal took is what the kiosk sold.
fn money_is_right(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut said = String::new();
    let right = stage.until("an end of every payment", DEVICES_WITHIN, |stage| {
        let status = stage.kioskctl("status")?;
        let orders = stage.kioskctl("orders --limit 1000")?;
        let terminal = stage.rig.sim(&["state", "terminal"])?["ledger"]["net_minor"].as_i64();
        let money = |order: &Value| Some(order["total_minor"].as_i64()? - order["refunded_minor"].as_i64()?);
        let sold = orders.as_array().context("orders are a list")?;
        let sold: i64 = sold.iter().filter(|it| it["fiscal"].is_u64()).filter_map(money).sum();
        let open = &status["open_payments"];
        said = format!("the terminal took {terminal:?}, the kiosk sold {sold}, {open} payments are open");
        Ok(terminal == Some(sold) && *open == 0)
    });
    right.context(said)
}
