//! The emulated devices and an ordinary `kioskd`, in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use kioskd::admin::client::{self, ClientError};
use kioskd::admin::wire::Request;
use kioskd::machine::{EXIT_REBOOT, EXIT_RESTART};
use serde_json::Value;

use crate::mirror::MirrorClient;
use crate::process::{Process, wait_until};

/// How long the kiosk may take to open its socket: replay and first frame included.
const START_WITHIN: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct RigOptions {
    /// Where everything is kept.
    pub dir: PathBuf,
    /// Further arguments of `sim run`.
    pub sim: Vec<String>,
    /// Lines added to the `[screen]` section of the kiosk's settings.
    pub screen: String,
    /// Sections added at their end.
    pub settings: String,
    /// Where the programs are; beside the running one if `None`.
    pub programs: Option<PathBuf>,
    /// Gives the kiosk a disk of its own of so many KiB for its data, gone when the kiosk ends.
    pub disk_kib: Option<u32>,
    /// Keep what the programs log in files of the folder instead of showing it.
    pub quiet: bool,
}

/// The programs.
#[derive(Debug)]
pub struct Rig {
    /// Folder of the kiosk's data, settings and socket, and of the emulators.
    pub dir: PathBuf,
    /// What the emulators said when they were ready: their addresses by name.
    pub endpoints: Value,
    sim: Process,
    kiosk: Option<Process>,
    options: RigOptions,
}

