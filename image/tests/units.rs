//! Our units, before anything boots them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program that stands for ours while units are checked.
const STAND_IN: &str = "/bin/true";

/// Asked at run time: checkouts on a machine share what was built.
fn checkout() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().to_owned()
}

/// Our units, of the kiosk and of the bench.
fn units() -> Vec<PathBuf> {
    let folders = ["systemd/usr/lib/systemd/system", "image/dev/usr/lib/systemd/system"];
    let entries = folders.into_iter().flat_map(|folder| fs::read_dir(checkout().join(folder)).unwrap());
    // A link only says which of systemd's own is meant.
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| !path.is_symlink()).collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    files
}

#[test]
fn systemd_has_nothing_to_say_about_our_units() {
    let dir = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    for unit in units() {
        let text = fs::read_to_string(&unit).unwrap();
        let replaced: Vec<String> = text
            .lines()
            .map(|line| match line.split_once("=") {
                Some((key, program)) if key.starts_with("Exec") => {
                    let rest = program.split_once(' ').map_or("", |(_, rest)| rest);
                    format!("{key}={STAND_IN} {rest}")
                }
                _ => line.to_owned(),
            })
            .collect();
        let name = unit.file_name().unwrap().to_str().unwrap().replace("@.", "@ttyS0.");
        let copy = dir.path().join(name);
        fs::write(&copy, replaced.join("\n")).unwrap();
        copies.push(copy);
    }
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(&copies)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", dir.path().display()))
        .output()
        .unwrap();
    // It succeeds on keys that it does not know: what it says is what counts.
    let said = String::from_utf8_lossy(&verify.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("kiosk")).collect();
    assert!(ours.is_empty(), "{}", ours.join("\n"));
}

#[test]
fn no_service_can_do_more_than_it_needs() {
    let exposed = |unit: &Path| {
        let analysis = Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager"])
            .arg(unit)
            .output()
            .unwrap();
        let said = String::from_utf8(analysis.stdout).unwrap();
        let number = said.rsplit("service: ").next().unwrap().split(' ').next().unwrap().to_owned();
        number.parse::<f64>().unwrap_or_else(|_| panic!("{}: {said}", unit.display()))
    };
    let folder = checkout().join("systemd/usr/lib/systemd/system");
    assert!(exposed(&folder.join("kioskd.service")) <= 2.0);
    for unit in units().into_iter().filter(|unit| unit.starts_with(&folder)) {
        // One restarts the machine, as root, and only on trial; one is systemd-repart, which needs the whole disk.
        let runs_nothing = ["socket", "timer"].iter().any(|kind| unit.extension().unwrap() == *kind);
        let needs = ["kiosk-trial-failed.service", "kiosk-state-reset.service"];
        let is_excepted = runs_nothing || needs.iter().any(|it| unit.ends_with(it));
        assert!(is_excepted || exposed(&unit) <= 3.0, "{}", unit.display());
    }
}

/// Sound and words are in the memory of these two, and nowhere else: no swap, no core; the recogniser has neither a network
/// nor a place to write to.
#[test]
fn what_customers_say_stays_in_memory() {
    let folder = checkout().join("systemd/usr/lib/systemd/system");
    let has = |unit: &str, keys: &[&str]| {
        let text = fs::read_to_string(folder.join(unit)).unwrap();
        for key in keys {
            assert!(text.lines().any(|line| line == *key), "{unit} lacks {key}");
        }
    };
    let in_memory = ["LimitCORE=0", "MemorySwapMax=0", "PrivateTmp=yes", "ProtectSystem=strict"];
    has("kioskd.service", &in_memory);
    has("kiosk-asr.service", &in_memory);
    let alone =
        ["PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX", "MemoryMax=256M"];
    has("kiosk-asr.service", &alone);
    let text = fs::read_to_string(folder.join("kiosk-asr.service")).unwrap();
    assert!(!text.contains("Directory="), "it has no folder of its own");
}

/// Debian's users get their numbers here as well: a package that adds one would number it by the order of installation.
#[test]
fn every_user_has_a_number_and_no_number_is_given_twice() {
    let text = fs::read_to_string(checkout().join("systemd/usr/lib/sysusers.d/kiosk.conf")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut numbers: Vec<u32> =
        lines.iter().map(|line| line.split(' ').nth(2).unwrap().parse().unwrap()).collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count);
}
