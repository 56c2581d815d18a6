//! An update over the way of a real fleet: makers sign it, `fleetd` rolls it out, the guest fetches a delta, writes it,
//! restarts into it and proves it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use image::build;
use image::vm::{HOST, Options};

use super::kiosk::Kiosk;
use crate::engines;
use crate::fleet::Fleet;
use crate::makers::Makers;
use crate::process::wait_until;
use crate::rig::{RigOptions, program, root};

/// How long the fleet may take to know that the kiosk is there.
const KNOWN_WITHIN: Duration = Duration::from_secs(120);

/// How long the whole rollout may take under software emulation.
const DONE_WITHIN: Duration = Duration::from_secs(1500);

/// What the guest runs at first, and what it is to run.
const OLD: u64 = 41;
const NEW: u64 = 42;

/// Makes two releases of these programs, takes the guest that runs the first into a fleet, and rolls out the second.
///
/// # Errors
/// The second one does not come to run, or is not believed.
pub fn perform(options: &Options, programs: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.dir)?;
    let dir = options.dir.canonicalize()?;
    let fleet = Fleet::start_as(&dir, HOST)?;
    let makers = Makers::at(program(&RigOptions::default(), "kiosk-ota")?, &dir);
    let online = std::fs::read_to_string(fleet.data.join("ca/online.pub"))?;
    makers.begin("repo", online.trim())?;
    let img = slots(&dir, programs, OLD)?;
    slots(&dir, programs, NEW)?;
    release(&makers)?;
    let pushed = fleet.admin(&["release", "push"])?.arg(dir.join("repo")).status()?;
    anyhow::ensure!(pushed.success(), "the fleet does not take the release");
    println!("▶ release {NEW} is in the fleet");

    let settings = dir.join("update.toml");
    std::fs::write(&settings, settings_of_guest(&fleet))?;
    let mut options = Options { img, ..options.clone() };
    options.credential.push(("kioskd.toml".to_owned(), settings));
    options.reach = vec![port(fleet.https())?, engines::kiosk_port(&fleet.data)?];
    let mut kiosk = Kiosk::start(&options)?;
    kiosk.runs("A")?;
    enrol(&mut kiosk, &fleet)?;
    let start = ["rollout", "start", "", "--release", "42", "--soak", "1s", "--yes"];
    let rollout = wait_until(KNOWN_WITHIN, || fleet.ctl(&start).ok()).context("no rollout begins")?;
    let id = rollout["id"].as_str().context("a rollout has an id")?.to_owned();
    let begun = Instant::now();
    let is_done = || fleet.ctl(&["rollout", "show", &id]).is_ok_and(|it| it["state"] == "done");
    while !is_done() {
        if begun.elapsed() > DONE_WITHIN {
            let log =
                kiosk.says("journalctl -b -u kioskd -u kiosk-slot-writer -o cat --no-pager | tail -n 60");
            eprintln!("{}", log.unwrap_or_default());
            let shown = fleet.ctl(&["rollout", "show", &id])?;
            anyhow::bail!("the rollout is not over after {} s: {shown}", DONE_WITHIN.as_secs());
        }
        if kiosk.is_down()? {
            println!("  it starts again after {:.0} s", begun.elapsed().as_secs_f32());
            kiosk = kiosk.again()?;
        }
        std::thread::sleep(Duration::from_secs(2));
    }
    println!("▶ the rollout is over after {:.0} s", begun.elapsed().as_secs_f32());
    kiosk.runs("B")?;
    kiosk.is_proven("B")?;
    let release = kiosk.says("cat /usr/lib/kiosk/release")?;
    anyhow::ensure!(release.starts_with("42 "), "release {release:?} runs");
    kiosk.end()
}

/// Makes the image of a release; returns its disk.
fn slots(dir: &Path, programs: &Path, number: u64) -> anyhow::Result<PathBuf> {
    let out = dir.join(number.to_string());
    let options = build::Options {
        programs: programs.to_owned(),
        out: out.clone(),
        dev: true,
        number,
        name: format!("1.0.{number}"),
        tuf_root: Some(dir.join("repo/metadata/1.root.json")),
        keyring: None,
        fresh: false,
        slots: Some(out),
        pack: false,
    };
    build::build(&root(), &options)
}

fn release(makers: &Makers) -> anyhow::Result<()> {
    let number = NEW.to_string();
    let mut words = vec!["release", "repo", "--model", "alder", "--number", &number, "--name", "1.0.42"];
    let images =
        ["boot", "root"].map(|slot| (format!("{slot}={NEW}/{slot}.img"), format!("{slot}={OLD}/{slot}.img")));
    for (image, from) in &images {
        words.extend(["--image", image, "--from", from]);
    }
    words.extend(["--level", "3"]);
    makers.call(&words)?;
    makers.call(&["sign", "repo", "targets", "--key", "release"])?;
    Ok(())
}

/// Lets the kiosk believe the fleet, and in.
fn enrol(kiosk: &mut Kiosk<'_>, fleet: &Fleet) -> anyhow::Result<()> {
    let authority = std::fs::read_to_string(fleet.authority())?;
    // A console takes no long lines.
    for line in authority.lines() {
        kiosk.says(&format!("echo '{line}' >>/etc/kioskd/fleet-ca.pem"))?;
    }
    kiosk.says("chmod 644 /etc/kioskd/fleet-ca.pem; systemctl restart kioskd")?;
    let code = fleet.code("Guest")?;
    let said = kiosk.says(&format!("kioskctl enroll {code} 2>&1; kioskctl status --json | head -c 3000"))?;
    println!("  {}", said.lines().next().unwrap_or_default());
    Ok(())
}

fn port(address: &str) -> anyhow::Result<u16> {
    let port = address.rsplit(':').next().context("an address has a port")?;
    Ok(port.parse()?)
}

fn settings_of_guest(fleet: &Fleet) -> String {
    format!(
        "[kiosk]\nid = 'demo.k7'\nserial = 'AR-26-00820'\n\n\
         [uplink]\nfleet = '{}'\nca = '/etc/kioskd/fleet-ca.pem'\nstatus_s = 10\n\n\
         [update]\nprove_s = 300\n",
        fleet.https()
    )
}
