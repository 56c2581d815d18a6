//! The machine: slots, chooser, loader, slot writer, kiosk. What a boot loader and systemd do is done here.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use protocol::update::UpdateState;

use super::fleet::{Order, ScriptedFleet};
use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::makers::Makers;
use crate::process::{Process, wait_until};
use crate::rig::{Rig, RigOptions, program};

/// How long an update may take, restarts and all.
const END_WITHIN: Duration = Duration::from_secs(120);
const MIB: usize = 1 << 20;

/// How release 42 turns out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turnout {
    /// It works.
    Good,
    /// It does not boot.
    DoesNotBoot,
}

/// A kiosk that runs release 41 in slot A.
pub struct Machine<F = ScriptedFleet> {
    /// Who tells it what to run.
    pub fleet: F,
    /// Its devices and the daemon.
    pub rig: Rig,
    dir: PathBuf,
    writer: Option<Process>,
    boots: u32,
}

impl Machine<ScriptedFleet> {
    /// Makes it, with releases 41 and 42 published, and does not switch it on.
    ///
    /// # Errors
    /// Something cannot be made.
    pub fn new(dir: &Path, turnout: Turnout) -> anyhow::Result<Self> {
        Self::with_more(dir, turnout, "")
    }

    /// The same, at a site whose kiosks hand releases on to each other.
    ///
    /// # Errors
    /// Something cannot be made.
    pub fn at_site(dir: &Path, group: SocketAddrV4) -> anyhow::Result<Self> {
        let peers = format!("[update.peers]\nlisten = '127.0.0.1:0'\ngroup = '{group}'\n");
        Self::with_more(dir, Turnout::Good, &peers)
    }

    fn with_more(dir: &Path, turnout: Turnout, more: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let fleet = ScriptedFleet::start(&dir.join("fleet"))?;
        fleet.admit(&dir.join("data"))?;
        let settings = fleet.settings(&dir.join("writer.sock")) + more;
        let machine = Self::with(dir, fleet, settings)?;
        machine.tool(&["keys", "new", "online"])?;
        machine.make_releases(turnout, "online.pub")?;
        machine.tool(&["publish", "fleet/repo", "--key", "online"])?;
        Ok(machine)
    }

    /// Lets it run until the fleet was told so.
    ///
    /// # Errors
    /// It is not told in time.
    pub fn run_until(
        &mut self,
        what: &str,
        is_so: impl Fn(&UpdateState) -> bool,
    ) -> anyhow::Result<UpdateState> {
        let found =
            self.run_until_some(|machine| machine.fleet.told().last().filter(|it| is_so(it)).cloned())?;
        let last =
            || format!("{what}: told last {:?}; logs in {}", self.fleet.told().last(), self.dir.display());
        found.with_context(last)
    }

    /// Starts a machine whose fleet halts nothing and wants this of it.
    ///
    /// # Errors
    /// Nothing boots, or the fleet cannot tell.
    pub fn begin(&mut self, order: &Order) -> anyhow::Result<()> {
        self.start()?;
        self.fleet.halt(1, &[])?;
        self.fleet.assign(order)
    }

    /// Whether the fleet was told that this release has proven itself.
    pub fn is_at_its_end(&self, release: u64) -> bool {
        self.fleet.told().last().is_some_and(|state| state.confirmed == release)
    }
}

impl Machine<Fleet> {
    /// Makes it for a real fleet, with releases 41 and 42 in the folder `fleet/repo`, and does not switch it on.
    ///
    /// # Errors
    /// Something cannot be made.
    pub fn of(dir: &Path, fleet: Fleet) -> anyhow::Result<Self> {
        let online = fleet.data.join("ca/online.pub");
        let writer = dir.join("writer.sock");
        let settings = format!("{}\n[update]\nslot_writer = {writer:?}\nprove_s = 8\n", fleet.uplink());
        let machine = Self::with(dir, fleet, settings)?;
        std::fs::create_dir_all(dir.join("fleet"))?;
        machine.make_releases(Turnout::Good, &online.display().to_string())?;
        Ok(machine)
    }
}

