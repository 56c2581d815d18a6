//! An order in a guest: with fingers, a scanner, a printer and a payment
//! terminal that the guest's own kernel drives.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use image::console::Console;
use image::qmp::Qmp;
use image::vm::{Guest, Options, SCANNER, serial_in_guest};

use crate::customer::Customer;
use crate::mirror::MirrorClient;
use crate::process::wait_until;
use crate::rig::{Rig, RigOptions};

/// So many times as long as on a machine of its own everything may take under software emulation.
const PATIENCE: u32 = 8;

/// For an answer of the guest's shell.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// For a page that needs the payment terminal, or for a receipt.
const DEVICES_WITHIN: Duration = Duration::from_secs(120);

/// How long the screen may stay behind the mirror.
const SETTLE: Duration = Duration::from_millis(700);

/// A sort of water that the shop sells by its code.
const WATER: &str = "2000000000015";

/// Performs an order in a guest and saves what its screen shows in `out`. The disk has to be one for a bench.
///
/// # Errors
/// The guest does not start, or the order does not go as it should.
pub fn perform(options: &Options, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let mut stage = Stage::open(options, out)?;
    let played = stage.play();
    if played.is_err() {
        stage.shot("failed").ok();
        let log = stage.guest_says("journalctl -b -u kioskd -o cat --no-pager | tail -n 40");
        eprintln!("{}", log.unwrap_or_default());
    }
    stage.close()?;
    played
}

struct Stage<'a> {
    rig: Rig,
    guest: Guest,
    qmp: Rc<RefCell<Qmp>>,
    console: Console,
    customer: Customer,
    out: &'a Path,
    shots: u32,
}

impl<'a> Stage<'a> {
    fn open(options: &Options, out: &'a Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.dir)?;
        let dir = options.dir.canonicalize()?.join("devices");
        let sim =
            ["--terminal-pty", "--terminal-mode", "auto", "--terminal-card-ms", "1200", "--printer-instant"];
        let sim = sim.map(str::to_owned).to_vec();
        let rig = Rig::devices_only(RigOptions { dir, sim, quiet: true, ..RigOptions::default() })?;
        let settings = rig.dir.join("guest.toml");
        std::fs::write(&settings, settings_of_guest())?;
        let mut options = options.clone();
        for name in ["printer", "terminal"] {
            let line = rig.endpoints[name].as_str().with_context(|| format!("sim has no {name}"))?;
            options.serial.push((name.to_owned(), PathBuf::from(line)));
        }
        options.credential.push(("kioskd.toml".to_owned(), settings));
        options.mirror = true;
        let guest = Guest::start(&options)?;
        let started = Instant::now();
        let limit = Duration::from_secs(options.limit_s);
        let mut console =
            guest.console(limit).context("only a disk for a bench lets us in: ./dev image --dev")?;
        let url = mirror_of(&mut console, limit)?;
        println!("▶ the kiosk is there after {:.0} s", started.elapsed().as_secs_f32());
        // Waits for the jobs of the start; it also says what became of them.
        let state = console.run("systemctl is-system-running --wait", limit)?;
        let found = image::check::look(&mut console, &state, ANSWER_WITHIN)?;
        anyhow::ensure!(found.is_empty(), "the guest is not as it should be: {found:#?}");
        let mirror = MirrorClient::open(&url)?;
        let size = mirror.size();
        let size: (f32, f32) = (u16::try_from(size.0)?.into(), u16::try_from(size.1)?.into());
        // QEMU listens to one at a time.
        let qmp = Rc::new(RefCell::new(guest.qmp()?));
        let hand = Rc::clone(&qmp);
        let finger = Box::new(move |x: f32, y: f32| hand.borrow_mut().tap(x / size.0, y / size.1));
        let customer = Customer::new(mirror)?.with_finger(finger, PATIENCE);
        Ok(Self { rig, guest, qmp, console, customer, out, shots: 0 })
    }

