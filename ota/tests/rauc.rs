//! The boot chooser over D-Bus, against the real RAUC service on a bus of its own. RAUC's own boot loader here is
//! `kiosk-ota chooser`, its custom back end, so that what RAUC was told is read from there.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ota::agent::Reason;
use ota::boot::{BootChooser as _, Booted, Rauc};
use ota::chooser::Slot;
use ota::writer::wire::{Message, Reply, Request, receive, send};

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
        machine.certificate("ours", "test");
        let slot = |number: usize, file: &str, name: &str| {
            format!("[slot.root.{number}]\ndevice={dir}/{file}\ntype=raw\nbootname={name}\n")
        };
        let configuration = format!(
            "[system]\ncompatible=alder\nbootloader=custom\nstatusfile={dir}/status\n[keyring]\npath={dir}/ours.pem\n\
             [handlers]\nbootloader-custom-backend={dir}/chooser.sh\n{}{}",
            slot(0, "slot-a", "A"),
            slot(1, "slot-b", "B")
        );
        machine.put("system.conf", configuration.as_bytes());
        std::fs::create_dir(machine.path("mnt")).unwrap();
        machine.start();
        machine
    }

    /// A key and its own certificate.
    fn certificate(&self, name: &str, subject: &str) {
        let (key, cert, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={subject}"));
        let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &cert];
        self.run("openssl", &[&request[..], &["-subj", &subject]].concat());
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

    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The slot writer's configuration, for this model.
    fn configure(&self, model: &str) {
        let dir = self.dir.path().display();
        std::fs::create_dir(self.path("state")).unwrap();
        self.put("running", b"41 1.4.1\n");
        self.put("boot-id", b"boot 1\n");
        let config = format!(
            "model = '{model}'\nroot = '{dir}/root.json'\nstate = '{dir}/state'\nrelease = '{dir}/running'\n\
             client = {}\nsocket = '{dir}/socket'\nboot_id = '{dir}/boot-id'\nchooser.rauc.bus = '{}'\n\
             [slots.A]\nroot = '{dir}/slot-a'\n[slots.B]\nroot = '{dir}/slot-b'\n",
            nix::unistd::geteuid(),
            self.bus
        );
        self.put("writer.toml", config.as_bytes());
    }

    fn bundle(&self, name: &str, version: &str) -> PathBuf {
        self.bundle_signed(name, version, "alder", "ours")
    }

    fn bundle_signed(&self, name: &str, version: &str, model: &str, key: &str) -> PathBuf {
        let folder = self.path(&format!("{name}-content"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("root.img"), vec![0xCC; MIB / 2]).unwrap();
        // Plain: the machine of this test has no device mapper.
        let manifest = format!(
            "[update]\ncompatible={model}\nversion={version}\n[bundle]\nformat=plain\n[image.root]\nfilename=root.img\n"
        );
        std::fs::write(folder.join("manifest.raucm"), manifest).unwrap();
        let (folder, file) = (folder.display().to_string(), self.path(name));
        self.run(
            "rauc",
            &[
                &format!("--cert={key}.pem"),
                &format!("--key={key}.key"),
                "bundle",
                &folder,
                &file.display().to_string(),
            ],
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

/// The slot writer's real process, over its socket.
struct Writer {
    process: Child,
    socket: PathBuf,
}

impl Writer {
    fn start(machine: &Machine) -> Self {
        let program = env!("CARGO_BIN_EXE_kiosk-slot-writer");
        let mut command = Command::new(program);
        let log = std::fs::File::create(machine.path("writer.log")).unwrap();
        command.arg("--config").arg(machine.path("writer.toml")).stderr(log);
        let writer = Self { process: command.spawn().unwrap(), socket: machine.path("socket") };
        machine.wait("the slot writer", |_| UnixStream::connect(&writer.socket).is_ok());
        writer
    }

    fn ask(&self, request: Request) -> Reply {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        send(&mut stream, &Message::Words(request)).unwrap();
        loop {
            match receive::<Reply>(&mut stream).unwrap() {
                Message::Words(Reply::Working { .. }) => {}
                Message::Words(reply) => return reply,
                Message::Bytes(_) => panic!("bytes"),
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn reason(reply: &Reply) -> Option<Reason> {
    match reply {
        Reply::Failed { reason, .. } => Some(*reason),
        _ => None,
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
    let words = "bundle new.raucb --model alder --number 42 --name 1.4.2 --image root=new.img --cert ours.pem --key ours.key";
    let made = tool(&format!("{words} --format plain"));
    assert!(made.status.success(), "{made:?}");
    let again = tool(words);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"), "{again:?}");
    let told = machine.run("rauc", &["--keyring=ours.pem", "info", "new.raucb"]);
    assert!(told.contains("'alder'") && told.contains("1.4.2+42"), "{told}");
    let mut rauc = machine.rauc();
    let bundle = rauc.bundle(&machine.path("new.raucb")).unwrap();
    assert_eq!((bundle.release, bundle.version.as_str()), (42, "1.4.2"));
    rauc.install(&machine.path("new.raucb"), &mut |_| {}).unwrap();
    let slot = std::fs::read(machine.path("slot-b")).unwrap();
    assert!(slot.starts_with(&new));

    std::fs::remove_file(machine.path("new.raucb")).unwrap();
    let verity = tool(words);
    assert!(verity.status.success(), "{verity:?}");
    assert!(machine.run("rauc", &["--keyring=ours.pem", "info", "new.raucb"]).contains("verity"));
    let folder: Vec<_> =
        std::fs::read_dir(machine.dir.path()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert!(!folder.iter().any(|name| name.to_string_lossy().starts_with(".bundle")), "{folder:?}");
}

#[test]
fn a_bundle_on_a_stick_is_proven_written_read_back_and_only_then_activated() {
    let machine = Machine::new();
    machine.configure("alder");
    let writer = Writer::start(&machine);
    let bundle = machine.bundle("new.raucb", "1.4.2+42");
    let known = writer.ask(Request::Bundle { path: bundle.clone() });
    assert_eq!(known, Reply::Bundle { release: 42, version: "1.4.2".into() });
    let (slot, release) = (Slot::B, 42);
    let running = Request::InstallBundle { slot: Slot::A, release, path: bundle.clone() };
    assert_eq!(reason(&writer.ask(running)), Some(Reason::Io), "the slot that runs");
    let another = Request::InstallBundle { slot, release: 43, path: bundle.clone() };
    assert_eq!(reason(&writer.ask(another)), Some(Reason::Signature), "another release than was journaled");
    assert_eq!(machine.get("slot-b"), vec![0xBB; MIB]);
    assert_eq!(writer.ask(Request::InstallBundle { slot, release, path: bundle }), Reply::Done);
    assert!(machine.get("slot-b").starts_with(&vec![0xCC; MIB / 2]));
    // RAUC makes what it has installed the primary; when that happens is not its to say.
    assert_eq!(
        (machine.chooser(&["get-primary"]), machine.chooser(&["get-state", "A"])),
        ("A".into(), "good".into())
    );
    assert_eq!(reason(&writer.ask(Request::Activate { slot, release })), Some(Reason::Io), "not read back");
    let mut changed = machine.get("slot-b");
    changed[77] ^= 1;
    machine.put("slot-b", &changed);
    assert_eq!(reason(&writer.ask(Request::ReadBack { slot, release })), Some(Reason::Io), "it was changed");
    changed[77] ^= 1;
    machine.put("slot-b", &changed);
    assert_eq!(writer.ask(Request::ReadBack { slot, release }), Reply::Done);
    assert_eq!(writer.ask(Request::Activate { slot, release }), Reply::Done);
    assert_eq!(machine.chooser(&["get-primary"]), "B");
}

#[test]
fn bundles_that_are_damaged_foreign_unnumbered_or_garbage_are_refused_in_words() {
    let machine = Machine::new();
    machine.configure("alder");
    let writer = Writer::start(&machine);
    let bundle = machine.bundle("new.raucb", "1.4.2+42");
    let mut damaged = std::fs::read(&bundle).unwrap();
    let length = damaged.len();
    damaged[100] ^= 1;
    machine.put("damaged.raucb", &damaged);
    machine.put("garbage.raucb", &vec![0x5A; length]);
    machine.certificate("theirs", "other");
    let foreign_key = machine.bundle_signed("somebody.raucb", "1.4.2+42", "alder", "theirs");
    for (file, reason_wanted, words) in [
        (machine.path("damaged.raucb"), Reason::Signature, "RAUC does not believe it"),
        (machine.path("garbage.raucb"), Reason::Signature, "RAUC does not believe it"),
        (foreign_key, Reason::Signature, "RAUC does not believe it"),
        (machine.path("gone.raucb"), Reason::Source, "is no file"),
    ] {
        for request in [
            Request::Bundle { path: file.clone() },
            Request::InstallBundle { slot: Slot::B, release: 42, path: file.clone() },
        ] {
            let reply = writer.ask(request);
            assert_eq!(reason(&reply), Some(reason_wanted), "{}: {reply:?}", file.display());
            assert!(format!("{reply:?}").contains(words), "{reply:?}");
        }
        assert_eq!(machine.chooser(&["get-primary"]), "A");
        assert_eq!(machine.get("slot-b"), vec![0xBB; MIB]);
    }
}

#[test]
fn bundles_for_another_model_or_without_a_number_are_refused_and_nothing_is_written() {
    let machine = Machine::new();
    machine.configure("alder");
    let writer = Writer::start(&machine);
    let unnumbered = writer.ask(Request::Bundle { path: machine.bundle("plain.raucb", "1.4.2") });
    assert!(format!("{unnumbered:?}").contains("tells no release number"), "{unnumbered:?}");
    let oak = machine.bundle_signed("oak.raucb", "1.4.2+42", "oak", "ours");
    let foreign = writer.ask(Request::InstallBundle { slot: Slot::B, release: 42, path: oak });
    assert_eq!(reason(&foreign), Some(Reason::WrongModel));
    assert!(format!("{foreign:?}").contains("it is for oak, this is alder"), "{foreign:?}");
    machine.put("state/floor.json", br#"{"release":43,"built_s":0}"#);
    let old = writer.ask(Request::Bundle { path: machine.bundle("old.raucb", "1.4.2+42") });
    assert_eq!(reason(&old), Some(Reason::Floor), "{old:?}");
    assert_eq!(machine.get("slot-b"), vec![0xBB; MIB]);
}
