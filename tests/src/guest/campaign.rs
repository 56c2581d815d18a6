//! A fleet, makers of releases, and a guest that they update.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use image::build;
use image::vm::{HOST, Options};
use serde_json::Value;

use super::kiosk::Kiosk;
use crate::engines;
use crate::fleet::Fleet;
use crate::makers::Makers;
use crate::process::wait_until;
use crate::rig::{RigOptions, program, root};

/// How long the fleet may take to know that the kiosk is there.
const KNOWN_WITHIN: Duration = Duration::from_secs(120);

/// How long a rollout may take under software emulation, with all restarts.
const DONE_WITHIN: Duration = Duration::from_secs(2400);

/// What the programs of an update say.
const LOG: &str = "journalctl -b -u kioskd -u kiosk-slot-writer -o short-monotonic --no-pager | tail -n 80";

/// What the guest runs at first.
pub(super) const OLD: u64 = 41;

/// A release that is to be made.
pub(super) struct Release {
    pub(super) number: u64,
    /// Files of it that are other than ours.
    pub(super) overlay: Option<PathBuf>,
}

/// See the module's description.
pub(super) struct Campaign {
    pub(super) dir: PathBuf,
    programs: PathBuf,
    pub(super) options: Options,
    fleet: Fleet,
    makers: Makers,
}

impl Campaign {
    /// Starts the fleet, makes the makers' keys, and the release that is there at first.
    pub(super) fn begin(options: &Options, programs: &Path) -> anyhow::Result<Self> {
        let dir = folder(options);
        // Keys and a fleet of a run before are of no use to this one.
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let dir = dir.canonicalize()?;
        let fleet = Fleet::start_as(&dir, HOST)?;
        let makers = Makers::at(program(&RigOptions::default(), "kiosk-ota")?, &dir);
        let online = std::fs::read_to_string(fleet.data.join("ca/online.pub"))?;
        makers.begin("repo", online.trim())?;
        let mut campaign =
            Self { dir, programs: programs.to_owned(), options: options.clone(), fleet, makers };
        let img = campaign.slots(&Release { number: OLD, overlay: None })?;
        let settings = Self::settings_in(options);
        std::fs::write(&settings, campaign.settings())?;
        let ports = vec![port(campaign.fleet.https())?, engines::kiosk_port(&campaign.fleet.data)?];
        campaign.options.img = img;
        campaign.options.credential.push(("kioskd.toml".to_owned(), settings));
        campaign.options.reach = ports;
        Ok(campaign)
    }

    /// Where the settings of the guest of a campaign are.
    pub(super) fn settings_in(options: &Options) -> PathBuf {
        folder(options).join("update.toml")
    }

    /// The disk of a release that was made in a campaign.
    pub(super) fn disk_in(options: &Options, number: u64) -> anyhow::Result<PathBuf> {
        let made = std::fs::read_dir(folder(options).join(number.to_string()))?;
        let mut made = made.filter_map(|entry| Some(entry.ok()?.path()));
        made.find(|path| path.to_string_lossy().ends_with("-dev.img")).context("there is no disk")
    }

    fn settings(&self) -> String {
        format!(
            "[kiosk]\nid = 'demo.k7'\nserial = 'AR-26-00820'\n\n\
             [uplink]\nfleet = '{}'\nca = '/etc/kioskd/fleet-ca.pem'\nstatus_s = 10\n\n\
             [update]\nprove_s = 120\n",
            self.fleet.https()
        )
    }

    /// Makes the image of a release; returns its disk.
    fn slots(&self, release: &Release) -> anyhow::Result<PathBuf> {
        let out = self.dir.join(release.number.to_string());
        let options = build::Options {
            programs: self.programs.clone(),
            out: out.clone(),
            dev: true,
            number: release.number,
            name: format!("1.0.{}", release.number),
            tuf_root: Some(self.dir.join("repo/metadata/1.root.json")),
            keyring: None,
            overlay: release.overlay.iter().cloned().collect(),
            fresh: false,
            slots: Some(out),
            pack: image::pack::Packing::default(),
        };
        build::build(&root(), &options)
    }

