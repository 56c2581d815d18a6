//! `./dev vm`: a disk in QEMU, with a screen like that of a kiosk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::console::Console;
use crate::qmp::Qmp;
use crate::run;

/// Where Debian's package has the firmware.
const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const FIRMWARE_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// Size of the virtual disk: the state grows into what the image leaves.
const DISK: &str = "4G";

/// Port of the mirror (`screen.mirror` of the image). It answers to no other name than its own, so ours is the same.
const MIRROR: u16 = 8080;

/// How long a shell is asked for before it is looked whether the guest still runs.
const ASK_FOR: Duration = Duration::from_secs(6);

/// What runs the guest's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Accelerator {
    /// Software: slow, and the same everywhere.
    Tcg,
    /// The processor. That `/dev/kvm` is there does not mean that it works.
    Kvm,
}

/// How a guest is run.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The disk; it is not changed.
    pub img: PathBuf,
    /// What runs the guest's code.
    #[arg(long, value_enum, default_value = "tcg")]
    pub accel: Accelerator,
    /// Where sockets, logs and the changed disk go.
    #[arg(long, value_name = "DIR", default_value = "target/vm")]
    pub dir: PathBuf,
    /// Go on with the disk as the last run left it.
    #[arg(long)]
    pub keep: bool,
    /// Save what the screen shows once the kiosk is ready (PNG).
    #[arg(long, value_name = "FILE")]
    pub shot: Option<PathBuf>,
    /// Look whether the kiosk becomes ready and the system is well, then power off. Needs an image for a bench.
    #[arg(long)]
    pub check: bool,
    /// For the whole start, in seconds.
    #[arg(long, default_value_t = 420)]
    pub limit_s: u64,
    /// The kiosk's mirror on the same port of this machine; only an image for a bench lets it out.
    #[arg(long)]
    pub mirror: bool,
    /// A USB serial adapter with this serial number, and where its line leads: a serial or pseudo terminal here. In the
    /// guest it is /dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_NAME-if00-port0. May be given more than once.
    #[arg(long, value_name = "NAME=DEVICE", value_parser = pair)]
    pub serial: Vec<(String, PathBuf)>,
    /// A port of this machine that the guest reaches, under 10.0.2.100; nothing else is. May be given more than once.
    #[arg(long, value_name = "PORT")]
    pub reach: Vec<u16>,
    /// A credential of the system: kioskd.toml is read as settings after all others. May be given more than once.
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    pub credential: Vec<(String, PathBuf)>,
    /// What the clock on the board shows at the start (UTC), as 2001-02-03T04:05:06; else the time it is.
    #[arg(long, value_name = "TIME")]
    pub clock: Option<String>,
    /// Write everything that is written to the disk, and every flush, to writes.log in the folder, in the format of
    /// dm-log-writes; a guest that is started again goes on with it.
    #[arg(long)]
    pub record: bool,
}

/// What [`Options::record`] makes, in the folder of the guest.
pub const RECORDING: &str = "writes.log";

/// Under which address the guest reaches ports of this machine that [`Options::reach`] names.
pub const HOST: &str = "10.0.2.100";

/// What a serial adapter with this serial number is called in the guest.
pub fn serial_in_guest(name: &str) -> String {
    format!("/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{name}-if00-port0")
}

/// A USB device of this name, as QEMU's `device_add` has it: `touch`, `scanner`, or the adapter of a serial line.
pub fn device(name: &str) -> Value {
    match name {
        "touch" => json!({ "driver": "usb-tablet", "bus": "usb.0", "id": name }),
        "scanner" => json!({ "driver": "usb-kbd", "bus": "usb.0", "id": name }),
        _ => {
            json!({ "driver": "usb-serial", "bus": "usb.0", "id": name, "serial": name, "chardev": line_of(name) })
        }
    }
}

fn line_of(name: &str) -> String {
    format!("line-{name}")
}

/// The keyboard that is plugged in, as `scanner.hid` has it: QEMU's types what a scanner would.
pub const SCANNER: &str = "0627:0001";

fn pair(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() && !name.contains(',') => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err(format!("{text:?} is not NAME=PATH")),
    }
}

/// A guest that runs. It is killed when dropped.
pub struct Guest {
    qemu: Child,
    dir: PathBuf,
}

impl Guest {
    /// Starts a guest.
    ///
    /// # Errors
    /// QEMU or its firmware is not there.
    pub fn start(options: &Options) -> anyhow::Result<Self> {
        fs::create_dir_all(&options.dir).with_context(|| options.dir.display().to_string())?;
        let dir = fs::canonicalize(&options.dir)?;
        let disk = dir.join("disk.qcow2");
        if !options.keep || !disk.exists() {
            fresh(&options.img, &dir, &disk)?;
        }
        for name in ["serial.log", "console.log", "console.sock", "qmp.sock"] {
            _ = fs::remove_file(dir.join(name));
        }
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(machine(options)?).args(drive(options, &dir)?).args(plugged_in(options)?);
        qemu.current_dir(&dir).stdin(Stdio::null());
        let qemu = qemu.spawn().context("cannot start qemu-system-x86_64")?;
        Ok(Self { qemu, dir })
    }

