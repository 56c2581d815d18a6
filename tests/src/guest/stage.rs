//! A guest with devices that are emulated outside of it, and somebody in front of its screen.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use image::console::Console;
use image::qmp::Qmp;
use image::vm::{Guest, Options, SCANNER, device, serial_in_guest};
use serde_json::{Value, json};

use crate::customer::Customer;
use crate::mirror::MirrorClient;
use crate::process::wait_until;
use crate::rig::{Rig, RigOptions};

/// So many times as long as on a machine of its own everything may take under software emulation.
const PATIENCE: u32 = 8;

/// For an answer of the guest's shell.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// For a page that needs the payment terminal, or for a receipt.
pub(super) const DEVICES_WITHIN: Duration = Duration::from_secs(120);

/// How long the screen may stay behind the mirror.
const SETTLE: Duration = Duration::from_millis(700);

/// See the module's description.
pub(super) struct Stage<'a> {
    pub(super) rig: Rig,
    options: Options,
    guest: Guest,
    qmp: Hand,
    console: Console,
    pub(super) customer: Customer,
    /// Where pictures go.
    pub(super) out: &'a Path,
    shots: u32,
}

impl<'a> Stage<'a> {
    /// Starts the devices and the guest, which has to be one for a bench.
    pub(super) fn open(options: &Options, out: &'a Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.dir)?;
        std::fs::create_dir_all(out)?;
        let dir = options.dir.canonicalize()?.join("devices");
        // What a terminal took belongs to the disk that knows of it.
        if dir.exists() && !options.keep {
            std::fs::remove_dir_all(&dir)?;
        }
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
        let (console, qmp, customer) = meet(&guest, &options)?;
        Ok(Self { rig, options, guest, qmp, console, customer, out, shots: 0 })
    }

