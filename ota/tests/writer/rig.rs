//! A machine with two slots in files, a repository, and the slot writer's real process.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use ota::agent::Reason;
use ota::chooser::Slot;
use ota::writer::wire::{Message, Reply, Request, State, receive, send};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

const MIB: usize = 1 << 20;

/// Bytes of a slot: the image, and more than its hash tree.
pub(crate) const SLOT: usize = 13 * MIB;

pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    process: Option<Child>,
}

/// What the client gives when it is asked for a piece of a file.
pub(crate) type Give<'a> = dyn FnMut(&Wanted) -> Option<Vec<u8>> + 'a;

pub(crate) struct Wanted {
    pub(crate) path: String,
    pub(crate) at: u64,
    pub(crate) length: u32,
    pub(crate) wrong: bool,
}

/// What came of a request.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// Bytes that were given, by file.
    pub(crate) given: BTreeMap<String, u64>,
    pub(crate) flushed: Vec<usize>,
}

impl Outcome {
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.reply, Reply::Done);
        self
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        match &self.reply {
            Reply::Failed { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    pub(crate) fn of(&self, part: &str) -> u64 {
        self.given.iter().filter(|(path, _)| path.contains(part)).map(|(_, bytes)| bytes).sum()
    }
}

impl Rig {
    /// Release 41 runs in A, 42 is published.
    pub(crate) fn new() -> Self {
        let mut rig = Self { dir: tempfile::tempdir().unwrap(), process: None };
        let mut old = vec![0; 10 * MIB];
        let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        rng.fill_bytes(&mut old);
        let mut new = old.clone();
        new.copy_within(MIB..4 * MIB, 5 * MIB + 4096);
        for (at, length) in [(0, 3000), (2 * MIB, 900_000), (8 * MIB + 77, 1_500_000)] {
            rng.fill_bytes(&mut new[at..at + length]);
        }
        new[..9].copy_from_slice(b"release42");
        rig.put("old.img", &old);
        rig.put("new.img", &new);
        for key in ["root", "release", "online"] {
            rig.tool(&["keys", "new", key]);
        }
        rig.tool(&[
            "root",
            "repo",
            "--root-key",
            "root.pub",
            "--release-key",
            "release.pub",
            "--online-key",
            "online.pub",
        ]);
        rig.tool(&["sign", "repo", "root", "--key", "root"]);
        rig.release("41", "old.img", &[]);
        rig.release("42", "new.img", &["--from", "root=old.img", "--floor", "42"]);
        rig.publish();
        let slot = |name: &str, image: &[u8]| {
            let mut bytes = image.to_vec();
            bytes.resize(SLOT, 0xEE);
            rig.put(name, &bytes);
        };
        slot("slot-a", &old);
        slot("slot-b", &[]);
        rig.runs(Slot::A, 41);
        rig.configure("");
        rig.start();
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn tool(&self, words: &[&str]) -> String {
        self.tool_at(None, words)
    }

    /// The same, at another time than now, in s since 1970.
    pub(crate) fn tool_at(&self, built_s: Option<i64>, words: &[&str]) -> String {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_kiosk-ota"));
        tool.envs(built_s.map(|it| ("SOURCE_DATE_EPOCH", it.to_string())));
        let output = tool.args(words).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn release(&self, number: &str, image: &str, more: &[&str]) {
        let image = format!("root={image}");
        let words =
            ["release", "repo", "--model", "alder", "--number", number, "--name", "1", "--level", "3"];
        self.tool(&[&words[..], &["--image", &image], more].concat());
        self.tool(&["sign", "repo", "targets", "--key", "release"]);
    }

    pub(crate) fn publish(&self) {
        self.tool(&["publish", "repo", "--key", "online"]);
    }

    /// What the machine was booted into.
    pub(crate) fn runs(&self, slot: Slot, release: u64) {
        self.put("command-line", format!("quiet rauc.slot={slot:?} ro\n").as_bytes());
        self.put("running", format!("{release} 1.{release}\n").as_bytes());
        self.put("boot-id", b"boot 1\n");
    }

    /// `client = ...` of somebody else, or nothing.
    pub(crate) fn configure(&self, client: &str) {
        let client = if client.is_empty() { nix::unistd::geteuid().to_string() } else { client.to_owned() };
        let dir = self.dir.path().display();
        let config = format!(
            "model = 'alder'\nroot = '{dir}/repo/metadata/1.root.json'\nstate = '{dir}/state'\n\
             release = '{dir}/running'\nclient = {client}\nsocket = '{dir}/socket'\n\
             command_line = '{dir}/command-line'\nboot_id = '{dir}/boot-id'\n\
             chooser.file.path = '{dir}/chooser'\n\
             [slots.A]\nroot = '{dir}/slot-a'\n[slots.B]\nroot = '{dir}/slot-b'\n"
        );
        self.put("writer.toml", config.as_bytes());
    }

    /// Its slots have two images each from now on.
    pub(crate) fn boot_slots(&mut self) {
        let dir = self.dir.path().display();
        let config = String::from_utf8(self.get("writer.toml")).unwrap();
        let config = config
            .replace("/slot-a'\n", &format!("/slot-a'\nboot = '{dir}/boot-a'\n"))
            .replace("/slot-b'\n", &format!("/slot-b'\nboot = '{dir}/boot-b'\n"));
        self.put("writer.toml", config.as_bytes());
        self.kill();
        self.start();
    }

    pub(crate) fn start(&mut self) {
        let program = env!("CARGO_BIN_EXE_kiosk-slot-writer");
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new(program);
        command.arg("--config").arg(self.path("writer.toml")).stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    /// What systemd asks when the daemon does not stay up.
    pub(crate) fn is_on_trial(&self) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-slot-writer"));
        command.arg("--on-trial").arg("--config").arg(self.path("writer.toml")).status().unwrap().success()
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn connect(&self) -> UnixStream {
        for _ in 0..1000 {
            if let Ok(stream) = UnixStream::connect(self.path("socket")) {
                return stream;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("no slot writer: {}", String::from_utf8_lossy(&self.get("log")));
    }

    /// A piece of a file of the repository, as it is.
    pub(crate) fn piece(&self, wanted: &Wanted) -> Option<Vec<u8>> {
        let file = File::open(self.path("repo").join(&wanted.path)).ok()?;
        let length = file.metadata().unwrap().len().saturating_sub(wanted.at).min(wanted.length.into());
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        file.read_exact_at(&mut bytes, wanted.at).unwrap();
        Some(bytes)
    }

    /// Asks over a connection of its own; gives what is wanted out of the repository.
    pub(crate) fn ask(&self, request: Request) -> Outcome {
        self.ask_giving(request, &mut |wanted| self.piece(wanted))
    }

    pub(crate) fn ask_giving(&self, request: Request, give: &mut Give<'_>) -> Outcome {
        let mut stream = self.connect();
        send(&mut stream, &Message::Words(request)).unwrap();
        let (mut given, mut flushed) = (BTreeMap::new(), Vec::new());
        loop {
            let Message::Words(reply) = receive::<Reply>(&mut stream).unwrap() else { panic!("bytes") };
            match reply {
                Reply::Want { path, at, length, wrong, .. } => {
                    let answer = match give(&Wanted { path: path.clone(), at, length, wrong }) {
                        Some(bytes) => {
                            *given.entry(path).or_default() += bytes.len() as u64;
                            Message::Bytes(bytes)
                        }
                        None => Message::Words(Request::Missing),
                    };
                    send(&mut stream, &answer).unwrap();
                }
                Reply::Flushed { done, .. } => flushed.push(done),
                Reply::Working { .. } => {}
                reply => return Outcome { reply, given, flushed },
            }
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.ask(Request::State).reply {
            Reply::State(state) => state,
            other => panic!("{other:?}"),
        }
    }

    /// Brings a release to where only the switch is left.
    pub(crate) fn install(&self, slot: Slot, release: u64) {
        let believed = self.ask(Request::Believe { release }).reply;
        assert!(matches!(believed, Reply::Believed { .. }), "{believed:?}");
        self.ask(Request::Write { slot, release, from: 0 }).done();
        self.ask(Request::ReadBack { slot, release }).done();
    }

    pub(crate) fn chooser(&self, words: &[&str]) -> String {
        self.tool(&[&["chooser", "--file", "chooser"], words].concat()).trim().to_owned()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}