    /// Ends it as a power cut would if it still runs, and starts it with the disk as it is.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn again(&mut self, options: &Options) -> anyhow::Result<()> {
        _ = self.qemu.kill();
        self.qemu.wait()?;
        *self = Self::start(&Options { keep: true, ..options.clone() })?;
        Ok(())
    }

    /// What the guest says on its serial port.
    pub fn serial_log(&self) -> PathBuf {
        self.dir.join("serial.log")
    }

    /// The control of the virtual machine.
    ///
    /// # Errors
    /// It does not come up.
    pub fn qmp(&self) -> anyhow::Result<Qmp> {
        Qmp::connect(&self.dir.join("qmp.sock"))
    }

    /// A shell of root; only an image for a bench has one.
    ///
    /// # Errors
    /// There is none within the time.
    pub fn console(&self, limit: Duration) -> anyhow::Result<Console> {
        Console::connect(&self.dir.join("console.sock"), limit)
    }

    /// Whether QEMU runs: it ends when the guest powers off or restarts.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.qemu.try_wait()?.is_none())
    }

    /// Waits for a shell of root; `None` if it powers off or restarts before there is one.
    ///
    /// # Errors
    /// Neither comes within the time.
    pub fn comes_up(&mut self, limit: Duration) -> anyhow::Result<Option<Console>> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if self.qemu.try_wait()?.is_some() {
                return Ok(None);
            }
            if let Ok(console) = self.console(ASK_FOR) {
                return Ok(Some(console));
            }
        }
        anyhow::bail!("the guest neither comes up nor starts again within {} s", limit.as_secs())
    }

    /// Waits until it powers off or restarts; tells whether it is a restart.
    ///
    /// # Errors
    /// QEMU says nothing that can be understood.
    pub fn ends_with_restart(&mut self) -> anyhow::Result<bool> {
        let restarts = self.qmp()?.ends_with_restart()?;
        self.qemu.wait()?;
        Ok(restarts)
    }

    /// Waits until it has powered off.
    ///
    /// # Errors
    /// It does not within the time.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.qemu.try_wait()?.is_none() {
            anyhow::ensure!(started.elapsed() < limit, "the guest does not power off");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        _ = self.qemu.kill();
        _ = self.qemu.wait();
    }
}

/// A disk over the image that takes what is written, and firmware without a memory.
fn fresh(img: &Path, dir: &Path, disk: &Path) -> anyhow::Result<()> {
    let img = fs::canonicalize(img).with_context(|| img.display().to_string())?;
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(img).arg(disk).arg(DISK);
    run::quietly(&mut create)?;
    fs::copy(FIRMWARE_VARIABLES, dir.join("variables.fd")).context(FIRMWARE_VARIABLES)?;
    Ok(())
}

fn machine(options: &Options) -> anyhow::Result<Vec<String>> {
    let accel = match options.accel {
        Accelerator::Tcg => ["tcg,thread=multi", "max"],
        Accelerator::Kvm => ["kvm", "host"],
    };
    // Nothing leads out but what is named, and nothing but the mirror in.
    let forward =
        if options.mirror { format!(",hostfwd=tcp:127.0.0.1:{MIRROR}-:8081") } else { String::new() };
    let relay = std::env::current_exe()?.with_file_name("kiosk-image");
    let relay = relay.display().to_string().replace(',', ",,");
    let reach = |port: &u16| format!(",guestfwd=tcp:{HOST}:{port}-cmd:{relay} relay {port}");
    let reach: String = options.reach.iter().map(reach).collect();
    let clock = format!("base={}", options.clock.as_deref().unwrap_or("utc"));
    let network = format!("user,id=net,restrict=on{forward}{reach}");
    let firmware = format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}");
    let pairs = [
        ["-machine", "q35"],
        ["-accel", accel[0]],
        ["-cpu", accel[1]],
        ["-smp", "2"],
        ["-m", "1024"],
        ["-rtc", &clock],
        ["-display", "none"],
        ["-drive", &firmware],
        ["-drive", "if=pflash,format=raw,file=variables.fd"],
        ["-device", "virtio-blk-pci,drive=disk,bootindex=1"],
        ["-device", "virtio-vga,xres=1080,yres=1920"],
        ["-device", "virtio-rng-pci"],
        ["-device", "i6300esb"],
        // The firmware hangs for minutes after a restart under software emulation: a new process is started instead.
        ["-action", "watchdog=reset,reboot=shutdown"],
        ["-netdev", &network],
        ["-device", "virtio-net-pci,netdev=net,romfile="],
        ["-serial", "file:serial.log"],
        ["-device", "virtio-serial-pci"],
        ["-chardev", "socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log"],
        ["-device", "virtconsole,chardev=console"],
        ["-qmp", "unix:qmp.sock,server=on,wait=off"],
    ];
    Ok(std::iter::once("-nodefaults").chain(pairs.into_iter().flatten()).map(str::to_owned).collect())
}