impl Rig {
    /// Starts the emulators and the kiosk.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start(options: RigOptions) -> anyhow::Result<Self> {
        let mut rig = Self::devices_only(options)?;
        rig.start_kiosk()?;
        Ok(rig)
    }

    /// Starts the emulators and writes the kiosk's settings.
    ///
    /// # Errors
    /// They do not start.
    pub fn devices_only(options: RigOptions) -> anyhow::Result<Self> {
        let dir = options.dir.clone();
        std::fs::create_dir_all(&dir)?;
        let mut command = Command::new(program(&options, "sim")?);
        // The printer of the settings' standard profile.
        command.args(["run", "--printer-dots", "512", "--printer-model", "TM-T88V"]);
        command.arg("--dir").arg(dir.join("sim")).args(&options.sim);
        // The shop's, as in the kiosk's settings: card slips tell the terminal's local time.
        command.env("TZ", "Europe/Berlin");
        log_to(&mut command, &options, "sim.log")?;
        let (sim, line) = Process::start_until_ready("sim", &mut command)?;
        let endpoints: Value = serde_json::from_str(&line).context("what sim says is no JSON")?;
        let rig = Self { dir, endpoints, sim, kiosk: None, options };
        std::fs::write(rig.settings_path(), rig.settings()?)?;
        Ok(rig)
    }

    /// Starts the kiosk and waits until its tools can reach it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_kiosk(&mut self) -> anyhow::Result<()> {
        let mut command = self.kiosk_command()?;
        command.arg("--no-system-config").arg("--config").arg(self.settings_path());
        log_to(&mut command, &self.options, "kioskd.log")?;
        let mut kiosk = Process::start("kioskd", &mut command)?;
        let answer = wait_until(START_WITHIN, || {
            if !kiosk.is_running() {
                return Some(Err(anyhow::anyhow!("kioskd ended; see its log in {}", self.dir.display())));
            }
            self.ask(&Request::Status).ok().map(|_| Ok(()))
        });
        self.kiosk = Some(kiosk);
        answer.context("kioskd does not answer")?
    }

    fn kiosk_command(&self) -> anyhow::Result<Command> {
        let kioskd = program(&self.options, "kioskd")?;
        let Some(kib) = self.options.disk_kib else { return Ok(Command::new(kioskd)) };
        let data = self.data_dir();
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!("mount -t tmpfs -o size={kib}k none \"$0\" && exec \"$@\""));
        command.arg(data).arg(kioskd);
        Ok(command)
    }

    /// The kiosk's data, as it sees it.
    ///
    /// # Errors
    /// The kiosk does not run.
    pub fn disk(&self) -> anyhow::Result<PathBuf> {
        let id = self.kiosk_id().context("the kiosk does not run")?;
        let seen = self.data_dir().strip_prefix("/").context("the folder is absolute")?.to_owned();
        Ok(Path::new("/proc").join(id.to_string()).join("root").join(seen))
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Kills the kiosk as a power cut would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_kiosk(&mut self) -> anyhow::Result<()> {
        self.kiosk.take().context("the kiosk does not run")?.kill()
    }

    /// Asks the kiosk to stop.
    ///
    /// # Errors
    /// It does not stop in time or ends with an error.
    pub fn stop_kiosk(&mut self) -> anyhow::Result<()> {
        self.kiosk.take().context("the kiosk does not run")?.stop()
    }

    /// Whether both programs run.
    pub fn is_running(&mut self) -> bool {
        self.sim.is_running() && self.kiosk.as_mut().is_some_and(Process::is_running)
    }

    /// Whether the kiosk has ended to be started again, as the fleet wanted. On a machine systemd does that.
    pub fn is_to_be_started(&mut self) -> bool {
        let code = self.kiosk.as_mut().and_then(Process::exit_code).and_then(|code| u8::try_from(code).ok());
        code.is_some_and(|code| [EXIT_RESTART, EXIT_REBOOT].contains(&code))
    }

    /// Process id of the kiosk.
    pub fn kiosk_id(&self) -> Option<u32> {
        self.kiosk.as_ref().map(Process::id)
    }

    /// Asks the kiosk as `kioskctl` does.
    ///
    /// # Errors
    /// It cannot be reached or says no.
    pub fn ask(&self, request: &Request) -> Result<Value, ClientError> {
        client::ask(&self.socket(), request)
    }

    /// Opens the mirror with a new token.
    ///
    /// # Errors
    /// It is off or cannot be reached.
    pub fn mirror(&self) -> anyhow::Result<MirrorClient> {
        MirrorClient::open(&self.mirror_url()?)
    }

    /// A new address of the mirror.
    ///
    /// # Errors
    /// It is off.
    pub fn mirror_url(&self) -> anyhow::Result<String> {
        let answer = self.ask(&Request::Mirror)?;
        Ok(answer["url"].as_str().context("the mirror is off")?.to_owned())
    }

    /// Tells an emulated device to do something: `["printer", "paper-out"]`.
    ///
    /// # Errors
    /// The device does not know it.
    pub fn sim(&self, words: &[&str]) -> anyhow::Result<Value> {
        let output = Command::new(program(&self.options, "sim")?)
            .arg("ctl")
            .arg("--dir")
            .arg(self.dir.join("sim"))
            .args(words)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        anyhow::ensure!(
            output.status.success(),
            "sim ctl {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// One of our programs.
    ///
    /// # Errors
    /// It was not built.
    pub fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        program(&self.options, name)
    }

    /// The socket of the kiosk.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("admin.sock")
    }

    /// The settings of the kiosk.
    pub fn settings_path(&self) -> PathBuf {
        self.dir.join("kioskd.toml")
    }

    fn settings(&self) -> anyhow::Result<String> {
        let endpoint = |name: &str| -> anyhow::Result<String> {
            let address = self.endpoints[name].as_str().with_context(|| format!("sim has no {name}"))?;
            Ok(if address.starts_with('/') {
                format!("serial://{address}?baud=115200")
            } else {
                address.to_owned()
            })
        };
        let demo = root().join("catalog/alder-and-rye");
        Ok(format!(
            "[kiosk]\nid = 'demo.k3'\nserial = 'AR-26-00817'\ndisplay_prefix = 'K3'\ntime_zone = 'Europe/Berlin'\n\
             data_dir = 'data'\n\n\
             [shop]\nlogo = {logo:?}\nheader = ['Alder & Rye', 'Harbour Lane 7, 20457 Hamburg', 'VAT ID DE123456789']\n\
             footer = ['Thank you, see you soon.', 'alder-and-rye.example']\n\n\
             [catalog]\nseed = {catalog:?}\npictures = {pictures:?}\n\n\
             [screen]\nmirror = '127.0.0.1:0'\n{screen}\n\
             [admin]\nsocket = 'admin.sock'\n\n\
             [printer]\nendpoint = {printer:?}\n\n\
             [terminal]\nendpoint = {terminal:?}\n\n\
             [scanner]\nendpoint = {scanner:?}\n\n\
             [display]\nendpoint = {display:?}\n\n{more}",
            logo = demo.join("logo.png"),
            catalog = demo.join("catalog.json"),
            pictures = demo.join("pictures"),
            printer = endpoint("printer")?,
            terminal = endpoint("terminal")?,
            scanner = endpoint("scanner")?,
            display = endpoint("display")?,
            screen = self.options.screen,
            more = self.options.settings,
        ))
    }
}

/// The checkout. Asked at run time where somebody says it, because all checkouts on a machine share what was built.
pub fn root() -> PathBuf {
    if let Some(checkout) = std::env::var_os("KIOSKD_CHECKOUT") {
        return checkout.into();
    }
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().expect("tests lies in the checkout").to_owned()
}

/// One of our programs, as cargo has put it beside the running one.
///
/// # Errors
/// It was not built.
pub fn program(options: &RigOptions, name: &str) -> anyhow::Result<PathBuf> {
    let dir = match &options.programs {
        Some(dir) => dir.clone(),
        None => {
            let own = std::env::current_exe()?;
            let dir = own.parent().context("a program lies in a folder")?;
            // Test binaries lie one folder deeper.
            if dir.ends_with("deps") {
                dir.parent().context("deps lies in a folder")?.to_owned()
            } else {
                dir.to_owned()
            }
        }
    };
    let path = dir.join(name);
    anyhow::ensure!(
        path.exists(),
        "{} is missing; build it with `cargo build --workspace --bins`",
        path.display()
    );
    Ok(path)
}

fn log_to(command: &mut Command, options: &RigOptions, name: &str) -> anyhow::Result<()> {
    if options.quiet {
        let log = std::fs::File::options().create(true).append(true).open(options.dir.join(name))?;
        command.stderr(log);
    }
    Ok(())
}