    /// Makes and signs a release with a delta from the first one, and gives it to the fleet.
    pub(super) fn offer(&self, release: &Release) -> anyhow::Result<()> {
        self.slots(release)?;
        let new = release.number.to_string();
        let name = format!("1.0.{new}");
        let mut words = vec!["release", "repo", "--model", "alder", "--number", &new, "--name", &name];
        let images = ["boot", "root"]
            .map(|slot| (format!("{slot}={new}/{slot}.img"), format!("{slot}={OLD}/{slot}.img")));
        for (image, from) in &images {
            words.extend(["--image", image, "--from", from]);
        }
        words.extend(["--level", "3"]);
        self.makers.call(&words)?;
        self.makers.call(&["sign", "repo", "targets", "--key", "release"])?;
        let pushed = self.fleet.admin(&["release", "push"])?.arg(self.dir.join("repo")).status()?;
        anyhow::ensure!(pushed.success(), "the fleet does not take the release");
        println!("▶ release {new} is in the fleet");
        Ok(())
    }

    /// A guest with the first release that believes the fleet, and is in it.
    pub(super) fn kiosk(&self) -> anyhow::Result<Kiosk<'_>> {
        let mut kiosk = Kiosk::start(&self.options)?;
        kiosk.runs("A")?;
        let authority = std::fs::read_to_string(self.fleet.authority())?;
        // A console takes no long lines.
        for line in authority.lines() {
            kiosk.says(&format!("echo '{line}' >>/etc/kioskd/fleet-ca.pem"))?;
        }
        kiosk.says("chmod 644 /etc/kioskd/fleet-ca.pem; systemctl restart kioskd")?;
        let code = self.fleet.code("Guest")?;
        let said = kiosk.says(&format!("kioskctl enroll {code} 2>&1"))?;
        println!("  {}", said.lines().next().unwrap_or_default());
        Ok(kiosk)
    }

    /// The same guest with its disk as it is.
    pub(super) fn kiosk_again(&self) -> anyhow::Result<Kiosk<'_>> {
        Kiosk::start(&self.options)
    }

    /// Rolls a release out, starts the guest again whenever it restarts, and returns how the rollout ended.
    pub(super) fn roll_out<'a>(
        &'a self,
        mut kiosk: Kiosk<'a>,
        number: u64,
    ) -> anyhow::Result<(Kiosk<'a>, Value)> {
        let number = number.to_string();
        let start = ["rollout", "start", "", "--release", &number, "--soak", "1s", "--yes"];
        let rollout =
            wait_until(KNOWN_WITHIN, || self.fleet.ctl(&start).ok()).context("no rollout begins")?;
        let id = rollout["id"].as_str().context("a rollout has an id")?.to_owned();
        let begun = Instant::now();
        loop {
            let shown = self.fleet.ctl(&["rollout", "show", &id])?;
            if shown["state"] != "running" {
                println!("  the rollout is {} after {:.0} s", shown["state"], begun.elapsed().as_secs_f32());
                if shown["state"] != "done" {
                    eprintln!("{}", kiosk.says(LOG).unwrap_or_default());
                }
                return Ok((kiosk, shown));
            }
            if begun.elapsed() > DONE_WITHIN {
                eprintln!("{}", kiosk.says(LOG).unwrap_or_default());
                anyhow::bail!("the rollout is not over after {} s: {shown}", DONE_WITHIN.as_secs());
            }
            if kiosk.is_down()? {
                println!("  it starts again after {:.0} s", begun.elapsed().as_secs_f32());
                kiosk = kiosk.again()?;
            }
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    /// What the fleet was told of the kiosk in a rollout.
    pub(super) fn why(&self, rollout: &Value) -> anyhow::Result<String> {
        let id = rollout["id"].as_str().context("a rollout has an id")?;
        let listed = self.fleet.admin(&["rollout", "show", id, "-o", "csv"])?.output()?;
        let listed = String::from_utf8(listed.stdout)?;
        let last = listed.lines().last().and_then(|line| line.rsplit(',').next());
        Ok(last.context("the rollout has no kiosk")?.trim().to_owned())
    }
}

fn folder(options: &Options) -> PathBuf {
    options.dir.join("campaign")
}

fn port(address: &str) -> anyhow::Result<u16> {
    let port = address.rsplit(':').next().context("an address has a port")?;
    Ok(port.parse()?)
}
