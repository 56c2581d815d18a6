//! Which slot grub.cfg boots. Its language is a part of the shell's, so that the shell runs the file as it is, with
//! functions in the place of GRUB's commands; GRUB's own checker reads it, too.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use image::grub;
use image::layout::Layout;
use tempfile::TempDir;

/// `$GRUBENV` is the environment block, `$BROKEN` the slots whose kernel does not load.
const COMMANDS: &str = r#"
set() { eval "${1%%=*}=\${1#*=}"; }
regexp() { disk=hd0; }
load_env() { . "$GRUBENV"; }
save_env() { for name; do echo "$name='${!name}'"; done >>"$GRUBENV"; }
source() {
    case "$1" in "(hd0,gpt2)/slot.cfg") loads=A ;; "(hd0,gpt3)/slot.cfg") loads=B ;; *) exit 7 ;; esac
    case "$BROKEN" in *"$loads"*) ;; *) args="quiet" ;; esac
}
linux() { command_line="$*"; }
initrd() { :; }
boot() { echo "boot $command_line"; exit 0; }
echo() { builtin echo "$@"; }
sleep() { :; }
reboot() { echo reboot; exit 0; }
root=hd0,gpt1
"#;

struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new(variables: &[(&str, &str)]) -> Self {
        let machine = Self { dir: TempDir::new().unwrap() };
        fs::write(machine.dir.path().join("grub.sh"), format!("{COMMANDS}{}", config())).unwrap();
        fs::write(machine.environment(), "").unwrap();
        machine.write(variables);
        machine
    }

    fn environment(&self) -> std::path::PathBuf {
        self.dir.path().join("grubenv")
    }

    /// As RAUC does; the last word on a variable counts.
    fn write(&self, variables: &[(&str, &str)]) {
        let mut text = fs::read_to_string(self.environment()).unwrap();
        for (name, value) in variables {
            text.push_str(&format!("{name}='{value}'\n"));
        }
        fs::write(self.environment(), text).unwrap();
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.environment()).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
    }

    fn is(&self, name: &str) -> String {
        self.variables().get(name).cloned().unwrap_or_default()
    }

    /// What is said when every slot loads.
    fn command_line(&self) -> String {
        self.run("")
    }

    fn run(&self, broken: &str) -> String {
        let shell = Command::new("bash")
            .arg(self.dir.path().join("grub.sh"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("GRUBENV", self.environment())
            .env("BROKEN", broken)
            .output()
            .unwrap();
        assert!(
            shell.status.success() && shell.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&shell.stderr)
        );
        String::from_utf8(shell.stdout).unwrap()
    }

    /// The slot that is started; `-` if none.
    fn boot_with(&self, broken: &str) -> String {
        let said = self.run(broken);
        let slot = said.split("rauc.slot=").nth(1).map(|rest| rest.trim().to_owned());
        if let Some(slot) = &slot {
            let (root, boot) = if slot == "A" { ("root-a", "gpt2") } else { ("root-b", "gpt3") };
            assert!(said.contains(&format!("kiosk.root={root} ")) && said.contains(boot), "{said}");
        }
        slot.unwrap_or_else(|| "-".to_owned())
    }

    fn boot(&self) -> String {
        self.boot_with("")
    }

    /// RAUC's `mark-active`.
    fn activate(&self, slot: &str) {
        let order = if slot == "A" { "A B" } else { "B A" };
        self.write(&[("ORDER", order), (&format!("{slot}_OK"), "1"), (&format!("{slot}_TRY"), "0")]);
    }

    /// RAUC's `mark-good`.
    fn mark_good(&self, slot: &str) {
        self.write(&[(&format!("{slot}_OK"), "1"), (&format!("{slot}_TRY"), "0")]);
    }
}

fn config() -> String {
    // Asked at run time: checkouts on a machine share what was built.
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("layout.toml");
    grub::config(&Layout::read(&path).unwrap())
}

const NEW: &[(&str, &str)] =
    &[("ORDER", "A B"), ("A_OK", "1"), ("A_TRY", "0"), ("B_OK", "0"), ("B_TRY", "0"), ("PROVEN", "A")];