    fn play(&mut self) -> anyhow::Result<()> {
        let customer = &mut self.customer;
        customer.mirror.wait_page("attract", DEVICES_WITHIN)?;
        self.shot("attract")?;
        self.press("Touch to order", "service")?;
        self.press("Eat here", "menu")?;
        self.press("Bacon & Rye", "item")?;
        self.customer.press("Add")?;
        self.page("meal")?;
        self.press("No thanks", "menu")?;
        let before = self.customer.mirror.screen().rev;
        self.qmp.borrow_mut().scan(WATER)?;
        self.customer.mirror.wait("the scanned water", DEVICES_WITHIN, |m| m.screen().rev != before)?;
        self.shot("scanned")?;
        self.press("Review order", "cart")?;
        self.press("Pay", "pay-choose")?;
        self.press("Pay", "at-terminal")?;
        self.page("done")?;
        self.customer.press("Paper")?;
        let receipt = self.rig.dir.join("sim/receipts/receipt-0001.png");
        wait_until(DEVICES_WITHIN, || receipt.exists().then_some(())).context("no receipt was printed")?;
        std::fs::copy(&receipt, self.out.join("receipt.png"))?;
        self.shot("done-printed")?;
        self.press("Done", "attract")?;
        let orders = self.guest_says("kioskctl orders --json")?;
        anyhow::ensure!(orders.contains("paid"), "the kiosk knows of no paid order: {orders}");
        println!(
            "▶ ordered, paid and printed; {} pictures and receipt.png in {}",
            self.shots,
            self.out.display()
        );
        Ok(())
    }

    /// Presses, waits for the page and saves it.
    fn press(&mut self, label: &str, page: &str) -> anyhow::Result<()> {
        self.customer.press_to(label, page)?;
        self.shot(page)
    }

    /// Saves the page once it is shown.
    fn page(&mut self, page: &str) -> anyhow::Result<()> {
        self.customer.mirror.wait_page(page, DEVICES_WITHIN)?;
        self.shot(page)
    }

    /// Saves what the guest's own screen shows.
    fn shot(&mut self, name: &str) -> anyhow::Result<()> {
        self.customer.mirror.receive_for(SETTLE)?;
        self.shots += 1;
        let path = self.out.join(format!("{:02}-{name}.png", self.shots));
        self.qmp.borrow_mut().screenshot(&path)?;
        println!("  {}", path.display());
        Ok(())
    }

    fn guest_says(&mut self, command: &str) -> anyhow::Result<String> {
        self.console.run(command, ANSWER_WITHIN)
    }

    fn close(mut self) -> anyhow::Result<()> {
        self.console.send("systemctl poweroff")?;
        self.guest.wait(DEVICES_WITHIN)
    }
}

/// Waits until the kiosk gives an address of its mirror.
fn mirror_of(console: &mut Console, limit: Duration) -> anyhow::Result<String> {
    let url = wait_until(limit, || {
        let said = console.run("kioskctl mirror 2>&1", ANSWER_WITHIN).ok()?;
        said.lines().find(|line| line.contains("#t=")).map(|line| line.trim().to_owned())
    });
    url.context("the guest's kiosk has no mirror")
}

/// What the kiosk of the guest is and has.
fn settings_of_guest() -> String {
    let line = |name: &str| format!("serial://{}?baud=115200", serial_in_guest(name));
    format!(
        "[kiosk]\nid = 'demo.k7'\nserial = 'AR-26-00820'\ndisplay_prefix = 'K7'\ntime_zone = 'Europe/Berlin'\n\n\
         [shop]\nheader = ['Alder & Rye', 'Harbour Lane 7, 20457 Hamburg', 'VAT ID DE123456789']\n\
         footer = ['Thank you, see you soon.', 'alder-and-rye.example']\n\n\
         [printer]\nendpoint = {printer:?}\n\n[terminal]\nendpoint = {terminal:?}\n\n[scanner]\nhid = '{SCANNER}'\n",
        printer = line("printer"),
        terminal = line("terminal"),
    )
}