/// The disk, and who writes down what is done to it.
fn drive(options: &Options, dir: &Path) -> anyhow::Result<Vec<String>> {
    let mut nodes = vec![json!({
        "driver": "qcow2", "node-name": if options.record { "image" } else { "disk" }, "discard": "unmap",
        "file": { "driver": "file", "filename": "disk.qcow2", "discard": "unmap" },
    })];
    if options.record {
        let log = dir.join(RECORDING);
        if !options.keep {
            _ = fs::remove_file(&log);
        }
        let begun = fs::File::options().create(true).append(true).open(&log)?.metadata()?.len() > 0;
        let mut recorder = json!({
            "driver": "blklogwrites", "node-name": "disk", "discard": "unmap", "file": "image",
            "log": { "driver": "raw", "file": { "driver": "file", "filename": RECORDING } },
        });
        // A log that is gone on with says itself how long its sectors are, and QEMU will not hear it twice.
        match begun {
            true => recorder["log-append"] = true.into(),
            false => recorder["log-sector-size"] = 512.into(),
        }
        nodes.push(recorder);
    }
    Ok(nodes.into_iter().flat_map(|it| ["-blockdev".to_owned(), it.to_string()]).collect())
}

/// What is plugged in, and what the firmware hands to systemd (SMBIOS type 11).
fn plugged_in(options: &Options) -> anyhow::Result<Vec<String>> {
    // QEMU takes a comma that is doubled for one of the name.
    let path = |path: &Path| -> anyhow::Result<String> {
        let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
        Ok(path.display().to_string().replace(',', ",,"))
    };
    let devices = ["qemu-xhci,id=usb".to_owned(), device("touch").to_string(), device("scanner").to_string()];
    let mut all: Vec<String> = devices.into_iter().flat_map(|it| ["-device".to_owned(), it]).collect();
    for (name, terminal) in &options.serial {
        let path = path(terminal)?;
        all.extend(["-chardev".to_owned(), format!("serial,id={},path={path}", line_of(name))]);
        all.extend(["-device".to_owned(), device(name).to_string()]);
    }
    for (name, file) in &options.credential {
        let secret = fs::read(file).with_context(|| file.display().to_string())?;
        let value = format!("io.systemd.credential.binary:{name}={}", BASE64_STANDARD.encode(secret));
        let value_file = options.dir.join(format!("credential-{name}"));
        run::write(&value_file, value)?;
        all.extend(["-smbios".to_owned(), format!("type=11,path={}", path(&value_file)?)]);
    }
    Ok(all)
}

/// Runs a guest as the options say.
///
/// # Errors
/// QEMU is not there, or the check found something.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut guest = Guest::start(options)?;
    eprintln!("serial port: {}", guest.serial_log().display());
    if options.mirror {
        eprintln!("mirror: `kioskctl mirror` on the guest's console tells its address");
    }
    if !options.check && options.shot.is_none() {
        eprintln!("Ctrl+C ends it.");
        while guest.ends_with_restart()? {
            eprintln!("it starts again");
            guest.again(options)?;
        }
        return Ok(());
    }
    let limit = Duration::from_secs(options.limit_s);
    let started = Instant::now();
    let mut console = guest.console(limit).with_context(|| last_words(&guest))?;
    let left = || limit.saturating_sub(started.elapsed()).max(Duration::from_secs(1));
    // Waits for the jobs of the start; it also says what became of them.
    let state = console.run("systemctl is-system-running --wait", left())?;
    eprintln!("the system is {state} after {:.0} s", started.elapsed().as_secs_f32());
    let found = crate::check::look(&mut console, &state, left())?;
    if let Some(shot) = &options.shot {
        guest.qmp()?.screenshot(shot)?;
        eprintln!("screen: {}", shot.display());
    }
    console.send("systemctl poweroff")?;
    guest.wait(left().max(Duration::from_secs(60)))?;
    for finding in &found {
        eprintln!("✗ {finding}");
    }
    anyhow::ensure!(!options.check || found.is_empty(), "{} findings", found.len());
    Ok(())
}

/// The end of what the serial port told, for whoever has to find out why nothing came.
fn last_words(guest: &Guest) -> String {
    let log = fs::read(guest.serial_log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = text.lines().rev().take(15).collect();
    let lines: Vec<&str> = lines.into_iter().rev().collect();
    format!("the serial port's last lines:\n{}", lines.join("\n"))
}
