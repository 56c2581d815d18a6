//! `kiosk-ota`, as a release engineer uses it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::path::Path;
use std::process::Command;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for key in ["r1", "r2", "r3", "a", "b", "online"] {
            desk.good(&["keys", "new", key]);
        }
        desk
    }

    /// With a release that everybody needed has signed.
    fn published() -> Self {
        let desk = Self::new();
        desk.root("online.pub");
        desk.sign("root", &["r1", "r2"]);
        desk.image("1.img", &[]);
        desk.release("1", "1.img", &[]);
        desk.sign("targets", &["a", "b"]);
        desk.good(&["publish", "repo", "--key", "online"]);
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// What it says, and whether it is satisfied.
    fn run(&self, words: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-ota"));
        let output = command.args(words).current_dir(self.0.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn good(&self, words: &[&str]) -> String {
        let (done, text) = self.run(words);
        assert!(done, "{words:?}: {text}");
        text
    }

    fn bad(&self, words: &[&str], why: &str) {
        let (done, text) = self.run(words);
        assert!(!done && text.contains(why), "{words:?}: {text}");
    }

    fn root(&self, online: &str) {
        let keys =
            ["--root-key", "r1.pub", "--root-key", "r2.pub", "--root-key", "r3.pub", "--root-threshold", "2"];
        let release = ["--release-key", "a.pub", "--release-key", "b.pub", "--release-threshold", "2"];
        let online = ["--online-key", online];
        self.good(&[&["root", "repo"][..], &keys, &release, &online].concat());
    }

    fn sign(&self, what: &str, keys: &[&str]) {
        for key in keys {
            self.good(&["sign", "repo", what, "--key", key]);
        }
    }

    fn verify(&self) -> (bool, String) {
        self.run(&["verify", "repo", "--root", "repo/metadata/1.root.json"])
    }

    fn image(&self, name: &str, changes: &[(usize, u8)]) {
        let byte = |at: usize| u8::try_from((at * at / 7 + at / 300) % 251).unwrap();
        let mut bytes: Vec<u8> = (0..600 * 4096).map(byte).collect();
        for (at, byte) in changes {
            bytes[*at] = *byte;
        }
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn release(&self, number: &str, image: &str, more: &[&str]) -> String {
        let (slot, words) =
            (format!("root={image}"), ["release", "repo", "--model", "alder", "--name", "1.0"]);
        self.good(&[&words[..], &["--level", "3", "--number", number, "--image", &slot], more].concat())
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// The only file below a folder whose name begins so.
fn find(folder: &Path, beginning: &str) -> std::path::PathBuf {
    let mut found = files(folder);
    found.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(beginning));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn release_and_metadata_hold_no_secret() {
    let desk = Desk::published();
    let published = files(&desk.path("repo"));
    assert!(published.len() > 5, "{published:?}");
    for key in ["r1", "r2", "r3", "a", "b", "online"] {
        let pem = std::fs::read_to_string(desk.path(key)).unwrap();
        let mut asn1 = Command::new("openssl");
        asn1.args(["asn1parse", "-noout", "-out", "key.der", "-in", key]).current_dir(desk.0.path());
        assert!(asn1.status().unwrap().success());
        let der = std::fs::read(desk.path("key.der")).unwrap();
        // RFC 8410: the seed is the octet string in an octet string.
        let seed = &der[16..48];
        let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = pem.lines().nth(1).unwrap();
        for file in &published {
            let bytes = std::fs::read(file).unwrap();
            let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
            let found = holds(seed) || holds(hex.as_bytes()) || holds(base64.as_bytes());
            assert!(!found && !holds(b"PRIVATE KEY"), "{key} in {}", file.display());
        }
    }
}

#[test]
fn a_release_is_believed_once_enough_people_have_signed_it_and_every_byte_is_right() {
    let desk = Desk::new();
    desk.root("online.pub");
    desk.sign("root", &["r1"]);
    desk.image("1.img", &[]);
    desk.image("2.img", &[(5000, 1), (2_000_000, 2)]);
    desk.release("1", "1.img", &[]);
    desk.release("2", "2.img", &["--from", "root=1.img"]);
    desk.sign("targets", &["a", "a"]);
    let publish = ["publish", "repo", "--key", "online"];
    desk.bad(&publish, "targets: 1 of 2 signatures");
    desk.sign("targets", &["b"]);
    desk.bad(&publish, "root: 1 of 2 signatures");
    desk.sign("root", &["r3"]);
    desk.good(&publish);
    let (good, text) = desk.verify();
    assert!(good && text.contains("2 releases, every byte proven"), "{text}");

    // The delta makes the new image of the old one.
    let delta = find(&desk.path("repo/images"), "from-");
    let delta = delta.to_str().unwrap();
    assert!(std::fs::metadata(delta).unwrap().len() < 2000);
    desk.good(&["apply", delta, "--seed", "1.img", "--to", "made.img"]);
    assert!(std::fs::read(desk.path("made.img")).unwrap() == std::fs::read(desk.path("2.img")).unwrap());
    assert!(desk.good(&["info", delta]).contains("blocks copied"));
    desk.bad(&["apply", delta, "--to", "other.img"], "needs the image that it was made from");
    desk.image("spoilt.img", &[(1_500_000, 9)]);
    desk.bad(
        &["apply", delta, "--seed", "spoilt.img", "--to", "other.img"],
        "the seed is not the image that this file was made from",
    );
    assert!(!desk.path("other.img").exists(), "what is wrong is not left as an image");
    let full = Path::new(delta).with_file_name("full.kot");
    let all = ["apply", delta, "--seed", "spoilt.img", "--to", "other.img", "--full", full.to_str().unwrap()];
    assert!(desk.good(&all).contains("1 MiB are taken from"));
    assert!(std::fs::read(desk.path("other.img")).unwrap() == std::fs::read(desk.path("2.img")).unwrap());

    let mut bytes = std::fs::read(delta).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(delta, bytes).unwrap();
    let (good, text) = desk.verify();
    assert!(!good && text.contains("chunk 0 of the payload is damaged"), "{text}");
}

#[test]
fn a_lost_online_key_is_replaced_by_the_holders_of_the_root() {
    let desk = Desk::published();
    assert!(desk.verify().0);
    desk.good(&["keys", "new", "online2"]);
    desk.root("online2.pub");
    desk.sign("root", &["r2", "r3"]);
    assert!(desk.verify().1.contains("timestamp: 0 of the 1 signatures"), "{:?}", desk.verify());
    desk.good(&["publish", "repo", "--key", "online2"]);
    assert!(desk.verify().0, "{:?}", desk.verify());
}

#[test]
fn keys_of_openssl_are_taken_and_what_cannot_be_is_refused_with_the_reason() {
    let desk = Desk::new();
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(desk.path("theirs"))
        .status()
        .expect("openssl is installed: apt install openssl");
    assert!(made.success());
    assert_eq!(desk.good(&["keys", "show", "theirs"]).trim().len(), 64);
    desk.bad(&["keys", "new", "r1"], "File exists");
    desk.bad(&["keys", "show", "r1.pub"], "no private Ed25519 key");
    desk.bad(&["sign", "repo", "root", "--key", "r1"], "there is no root yet");
    desk.bad(&["publish", "repo", "--key", "online"], "there is no release yet");
    let root =
        ["root", "repo", "--root-key", "r1.pub", "--release-key", "a.pub", "--online-key", "online.pub"];
    desk.bad(&[&root[..], &["--root-threshold", "2"]].concat(), "2 of 1 keys cannot sign");
    desk.image("1.img", &[]);
    let release = ["release", "repo", "--number", "1", "--name", "x", "--image"];
    desk.bad(&[&release[..], &["root=1.img", "--model", "A B"]].concat(), "is no model");
    desk.bad(&[&release[..], &["1.img", "--model", "a"]].concat(), "slot=file");
    desk.bad(&[&release[..], &["root=none.img", "--model", "a"]].concat(), "cannot read none.img");
    desk.bad(
        &[&release[..], &["root=1.img", "--model", "a", "--from", "boot=1.img"]].concat(),
        "there is no --image boot",
    );
    for name in ["", " ", "1/2", "a\nb"] {
        let words =
            ["release", "repo", "--model", "a", "--number", "1", "--image", "root=1.img", "--name", name];
        desk.bad(&words, "1 to 64 letters");
    }
    std::fs::write(desk.path("odd.img"), [0; 5000]).unwrap();
    desk.bad(&["build", "odd.img", "-o", "odd.kot"], "multiple of 4096");
    desk.bad(&["info", "1.img"], "this is no .kot file");
}

/// The contract of RAUC's custom back end, and what a loader makes of it.
#[test]
fn a_file_stands_for_the_boot_loader() {
    let desk = Desk(tempfile::tempdir().unwrap());
    let chooser = |words: &[&str]| desk.good(&[&["chooser", "--file", "slots"][..], words].concat());
    assert_eq!(chooser(&["get-primary"]), "A\n");
    assert_eq!(
        (chooser(&["get-state", "A"]), chooser(&["get-state", "B"])),
        ("good\n".into(), "bad\n".into())
    );
    assert_eq!(chooser(&["boot"]), "A\n");

    chooser(&["set-state", "B", "bad"]);
    chooser(&["set-primary", "B"]);
    for _ in 0..3 {
        assert_eq!(chooser(&["get-primary"]), "B\n", "what was bad is not bad any more");
        assert_eq!(chooser(&["boot"]), "B\n");
        assert_eq!(chooser(&["get-state", "B"]), "bad\n", "on trial");
    }
    assert_eq!(chooser(&["boot"]), "A\n", "three boots without a mark are enough");

    chooser(&["set-primary", "B"]);
    chooser(&["set-state", "B", "good"]);
    for _ in 0..9 {
        assert_eq!(chooser(&["boot"]), "B\n", "a good slot is not left for being switched off and on");
    }
    let bytes = std::fs::read(desk.path("slots")).unwrap();
    for torn in (0..bytes.len()).step_by(31) {
        let mut file = bytes.clone();
        file[torn] ^= 0xff;
        std::fs::write(desk.path("slots"), file).unwrap();
        let booted = chooser(&["get-primary"]);
        assert!(booted == "A\n" || booted == "B\n", "{torn}: {booted}");
    }
    std::fs::write(desk.path("slots"), b"no chooser at all").unwrap();
    assert_eq!(chooser(&["boot"]), "A\n", "something boots, whatever is in the file");
    desk.bad(&["chooser", "--file", "slots", "set-primary", "C"], "possible values: A, B");
}

#[test]
fn what_is_read_is_never_overwritten() {
    let desk = Desk::new();
    desk.image("1.img", &[]);
    desk.image("2.img", &[(5000, 9)]);
    desk.good(&["build", "2.img", "--from", "1.img", "-o", "d.kot"]);
    std::os::unix::fs::symlink("1.img", desk.path("link")).unwrap();
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    let before = ["1.img", "2.img", "d.kot"].map(read);
    let why = "would be overwritten";
    desk.bad(&["build", "1.img", "-o", "1.img"], why);
    desk.bad(&["build", "2.img", "--from", "1.img", "-o", "link"], why);
    desk.bad(&["apply", "d.kot", "--seed", "1.img", "--to", "d.kot"], why);
    desk.bad(&["apply", "d.kot", "--seed", "1.img", "--to", "link"], why);
    desk.bad(&["apply", "d.kot", "--seed", "1.img", "--full", "2.img", "--to", "2.img"], why);
    assert!(before == ["1.img", "2.img", "d.kot"].map(read));

    let piped = "\"$0\" info d.kot | true; exit ${PIPESTATUS[0]}";
    let piped = Command::new("bash")
        .args(["-c", piped, env!("CARGO_BIN_EXE_kiosk-ota")])
        .current_dir(desk.0.path())
        .status();
    assert!(piped.unwrap().success(), "whoever reads on has had enough");

    let target = std::fs::File::create(desk.path("out.img")).unwrap();
    let held = nix::fcntl::Flock::lock(target, nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
    let words = ["apply", "d.kot", "--seed", "1.img", "--to", "out.img"];
    desk.bad(&words, "somebody else is writing there");
    drop(held);
    desk.good(&words);
}

#[test]
fn a_signed_file_stays_when_its_image_is_released_again() {
    let desk = Desk::published();
    let other = ["--name", "1.0", "--number", "2", "--level", "1", "--image", "root=1.img"];
    desk.good(&[&["release", "repo", "--model", "alder"][..], &other].concat());
    let (done, told) = desk.verify();
    assert!(done, "the first release is as it was signed: {told}");
    desk.sign("targets", &["a", "b"]);
    desk.good(&["publish", "repo", "--key", "online"]);
    assert!(desk.verify().1.contains("2 releases, every byte proven"));
}

#[test]
fn a_signed_number_is_never_given_again() {
    let desk = Desk::published();
    desk.image("2.img", &[(5000, 9)]);
    let words = |number, image| {
        let image = format!("root={image}");
        let words =
            ["release", "repo", "--model", "alder", "--name", "1.1", "--number", number, "--level", "1"];
        desk.run(&[&words[..], &["--image", &image]].concat())
    };
    let (done, told) = words("1", "2.img");
    assert!(!done && told.contains("release 1 of alder is signed"), "{told}");
    assert!(words("3", "2.img").0);
    assert!(words("2", "2.img").0, "3 was not signed");
    desk.sign("targets", &["a"]);
    let (done, told) = words("18446744073709551615", "2.img");
    assert!(!done && told.contains("9007199254740991"), "{told}");
}

#[test]
fn only_those_whom_the_root_names_sign_and_nothing_is_published_before_enough_have() {
    let desk = Desk::new();
    desk.bad(&["sign", "repo", "targets", "--key", "a"], "there is no root yet");
    desk.root("online.pub");
    desk.bad(&["sign", "repo", "root", "--key", "a"], "would not count");
    assert!(desk.good(&["sign", "repo", "root", "--key", "r1"]).contains("1 of 2 signatures"));
    desk.image("1.img", &[]);
    desk.release("1", "1.img", &[]);
    desk.sign("targets", &["a", "b"]);
    desk.sign("root", &["r2"]);
    desk.bad(&["publish", "repo", "--key", "a"], "would not count");
    desk.good(&["publish", "repo", "--key", "online"]);
    assert!(desk.verify().0);
    let twice = ["--root-key", "r1.pub", "--root-key", "r1.pub", "--root-threshold", "2"];
    let others = ["--release-key", "a.pub", "--online-key", "online.pub"];
    desk.bad(&[&["root", "repo"][..], &twice, &others].concat(), "twice");
}

#[test]
fn those_who_sign_at_once_do_not_lose_each_others_signatures() {
    let desk = Desk::new();
    desk.root("online.pub");
    std::thread::scope(|scope| {
        for key in ["r1", "r2", "r3"] {
            let desk = &desk;
            scope.spawn(move || desk.sign("root", &[key]));
        }
    });
    let root = std::fs::read_to_string(desk.path("repo/metadata/1.root.json")).unwrap();
    assert_eq!(root.matches("\"sig\"").count(), 3);
}

#[test]
fn a_signed_release_keeps_its_floor_and_its_deltas() {
    let desk = Desk::published();
    desk.image("2.img", &[(5000, 9)]);
    desk.image("3.img", &[(9000, 9)]);
    desk.release("2", "2.img", &["--from", "root=1.img"]);
    desk.sign("targets", &["a", "b"]);
    for changed in [["--floor", "2"], ["--min-from", "1"], ["--arch", "riscv64"]] {
        let words = ["release", "repo", "--model", "alder", "--name", "1.0", "--number", "2"];
        let image = ["--level", "3", "--image", "root=2.img"];
        desk.bad(&[&words[..], &image, &changed].concat(), "release 2 of alder is signed");
    }
    desk.release("2", "2.img", &["--from", "root=3.img"]);
    let release =
        files(&desk.path("repo/targets")).into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    let deltas = release.map(|text| text.matches("/from-").count()).max();
    assert_eq!(deltas, Some(2), "the delta from 1.img is still listed");
    desk.sign("targets", &["a", "b"]);
    desk.good(&["publish", "repo", "--key", "online"]);
    assert!(desk.verify().0);
}

#[test]
fn nobody_holds_two_keys_and_a_new_root_needs_the_old_holders_too() {
    let desk = Desk::published();
    let root = |root_keys: [&str; 2], release: &str, online: &str| {
        let keys = ["--root-key", root_keys[0], "--root-key", root_keys[1], "--root-threshold", "2"];
        let others = ["--release-key", release, "--online-key", online];
        desk.run(&[&["root", "repo"][..], &keys, &others].concat())
    };
    for (release, online) in [("a.pub", "a.pub"), ("a.pub", "r2.pub"), ("r2.pub", "online.pub")] {
        let (done, told) = root(["r2.pub", "b.pub"], release, online);
        assert!(!done && told.contains("for two roles"), "{told}");
    }
    // r1 and r3 go, b comes.
    assert!(root(["r2.pub", "b.pub"], "a.pub", "online.pub").0);
    desk.sign("root", &["b"]);
    let told = desk.good(&["sign", "repo", "root", "--key", "r2"]);
    assert!(
        told.contains("2 of 2 signatures, and 1 of 2 signatures by the holders of the root before"),
        "{told}"
    );
    desk.bad(&["publish", "repo", "--key", "online"], "nobody would believe it");
    desk.sign("root", &["r3"]);
    desk.good(&["publish", "repo", "--key", "online"]);
    assert!(desk.verify().0);
    desk.bad(&["root", "repo", "--root-key", "b.pub", "--days", "0"], "0 is not in 1..");
}