    /// Looks whether it started as it should.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        // Waits for the jobs of the start; it also says what became of them.
        let limit = Duration::from_secs(self.options.limit_s);
        let state = self.console.run("systemctl is-system-running --wait", limit)?;
        let found = image::check::look(&mut self.console, &state, ANSWER_WITHIN)?;
        anyhow::ensure!(found.is_empty(), "the guest is not as it should be: {found:#?}");
        Ok(())
    }

    /// Presses, waits for the page and saves it.
    pub(super) fn press(&mut self, label: &str, page: &str) -> anyhow::Result<()> {
        self.customer.press_to(label, page)?;
        self.shot(page)
    }

    /// Saves the page once it is shown.
    pub(super) fn page(&mut self, page: &str) -> anyhow::Result<()> {
        self.customer.mirror.wait_page(page, DEVICES_WITHIN)?;
        self.shot(page)
    }

    /// Saves what the guest's own screen shows.
    pub(super) fn shot(&mut self, name: &str) -> anyhow::Result<()> {
        self.customer.mirror.receive_for(SETTLE)?;
        self.picture(name)
    }

    /// The same without a mirror that could tell whether it is all there.
    pub(super) fn picture(&mut self, name: &str) -> anyhow::Result<()> {
        self.shots += 1;
        let path = self.out.join(format!("{:02}-{name}.png", self.shots));
        self.qmp.borrow_mut().screenshot(&path)?;
        println!("  {}", path.display());
        Ok(())
    }

    /// Scans a code.
    pub(super) fn scan(&mut self, code: &str) -> anyhow::Result<()> {
        self.qmp.borrow_mut().scan(code)
    }

    /// Pulls the plug of a USB device.
    pub(super) fn unplug(&mut self, name: &str) -> anyhow::Result<()> {
        self.qmp.borrow_mut().execute("device_del", &json!({ "id": name })).map(drop)
    }

    /// Plugs it in again.
    pub(super) fn plug(&mut self, name: &str) -> anyhow::Result<()> {
        self.qmp.borrow_mut().execute("device_add", &device(name)).map(drop)
    }

    pub(super) fn guest_says(&mut self, command: &str) -> anyhow::Result<String> {
        self.console.run(command, ANSWER_WITHIN).with_context(|| command.to_owned())
    }

    /// What a tool of the kiosk says.
    pub(super) fn kioskctl(&mut self, words: &str) -> anyhow::Result<Value> {
        let said = self.guest_says(&format!("kioskctl {words} --json"))?;
        serde_json::from_str(&said).with_context(|| format!("kioskctl {words}: {said}"))
    }

    /// Types something after which the shell may not answer.
    pub(super) fn send(&mut self, command: &str) -> anyhow::Result<()> {
        self.console.send(command)
    }

    /// Waits until the kiosk says so of itself.
    pub(super) fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut is_so: impl FnMut(&mut Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + limit;
        loop {
            let said = is_so(self);
            if matches!(said, Ok(true)) {
                return Ok(());
            }
            if Instant::now() > until {
                said?;
                anyhow::bail!("{what} does not come within {} s", limit.as_secs());
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Waits until the guest restarts by itself, and starts it again.
    pub(super) fn restarts(&mut self, limit: Duration) -> anyhow::Result<()> {
        self.guest.wait(limit)?;
        self.again()
    }

    /// Cuts the power if it still runs, and starts it again with the disk as it is.
    pub(super) fn again(&mut self) -> anyhow::Result<()> {
        self.guest.again(&self.options)?;
        (self.console, self.qmp, self.customer) = meet(&self.guest, &self.options)?;
        Ok(())
    }

    /// As [`Self::again`], with another time of the clock on the board.
    pub(super) fn again_at(&mut self, clock: &str) -> anyhow::Result<()> {
        self.options.clock = Some(clock.to_owned());
        let started = self.again();
        self.options.clock = None;
        started
    }

    /// Goes to the screen again: its pages come from a daemon that has started anew.
    pub(super) fn meet(&mut self) -> anyhow::Result<()> {
        self.customer = customer(&mut self.console, &self.qmp, Duration::from_secs(self.options.limit_s))?;
        Ok(())
    }

    /// Powers off; if something went wrong, what there is to see is saved and told before.
    pub(super) fn close(mut self, played: anyhow::Result<()>) -> anyhow::Result<()> {
        if played.is_err() {
            self.shot("failed").ok();
            let log = self.guest_says("journalctl -b -u kioskd -o cat --no-pager | tail -n 40");
            eprintln!("{}", log.unwrap_or_default());
        }
        self.console.send("systemctl poweroff").ok();
        played.and(self.guest.wait(DEVICES_WITHIN))
    }
}

type Hand = Rc<RefCell<Qmp>>;

/// Waits until the kiosk has come up, and stands before it.
fn meet(guest: &Guest, options: &Options) -> anyhow::Result<(Console, Hand, Customer)> {
    let limit = Duration::from_secs(options.limit_s);
    let started = Instant::now();
    let mut console =
        guest.console(limit).context("only a disk for a bench lets us in: ./dev image --dev")?;
    // QEMU listens to one at a time.
    let qmp = Rc::new(RefCell::new(guest.qmp()?));
    let customer = customer(&mut console, &qmp, limit)?;
    println!("▶ the kiosk is there after {:.0} s", started.elapsed().as_secs_f32());
    Ok((console, qmp, customer))
}

/// Somebody before the screen, who presses with QEMU's tablet.
fn customer(console: &mut Console, qmp: &Hand, limit: Duration) -> anyhow::Result<Customer> {
    let mirror = MirrorClient::open(&mirror_of(console, limit)?)?;
    let size = mirror.size();
    let size: (f32, f32) = (u16::try_from(size.0)?.into(), u16::try_from(size.1)?.into());
    let hand = Rc::clone(qmp);
    let finger = Box::new(move |x: f32, y: f32| hand.borrow_mut().tap(x / size.0, y / size.1));
    Ok(Customer::new(mirror)?.with_finger(finger, PATIENCE))
}

/// Waits until the kiosk gives an address of its mirror.
fn mirror_of(console: &mut Console, limit: Duration) -> anyhow::Result<String> {
    let url = wait_until(limit, || {
        let said = console.run("kioskctl mirror 2>&1", ANSWER_WITHIN).ok()?;
        said.lines().find(|line| line.contains("#t=")).map(|line| line.trim().to_owned())
    });
    url.context("the guest's kiosk has no mirror")
}

/// What the kiosk of the guest is.
pub(super) const IDENTITY: &str = "[kiosk]
id = 'demo.k7'
serial = 'AR-26-00820'
display_prefix = 'K7'
time_zone = 'Europe/Berlin'

[shop]
header = ['Alder & Rye', 'Harbour Lane 7, 20457 Hamburg', 'VAT ID DE123456789']
footer = ['Thank you, see you soon.', 'alder-and-rye.example']
";

/// What the kiosk of the guest is and has.
fn settings_of_guest() -> String {
    let line = |name: &str| format!("serial://{}?baud=115200", serial_in_guest(name));
    format!(
        "{IDENTITY}\n[printer]\nendpoint = {printer:?}\n\n[terminal]\nendpoint = {terminal:?}\n\n[scanner]\nhid = '{SCANNER}'\n",
        printer = line("printer"),
        terminal = line("terminal"),
    )
}
