//! The boot chooser over D-Bus, against the real RAUC service on a bus of its own. RAUC's own boot loader here is
//! `kiosk-ota chooser`, its custom back end, so that what RAUC was told is read from there.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ota::boot::{BootChooser as _, Booted, BundleError, Rauc};
use ota::chooser::Slot;

const MIB: usize = 1 << 20;

struct Machine {
    dir: tempfile::TempDir,
    bus: String,
    daemons: Vec<Child>,
}

impl Machine {
    fn new() -> Self {
        let mut machine = Self { dir: tempfile::tempdir().unwrap(), bus: String::new(), daemons: Vec::new() };
        let dir = machine.dir.path().display().to_string();
        machine.put("slot-a", &vec![0xAA; MIB]);
        machine.put("slot-b", &vec![0xBB; MIB]);
        let tool = env!("CARGO_BIN_EXE_kiosk-ota");
        machine.put(
            "chooser.sh",
            format!("#!/bin/sh\nexec {tool} chooser --file {dir}/chooser \"$@\"\n").as_bytes(),
        );
        std::fs::set_permissions(machine.path("chooser.sh"), Permissions::from_mode(0o755)).unwrap();
        machine.run(
            "openssl",
            &[
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                "-subj", "/CN=test",
            ],
        );
        let slot = |number: usize, file: &str, name: &str| {
            format!("[slot.root.{number}]\ndevice={dir}/{file}\ntype=raw\nbootname={name}\n")
        };
        let configuration = format!(
            "[system]\ncompatible=alder\nbootloader=custom\n[keyring]\npath={dir}/cert.pem\n\
             [handlers]\nbootloader-custom-backend={dir}/chooser.sh\n{}{}",
            slot(0, "slot-a", "A"),
            slot(1, "slot-b", "B")
        );
        machine.put("system.conf", configuration.as_bytes());
        std::fs::create_dir(machine.path("mnt")).unwrap();
        machine.start();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn run(&self, program: &str, words: &[&str]) -> String {
        let output = Command::new(program).args(words).current_dir(self.dir.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn start(&mut self) {
        self.bus = format!("unix:path={}", self.path("bus").display());
        let bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--address", &self.bus])
            .stderr(Stdio::null())
            .spawn();
        self.daemons.push(bus.expect("dbus is installed"));
        self.wait("a bus", |machine| machine.path("bus").exists());
        let log = std::fs::File::create(self.path("rauc.log")).unwrap();
        let rauc = Command::new("rauc")
            .args(["service", "--conf=system.conf", "--mount=mnt", "--override-boot-slot=A"])
            .current_dir(self.dir.path())
            .env("DBUS_STARTER_BUS_TYPE", "session")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.daemons.push(rauc.expect("rauc is installed"));
        self.wait("RAUC", |machine| {
            Rauc::over(Some(&machine.bus)).is_ok_and(|mut rauc| rauc.booted().is_ok())
        });
    }

    fn wait(&self, what: &str, is_there: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if is_there(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{what} is not there: {:?}", std::fs::read_to_string(self.path("rauc.log")));
    }

    fn rauc(&self) -> Rauc {
        Rauc::over(Some(&self.bus)).unwrap()
    }

    fn chooser(&self, words: &[&str]) -> String {
        self.run(env!("CARGO_BIN_EXE_kiosk-ota"), &[&["chooser", "--file", "chooser"], words].concat())
    }

    fn bundle(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.path(&format!("{name}-content"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("root.img"), vec![0xCC; MIB / 2]).unwrap();
        // Plain: the machine of this test has no device mapper.
        let manifest = format!(
            "[update]\ncompatible=alder\nversion={version}\n[bundle]\nformat=plain\n[image.root]\nfilename=root.img\n"
        );
        std::fs::write(folder.join("manifest.raucm"), manifest).unwrap();
        let (folder, file) = (folder.display().to_string(), self.path(name));
        self.run(
            "rauc",
            &["--cert=cert.pem", "--key=key.pem", "bundle", &folder, &file.display().to_string()],
        );
        file
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            daemon.kill().ok();
            daemon.wait().ok();
        }
    }
}

#[test]
fn rauc_is_told_what_to_boot_and_says_what_runs() {
    let machine = Machine::new();
    let mut rauc = machine.rauc();
    assert_eq!(rauc.booted().unwrap(), Booted { slot: Slot::A, good: true, primary: Slot::A });
    rauc.activate(Slot::B).unwrap();
    assert_eq!(machine.chooser(&["get-primary"]), "B");
    assert_eq!(rauc.booted().unwrap().primary, Slot::B);
    rauc.mark_bad(Slot::B).unwrap();
    assert_eq!(
        (machine.chooser(&["get-primary"]).as_str(), machine.chooser(&["get-state", "B"]).as_str()),
        ("A", "bad")
    );
    rauc.mark_bad(Slot::A).unwrap();
    assert!(!rauc.booted().unwrap().good);
    rauc.mark_good(Slot::A).unwrap();
    assert!(rauc.booted().unwrap().good);
}

#[test]
fn a_bundle_of_a_release_is_taken_by_rauc_and_is_that_release() {
    let machine = Machine::new();
    // A squashfs of 4 KiB is too small for RAUC's verity format.
    let new: Vec<u8> = (0..131_072_u32).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
    machine.put("new.img", &new);
    let tool = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        Command::new(env!("CARGO_BIN_EXE_kiosk-ota"))
            .args(words)
            .current_dir(machine.dir.path())
            .output()
            .unwrap()
    };
    let words = "bundle new.raucb --model alder --number 42 --name 1.4.2 --image root=new.img --cert cert.pem --key key.pem";
    let made = tool(&format!("{words} --format plain"));
    assert!(made.status.success(), "{made:?}");
    let again = tool(words);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"), "{again:?}");
    let told = machine.run("rauc", &["--keyring=cert.pem", "info", "new.raucb"]);
    assert!(told.contains("'alder'") && told.contains("1.4.2+42"), "{told}");
    assert_eq!(machine.rauc().install_bundle(&machine.path("new.raucb"), 42).unwrap(), 42);
    let slot = std::fs::read(machine.path("slot-b")).unwrap();
    assert!(slot.starts_with(&new));

    std::fs::remove_file(machine.path("new.raucb")).unwrap();
    let verity = tool(words);
    assert!(verity.status.success(), "{verity:?}");
    assert!(machine.run("rauc", &["--keyring=cert.pem", "info", "new.raucb"]).contains("verity"));
    let folder: Vec<_> =
        std::fs::read_dir(machine.dir.path()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert!(!folder.iter().any(|name| name.to_string_lossy().starts_with(".bundle")), "{folder:?}");
}

#[test]
fn a_whole_bundle_is_installed_unless_it_is_below_the_floor() {
    let machine = Machine::new();
    let rauc = machine.rauc();
    let bundle = machine.bundle("new.raucb", "1.4.2+42");
    let refused = rauc.install_bundle(&bundle, 43);
    assert!(matches!(refused, Err(BundleError::Floor { release: 42, floor: 43 })), "{refused:?}");
    assert_eq!(std::fs::read(machine.path("slot-b")).unwrap(), vec![0xBB; MIB]);
    assert_eq!(rauc.install_bundle(&bundle, 42).unwrap(), 42);
    let slot = std::fs::read(machine.path("slot-b")).unwrap();
    assert_eq!(slot[..MIB / 2], vec![0xCC; MIB / 2]);
    assert_eq!(machine.chooser(&["get-primary"]), "B");
    let unnumbered = rauc.install_bundle(&machine.bundle("plain.raucb", "1.4.2"), 0);
    assert!(matches!(unnumbered, Err(BundleError::Unnumbered(_))), "{unnumbered:?}");
    let mut damaged = std::fs::read(&bundle).unwrap();
    damaged[100] ^= 1;
    machine.put("damaged.raucb", &damaged);
    assert!(rauc.install_bundle(&machine.path("damaged.raucb"), 0).is_err());
}