impl<F> Machine<F> {
    fn with(dir: &Path, fleet: F, settings: String) -> anyhow::Result<Self> {
        let options = RigOptions {
            dir: dir.to_owned(),
            sim: vec!["--printer-instant".into()],
            settings,
            quiet: true,
            ..RigOptions::default()
        };
        let rig = Rig::devices_only(options)?;
        Ok(Self { fleet, rig, dir: dir.to_owned(), writer: None, boots: 0 })
    }

    fn make_releases(&self, turnout: Turnout, online_key: &str) -> anyhow::Result<()> {
        let mut old = vec![0; 10 * MIB];
        let mut dice = Dice::new(1);
        let mut fill =
            |part: &mut [u8]| part.iter_mut().for_each(|byte| *byte = dice.below(256).to_le_bytes()[0]);
        fill(&mut old);
        let mut new = old.clone();
        new.copy_within(MIB..3 * MIB, 4 * MIB + 4096);
        fill(&mut new[7 * MIB..9 * MIB]);
        old[..16].copy_from_slice(b"release 41 good ");
        let word = if turnout == Turnout::Good { b"good " } else { b"dud  " };
        new[..16].copy_from_slice(&[b"release 42 ".as_slice(), word].concat());
        for (name, image, length) in [
            ("old.img", &old, 10 * MIB),
            ("new.img", &new, 10 * MIB),
            ("slot-A", &old, 12 * MIB),
            ("slot-B", &Vec::new(), 12 * MIB),
        ] {
            let mut bytes = image.clone();
            bytes.resize(length, 0xEE);
            std::fs::write(self.dir.join(name), bytes)?;
        }
        self.makers()?.begin("fleet/repo", online_key)?;
        let release = ["release", "fleet/repo", "--model", "alder", "--name", "1.0", "--level", "3"];
        self.tool(&[&release[..], &["--number", "41", "--image", "root=old.img"]].concat())?;
        let new = ["--number", "42", "--floor", "42", "--image", "root=new.img", "--from", "root=old.img"];
        self.tool(&[&release[..], &new].concat())?;
        self.tool(&["sign", "fleet/repo", "targets", "--key", "release"])?;
        std::fs::write(self.dir.join("writer.toml"), self.writer_config())?;
        Ok(())
    }

    fn writer_config(&self) -> String {
        let dir = self.dir.display();
        format!(
            "model = 'alder'\nroot = '{dir}/fleet/repo/metadata/1.root.json'\nstate = '{dir}/writer'\n\
             release = '{dir}/running'\nclient = {}\nsocket = '{dir}/writer.sock'\n\
             command_line = '{dir}/command-line'\nboot_id = '{dir}/boot-id'\nchooser.file.path = '{dir}/chooser'\n\
             [slots.A]\nroot = '{dir}/slot-A'\n[slots.B]\nroot = '{dir}/slot-B'\n",
            nix::unistd::geteuid()
        )
    }

    fn makers(&self) -> anyhow::Result<Makers> {
        Ok(Makers::at(program(&RigOptions::default(), "kiosk-ota")?, &self.dir))
    }

    /// Calls `kiosk-ota` in the machine's folder.
    ///
    /// # Errors
    /// It fails.
    pub fn tool(&self, words: &[&str]) -> anyhow::Result<String> {
        self.makers()?.call(words)
    }