#[test]
fn grubs_own_checker_accepts_the_file() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("grub.cfg");
    fs::write(&file, config()).unwrap();
    let status = Command::new("grub-script-check").arg(&file).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_environment_is_one_block_that_grub_can_rewrite() {
    let text = grub::environment();
    assert_eq!(text.len(), 1024);
    assert!(text.starts_with("# GRUB Environment Block\n"));
}

#[test]
fn a_proven_slot_is_never_left_for_being_switched_off_and_on() {
    let machine = Machine::new(NEW);
    for _ in 0..20 {
        assert_eq!(machine.boot(), "A");
    }
    assert_eq!(machine.is("A_TRY"), "0");
}

#[test]
fn a_factory_reset_is_asked_for_once() {
    let machine = Machine::new(NEW);
    machine.write(&[("FACTORY_RESET", "1")]);
    let commands: Vec<bool> =
        (0..3).map(|_| machine.command_line().contains("systemd.factory_reset=1")).collect();
    assert_eq!(commands, [true, false, false]);
}

#[test]
fn a_release_on_trial_is_started_three_times_and_then_left_for_ever() {
    let machine = Machine::new(NEW);
    machine.activate("B");
    let slots: Vec<String> = (0..6).map(|_| machine.boot()).collect();
    assert_eq!(slots, ["B", "B", "B", "A", "A", "A"]);
    assert_eq!((machine.is("B_TRY").as_str(), machine.is("PROVEN").as_str()), ("3", "A"));
}

#[test]
fn a_release_that_is_marked_good_becomes_the_proven_one() {
    let machine = Machine::new(NEW);
    machine.activate("B");
    assert_eq!(machine.boot(), "B");
    machine.mark_good("B");
    for _ in 0..10 {
        assert_eq!(machine.boot(), "B");
    }
    assert_eq!((machine.is("PROVEN").as_str(), machine.is("B_TRY").as_str()), ("B", "0"));
}

#[test]
fn the_next_update_is_on_trial_although_its_slot_was_once_proven() {
    let machine = Machine::new(NEW);
    for slot in ["B", "A", "B", "A"] {
        // Without a start in between, as when an update follows at once.
        machine.activate(slot);
        assert_eq!(machine.boot(), slot);
        assert_eq!(machine.is(&format!("{slot}_TRY")), "1", "{slot} is counted");
        machine.mark_good(slot);
    }
}

#[test]
fn a_release_that_failed_and_is_installed_anew_is_on_trial_again() {
    let machine = Machine::new(NEW);
    machine.activate("B");
    (0..4).for_each(|_| _ = machine.boot());
    machine.write(&[("B_OK", "0"), ("B_TRY", "0")]);
    assert_eq!(machine.boot(), "A");
    machine.activate("B");
    let slots: Vec<String> = (0..5).map(|_| machine.boot()).collect();
    assert_eq!(slots, ["B", "B", "B", "A", "A"]);
}

#[test]
fn a_slot_whose_kernel_does_not_load_costs_no_restart() {
    let machine = Machine::new(NEW);
    machine.activate("B");
    assert_eq!(machine.boot_with("B"), "A");
    assert_eq!(machine.boot_with("AB"), "-");
    assert_eq!(machine.boot(), "B", "what could not be read for once is not lost");
}

/// Every state of the variables, also those that nobody writes on purpose.
#[test]
fn something_boots_from_every_environment_and_what_is_bad_only_in_need() {
    let values = ["", "0", "1", "2", "3", "x"];
    for order in ["", "A B", "B A"] {
        for [a_ok, b_ok] in [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"], ["", ""]] {
            for (a_try, b_try) in values.iter().flat_map(|a| values.iter().map(move |b| (*a, *b))) {
                // The slots of which nothing is proven: the rows in which counts matter.
                let names = ["ORDER", "A_OK", "B_OK", "A_TRY", "B_TRY"];
                let row: Vec<_> = names.into_iter().zip([order, a_ok, b_ok, a_try, b_try]).collect();
                let machine = Machine::new(&row);
                let may = |ok: &str, tries: &str| ok != "0" && ["", "0", "1", "2"].contains(&tries);
                let [first, second] = if order == "B A" { ["B", "A"] } else { ["A", "B"] };
                let of = |slot: &str| if slot == "A" { may(a_ok, a_try) } else { may(b_ok, b_try) };
                let wanted = if of(first) || !of(second) { first } else { second };
                assert_eq!(machine.boot(), wanted, "{row:?}");
            }
        }
    }
}