    /// A copy of what the fleet has published, as on a USB stick; its path.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn stick(&self, name: &str) -> anyhow::Result<String> {
        let stick = self.dir.join(name);
        let copied = Command::new("cp").arg("-r").arg(self.dir.join("fleet/repo")).arg(&stick).status()?;
        anyhow::ensure!(copied.success(), "cp");
        Ok(stick.display().to_string())
    }

    /// Calls `kioskctl`, for the daemon of this machine.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn ctl(&self, words: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(self.rig.program("kioskctl")?);
        Ok(command.arg("--socket").arg(self.rig.socket()).args(words).output()?)
    }

    /// Switches it on: the loader takes a slot, and what is in it runs.
    ///
    /// # Errors
    /// Nothing boots.
    pub fn start(&mut self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.boots += 1;
            let slot = self.tool(&["chooser", "--file", "chooser", "boot"])?;
            let mut first = [0; 16];
            File::open(self.dir.join(format!("slot-{slot}")))?.read_exact(&mut first)?;
            let first = String::from_utf8_lossy(&first).into_owned();
            let Some(release) = first.strip_prefix("release ").and_then(|it| it.split_once(' ')) else {
                anyhow::bail!("slot {slot} is booted and holds no release: {first:?}");
            };
            let (number, word) = release;
            if word.trim() == "dud" {
                continue;
            }
            std::fs::write(self.dir.join("running"), format!("{number} 1.{number}\n"))?;
            std::fs::write(self.dir.join("command-line"), format!("rauc.slot={slot}\n"))?;
            std::fs::write(self.dir.join("boot-id"), format!("boot {}\n", self.boots))?;
            self.start_writer()?;
            return self.rig.start_kiosk();
        }
        anyhow::bail!("nothing boots")
    }

    fn start_writer(&mut self) -> anyhow::Result<()> {
        if self.writer.as_mut().is_some_and(Process::is_running) {
            return Ok(());
        }
        let writer = program(&RigOptions::default(), "kiosk-slot-writer")?;
        let log = File::options().create(true).append(true).open(self.dir.join("writer.log"))?;
        let mut command = Command::new(writer);
        command.arg("--config").arg(self.dir.join("writer.toml")).stderr(log);
        self.writer = Some(Process::start("kiosk-slot-writer", &mut command)?);
        Ok(())
    }

    /// Kills the slot writer as the kernel would that is short of memory.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill_writer(&mut self) -> anyhow::Result<()> {
        self.writer.take().map_or(Ok(()), |mut writer| writer.kill())
    }

    /// Kills the daemon in the same way.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill_kiosk(&mut self) -> anyhow::Result<()> {
        self.rig.kill_kiosk()
    }

    /// Starts what has ended, as systemd does; a machine that wants to be restarted is.
    fn look_after(&mut self) -> anyhow::Result<()> {
        self.start_writer()?;
        if self.rig.is_to_be_started() {
            self.kill_writer()?;
            return self.start();
        }
        if self.rig.kiosk_id().is_some() {
            return Ok(());
        }
        match self.rig.start_kiosk() {
            // It had only been waiting to be restarted.
            Err(_) if self.rig.is_to_be_started() => Ok(()),
            started => started,
        }
    }

    /// Lets it run for a while.
    ///
    /// # Errors
    /// It does not start again.
    pub fn run_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look_after()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Lets it run until something is found; `None`: not in time.
    ///
    /// # Errors
    /// It does not start again.
    pub fn run_until_some<T>(&mut self, find: impl Fn(&Self) -> Option<T>) -> anyhow::Result<Option<T>> {
        let mut failed = None;
        let found = wait_until(END_WITHIN, || {
            if let Err(error) = self.look_after() {
                failed = Some(error);
            }
            if failed.is_some() { Some(None) } else { find(self).map(Some) }
        });
        failed.map_or(Ok(found.flatten()), Err)
    }

    /// Looks from outside: this release runs, is whole in its slot, boots next and is held for good.
    ///
    /// # Errors
    /// It is not so.
    pub fn judge(&self, release: u64) -> anyhow::Result<()> {
        let (slot, image) = if release == 41 { ("A", "old.img") } else { ("B", "new.img") };
        let chooser = |words: &[&str]| self.tool(&[&["chooser", "--file", "chooser"], words].concat());
        anyhow::ensure!(chooser(&["get-primary"])? == slot, "another slot boots next");
        anyhow::ensure!(chooser(&["get-state", slot])? == "good", "slot {slot} is not good");
        let image = std::fs::read(self.dir.join(image))?;
        let found = std::fs::read(self.dir.join(format!("slot-{slot}")))?;
        anyhow::ensure!(found.starts_with(&image), "slot {slot} is not release {release}");
        let running = std::fs::read_to_string(self.dir.join("running"))?;
        anyhow::ensure!(running.starts_with(&release.to_string()), "{running} runs");
        let old = std::fs::read(self.dir.join("old.img"))?;
        anyhow::ensure!(
            std::fs::read(self.dir.join("slot-A"))?.starts_with(&old),
            "the way back is not what it was"
        );
        Ok(())
    }

    /// What is in the slot that does not run at the beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_untouched(&self) -> anyhow::Result<bool> {
        Ok(std::fs::read(self.dir.join("slot-B"))?.iter().all(|byte| *byte == 0xEE))
    }
}
